/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes that do not come in order, and the gaps they leave: filled, or holes of a SPARSE file. */
#include "disk.h"
#include "wrap.h"

#define BLOCKS (SCRATCH_BYTES / PAYLOAD)

static struct model model;
static struct fixture *in_fixture;
static bool seen_sparse;

/* Random bytes in blocks [from, to). */
static void put_blocks(struct file *f, struct dice *d, uint64_t from, uint64_t to)
{
	model_put(&model, f, d, BLOCK_OFF(to) - BLOCK_OFF(from), BLOCK_OFF(from));
}

static struct file *empty_file(const struct fixture *x)
{
	return model_file(&model, x, "f", 0);
}

/* Two runs of blocks with a gap between them. */
static struct file *gap_file(const struct fixture *x, struct dice *d)
{
	struct file *f = empty_file(x);
	put_blocks(f, d, 0, 32);
	put_blocks(f, d, 64, 96);
	return f;
}

static void make_durable(struct file *f)
{
	assert_int_equal(file_sync(f, false), 0);
	assert_int_equal(file_raise(f), 0);
}

static void assert_state(const struct fixture *x, struct file *f, uint64_t blocks, bool sparse)
{
	assert_int_equal(disk_durable(x, file_fd(f)), blocks * PAYLOAD);
	assert_int_equal(disk_sparse(x, file_fd(f)), sparse);
	model_check(&model, f);
	model_check_disk(&model, x, "f");
}

static void test_filled(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 1 };
	uint8_t got[16];
	struct file *f _cleanup_file_ = gap_file(x, &d);
	assert_false(file_is_whole(f));
	put_blocks(f, &d, 32, 64);
	assert_true(file_is_whole(f));
	make_durable(f);
	assert_state(x, f, 96, false);
	/* What is zeroed now is damage. */
	disk_punch(file_fd(f), 40, 1);
	assert_int_equal(file_read(f, got, 16, BLOCK_OFF(40)), -EBADMSG);
	struct file *again _cleanup_file_ = file_at(x, "f");
	assert_int_equal(file_read(again, got, 16, BLOCK_OFF(40)), -EBADMSG);
}

/* As long as it is there it reads as zeros, is told as a hole, and may lie there after a power cut. */
static void test_meanwhile(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 2 };
	struct file *f _cleanup_file_ = gap_file(x, &d);
	assert_state(x, f, 0, false);
	assert_int_equal(file_seek(f, 0, SEEK_DATA), 0);
	assert_int_equal(file_seek(f, 0, SEEK_HOLE), BLOCK_OFF(32));
	assert_int_equal(file_seek(f, BLOCK_OFF(40) + 5, SEEK_HOLE), BLOCK_OFF(40) + 5);
	assert_int_equal(file_seek(f, BLOCK_OFF(40) + 5, SEEK_DATA), BLOCK_OFF(64));
	assert_int_equal(file_seek(f, BLOCK_OFF(64), SEEK_HOLE), model.size);
	/* A part of a block makes all of it. */
	model_put(&model, f, &d, 10, BLOCK_OFF(50) + 100);
	assert_int_equal(file_seek(f, BLOCK_OFF(40), SEEK_DATA), BLOCK_OFF(50));
	assert_int_equal(file_seek(f, BLOCK_OFF(50), SEEK_HOLE), BLOCK_OFF(51));
	assert_state(x, f, 0, false);
}

/* Outside of it what is missing is damage for the one who wrote it. */
static void test_only_there(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 3 };
	uint8_t got[16];
	x->st->alone = true; /* in shared mode it would look again, and know less */
	struct file *f _cleanup_file_ = gap_file(x, &d);
	disk_punch(file_fd(f), 31, 1);
	disk_punch(file_fd(f), 64, 1);
	assert_int_equal(file_read(f, got, 16, BLOCK_OFF(31)), -EBADMSG);
	assert_int_equal(file_read(f, got, 16, BLOCK_OFF(64)), -EBADMSG);
	assert_int_equal(file_read(f, got, 16, BLOCK_OFF(32)), 16);
	assert_int_equal(file_read(f, got, 16, BLOCK_OFF(63)), 16);
}

