/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The queue of side files, and what a drain of it promises. */
#include "base/io.h"
#include "dirs.h"

static void test_queue(void **state)
{
	struct fixture *x = *state;
	struct dir *d _cleanup_dir_ = root_of(x);
	char name[32];
	assert_false(sidefile_pending(&x->st->side));
	for (int i = 0; i < SIDEFILE_QUEUE + 1; i++) {
		assert_int_equal(store_drain(x->st), 0);
		assert_int_equal(wrap.sync.calls, i);
		snprintf(name, sizeof(name), "s%d", i);
		assert_int_equal(sidefile_create(&x->st->side, d->fd, name, "x", 1), 0);
		assert_true(sidefile_pending(&x->st->side));
	}
	assert_int_equal(sidefile_create(&x->st->side, d->fd, "s0", "y", 1), -EEXIST);
	assert_int_equal(store_drain(x->st), 0);
	/* More than it holds: then all must go to the disk. */
	for (int i = 0; i < SIDEFILE_QUEUE + 1; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		assert_int_equal(sidefile_create(&x->st->side, d->fd, name, "x", 1), 0);
	}
	assert_int_equal(wrap.syncfs.calls, 0);
	assert_int_equal(store_drain(x->st), 0);
	assert_int_equal(wrap.syncfs.calls, 1);
	assert_false(sidefile_pending(&x->st->side));
}

