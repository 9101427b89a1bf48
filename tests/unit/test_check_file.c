/* SPDX-License-Identifier: GPL-3.0-or-later */
/* src/offline/check_file.c: what it says of a file, and that it says no other than what reading the file does. */
#include "disk.h"

#include "offline/check_file.h"
#include "wrap.h"

static struct model model;

/* ---- what a check finds ---- */

struct finding {
	enum check_kind kind;
	uint64_t offset, length;
};

struct verdict {
	struct finding f[64];
	size_t n;
	struct check_file file;
};

static void note(void *arg, enum check_kind kind, uint64_t offset, uint64_t length)
{
	struct verdict *v = arg;
	assert_true(v->n < N_OF(v->f));
	v->f[v->n++] = (struct finding){ kind, offset, length };
}

static struct verdict check_fd(const struct fixture *x, int fd)
{
	struct verdict v = { .n = 0 };
	const struct check_sink sink = { note, &v };
	_Atomic uint64_t bytes = 0;
	assert_int_equal(check_file_load(x->st, fd, &v.file, &sink), 0);
	if (v.file.len > 0)
		assert_int_equal(check_file_verify(&v.file, 0, check_file_blocks(&v.file), &sink, &bytes), 0);
	return v;
}

static struct verdict check_name(const struct fixture *x, const char *name)
{
	_cleanup_fd_ int fd = openat(x->dir->fd, name, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return check_fd(x, fd);
}

static size_t count_class(const struct verdict *v, enum check_class class)
{
	size_t n = 0;
	for (size_t i = 0; i < v->n; i++)
		n += check_class_of(v->f[i].kind) == class;
	return n;
}

/* Is plaintext byte 'at' called damaged? */
static bool is_damaged(const struct verdict *v, uint64_t at)
{
	for (size_t i = 0; i < v->n; i++)
		if (check_class_of(v->f[i].kind) == CHECK_DAMAGE && at >= v->f[i].offset &&
		    at - v->f[i].offset < v->f[i].length)
			return true;
	return false;
}

static void assert_only(const struct verdict *v, enum check_kind kind, uint64_t offset, uint64_t length)
{
	assert_int_equal(v->n, 1);
	assert_string_equal(check_kind_name(v->f[0].kind), check_kind_name(kind));
	assert_int_equal(v->f[0].offset, offset);
	assert_int_equal(v->f[0].length, length);
}

/* A synced file of that size, with its durable length recorded and its hint set. */
static int settled(const struct fixture *x, uint64_t size)
{
	struct file *f _cleanup_file_ = model_file(&model, x, "f", size);
	assert_int_equal(file_sync(f, false), 0);
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(file_settle(f), 0);
	return disk_fd(x, "f");
}

/* ---- one thing at a time ---- */

static void test_sound(void **state)
{
	struct fixture *x = *state;
	for (size_t i = 0; i < N_OF(border_sizes); i++) {
		_cleanup_fd_ int fd = settled(x, border_sizes[i]);
		struct verdict v = check_fd(x, fd);
		assert_int_equal(v.n, 0);
		assert_int_equal(content_plain_size(v.file.len), border_sizes[i]);
	}
}

static void test_ranges(void **state)
{
	struct fixture *x = *state;
	const uint64_t size = 6 * PAYLOAD - HEADER - 100;
	_cleanup_fd_ int fd = settled(x, size);
	for (uint64_t k = 0; k < 6; k++) {
		uint64_t end = BLOCK_OFF(k + 1) < size ? BLOCK_OFF(k + 1) : size;
		disk_flip(fd, (off_t)(k * PAGE + 2000));
		struct verdict v = check_fd(x, fd);
		if (k == 0)
			assert_only(&v, CHECK_HEADER, 0, size);
		else
			assert_only(&v, CHECK_BLOCK, BLOCK_OFF(k), end - BLOCK_OFF(k));
		disk_flip(fd, (off_t)(k * PAGE + 2000));
	}
	/* Neighbours are one finding. */
	disk_flip(fd, 2 * PAGE);
	disk_flip(fd, 3 * PAGE);
	disk_flip(fd, 5 * PAGE);
	struct verdict v = check_fd(x, fd);
	assert_int_equal(v.n, 2);
	assert_int_equal(v.f[0].offset, BLOCK_OFF(2));
	assert_int_equal(v.f[0].length, 2 * PAYLOAD);
	assert_int_equal(v.f[1].offset, BLOCK_OFF(5));
	assert_int_equal(v.f[1].length, size - BLOCK_OFF(5));
}

static void test_kinds(void **state)
{
	struct fixture *x = *state;
	const uint64_t size = 6 * PAYLOAD - HEADER;
	{
		_cleanup_fd_ int fd = settled(x, size);
		disk_zero_page(fd, 2);
		disk_punch(fd, 3, 1);
		struct verdict v = check_fd(x, fd);
		assert_only(&v, CHECK_ZEROED, BLOCK_OFF(2), 2 * PAYLOAD);
	}
	{
		_cleanup_fd_ int fd = settled(x, size);
		disk_cut(fd, 4 * PAGE + 7);
		struct verdict v = check_fd(x, fd);
		assert_only(&v, CHECK_MISSING, BLOCK_OFF(4), 2 * PAYLOAD);
	}
	{
		struct disk_block b;
		_cleanup_fd_ int fd = settled(x, size);
		assert_int_equal(disk_open(x, fd, 1, &b), 0);
		b.used = 100;
		disk_seal(x, fd, 1, &b);
		struct verdict v = check_fd(x, fd);
		assert_only(&v, CHECK_SHORT, BLOCK_OFF(1), PAYLOAD);
	}
	{
		_cleanup_fd_ int fd = settled(x, size);
		disk_cut(fd, 6 * PAGE + 1);
		struct verdict v = check_fd(x, fd);
		assert_only(&v, CHECK_HINT, 0, 0);
	}
}

/* What no sync had covered may be zeros, and a damaged page is damage even there. */
static void test_unfinished(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 6 * PAYLOAD - HEADER);
	assert_int_equal(file_settle(f), 0);
	int fd = file_fd(f);
	disk_zero_page(fd, 3);
	struct verdict v = check_name(x, "f");
	assert_only(&v, CHECK_UNFINISHED, BLOCK_OFF(3), PAYLOAD);
	disk_flip(fd, 4 * PAGE);
	v = check_name(x, "f");
	assert_int_equal(v.n, 2);
	assert_int_equal(count_class(&v, CHECK_DAMAGE), 1);
	assert_true(is_damaged(&v, BLOCK_OFF(4)) && !is_damaged(&v, BLOCK_OFF(3)));
	disk_cut(fd, 3 * PAGE);
	v = check_name(x, "f");
	assert_only(&v, CHECK_HINT, 0, 0);
}

