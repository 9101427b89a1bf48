/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When the durable length rises and falls, and what happens when the disk fails. */
#include "disk.h"
#include "wrap.h"

static struct model model;

/* For what is called from within a sync. */
static struct fixture *in_fixture;
static struct file *in_file;
static uint64_t seen_durable, seen_size;
static bool seen_sparse;

static uint64_t stream(uint64_t size)
{
	return content_stream_len(size);
}

/* A file of that size, all of it known to be on disk. */
static struct file *durable_file(const struct fixture *x, uint64_t size)
{
	struct file *f = model_file(&model, x, "f", size);
	assert_int_equal(file_sync(f, false), 0);
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), stream(size));
	return f;
}

/* ---- raising ---- */

static void test_raise(void **state)
{
	struct fixture *x = *state;
	uint8_t before[PAGE], after[PAGE];
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 9000);
	int fd = file_fd(f);
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, fd), 0);
	assert_false(file_is_synced(f));
	assert_true(file_wants_raise(f));
	assert_int_equal(file_sync(f, true), 0);
	assert_int_equal(wrap.sync.calls, 1);
	assert_int_equal(disk_durable(x, fd), 0);
	assert_true(file_is_synced(f));
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, fd), stream(9000));
	assert_false(file_wants_raise(f));
	/* Nothing to raise, nothing is written. */
	assert_true(disk_page(fd, 0, before));
	assert_int_equal(file_raise(f), 0);
	assert_true(disk_page(fd, 0, after));
	assert_memory_equal(before, after, PAGE);
	model_check_disk(&model, x, "f");
}

static void test_raise_not_beyond_synced(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 1 };
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 9000);
	assert_int_equal(file_sync(f, false), 0);
	model_put(&model, f, &d, 7000, 8000);
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), stream(9000));
	assert_false(file_is_synced(f));
	assert_true(file_wants_raise(f));
	model_check_disk(&model, x, "f");
}

/* Written while the disk is at work: of that the sync knows nothing. */
static void append_in_sync(int fd)
{
	(void)fd;
	wrap.before = NULL;
	assert_int_equal(file_write(in_file, "more", 4, file_size(in_file)), 0);
}

static void test_growth_in_sync(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 9000);
	in_file = f;
	wrap.before = append_in_sync;
	assert_int_equal(file_sync(f, false), 0);
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), stream(9000));
}

/* Cut and grown again while the disk is at work: what lies there now was not there when it began. */
static void cut_in_sync(int fd)
{
	(void)fd;
	wrap.before = NULL;
	assert_int_equal(file_truncate(in_file, 100), 0);
	assert_int_equal(file_truncate(in_file, 9000), 0);
}

static void test_cut_in_sync(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 9000);
	in_file = f;
	wrap.before = cut_in_sync;
	assert_int_equal(file_sync(f, false), 0);
	assert_false(file_is_synced(f));
	assert_int_equal(file_raise(f), 0);
	assert_true(disk_durable(x, file_fd(f)) <= stream(100));
}

/* And after the sync. */
static void test_cut_after_sync(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 9000);
	assert_int_equal(file_sync(f, false), 0);
	assert_int_equal(file_truncate(f, 100), 0);
	assert_int_equal(file_truncate(f, 9000), 0);
	assert_false(file_is_synced(f));
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), stream(100));
}

static void test_mark(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 2 };
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 9000);
	file_mark(f);
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), 0);
	model_put(&model, f, &d, 7000, 8000);
	file_marked(f);
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), stream(9000));
	file_mark(f);
	file_marked(f);
	assert_true(file_is_synced(f));
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), stream(15000));
	model_check_disk(&model, x, "f");
}

static void test_mark_cut(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 9000);
	file_mark(f);
	assert_int_equal(file_truncate(f, 100), 0);
	assert_int_equal(file_truncate(f, 9000), 0);
	file_marked(f);
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), stream(100));
}

static void test_mark_emptied(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = durable_file(x, 9000);
	file_mark(f);
	assert_int_equal(file_truncate(f, 0), 0);
	assert_int_equal(file_write(f, model.bytes, 9000, 0), 0);
	file_marked(f);
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), 0);
}

static void test_raise_keeps_mtime(void **state)
{
	struct fixture *x = *state;
	const struct timespec old[2] = { { 1000, 5 }, { 2000, 7 } };
	struct stat sb;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 9000);
	assert_int_equal(file_sync(f, false), 0);
	assert_int_equal(file_set_times(f, old), 0);
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), stream(9000));
	assert_int_equal(file_stat(f, &sb), 0);
	assert_int_equal(sb.st_mtim.tv_sec, 2000);
	assert_int_equal(sb.st_mtim.tv_nsec, 7);
}

static void test_raise_read_only(void **state)
{
	struct fixture *x = *state;
	int r;
	file_free(model_file(&model, x, "f", 9000));
	struct file *f _cleanup_file_ = file_found(x, "f", false, &r);
	assert_int_equal(file_sync(f, false), 0);
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), 0);
}

