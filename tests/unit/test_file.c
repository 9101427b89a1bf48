/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The content of a file, while the disk keeps what it is given. test_file_durable.c is about when not. */
#include "disk.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

static struct model model;

static int group_setup(void **state)
{
	/* For test_growth_fails. */
	signal(SIGXFSZ, SIG_IGN);
	return fixture_group_setup(state);
}

static void test_sizes(void **state)
{
	struct fixture *x = *state;
	for (size_t i = 0; i < N_OF(border_sizes); i++) {
		uint64_t len = content_stream_len(border_sizes[i]);
		struct file *f _cleanup_file_ = model_file(&model, x, "f", border_sizes[i]);
		model_check(&model, f);
		assert_int_equal(disk_size(file_fd(f)), content_pages(len) * PAGE);
		assert_int_equal(file_settle(f), 0);
		assert_int_equal(disk_size(file_fd(f)), content_cipher_size(len, true));
		model_check_disk(&model, x, "f");
	}
}

/* From each size to each other, by cutting or growing, and by writing at the end to be. */
static void test_size_to_size(void **state)
{
	struct fixture *x = *state;
	for (size_t i = 0; i < N_OF(border_sizes) * N_OF(border_sizes); i++) {
		uint64_t a = border_sizes[i / N_OF(border_sizes)],
			 b = border_sizes[i % N_OF(border_sizes)];
		struct file *f _cleanup_file_ = model_file(&model, x, "f", a);
		assert_int_equal(file_truncate(f, b), 0);
		model_truncate(&model, b);
		model_check(&model, f);
		model_check_disk(&model, x, "f");
		assert_int_equal(file_write(f, "end", 3, a), 0);
		model_write(&model, (const uint8_t *)"end", 3, a);
		model_check(&model, f);
		model_check_disk(&model, x, "f");
	}
}

/* Any part of it, from any place. */
static void test_reads(void **state)
{
	struct fixture *x = *state;
	uint8_t got[SCRATCH_BYTES / 16];
	struct dice d = { 0x5eed0001 };
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 50000);
	print_message("# seed %#llx\n", (unsigned long long)d.s);
	for (int i = 0; i < 500; i++) {
		uint64_t off = dice_below(&d, 50100),
			 n = dice_below(&d, i % 2 ? 9000 : sizeof(got));
		uint64_t want = off >= 50000 ? 0 : off + n > 50000 ? 50000 - off : n;
		assert_int_equal(file_read(f, got, (size_t)n, off), want);
		assert_memory_equal(got, model.bytes + off, want);
	}
	assert_int_equal(file_read(f, got, 1, UINT64_MAX), 0);
}

/* Below max, often at the border of a block. */
static uint64_t somewhere(struct dice *d, uint64_t max)
{
	uint64_t at = dice_below(d, max);
	uint64_t border = at / PAYLOAD * PAYLOAD + PAYLOAD - HEADER - 1 + dice_below(d, 3);
	return border < max && dice_below(d, 2) ? border : at;
}

/* One step of the model and the file alike. */
static void random_step(struct file *f, struct dice *d, uint64_t max)
{
	uint64_t off = somewhere(d, max), end = somewhere(d, max);
	uint64_t n = end > off ? end - off : 1 + dice_below(d, 300);
	if (off + n > max)
		n = max - off;
	uint64_t past = off + n < model.size ? off + n : model.size;
	switch (dice_below(d, 10)) {
	case 0:
		assert_int_equal(file_truncate(f, off), 0);
		model_truncate(&model, off);
		break;
	case 1:
		assert_int_equal(file_allocate(f, PUNCH, off, n), 0);
		if (off < past)
			model_write(&model, NULL, past - off, off);
		break;
	case 2:
		assert_int_equal(file_allocate(f, ZERO, off, n), 0);
		model_write(&model, NULL, n, off);
		break;
	case 3:
		assert_int_equal(file_allocate(f, ZERO_KEEP, off, n), 0);
		if (off < past)
			model_write(&model, NULL, past - off, off);
		break;
	case 4:
		assert_int_equal(file_allocate(f, (int)(n % 2) * FALLOC_FL_KEEP_SIZE, off, n), 0);
		if (n % 2 == 0 && model.size < off + n)
			model_truncate(&model, off + n);
		break;
	case 5:
		file_mark(f);
		file_marked(f);
		assert_int_equal(file_raise(f), 0);
		break;
	case 6:
		assert_int_equal(file_settle(f), 0);
		break;
	default:
		model_put(&model, f, d, n, off);
	}
}

