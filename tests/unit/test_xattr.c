/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store.h"

#include <linux/limits.h>
#include <sys/xattr.h>

#include "store/xattr.h"

/* A file that can have attributes; -1 if the filesystem has none. */
static int attr_file(const struct fixture *x)
{
	int fd = openat(x->dir->fd, "f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	if (fsetxattr(fd, "user.probe", "", 0, 0) == 0 && fremovexattr(fd, "user.probe") == 0)
		return fd;
	close(fd);
	return -1;
}

static const char *attr_name(size_t n)
{
	static char name[XATTR_NAME_MAX + 32];
	strcpy(name, "user.");
	memset(name + 5, 'n', n);
	name[5 + n] = '\0';
	return name;
}

static void test_names_and_values(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = attr_file(x);
	SKIP_IF(fd < 0, "no extended attributes here");
	char got[64], list[8192];
	const size_t lengths[] = { 1, 16, 100, 165, 166, 167, 170, 171, 172, 200, 250 };
	size_t total = 0;
	for (size_t i = 0; i < N_OF(lengths); i++) {
		const char *name = attr_name(lengths[i]);
		total += strlen(name) + 1;
		assert_int_equal(xattr_get(x->st, fd, name, NULL, 0), -ENODATA);
		assert_int_equal(xattr_set(x->st, fd, name, name, i, XATTR_CREATE), 0);
		assert_int_equal(xattr_set(x->st, fd, name, name, i, XATTR_CREATE), -EEXIST);
		assert_int_equal(xattr_get(x->st, fd, name, NULL, 0), i);
		assert_int_equal(xattr_get(x->st, fd, name, got, sizeof(got)), i);
		assert_memory_equal(got, name, i);
		if (i > 1)
			assert_int_equal(xattr_get(x->st, fd, name, got, i - 1), -ERANGE);
		assert_int_equal(fgetxattr(fd, name, NULL, 0), -1);
	}
	assert_int_equal(xattr_list(x->st, fd, true, NULL, 0), total);
	assert_int_equal(xattr_list(x->st, fd, true, list, total - 1), -ERANGE);
	assert_int_equal(xattr_list(x->st, fd, true, list, sizeof(list)), total);
	for (size_t i = 0; i < N_OF(lengths); i++) {
		bool seen = false;
		for (const char *p = list; p < list + total; p += strlen(p) + 1)
			seen |= strcmp(p, attr_name(lengths[i])) == 0;
		assert_true(seen);
		assert_int_equal(xattr_remove(x->st, fd, attr_name(lengths[i])), 0);
		assert_int_equal(xattr_remove(x->st, fd, attr_name(lengths[i])), -ENODATA);
	}
	assert_int_equal(xattr_list(x->st, fd, true, list, sizeof(list)), 0);
}

static void test_refused(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = attr_file(x);
	SKIP_IF(fd < 0, "no extended attributes here");
	static char big[XATTR_SIZE_MAX];
	assert_int_equal(xattr_set(x->st, fd, "user.", "x", 1, 0), -EINVAL);
	assert_int_equal(xattr_set(x->st, fd, attr_name(251), "x", 1, 0), -ERANGE);
	assert_int_equal(xattr_set(x->st, fd, "system.other", "x", 1, 0), -EOPNOTSUPP);
	assert_int_equal(xattr_get(x->st, fd, "system.other", NULL, 0), -EOPNOTSUPP);
	x->st->acls = false;
	assert_int_equal(xattr_set(x->st, fd, XATTR_ACL_ACCESS, "x", 1, 0), -EOPNOTSUPP);
	assert_int_equal(xattr_get(x->st, fd, XATTR_ACL_ACCESS, NULL, 0), -EOPNOTSUPP);
	assert_int_equal(xattr_remove(x->st, fd, "other.x"), -EOPNOTSUPP);
	assert_int_equal(xattr_set(x->st, fd, "user.big", big, sizeof(big), 0), -ENOSPC);
	assert_int_equal(xattr_set(x->st, fd, "user.x", "x", 1, XATTR_REPLACE), -ENODATA);
}

/* Move what is stored under one attribute's name to another's, or damage it. */
static void test_tampered(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = attr_file(x);
	SKIP_IF(fd < 0, "no extended attributes here");
	const size_t lengths[] = { 10, 250 };
	for (size_t i = 0; i < N_OF(lengths); i++) {
		char one[XATTR_NAME_MAX + 1], other[XATTR_NAME_MAX + 1], got[16];
		uint8_t box[1024];
		const char *name = attr_name(lengths[i]);
		assert_int_equal(xattr_set(x->st, fd, name, "one", 3, 0), 0);
		assert_true(flistxattr(fd, one, sizeof(one)) > 0);
		ssize_t n = fgetxattr(fd, one, box, sizeof(box));
		assert_true(n >= 43);
		box[n - 1] ^= 1;
		assert_int_equal(fsetxattr(fd, one, box, (size_t)n, 0), 0);
		assert_int_equal(xattr_get(x->st, fd, name, got, sizeof(got)), -EBADMSG);
		assert_int_equal(fsetxattr(fd, one, box, 10, 0), 0);
		assert_int_equal(xattr_get(x->st, fd, name, got, sizeof(got)), -EUCLEAN);
		assert_int_equal(fremovexattr(fd, one), 0);

		box[n - 1] ^= 1;
		name = attr_name(lengths[i] - 1);
		assert_int_equal(xattr_set(x->st, fd, name, "two", 3, 0), 0);
		assert_true(flistxattr(fd, other, sizeof(other)) > 0);
		assert_int_equal(fsetxattr(fd, other, box, (size_t)n, 0), 0);
		assert_int_equal(xattr_get(x->st, fd, name, got, sizeof(got)), -EBADMSG);
		assert_int_equal(fremovexattr(fd, other), 0);
	}
	char list[64];
	assert_int_equal(fsetxattr(fd, "user.plain", "x", 1, 0), 0);
	assert_int_equal(fsetxattr(fd, "user.cryptfs.plain", "x", 1, 0), 0);
	assert_int_equal(fsetxattr(fd, "user.cryptfs.long.AAAA", "x", 1, 0), 0);
	assert_int_equal(xattr_list(x->st, fd, true, list, sizeof(list)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_names_and_values),
		FIXTURE_TEST(test_refused),
		FIXTURE_TEST(test_tampered),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