/* Written over what may be on disk, a page is not torn: it is clean before it is changed. */
static void test_quiesce(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 9000);
	assert_int_equal(file_write(f, "a", 1, 10), 0);
	assert_int_equal(wrap.range.calls, 0);
	assert_int_equal(file_sync(f, false), 0);
	assert_int_equal(file_write(f, "a", 1, 10), 0);
	assert_int_equal(wrap.range.calls, 1);
	assert_int_equal(file_write(f, "a", 1, 20000), 0);
	unsigned int ranges = wrap.range.calls;
	assert_int_equal(file_write(f, "a", 1, 20000), 0);
	assert_int_equal(wrap.range.calls, ranges);
	/* Where that call does nothing for the pages that count. */
	x->st->stacked = true;
	unsigned int syncs = wrap.sync.calls;
	assert_int_equal(file_write(f, "a", 1, 10), 0);
	assert_int_equal(wrap.sync.calls, syncs + 1);
	assert_int_equal(wrap.range.calls, ranges);
}

/* ---- lowering ---- */

static void look_in_sync(int fd)
{
	seen_durable = disk_durable(in_fixture, fd);
	seen_sparse = disk_sparse(in_fixture, fd);
	seen_size = disk_size(fd);
}

static void look_from(struct fixture *x)
{
	in_fixture = x;
	wrap.before = look_in_sync;
	wrap.sync.calls = 0;
}

/* The lower length is on disk before the file is cut. */
static void test_cut_below_durable(void **state)
{
	struct fixture *x = *state;
	const uint64_t cuts[] = { 8999, 8065, 4000, 3968, 100, 1 };
	struct file *f _cleanup_file_ = durable_file(x, 9000);
	for (size_t i = 0; i < N_OF(cuts); i++) {
		uint64_t size = disk_size(file_fd(f));
		look_from(x);
		assert_int_equal(file_truncate(f, cuts[i]), 0);
		assert_true(wrap.sync.calls > 0);
		assert_int_equal(seen_durable, stream(cuts[i]));
		assert_true(seen_size / PAGE == size / PAGE);
		assert_int_equal(disk_durable(x, file_fd(f)), stream(cuts[i]));
		model_truncate(&model, cuts[i]);
		model_check_disk(&model, x, "f");
	}
}

static void test_cut_above_durable(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 3 };
	struct file *f _cleanup_file_ = durable_file(x, 9000);
	model_put(&model, f, &d, 11000, 9000);
	look_from(x);
	assert_int_equal(file_truncate(f, 9000), 0);
	assert_int_equal(wrap.sync.calls, 0);
	assert_int_equal(disk_durable(x, file_fd(f)), stream(9000));
	/* Emptying needs no lower length: block 0 goes with the rest. */
	assert_int_equal(file_truncate(f, 0), 0);
	assert_int_equal(wrap.sync.calls, 0);
	assert_int_equal(disk_size(file_fd(f)), 0);
}

static void test_cut_fails(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = durable_file(x, 9000);
	wrap.sync.fail = 1;
	assert_int_equal(file_truncate(f, 100), -EIO);
	model_check(&model, f);
	model_check_disk(&model, x, "f");
}

/* Below the durable length SPARSE is on disk before there is a hole. */
static void test_punch_below_durable(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = durable_file(x, 5 * PAYLOAD);
	look_from(x);
	seen_sparse = false;
	assert_int_equal(file_allocate(f, PUNCH, BLOCK_OFF(2), PAYLOAD), 0);
	assert_int_equal(wrap.sync.calls, 1);
	assert_true(seen_sparse);
	model_write(&model, NULL, PAYLOAD, BLOCK_OFF(2));
	model_check_disk(&model, x, "f");
	assert_int_equal(file_allocate(f, PUNCH, BLOCK_OFF(3), PAYLOAD), 0);
	assert_int_equal(wrap.sync.calls, 1);
}

static void test_punch_above_durable(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 4 };
	struct file *f _cleanup_file_ = durable_file(x, 9000);
	model_put(&model, f, &d, 40000, 9000);
	look_from(x);
	assert_int_equal(file_allocate(f, PUNCH, BLOCK_OFF(5), PAYLOAD), 0);
	assert_int_equal(file_truncate(f, 1000000), 0);
	assert_int_equal(wrap.sync.calls, 0);
	assert_true(disk_sparse(x, file_fd(f)));
}

static void test_punch_fails(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = durable_file(x, 5 * PAYLOAD);
	wrap.sync.fail = 1;
	assert_int_equal(file_allocate(f, PUNCH, BLOCK_OFF(2), PAYLOAD), -EIO);
	model_check(&model, f);
	model_check_disk(&model, x, "f");
}

/* ---- the disk fails ---- */