static void look_in_sync(int fd)
{
	seen_sparse = disk_sparse(in_fixture, fd);
}

/* One that is there when the file is put on disk is a hole, and told before. */
static void test_stays(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 4 };
	struct file *f _cleanup_file_ = gap_file(x, &d);
	in_fixture = x;
	seen_sparse = false;
	wrap.before = look_in_sync;
	make_durable(f);
	wrap.before = NULL;
	assert_true(seen_sparse);
	assert_true(file_is_whole(f));
	assert_state(x, f, 96, true);
}

static void test_stays_at_a_close(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 5 };
	const struct timespec old[2] = { { 1000, 5 }, { 2000, 7 } };
	struct stat sb;
	struct file *f _cleanup_file_ = gap_file(x, &d);
	assert_int_equal(file_set_times(f, old), 0);
	assert_int_equal(file_settle(f), 0);
	assert_true(file_is_whole(f));
	assert_state(x, f, 0, true);
	assert_int_equal(file_stat(f, &sb), 0);
	assert_int_equal(sb.st_mtim.tv_sec, 2000);
}

/* What fills it after the mark may not be on disk: the durable length must not go over it. */
static void test_filled_after_mark(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 6 };
	struct file *f _cleanup_file_ = gap_file(x, &d);
	file_mark(f);
	put_blocks(f, &d, 32, 64);
	file_marked(f);
	assert_int_equal(file_raise(f), 0);
	assert_state(x, f, 32, false);
	assert_true(file_wants_raise(f));
	file_mark(f);
	file_marked(f);
	assert_int_equal(file_raise(f), 0);
	assert_state(x, f, 96, false);
}

/* One that was there when the object before this one was closed is found again. */
static void test_found_again(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 7 };
	for (int filled = 0; filled < 2; filled++) {
		file_free(gap_file(x, &d));
		struct file *f _cleanup_file_ = file_at(x, "f");
		model_check(&model, f);
		if (filled)
			put_blocks(f, &d, 32, 64);
		make_durable(f);
		assert_state(x, f, 96, !filled);
	}
}

/* In shared mode: another has filled it meanwhile, and changed block 0. */
static void test_filled_by_another(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 13 };
	struct file *f _cleanup_file_ = gap_file(x, &d);
	struct file *other _cleanup_file_ = file_at(x, "f");
	put_blocks(other, &d, 32, 64);
	put_blocks(other, &d, 0, 1);
	assert_int_equal(file_sync(f, false), 0);
	assert_state(x, f, 0, false);
	make_durable(f);
	assert_state(x, f, 96, false);
}

/* A cut into it, before it, and behind it. */
static void test_cut(void **state)
{
	struct fixture *x = *state;
	const struct {
		uint64_t block;
		bool sparse;
	} cuts[] = { { 20, false }, { 32, false }, { 33, false }, { 40, true }, { 70, true } };
	for (size_t i = 0; i < N_OF(cuts); i++) {
		struct dice d = { 8 };
		struct file *f _cleanup_file_ = gap_file(x, &d);
		uint64_t size = BLOCK_OFF(cuts[i].block);
		assert_int_equal(file_truncate(f, size), 0);
		model_truncate(&model, size);
		model_check(&model, f);
		model_check_disk(&model, x, "f");
		make_durable(f);
		assert_state(x, f, cuts[i].block, cuts[i].sparse);
		/* And what is cut off is no gap any more, but what growth leaves out is a new one. */
		put_blocks(f, &d, 80, 90);
		make_durable(f);
		assert_state(x, f, 90, true);
	}
}

static void test_growth(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 9 };
	struct file *f _cleanup_file_ = empty_file(x);
	assert_int_equal(file_truncate(f, BLOCK_OFF(100)), 0);
	model.size = BLOCK_OFF(100);
	assert_false(disk_sparse(x, file_fd(f)));
	for (uint64_t k = 0; k < 100; k += 10)
		put_blocks(f, &d, k, k + 10);
	make_durable(f);
	assert_state(x, f, 100, false);
}