/* A first write that never reached the disk, of any size; other bytes behind it are damage. */
static void test_unwritten(void **state)
{
	struct fixture *x = *state;
	const uint64_t sizes[] = { 1, 100, PAGE - 1, PAGE, 3 * PAGE + 5, 3u << 20 };
	for (size_t i = 0; i < N_OF(sizes); i++) {
		_cleanup_fd_ int fd = disk_fd(x, "z");
		disk_cut(fd, 0);
		disk_cut(fd, sizes[i]);
		struct verdict v = check_fd(x, fd);
		assert_only(&v, CHECK_UNFINISHED, 0, 0);
		disk_flip(fd, (off_t)sizes[i] - 1);
		v = check_fd(x, fd);
		assert_int_equal(v.n, 1);
		assert_int_equal(v.f[0].kind, CHECK_HEADER);
	}
}

/* A hole of a terabyte takes no time, and is none of ours unless the header says so. */
static void test_huge(void **state)
{
	struct fixture *x = *state;
	const uint64_t far = (uint64_t)1 << 40;
	{
		struct file *f _cleanup_file_ = file_at(x, "s");
		assert_int_equal(file_write(f, "x", 1, far), 0);
		assert_int_equal(file_sync(f, false), 0);
		assert_int_equal(file_raise(f), 0);
		assert_int_equal(file_settle(f), 0);
	}
	struct verdict v = check_name(x, "s");
	assert_int_equal(v.n, 0);

	_cleanup_fd_ int fd = settled(x, 6 * PAYLOAD);
	disk_cut(fd, far);
	v = check_fd(x, fd);
	assert_only(&v, CHECK_UNFINISHED, v.f[0].offset, v.f[0].length);
	assert_true(v.f[0].length > far / PAGE * PAYLOAD - 10 * PAYLOAD);
}