/* A failure of write-back was told: nothing that depends on the disk works any more, and all the rest. */
static void assert_failed(struct fixture *x, struct file *f)
{
	uint64_t before = disk_durable(x, file_fd(f));
	assert_int_equal(file_sync(f, false), -EIO);
	assert_int_equal(file_sync(f, true), -EIO);
	file_mark(f);
	file_marked(f);
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), before);
	assert_false(file_wants_raise(f));
	assert_false(file_is_whole(f));
	assert_int_equal(file_settle(f), -EIO);
	model_check(&model, f);
}

/* And emptying it is the way out. */
static void assert_mended(struct fixture *x, struct file *f)
{
	assert_int_equal(file_truncate(f, 0), 0);
	model_fill(&model, 5000);
	assert_int_equal(file_write(f, model.bytes, 5000, 0), 0);
	assert_int_equal(file_sync(f, false), 0);
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), stream(5000));
	assert_int_equal(file_settle(f), 0);
	assert_true(file_is_whole(f));
	model_check_disk(&model, x, "f");
}

static void test_sync_fails(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 5 };
	for (int datasync = 0; datasync < 2; datasync++) {
		struct file *f _cleanup_file_ = durable_file(x, 9000);
		model_put(&model, f, &d, 11000, 9000);
		wrap.sync.fail = 1;
		assert_int_equal(file_sync(f, datasync), -EIO);
		assert_failed(x, f);
		assert_mended(x, f);
	}
}

/* Who opens it anew begins anew. */
static void test_sync_fails_opened_anew(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 9000);
	wrap.sync.fail = 1;
	assert_int_equal(file_sync(f, false), -EIO);
	struct file *again _cleanup_file_ = file_at(x, "f");
	assert_int_equal(file_sync(again, false), 0);
	assert_int_equal(file_raise(again), 0);
	assert_int_equal(disk_durable(x, file_fd(again)), stream(9000));
}

/* The kernel tells a failure once, here to one who only wants to write over a page. */
static void test_quiesce_fails(void **state)
{
	struct fixture *x = *state;
	for (int stacked = 0; stacked < 2; stacked++) {
		struct file *f _cleanup_file_ = durable_file(x, 9000);
		x->st->stacked = stacked;
		wrap.sync.fail = wrap.range.fail = 1;
		assert_int_equal(file_write(f, "lost", 4, 0), -EIO);
		wrap.sync.fail = wrap.range.fail = 0;
		assert_failed(x, f);
		assert_mended(x, f);
		x->st->stacked = false;
	}
}

/* Or to one who cuts. */
static void test_cut_fails_for_good(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = durable_file(x, 9000);
	wrap.sync.fail = 1;
	assert_int_equal(file_truncate(f, 100), -EIO);
	assert_failed(x, f);
	assert_mended(x, f);
}

/* Or to one who punches. */
static void test_punch_fails_for_good(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = durable_file(x, 5 * PAYLOAD);
	wrap.sync.fail = 1;
	assert_int_equal(file_allocate(f, PUNCH, BLOCK_OFF(2), PAYLOAD), -EIO);
	assert_failed(x, f);
	assert_mended(x, f);
}

/* What was marked before a failure was told is not known to be on disk. */
static void test_mark_fails(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 9000);
	file_mark(f);
	wrap.sync.fail = 1;
	assert_int_equal(file_sync(f, false), -EIO);
	file_marked(f);
	assert_false(file_is_synced(f));
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), 0);
}

/* Side files that cannot be put on disk are not this file's loss: the next sync puts all there. */
static void test_sync_side_file_fails(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 9000);
	assert_int_equal(sidefile_create(&x->st->side, x->dir->fd, "side", "x", 1), 0);
	wrap.sync.fail = 1;
	assert_int_equal(file_sync(f, false), -EIO);
	assert_false(file_is_synced(f));
	assert_int_equal(file_sync(f, false), 0);
	assert_int_equal(wrap.sync.calls, 3);
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), stream(9000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRAP_TEST(test_raise),
		WRAP_TEST(test_raise_not_beyond_synced),
		WRAP_TEST(test_growth_in_sync),
		WRAP_TEST(test_cut_in_sync),
		WRAP_TEST(test_cut_after_sync),
		WRAP_TEST(test_mark),
		WRAP_TEST(test_mark_cut),
		WRAP_TEST(test_mark_emptied),
		WRAP_TEST(test_raise_keeps_mtime),
		WRAP_TEST(test_raise_read_only),
		WRAP_TEST(test_quiesce),
		WRAP_TEST(test_cut_below_durable),
		WRAP_TEST(test_cut_above_durable),
		WRAP_TEST(test_cut_fails),
		WRAP_TEST(test_punch_below_durable),
		WRAP_TEST(test_punch_above_durable),
		WRAP_TEST(test_punch_fails),
		WRAP_TEST(test_sync_fails),
		WRAP_TEST(test_sync_fails_opened_anew),
		WRAP_TEST(test_quiesce_fails),
		WRAP_TEST(test_cut_fails_for_good),
		WRAP_TEST(test_punch_fails_for_good),
		WRAP_TEST(test_mark_fails),
		WRAP_TEST(test_sync_side_file_fails),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
