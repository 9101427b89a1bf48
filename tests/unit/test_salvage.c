/* SPDX-License-Identifier: GPL-3.0-or-later */
/* src/offline/salvage.c: one fault a file; what is intact comes out, what is lost is named, nothing else. */
#include "disk.h"
#include "offline/salvage.h"

ssize_t __real_io_pread_full(int fd, void *buf, size_t n, off_t off);
ssize_t __wrap_io_pread_full(int fd, void *buf, size_t n, off_t off);

/* A page that the device does not give. */
static int64_t bad_page = -1;

ssize_t __wrap_io_pread_full(int fd, void *buf, size_t n, off_t off)
{
	off_t bad = (off_t)bad_page * PAGE;
	if (bad_page >= 0 && off <= bad && bad < off + (off_t)n)
		return -EIO;
	return __real_io_pread_full(fd, buf, n, off);
}

static struct model model;

/* What came out. */
struct got {
	uint64_t n;
	unsigned int fail; /* the call that fails, from 1 */
	unsigned int calls;
	uint8_t bytes[MODEL_MAX + PAGE];
};
static struct got got;

static int take(void *arg, const uint8_t *buf, uint64_t n)
{
	struct got *g = arg;
	if (++g->calls == g->fail)
		return -ENOSPC;
	assert_true(n > 0);
	assert_true(g->n + n <= sizeof(g->bytes));
	if (buf)
		memcpy(g->bytes + g->n, buf, n);
	else
		memset(g->bytes + g->n, 0, n);
	g->n += n;
	return 0;
}

/* Four blocks and a bit: plaintext [0,3968) [3968,8000) [8000,12032) [12032,16064) [16064,16100). */
#define SIZE 16100

/* The file, durable, with its hint; its descriptor. */
static int make(struct fixture *x, uint64_t size)
{
	struct file *f _cleanup_file_ = model_file(&model, x, "f", size);
	assert_int_equal(file_sync(f, false), 0);
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(file_settle(f), 0);
	return disk_fd(x, "f");
}

static void text_of(const struct salvage *s, char *text, size_t size)
{
	static const char *const why[] = { "damaged", "zeroed", "unread", "short", "cut" };
	size_t at = 0;
	text[0] = '\0';
	for (size_t i = 0; i < s->n; i++)
		at += (size_t)snprintf(text + at, size - at, "%s %llu-%llu ", why[s->lost[i].why],
				       (unsigned long long)s->lost[i].from, (unsigned long long)s->lost[i].to);
}

/* Salvage; so much comes out, these ranges are lost, all else is as it was written. */
static struct salvage check(const struct fixture *x, int fd, uint64_t size, const char *lost)
{
	struct salvage s;
	char text[1024];
	got = (struct got){ .n = 0 };
	assert_int_equal(salvage_file(x->st, fd, take, &got, &s), 0);
	text_of(&s, text, sizeof(text));
	assert_string_equal(text, lost);
	assert_int_equal(got.n, size);
	assert_int_equal(s.size, size);
	uint64_t zeros = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.lost[i].why == SALVAGE_CUT_OFF)
			continue;
		zeros += s.lost[i].to - s.lost[i].from;
		memset(model.bytes + s.lost[i].from, 0, s.lost[i].to - s.lost[i].from);
	}
	assert_memory_equal(got.bytes, model.bytes, size);
	assert_int_equal(s.intact, size - zeros);
	salvage_free(&s);
	return s;
}

static void nothing_opens(const struct fixture *x, int fd)
{
	struct salvage s;
	got = (struct got){ .n = 0 };
	assert_int_equal(salvage_file(x->st, fd, take, &got, &s), -EBADMSG);
	assert_int_equal(got.calls, 0);
	assert_int_equal(s.size, 0);
	salvage_free(&s);
}

static void intact_files_of_all_sizes(void **state)
{
	struct fixture *x = *state;
	for (size_t i = 0; i < N_OF(border_sizes); i++) {
		_cleanup_fd_ int fd = make(x, border_sizes[i]);
		struct salvage s = check(x, fd, border_sizes[i], "");
		assert_false(s.header_lost || s.end_unsure);
	}
	_cleanup_fd_ int fd = make(x, MODEL_MAX);
	(void)check(x, fd, MODEL_MAX, "");
}