static void random_steps(const struct fixture *x, uint64_t seed)
{
	struct dice d = { seed };
	uint64_t max = 1 + dice_below(&d, 60000);
	memset(&model, 0, sizeof(model));
	for (int open = 0; open < 4; open++) {
		struct file *f _cleanup_file_ = file_at(x, "f");
		model_check(&model, f);
		for (int i = 0; i < 12; i++) {
			random_step(f, &d, max);
			model_check(&model, f);
		}
		model_check_disk(&model, x, "f");
	}
	assert_int_equal(unlinkat(x->dir->fd, "f", 0), 0);
}

static void test_model(void **state)
{
	const uint64_t first = 0xc0ffee00;
	print_message("# seeds from %#llx\n", (unsigned long long)first);
	for (uint64_t i = 0; i < 40; i++)
		random_steps(*state, first + i * 7919);
}

static void test_refuses(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 100);
	assert_int_equal(file_write(f, model.bytes, SCRATCH_BYTES + 1, 0), -EINVAL);
	assert_int_equal(file_write(f, model.bytes, 1, CONTENT_MAX_SIZE), -EFBIG);
	assert_int_equal(file_write(f, model.bytes, 2, UINT64_MAX), -EFBIG);
	assert_int_equal(file_write(f, model.bytes, 0, UINT64_MAX), 0);
	assert_int_equal(file_truncate(f, CONTENT_MAX_SIZE + 1), -EFBIG);
	assert_int_equal(file_allocate(f, 0, 0, 0), -EINVAL);
	assert_int_equal(file_allocate(f, 0, 2, UINT64_MAX), -EFBIG);
	assert_int_equal(file_allocate(f, FALLOC_FL_PUNCH_HOLE, 0, 10), -EOPNOTSUPP);
	assert_int_equal(file_allocate(f, FALLOC_FL_COLLAPSE_RANGE, 0, 4096), -EOPNOTSUPP);
	assert_int_equal(file_seek(f, 0, SEEK_SET), -EINVAL);
	model_check(&model, f);
}

/* ---- holes ---- */

static bool is_hole(int fd, uint64_t k)
{
	return (uint64_t)lseek(fd, (off_t)(k * PAGE), SEEK_DATA) >= (k + 1) * PAGE;
}

static void test_holes(void **state)
{
	struct fixture *x = *state;
	const uint64_t lens[] = { 9 * PAYLOAD - 1, 9 * PAYLOAD, 8 * PAYLOAD + 1 };
	for (size_t i = 0; i < N_OF(lens); i++) {
		uint64_t size = lens[i] - HEADER;
		struct file *f _cleanup_file_ = model_file(&model, x, "f", size);
		int fd = file_fd(f);
		assert_false(disk_sparse(x, fd));
		assert_int_equal(file_allocate(f, PUNCH, 0, size), 0);
		model_write(&model, NULL, size, 0);
		assert_true(disk_sparse(x, fd));
		for (uint64_t k = 0; k < 9; k++)
			assert_int_equal(is_hole(fd, k), k > 0 && k < 8);
		assert_int_equal(disk_size(fd), 9 * PAGE);
		model_check_disk(&model, x, "f");
	}
}