/* Its mtime tells that it was written once more: the kernel takes what it could not write for written. */
static const struct timespec long_ago[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

static bool written_again(const struct dir *d, const char *disk)
{
	struct stat sb;
	uint8_t there[64];
	assert_int_equal(fstatat(d->fd, disk, &sb, 0), 0);
	assert_int_equal(io_read_file(d->fd, disk, there, sizeof(there)), 5);
	assert_memory_equal(there, "bytes", 5);
	return sb.st_mtim.tv_sec != 1000;
}

static void test_queue_fails(void **state)
{
	struct fixture *x = *state;
	struct sidefile_queue *q = &x->st->side;
	struct dir *d _cleanup_dir_ = root_of(x);
	assert_int_equal(sidefile_create(q, d->fd, "s", "bytes", 5), 0);
	assert_int_equal(sidefile_create(q, d->fd, "t", "bytes", 5), 0);
	assert_int_equal(utimensat(d->fd, "s", long_ago, 0), 0);
	assert_int_equal(utimensat(d->fd, "t", long_ago, 0), 0);
	wrap.sync.fail = 1;
	assert_int_equal(store_drain(x->st), -EIO);
	assert_true(sidefile_pending(q));
	wrap.sync.fail = 1;
	assert_int_equal(store_drain(x->st), -EIO);
	assert_int_equal(store_drain(x->st), 0);
	assert_false(sidefile_pending(q));
	assert_true(written_again(d, "s"));
	assert_false(written_again(d, "t"));
	assert_int_equal(wrap.syncfs.calls, 0);
}

/* The same where it takes a syncfs: nobody knows what it could not write. */
static void test_queue_syncfs_fails(void **state)
{
	struct fixture *x = *state;
	struct sidefile_queue *q = &x->st->side;
	struct dir *d _cleanup_dir_ = root_of(x);
	assert_int_equal(sidefile_create(q, d->fd, "s", "bytes", 5), 0);
	assert_int_equal(utimensat(d->fd, "s", long_ago, 0), 0);
	sidefile_suspect(q);
	wrap.syncfs.fail = 1;
	assert_int_equal(store_drain(x->st), -EIO);
	assert_int_equal(q->failures, 1);
	assert_true(sidefile_pending(q));
	assert_int_equal(store_drain(x->st), 0);
	assert_int_equal(wrap.syncfs.calls, 2);
	assert_true(written_again(d, "s"));
	assert_false(sidefile_pending(q));
}

/* What memory has let go of cannot be written again, and is not acknowledged any more. */
static void test_queue_lost(void **state)
{
	struct fixture *x = *state;
	struct dir *d _cleanup_dir_ = root_of(x);
	assert_int_equal(sidefile_create(&x->st->side, d->fd, "s", "bytes", 5), 0);
	wrap.sync.fail = 1;
	assert_int_equal(store_drain(x->st), -EIO);
	assert_int_equal(fchmodat(d->fd, "s", 0600, 0), 0);
	put_raw(d, "s", "\0\0\0\0\0", 5);
	assert_int_equal(store_drain(x->st), -EIO);
	assert_int_equal(store_drain(x->st), -EIO);
	assert_int_equal(unlinkat(d->fd, "s", 0), 0);
	assert_int_equal(store_drain(x->st), 0);
}

/* A side file's contents have been written when what needs it is made: before, a power cut left names whose
 * directory IDs had not been written yet. */
static void test_written_first(void **state)
{
	struct fixture *x = *state;
	struct dir *d _cleanup_dir_ = root_of(x);
	struct stat sb;
	unsigned int before = wrap.range.calls;
	assert_int_equal(sidefile_create(&x->st->side, d->fd, "s", "x", 1), 0);
	assert_int_equal(wrap.range.calls, before + 1);
	assert_int_equal(store_drain(x->st), 0);
	wrap.range.fail = 1;
	assert_int_equal(sidefile_create(&x->st->side, d->fd, "t", "x", 1), -EIO);
	assert_int_equal(dir_stat(d, "t", &sb), -ENOENT);
	assert_false(sidefile_pending(&x->st->side));
	wrap.range.fail = 1;
	struct sealed_name name = seal(d, "new");
	assert_int_equal(dirops_mkdir(d, &name, 0700, &nobody), -EIO);
	assert_int_equal(dir_stat(d, name.disk, &sb), -ENOENT);
}

static void test_ensure(void **state)
{
	struct fixture *x = *state;
	struct dir *d _cleanup_dir_ = root_of(x);
	struct stat sb;
	bool created = false;
	assert_int_equal(sidefile_ensure(&x->st->side, d->fd, "s", "abc", 3, &created), 0);
	assert_true(created);
	assert_int_equal(dir_stat(d, "s", &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0444);
	assert_int_equal(sidefile_ensure(&x->st->side, d->fd, "s", "abc", 3, &created), 0);
	assert_false(created);
	assert_int_equal(sidefile_ensure(&x->st->side, d->fd, "s", "abd", 3, &created), 0);
	assert_true(created);
	assert_int_equal(sidefile_ensure(&x->st->side, d->fd, "s", "ab", 2, &created), 0);
	assert_true(created);
	assert_int_equal(dir_stat(d, "s", &sb), 0);
	assert_int_equal(sb.st_size, 2);
	assert_int_equal(mkdirat(d->fd, "t", 0700), 0);
	assert_true(sidefile_ensure(&x->st->side, d->fd, "t", "ab", 2, &created) < 0);
	assert_false(created);
}

/* What an earlier process made may not be on disk: one syncfs tells. */
static void test_queue_suspect(void **state)
{
	struct fixture *x = *state;
	for (int read_only = 0; read_only < 2; read_only++) {
		struct store *st;
		wrap.syncfs.calls = 0;
		assert_int_equal(store_open(&x->vault, x->dir->fd, read_only, &st), 0);
		assert_int_equal(store_drain(st), 0);
		assert_int_equal(store_drain(st), 0);
		assert_int_equal(wrap.syncfs.calls, !read_only);
		store_free(st);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRAP_TEST(test_queue),
		WRAP_TEST(test_queue_fails),
		WRAP_TEST(test_written_first),
		WRAP_TEST(test_queue_syncfs_fails),
		WRAP_TEST(test_queue_lost),
		WRAP_TEST(test_ensure),
		WRAP_TEST(test_queue_suspect),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