static void a_block_in_the_middle(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = make(x, SIZE);
	disk_flip(fd, 2 * PAGE + 1000);
	struct salvage s = check(x, fd, SIZE, "damaged 8000-12032 ");
	assert_false(s.header_lost || s.end_unsure);
}

static void neighbours_are_one_range(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = make(x, SIZE);
	disk_flip(fd, 1 * PAGE);
	disk_flip(fd, 2 * PAGE + 30);
	(void)check(x, fd, SIZE, "damaged 3968-12032 ");
}

static void block_0(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = make(x, SIZE);
	disk_flip(fd, 3000);
	struct salvage s = check(x, fd, SIZE, "damaged 0-3968 ");
	assert_true(s.header_lost);
}

static void header_but_not_its_file_nonce(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = make(x, SIZE);
	disk_flip(fd, 64); /* magic */
	(void)check(x, fd, SIZE, "damaged 0-3968 ");
}

static void file_nonce(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = make(x, SIZE);
	disk_flip(fd, 64 + 20);
	nothing_opens(x, fd);
}

static void page_0_zeroed(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = make(x, SIZE);
	disk_zero_page(fd, 0);
	nothing_opens(x, fd);
	disk_punch(fd, 0, 1);
	nothing_opens(x, fd);
}

static void the_only_block(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = make(x, 100);
	disk_flip(fd, 3000);
	nothing_opens(x, fd);
}

static void zeroed_pages_written_or_punched(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = make(x, SIZE);
	disk_zero_page(fd, 1);
	(void)check(x, fd, SIZE, "zeroed 3968-8000 ");
	disk_punch(fd, 1, 2);
	(void)check(x, fd, SIZE, "zeroed 3968-12032 ");
}

static void pages_exchanged(void **state)
{
	struct fixture *x = *state;
	uint8_t a[PAGE], b[PAGE];
	_cleanup_fd_ int fd = make(x, SIZE);
	assert_true(disk_page(fd, 1, a) && disk_page(fd, 3, b));
	disk_put_page(fd, 1, b);
	disk_put_page(fd, 3, a);
	(void)check(x, fd, SIZE, "damaged 3968-8000 damaged 12032-16064 ");
}

static void another_files_page(void **state)
{
	struct fixture *x = *state;
	uint8_t page[PAGE];
	{
		_cleanup_fd_ int other = make(x, SIZE);
		assert_true(disk_page(other, 1, page));
	}
	_cleanup_fd_ int fd = make(x, SIZE); /* emptied first: it has a new file nonce */
	disk_put_page(fd, 1, page);
	(void)check(x, fd, SIZE, "damaged 3968-8000 ");
}

static void cut_off(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = make(x, SIZE);
	disk_cut(fd, 3 * PAGE);
	(void)check(x, fd, 12032, "cut 12032-16100 ");
	disk_cut(fd, 2 * PAGE + 77); /* in the middle of a page: what is left of it is no hint */
	(void)check(x, fd, 8000, "cut 8000-16100 ");
	disk_cut(fd, PAGE);
	(void)check(x, fd, 3968, "cut 3968-16100 ");
	disk_cut(fd, 4000);
	nothing_opens(x, fd);
}

static void cut_off_without_block_0(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = make(x, SIZE);
	disk_flip(fd, 3000);
	disk_cut(fd, 3 * PAGE);
	struct salvage s = check(x, fd, 12032, "damaged 0-3968 ");
	assert_true(s.header_lost); /* so nobody knows that something is missing */
}

static void the_last_block(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = make(x, SIZE);
	disk_flip(fd, 4 * PAGE + 9);
	struct salvage s = check(x, fd, SIZE, "damaged 16064-16100 "); /* by the hint */
	assert_false(s.end_unsure);
	disk_cut(fd, 5 * PAGE);
	s = check(x, fd, 20096, "damaged 16064-20096 ");
	assert_true(s.end_unsure);
}

static void beyond_the_durable_length(void **state)
{
	struct fixture *x = *state;
	file_free(model_file(&model, x, "f", SIZE));
	_cleanup_fd_ int fd = disk_fd(x, "f");
	disk_zero_page(fd, 2); /* what a power cut may leave: zeros, and no damage */
	memset(model.bytes + 8000, 0, 4032);
	(void)check(x, fd, SIZE, "");
	disk_flip(fd, 3 * PAGE); /* but this is */
	(void)check(x, fd, SIZE, "damaged 12032-16064 ");
}