static void test_growth_is_a_hole(void **state)
{
	struct fixture *x = *state;
	const uint64_t big = (uint64_t)1 << 40;
	uint8_t got[8];
	struct stat sb;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 10);
	assert_int_equal(file_truncate(f, big), 0);
	assert_int_equal(file_settle(f), 0);
	assert_true(disk_sparse(x, file_fd(f)));
	assert_int_equal(file_stat(f, &sb), 0);
	assert_int_equal(sb.st_size, big);
	assert_true(sb.st_blocks < 1000);
	assert_int_equal(file_write(f, "end", 3, 2 * big), 0);
	struct file *again _cleanup_file_ = file_at(x, "f");
	assert_int_equal(file_size(again), 2 * big + 3);
	assert_int_equal(file_read(again, got, 8, 2 * big - 2), 5);
	assert_memory_equal(got, "\0\0end", 5);
	assert_int_equal(file_read(again, got, 8, big / 2), 8);
	assert_memory_equal(got, "\0\0\0\0\0\0\0\0", 8);
}

static void test_seek(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 100);
	assert_int_equal(file_seek(f, 5, SEEK_DATA), 5);
	assert_int_equal(file_seek(f, 5, SEEK_HOLE), 100);
	assert_int_equal(file_seek(f, 100, SEEK_DATA), -ENXIO);
	assert_int_equal(file_seek(f, 100, SEEK_HOLE), -ENXIO);
	/* Blocks 0 and 1 (the gap begins in the first), a hole, and 20. */
	assert_int_equal(file_write(f, "x", 1, BLOCK_OFF(1)), 0);
	assert_int_equal(file_write(f, "x", 1, BLOCK_OFF(20) + 9), 0);
	assert_int_equal(file_seek(f, 5, SEEK_DATA), 5);
	assert_int_equal(file_seek(f, 5, SEEK_HOLE), BLOCK_OFF(2));
	assert_int_equal(file_seek(f, BLOCK_OFF(2), SEEK_HOLE), BLOCK_OFF(2));
	assert_int_equal(file_seek(f, BLOCK_OFF(7) + 1, SEEK_HOLE), BLOCK_OFF(7) + 1);
	assert_int_equal(file_seek(f, BLOCK_OFF(2), SEEK_DATA), BLOCK_OFF(20));
	assert_int_equal(file_seek(f, BLOCK_OFF(20) + 3, SEEK_DATA), BLOCK_OFF(20) + 3);
	assert_int_equal(file_seek(f, BLOCK_OFF(20) + 3, SEEK_HOLE), BLOCK_OFF(20) + 10);
	assert_int_equal(file_settle(f), 0);
	assert_int_equal(file_seek(f, BLOCK_OFF(20) + 3, SEEK_HOLE), BLOCK_OFF(20) + 10);
}

/* ---- descriptors ---- */

static void test_read_only(void **state)
{
	struct fixture *x = *state;
	int r;
	struct file *before _cleanup_file_ = model_file(&model, x, "f", 9000);
	struct file *f _cleanup_file_ = file_found(x, "f", false, &r);
	assert_int_equal(r, 0);
	assert_true(file_is_open(f, false));
	assert_false(file_is_open(f, true));
	assert_int_equal(file_write(f, "x", 1, 0), -EBADF);
	assert_int_equal(file_settle(f), 0);
	assert_int_equal(disk_size(file_fd(before)), 3 * PAGE);
	model_check(&model, f);
	int fd = file_fd(f);
	assert_int_equal(file_attach(f, disk_fd(x, "f"), true), 0);
	assert_int_equal(file_fd(f), fd);
	assert_true(file_is_open(f, true));
	assert_int_equal(file_write(f, model.bytes + 1, 1, 1), 0);
	/* One that is less is taken and not used. */
	assert_int_equal(file_attach(f, openat(x->dir->fd, "f", O_RDONLY | O_CLOEXEC), false), 0);
	assert_int_equal(file_write(f, model.bytes + 1, 1, 1), 0);
}

struct reader {
	struct file *f;
	atomic_bool stop;
	atomic_ullong rounds;
	ssize_t last;
};

static void *reader_run(void *arg)
{
	struct reader *r = arg;
	uint8_t got[9000];
	do {
		r->last = file_read(r->f, got, sizeof(got), 0);
		if (r->last == 9000 && memcmp(got, model.bytes, 9000) != 0)
			r->last = -1;
		r->rounds++;
	} while (r->last == 9000 && !r->stop);
	return NULL;
}