/* Whatever the durable length says is missing takes no time either. */
static void test_huge_durable(void **state)
{
	struct fixture *x = *state;
	struct disk_block b;
	_cleanup_fd_ int fd = settled(x, 2 * PAYLOAD - HEADER);
	assert_int_equal(disk_open(x, fd, 0, &b), 0);
	b.durable = CONTENT_MAX_SIZE;
	disk_seal(x, fd, 0, &b);
	struct verdict v = check_fd(x, fd);
	assert_only(&v, CHECK_MISSING, BLOCK_OFF(2), CONTENT_MAX_SIZE - 2 * PAYLOAD);
}

static void test_newer(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = settled(x, 2 * PAYLOAD - HEADER);
	const uint8_t version = 2;
	assert_int_equal(pwrite(fd, &version, 1, 64 + 8), 1);
	struct verdict v = check_fd(x, fd);
	assert_only(&v, CHECK_NEWER, 0, 2 * PAYLOAD - HEADER);
}

/* Pieces of a file say together what the whole says. */
static void test_pieces(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = settled(x, 10 * PAYLOAD);
	disk_flip(fd, 4 * PAGE);
	disk_flip(fd, 5 * PAGE);
	struct verdict whole = check_fd(x, fd);
	struct verdict parts = { .n = 0 };
	const struct check_sink sink = { note, &parts };
	_Atomic uint64_t bytes = 0;
	assert_int_equal(check_file_load(x->st, fd, &parts.file, &sink), 0);
	for (uint64_t k = 0; k < check_file_blocks(&parts.file); k += 5)
		assert_int_equal(check_file_verify(&parts.file, k,
						   k + 5 < check_file_blocks(&parts.file) ?
							   k + 5 :
							   check_file_blocks(&parts.file),
						   &sink, &bytes),
				 0);
	assert_int_equal(parts.n, 2);
	for (uint64_t at = 0; at < content_plain_size(whole.file.len); at += 500)
		assert_int_equal(is_damaged(&whole, at), is_damaged(&parts, at));
	assert_int_equal(bytes, disk_size(fd) / PAGE * PAGE);
}

/* ---- the model: reading the file ---- */

#define PAGES_MAX 8u

static void mutate(struct fixture *x, struct dice *d, int fd)
{
	uint8_t a[PAGE], b[PAGE];
	struct disk_block block;
	uint64_t size = disk_size(fd), n = size / PAGE;
	uint64_t k = n > 0 ? dice_below(d, n) : 0, l = n > 0 ? dice_below(d, n) : 0;
	switch (dice_below(d, 11)) {
	case 0:
		if (size > 0)
			disk_flip(fd, (off_t)dice_below(d, size));
		break;
	case 1:
		if (n > 0)
			disk_zero_page(fd, k);
		break;
	case 2:
		if (n > 0)
			disk_punch(fd, k, 1);
		break;
	case 3:
		disk_cut(fd, dice_below(d, size + 1));
		break;
	case 4:
		disk_cut(fd, dice_below(d, n + 1) * PAGE);
		break;
	case 5:
		disk_cut(fd, size + dice_below(d, 2 * PAGE));
		break;
	case 6:
		if (n > 0 && disk_page(fd, k, a) && disk_page(fd, l, b)) {
			disk_put_page(fd, k, b);
			disk_put_page(fd, l, a);
		}
		break;
	case 7: /* sealed by one who may */
	case 8:
		if (n > 0 && disk_open(x, fd, 0, &block) == 0 && disk_open(x, fd, k, &block) == 0) {
			block.used = (uint16_t)(1 + (k == 0 ? HEADER : 0) +
						dice_below(d, PAYLOAD - (k == 0 ? HEADER : 0)));
			memset(block.payload + block.used, 0, PAYLOAD - block.used);
			disk_seal(x, fd, k, &block);
		}
		break;
	case 9:
		if (n > 0 && disk_open(x, fd, 0, &block) == 0) {
			block.durable = dice_below(d, PAGES_MAX * PAYLOAD);
			disk_seal(x, fd, 0, &block);
		}
		break;
	default:
		if (n > 0 && disk_open(x, fd, 0, &block) == 0) {
			put_le32(block.payload + 12, (uint32_t)dice_below(d, 2));
			disk_seal(x, fd, 0, &block);
		}
	}
}

