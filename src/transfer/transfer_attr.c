/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an entry carries beside its content. All by descriptors that may be O_PATH: links and devices are not opened. */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "transfer/transfer_impl.h"

#define ATTR_CAPABILITY "security.capability"

/* The first failure, and what it was about. */
struct attr_trouble {
	int err;
	char detail[XATTR_NAME_MAX + 1];
};

static void attr_failed(struct attr_trouble *t, int err, const char *detail)
{
	if (t->err < 0)
		return;
	t->err = err;
	strncpy(t->detail, detail, sizeof(t->detail) - 1);
}

/* ---- extended attributes ---- */

/* The others are the system's own: labels, which are for its policy to give. */
static bool attr_is_kept(const char *name)
{
	return strncmp(name, "user.", 5) == 0 || strncmp(name, "trusted.", 8) == 0 ||
	       strcmp(name, ATTR_CAPABILITY) == 0 || strcmp(name, "system.posix_acl_access") == 0 ||
	       strcmp(name, "system.posix_acl_default") == 0;
}

/* The names, each with a NUL behind it; what is not kept is left out. Returns their length, or -errno. */
static ssize_t attr_list(const char *path, char **out)
{
	*out = malloc(XATTR_LIST_MAX + 1);
	if (!*out)
		return -ENOMEM;
	ssize_t n = listxattr(path, *out, XATTR_LIST_MAX);
	if (n < 0)
		return errno == EOPNOTSUPP || errno == ENOSYS ? 0 : -errno;
	char *end = *out + n, *to = *out;
	*end = '\0';
	for (char *p = *out; p < end;) {
		size_t len = strlen(p) + 1;
		if (attr_is_kept(p)) {
			memmove(to, p, len);
			to += len;
		}
		p += len;
	}
	return to - *out;
}

static bool attr_has(const char *list, ssize_t n, const char *name)
{
	for (const char *p = list; p < list + n; p += strlen(p) + 1)
		if (strcmp(p, name) == 0)
			return true;
	return false;
}

static void attr_copy_one(const char *from, const char *to, const char *name, char *value, struct attr_trouble *t)
{
	ssize_t n = getxattr(from, name, value, XATTR_SIZE_MAX);
	if (n < 0 && errno == ENODATA)
		return; /* gone meanwhile */
	if (n < 0 || setxattr(to, name, value, (size_t)n, 0) != 0)
		attr_failed(t, -errno, name);
}

/* What was made in a directory with a default ACL has got one that is not its own. */
static void attr_drop_acl(const char *to, const char *name, struct attr_trouble *t)
{
	if (removexattr(to, name) != 0 && errno != ENODATA && errno != EOPNOTSUPP)
		attr_failed(t, -errno, name);
}

/* In this order: what may not be written to gets no attribute, and a capability goes with a change of the owner. */
static void attr_copy_all(const char *from, const char *to, mode_t mode, struct attr_trouble *t)
{
	_cleanup_free_ char *list = NULL, *have = NULL, *value = malloc(XATTR_SIZE_MAX);
	ssize_t n = attr_list(from, &list), m = attr_list(to, &have);
	if (n < 0 || !value) {
		attr_failed(t, n < 0 ? (int)n : -ENOMEM, "extended attributes");
		n = 0;
	}
	if (m < 0)
		attr_failed(t, (int)m, "access control list");
	for (const char *p = list; p < list + n; p += strlen(p) + 1)
		if (strcmp(p, ATTR_CAPABILITY) != 0)
			attr_copy_one(from, to, p, value, t);
	static const char *const acls[] = { "system.posix_acl_access", "system.posix_acl_default" };
	for (size_t i = 0; i < 2; i++)
		if (m > 0 && attr_has(have, m, acls[i]) && !attr_has(list, n, acls[i]))
			attr_drop_acl(to, acls[i], t);
	if (!S_ISLNK(mode) && chmod(to, mode & 07777) != 0)
		attr_failed(t, -errno, "mode");
	if (S_ISREG(mode) && attr_has(list, n, ATTR_CAPABILITY))
		attr_copy_one(from, to, ATTR_CAPABILITY, value, t);
}

