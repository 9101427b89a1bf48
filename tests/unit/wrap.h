/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fsync and its kin, counted, looked at and made to fail, for programs that are linked with --wrap of
 * them (Makefile.am). Nothing goes to a disk: what is not written is of no account here.
 */
#ifndef CRYPTFS_TESTS_WRAP_H
#define CRYPTFS_TESTS_WRAP_H

#include "store.h"

struct wrap_call {
	unsigned int calls;
	unsigned int fail; /* so many of the next calls fail with EIO */
};

static struct {
	struct wrap_call sync; /* fsync and fdatasync */
	struct wrap_call syncfs;
	struct wrap_call range; /* sync_file_range */
	void (*before)(int fd); /* called in each fsync and fdatasync */
	void (*written)(off_t off, off_t n); /* by each sync_file_range that does not fail */
} wrap;

int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_syncfs(int fd);
int __wrap_sync_file_range(int fd, off_t off, off_t n, unsigned int flags);

static inline int wrap_result(struct wrap_call *c)
{
	c->calls++;
	if (c->fail == 0)
		return 0;
	c->fail--;
	errno = EIO;
	return -1;
}

int __wrap_fdatasync(int fd)
{
	if (wrap.before)
		wrap.before(fd);
	return wrap_result(&wrap.sync);
}

int __wrap_fsync(int fd)
{
	return __wrap_fdatasync(fd);
}

int __wrap_syncfs(int fd)
{
	(void)fd;
	return wrap_result(&wrap.syncfs);
}

int __wrap_sync_file_range(int fd, off_t off, off_t n, unsigned int flags)
{
	(void)fd;
	(void)flags;
	int r = wrap_result(&wrap.range);
	if (r == 0 && wrap.written)
		wrap.written(off, n);
	return r;
}

static inline int wrap_setup(void **state)
{
	memset(&wrap, 0, sizeof(wrap));
	return fixture_setup(state);
}

#define WRAP_TEST(fn) cmocka_unit_test_setup_teardown(fn, wrap_setup, fixture_teardown)

#endif