/* What reading says of each block, against what the check says. Returns whether there was damage. */
static bool compare(const struct fixture *x, unsigned int round)
{
	uint8_t got[PAYLOAD];
	int r;
	bool damaged = false;
	struct file *f _cleanup_file_ = file_found(x, "f", false, &r);
	struct verdict v = check_name(x, "f");
	if (r < 0) {
		if (count_class(&v, CHECK_DAMAGE) == 0)
			fail_msg("round %u: opening gives %d, the check says nothing", round, r);
		return true;
	}
	uint64_t size = file_size(f);
	if (v.file.len > 0 || size > 0)
		assert_int_equal(content_plain_size(v.file.len), size);
	for (uint64_t k = 0; BLOCK_OFF(k) < size; k++) {
		uint64_t n = (k == 0 ? PAYLOAD - HEADER : PAYLOAD);
		bool reads = file_read(f, got, n, BLOCK_OFF(k)) >= 0;
		uint64_t last = BLOCK_OFF(k) + n - 1 < size ? BLOCK_OFF(k) + n - 1 : size - 1;
		if (reads == is_damaged(&v, BLOCK_OFF(k)) || reads == is_damaged(&v, last))
			fail_msg("round %u: block %u reads: %d, and the check says otherwise", round, (unsigned int)k,
				 reads);
		damaged = damaged || !reads;
	}
	assert_int_equal(damaged, count_class(&v, CHECK_DAMAGE) > 0);
	return damaged;
}

static void make_any(const struct fixture *x, struct dice *d)
{
	(void)unlinkat(x->dir->fd, "f", 0);
	struct file *f _cleanup_file_ = model_file(&model, x, "f", dice_below(d, PAGES_MAX * PAYLOAD));
	if (dice_below(d, 4) == 0)
		assert_int_equal(file_allocate(f, PUNCH, dice_below(d, 3 * PAYLOAD), 3 * PAYLOAD), 0);
	if (dice_below(d, 2) == 0) {
		assert_int_equal(file_sync(f, false), 0);
		assert_int_equal(file_raise(f), 0);
	}
	if (dice_below(d, 3) == 0)
		assert_int_equal(file_write(f, model.bytes, (size_t)(1 + dice_below(d, PAYLOAD)),
					    file_size(f) + dice_below(d, 2 * PAYLOAD)),
				 0);
	if (dice_below(d, 2) == 0)
		assert_int_equal(file_settle(f), 0);
}

static void test_model(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 20260101 };
	unsigned int sound = 0, damaged = 0, rounds = UNIT_SANITIZED ? 500 : 2000;
	for (unsigned int i = 0; i < rounds; i++) {
		make_any(x, &d);
		if (compare(x, i))
			fail_msg("round %u: an untouched file is damaged", i);
		_cleanup_fd_ int fd = disk_fd(x, "f");
		for (uint64_t n = 1 + dice_below(&d, 3); n > 0; n--)
			mutate(x, &d, fd);
		if (compare(x, i))
			damaged++;
		else
			sound++;
	}
	/* Both had their turns. */
	assert_true(sound > rounds / 10 && damaged > rounds / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRAP_TEST(test_sound),
		WRAP_TEST(test_ranges),
		WRAP_TEST(test_kinds),
		WRAP_TEST(test_unfinished),
		WRAP_TEST(test_unwritten),
		WRAP_TEST(test_huge),
		WRAP_TEST(test_huge_durable),
		WRAP_TEST(test_newer),
		WRAP_TEST(test_pieces),
		WRAP_TEST(test_model),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