/* A reader goes on while a writable descriptor takes the place of the one it uses. */
static void test_attach_beside_reader(void **state)
{
	struct fixture *x = *state;
	file_free(model_file(&model, x, "f", 9000));
	for (int i = 0; i < 50; i++) {
		int r;
		pthread_t thread;
		struct file *f _cleanup_file_ = file_found(x, "f", false, &r);
		struct reader reader = { .f = f };
		assert_int_equal(r, 0);
		assert_int_equal(pthread_create(&thread, NULL, reader_run, &reader), 0);
		while (reader.rounds < 2)
			sched_yield();
		r = file_attach(f, disk_fd(x, "f"), true);
		unsigned long long rounds = reader.rounds + 2;
		while (reader.rounds < rounds && reader.last == 9000)
			sched_yield();
		reader.stop = true;
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(r, 0);
		assert_int_equal(reader.last, 9000);
		assert_int_equal(file_write(f, model.bytes, 9000, 0), 0);
	}
}

/* Shared mode: what somebody else has changed is seen, and what nobody has costs nothing. */
static void test_revalidate(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 9000);
	struct file *other _cleanup_file_ = file_at(x, "f");
	assert_int_equal(file_revalidate(other), 0);
	model_fill(&model, 20000);
	assert_int_equal(file_write(f, model.bytes, 20000, 0), 0);
	assert_int_equal(file_revalidate(other), 1);
	model_check(&model, other);
	assert_int_equal(file_revalidate(other), 0);
	disk_flip(file_fd(f), 300);
	assert_int_equal(file_revalidate(other), -EBADMSG);
	assert_int_equal(file_read(other, model.bytes, 1, 9000), -EBADMSG);
	disk_flip(file_fd(f), 300);
	assert_int_equal(file_revalidate(other), 1);
}

/* ---- failed growth ---- */

/* Nothing can be written behind that size of the ciphertext. */
static void limit_size(uint64_t bytes)
{
	struct rlimit lim;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &lim), 0);
	lim.rlim_cur = bytes > 0 ? bytes : lim.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &lim), 0);
}

static void test_growth_fails(void **state)
{
	struct fixture *x = *state;
	static uint8_t zeros[100000];
	for (size_t i = 0; i < N_OF(border_sizes); i++) {
		uint64_t pages = content_pages(content_stream_len(border_sizes[i]));
		struct file *f _cleanup_file_ = model_file(&model, x, "f", border_sizes[i]);
		for (int hinted = 0; hinted < 2; hinted++) {
			assert_int_equal(hinted ? file_settle(f) : 0, 0);
			/* Room for one page more, so that a write gets somewhere. */
			limit_size((pages + 1) * PAGE);
			int append = file_write(f, zeros, sizeof(zeros), border_sizes[i]);
			int gap = file_write(f, zeros, 10, border_sizes[i] + 50000);
			int grow = file_truncate(f, border_sizes[i] + 50000);
			int zero = file_allocate(f, ZERO, border_sizes[i], 50000);
			limit_size(0);
			assert_int_equal(append, -EFBIG);
			assert_int_equal(gap, -EFBIG);
			assert_int_equal(grow, -EFBIG);
			assert_int_equal(zero, -EFBIG);
			model_check(&model, f);
			model_check_disk(&model, x, "f");
		}
		assert_int_equal(file_write(f, zeros, 5000, border_sizes[i]), 0);
		model_write(&model, zeros, 5000, border_sizes[i]);
		model_check_disk(&model, x, "f");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_sizes),
		FIXTURE_TEST(test_size_to_size),
		FIXTURE_TEST(test_reads),
		FIXTURE_TEST(test_model),
		FIXTURE_TEST(test_refuses),
		FIXTURE_TEST(test_holes),
		FIXTURE_TEST(test_growth_is_a_hole),
		FIXTURE_TEST(test_seek),
		FIXTURE_TEST(test_read_only),
		FIXTURE_TEST(test_attach_beside_reader),
		FIXTURE_TEST(test_revalidate),
		FIXTURE_TEST(test_growth_fails),
	};
	return RUN_TAP(tests, group_setup, fixture_group_teardown);
}