/* More than are remembered: SPARSE at once. */
static void test_many(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 10 };
	struct file *f _cleanup_file_ = empty_file(x);
	for (uint64_t i = 0; i < 40; i++)
		put_blocks(f, &d, 2 * i, 2 * i + 1);
	assert_state(x, f, 0, true);
	assert_true(file_is_whole(f));
	for (uint64_t i = 0; i < 40; i++)
		put_blocks(f, &d, 2 * i + 1, 2 * i + 2);
	make_durable(f);
	assert_state(x, f, 80, true);
}

/* One gap that becomes more than are remembered: none is forgotten. */
static void test_split(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 11 };
	struct file *f _cleanup_file_ = empty_file(x);
	put_blocks(f, &d, 0, 1);
	put_blocks(f, &d, 100, 101);
	for (uint64_t k = 2; k < 100; k += 2)
		put_blocks(f, &d, k, k + 1);
	model_check(&model, f);
	make_durable(f);
	assert_state(x, f, 101, true);
}

/* Any order. */
static void test_any_order(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 0x5eed0003 };
	enum { N = 32, STEP = 8 };
	assert_true(N * STEP <= BLOCKS);
	print_message("# seed %#llx\n", (unsigned long long)d.s);
	for (int round = 0; round < 40; round++) {
		uint64_t order[N], left_out = dice_below(&d, 2 * N);
		struct file *f _cleanup_file_ = empty_file(x);
		for (uint64_t i = 0; i < N; i++) {
			uint64_t j = dice_below(&d, i + 1);
			order[i] = order[j];
			order[j] = i;
		}
		for (size_t i = 0; i < N; i++)
			if (order[i] != left_out)
				put_blocks(f, &d, order[i] * STEP, order[i] * STEP + STEP);
		model_check(&model, f);
		make_durable(f);
		/* Block 0 is there always, and behind the last one is nothing. */
		bool hole = left_out < N - 1;
		assert_state(x, f, left_out == N - 1 ? (N - 1) * STEP : N * STEP, hole);
	}
}

/* ---- zero pages below the durable length are damage, and stay so ---- */

static void test_damage_is_not_excused(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 12 };
	uint8_t page[PAGE], got[16];
	const uint64_t below[] = { 1, 10, 31 };
	for (size_t i = 0; i < N_OF(below); i++) {
		struct file *before _cleanup_file_ = empty_file(x);
		put_blocks(before, &d, 0, 32);
		make_durable(before);
		put_blocks(before, &d, 32, 40);
		int fd = file_fd(before);
		disk_punch(fd, 35, 1);
		model_write(&model, NULL, PAYLOAD, BLOCK_OFF(35));
		assert_true(disk_page(fd, below[i], page));
		disk_zero_page(fd, below[i]);

		struct file *f _cleanup_file_ = file_at(x, "f");
		assert_int_equal(file_sync(f, false), 0);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(file_raise(f), -EBADMSG);
			assert_int_equal(disk_durable(x, fd), 32 * PAYLOAD);
			assert_false(disk_sparse(x, fd));
			assert_int_equal(file_read(f, got, 16, BLOCK_OFF(below[i])), -EBADMSG);
		}
		disk_put_page(fd, below[i], page);
		assert_true(file_revalidate(f) >= 0);
		make_durable(f);
		assert_state(x, f, 40, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRAP_TEST(test_filled),
		WRAP_TEST(test_meanwhile),
		WRAP_TEST(test_only_there),
		WRAP_TEST(test_stays),
		WRAP_TEST(test_stays_at_a_close),
		WRAP_TEST(test_filled_after_mark),
		WRAP_TEST(test_found_again),
		WRAP_TEST(test_filled_by_another),
		WRAP_TEST(test_cut),
		WRAP_TEST(test_growth),
		WRAP_TEST(test_many),
		WRAP_TEST(test_split),
		WRAP_TEST(test_any_order),
		WRAP_TEST(test_damage_is_not_excused),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