static void holes_are_content(void **state)
{
	struct fixture *x = *state;
	model_fill(&model, 0);
	{
		struct file *f _cleanup_file_ = file_at(x, "f");
		const uint8_t text[] = "the end";
		model_write(&model, text, 7, 500000);
		assert_int_equal(file_write(f, text, 7, 500000), 0);
		assert_int_equal(file_sync(f, false), 0);
		assert_int_equal(file_raise(f), 0);
	}
	_cleanup_fd_ int fd = disk_fd(x, "f");
	(void)check(x, fd, 500007, "");
	assert_true(got.calls < 10); /* the hole in one go */
}

static void a_huge_hole_takes_no_time(void **state)
{
	struct fixture *x = *state;
	struct salvage s;
	_cleanup_fd_ int fd = make(x, SIZE);
	disk_cut(fd, ((uint64_t)1 << 40) + 77);
	got = (struct got){ .fail = 6 }; /* the sixth call would be a terabyte */
	assert_int_equal(salvage_file(x->st, fd, take, &got, &s), -ENOSPC);
	salvage_free(&s);
}

static void zeros_of_a_first_write_are_an_empty_file(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = disk_fd(x, "f");
	disk_cut(fd, 3 * PAGE + 5);
	model_fill(&model, 0);
	(void)check(x, fd, 0, "");
	disk_zero_page(fd, 1);
	(void)check(x, fd, 0, "");
	disk_cut(fd, 100);
	(void)check(x, fd, 0, "");
	disk_flip(fd, 50);
	nothing_opens(x, fd);
}

static void what_the_device_does_not_give(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = make(x, SIZE);
	bad_page = 2;
	(void)check(x, fd, SIZE, "unread 8000-12032 ");
	model_fill(&model, SIZE);
	bad_page = 4;
	(void)check(x, fd, SIZE, "unread 16064-16100 ");
	bad_page = 0;
	nothing_opens(x, fd);
	bad_page = -1;
}

static void the_sink_ends_it(void **state)
{
	struct fixture *x = *state;
	struct salvage s;
	_cleanup_fd_ int fd = make(x, SIZE);
	for (unsigned int i = 1; i <= 5; i++) {
		got = (struct got){ .fail = i };
		assert_int_equal(salvage_file(x->st, fd, take, &got, &s), -ENOSPC);
		assert_int_equal(got.calls, i);
		salvage_free(&s);
	}
}

static void every_other_block(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = make(x, 200 * PAYLOAD);
	struct salvage s;
	for (uint64_t k = 1; k < 200; k += 2)
		disk_flip(fd, (off_t)(k * PAGE));
	got = (struct got){ .n = 0 };
	assert_int_equal(salvage_file(x->st, fd, take, &got, &s), 0);
	assert_int_equal(s.n, 100);
	assert_int_equal(salvage_lost(&s), 100 * PAYLOAD);
	for (uint64_t k = 0; k < 200; k += 2)
		assert_memory_equal(got.bytes + BLOCK_OFF(k), model.bytes + BLOCK_OFF(k), k ? PAYLOAD : 3968);
	salvage_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(intact_files_of_all_sizes),
		FIXTURE_TEST(a_block_in_the_middle),
		FIXTURE_TEST(neighbours_are_one_range),
		FIXTURE_TEST(block_0),
		FIXTURE_TEST(header_but_not_its_file_nonce),
		FIXTURE_TEST(file_nonce),
		FIXTURE_TEST(page_0_zeroed),
		FIXTURE_TEST(the_only_block),
		FIXTURE_TEST(zeroed_pages_written_or_punched),
		FIXTURE_TEST(pages_exchanged),
		FIXTURE_TEST(another_files_page),
		FIXTURE_TEST(cut_off),
		FIXTURE_TEST(cut_off_without_block_0),
		FIXTURE_TEST(the_last_block),
		FIXTURE_TEST(beyond_the_durable_length),
		FIXTURE_TEST(holes_are_content),
		FIXTURE_TEST(a_huge_hole_takes_no_time),
		FIXTURE_TEST(zeros_of_a_first_write_are_an_empty_file),
		FIXTURE_TEST(what_the_device_does_not_give),
		FIXTURE_TEST(the_sink_ends_it),
		FIXTURE_TEST(every_other_block),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
