/* SPDX-License-Identifier: GPL-3.0-or-later */
/* src/offline/export.c: what the filesystem at the destination says late, and names that it takes for one. */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "dirs.h"
#include "disk.h"
#include "offline/export.h"
#include "wrap.h"

int __wrap_fstatfs(int fd, struct statfs *sf);
int __wrap_fstatfs64(int fd, struct statfs *sf);
int __real_close(int fd);
int __wrap_close(int fd);

static bool on_fuse;
static int fail_close; /* what closing a file that was written to says */

int __wrap_fstatfs(int fd, struct statfs *sf)
{
	(void)fd;
	*sf = (struct statfs){ .f_type = on_fuse ? FUSE_SUPER_MAGIC : 0 };
	return 0;
}

int __wrap_fstatfs64(int fd, struct statfs *sf)
{
	return __wrap_fstatfs(fd, sf);
}

int __wrap_close(int fd)
{
	bool written = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
	int r = __real_close(fd);
	if (r == 0 && written && fail_close) {
		errno = fail_close;
		return -1;
	}
	return r;
}

struct run {
	int dest;
	int err; /* of the trouble, if there was one */
	unsigned int troubles;
	const char *also; /* a name that the filesystem takes for that of the first file */
};

static int on_done(void *arg, uint64_t files, uint64_t bytes)
{
	struct run *r = arg;
	(void)bytes;
	if (files > 0 && r->also) {
		assert_int_equal(linkat(r->dest, "out/A", r->dest, r->also, 0), 0);
		r->also = NULL;
	}
	return 0;
}

static void on_trouble(void *arg, const struct export_event *e)
{
	struct run *r = arg;
	assert_int_equal(e->what, EXPORT_UNWRITTEN);
	r->err = e->err;
	r->troubles++;
}

static int on_walk_trouble(void *arg, const struct walk_item *i, enum walk_trouble what, int err)
{
	(void)arg;
	(void)i;
	(void)what;
	return err;
}

/* Export the directory of files A and a to dest/out. */
static int run(const struct fixture *x, struct run *r, bool overwrite)
{
	struct tree t _cleanup_tree_ = { NULL, NULL };
	struct tree_entry e _cleanup_tree_entry_ = { .dir = NULL };
	const struct export_options opt = {
		.overwrite = overwrite,
		.done = on_done,
		.trouble = on_trouble,
		.walk_trouble = on_walk_trouble,
		.arg = r,
	};
	assert_int_equal(tree_open(&x->vault, x->dir->fd, &t), 0);
	assert_int_equal(tree_resolve(&t, "from", 0, &e), 0);
	return export_tree(&e, r->dest, "out", &opt);
}

/* The destination lies beside the vault's files, but not below what is exported. */
static struct run build(const struct fixture *x)
{
	struct dir *root _cleanup_dir_ = root_of(x);
	struct dir *from _cleanup_dir_ = make_dir(root, "from");
	make_file(from, "A");
	make_file(from, "a");
	assert_int_equal(mkdirat(x->dir->fd, "dest", 0700), 0);
	struct run r = { .dest = openat(x->dir->fd, "dest", O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	assert_true(r.dest >= 0);
	return r;
}

static bool there(const struct run *r, const char *name)
{
	return faccessat(r->dest, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void what_fails_at_close_is_not_there(void **state)
{
	const struct fixture *x = *state;
	struct run r = build(x);
	fail_close = EDQUOT;
	assert_int_equal(run(x, &r, false), -EDQUOT);
	fail_close = 0;
	assert_int_equal(r.err, -EDQUOT);
	assert_int_equal(unlinkat(r.dest, "out", AT_REMOVEDIR), 0);
	assert_int_equal(run(x, &r, false), 0);
	assert_int_equal(r.troubles, 1);
	assert_true(there(&r, "out/A") && there(&r, "out/a"));
	close(r.dest);
}

static void each_file_is_synced_where_syncfs_does_nothing(void **state)
{
	const struct fixture *x = *state;
	struct run r = build(x);
	wrap.sync.calls = 0;
	assert_int_equal(run(x, &r, false), 0);
	assert_int_equal(wrap.sync.calls, 0);
	on_fuse = true;
	assert_int_equal(run(x, &r, true), 0);
	assert_int_equal(wrap.sync.calls, 2);
	assert_int_equal(r.troubles, 0);
	wrap.sync.fail = 1;
	assert_int_equal(run(x, &r, true), -EIO);
	assert_int_equal(r.err, -EIO);
	on_fuse = false;
	close(r.dest);
}

static void names_that_are_one_there_replace_nothing(void **state)
{
	const struct fixture *x = *state;
	struct run r = build(x);
	r.also = "out/a";
	assert_int_equal(run(x, &r, true), 0);
	assert_int_equal(r.troubles, 1);
	assert_int_equal(r.err, -ENOTUNIQ);
	/* What an earlier run has made may be replaced. */
	assert_int_equal(run(x, &r, true), 0);
	assert_int_equal(r.troubles, 1);
	close(r.dest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(what_fails_at_close_is_not_there),
		FIXTURE_TEST(each_file_is_synced_where_syncfs_does_nothing),
		FIXTURE_TEST(names_that_are_one_there_replace_nothing),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