/* Has b all that a has? */
static int attr_within(const char *a, const char *b, const char *list, ssize_t n)
{
	_cleanup_free_ char *x = malloc(XATTR_SIZE_MAX), *y = malloc(XATTR_SIZE_MAX);
	if (!x || !y)
		return -ENOMEM;
	for (const char *p = list; p < list + n; p += strlen(p) + 1) {
		ssize_t k = getxattr(a, p, x, XATTR_SIZE_MAX);
		if (k < 0)
			return -errno;
		ssize_t l = getxattr(b, p, y, XATTR_SIZE_MAX);
		if (l < 0 && errno != ENODATA)
			return -errno;
		if (k != l || memcmp(x, y, (size_t)k) != 0)
			return 0;
	}
	return 1;
}

int transfer_attr_same(int a, int b)
{
	char a_path[IO_FD_PATH], b_path[IO_FD_PATH];
	_cleanup_free_ char *a_list = NULL, *b_list = NULL;
	io_fd_path(a_path, a);
	io_fd_path(b_path, b);
	ssize_t n = attr_list(a_path, &a_list), m = attr_list(b_path, &b_list);
	if (n < 0 || m < 0)
		return (int)(n < 0 ? n : m);
	for (const char *p = b_list; p < b_list + m; p += strlen(p) + 1)
		if (!attr_has(a_list, n, p))
			return 0;
	return attr_within(a_path, b_path, a_list, n);
}

/* ---- owner, mode, times ---- */

/* Who may not give files away keeps their group where that is possible. */
static void attr_owner(struct transfer *x, int to, const struct stat *sb, struct attr_trouble *t)
{
	if (x->opt->owners) {
		if (fchownat(to, "", sb->st_uid, sb->st_gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0)
			attr_failed(t, -errno, "owner");
		return;
	}
	int r = fchownat(to, "", (uid_t)-1, sb->st_gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
	x->counts->foreign += r != 0 || sb->st_uid != geteuid();
}

/* A set-ID bit gives away powers of the owner: without the owner it does not come along. */
static mode_t attr_mode(int to, const struct stat *sb)
{
	mode_t mode = sb->st_mode;
	struct stat now;
	if (fstatat(to, "", &now, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0)
		return mode & (S_IFMT | 0777);
	if (now.st_uid != sb->st_uid)
		mode &= ~(mode_t)S_ISUID;
	if (now.st_gid != sb->st_gid && !S_ISDIR(sb->st_mode))
		mode &= ~(mode_t)S_ISGID;
	return mode;
}

int transfer_attr_times(int to, const struct stat *sb)
{
	const struct timespec times[2] = { sb->st_atim, sb->st_mtim };
	char path[IO_FD_PATH];
	io_fd_path(path, to);
	return utimensat(AT_FDCWD, path, times, 0) == 0 ? 0 : -errno;
}

static void attr_check(struct transfer *x, int to, const struct stat *sb, struct attr_trouble *t)
{
	struct stat now;
	if (fstatat(to, "", &now, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) != 0)
		attr_failed(t, -errno, "");
	else if (transfer_compare_status(x, sb, &now) & (TRANSFER_TIME | TRANSFER_MODE | TRANSFER_OWNER))
		attr_failed(t, -ENOTSUP, "owner, mode or time");
}

void transfer_attr_copy(struct transfer *x, int from, int to, const struct stat *sb)
{
	struct attr_trouble t = { .err = 0 };
	char from_path[IO_FD_PATH], to_path[IO_FD_PATH];
	io_fd_path(from_path, from);
	io_fd_path(to_path, to);
	attr_owner(x, to, sb, &t);
	attr_copy_all(from_path, to_path, attr_mode(to, sb), &t);
	int r = transfer_attr_times(to, sb);
	if (r < 0)
		attr_failed(&t, r, "times");
	attr_check(x, to, sb, &t);
	const struct transfer_event e = { .what = TRANSFER_ATTRS, .err = t.err, .detail = t.detail };
	if (t.err < 0)
		transfer_tell_event(x, e);
}
