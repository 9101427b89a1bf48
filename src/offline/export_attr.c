/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a file carries beside its content; and the way down the destination. */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/array.h"
#include "base/bytes.h"
#include "offline/export_impl.h"
#include "store/xattr.h"

int export_push(struct export *x, int fd, bool ours)
{
	if (fd < 0)
		return -errno;
	struct export_level *more = array_more(x->level, x->n, &x->cap, sizeof(*more));
	if (!more)
		return -ENOMEM;
	x->level = more;
	x->level[x->n++] = (struct export_level){ fd, ours };
	return 0;
}

void export_pop(struct export *x)
{
	(void)close(x->level[--x->n].fd);
}

/* The first error of several. */
static void export_first(int *first, int r)
{
	if (*first == 0 && r < 0)
		*first = r;
}

/* ---- extended attributes ---- */

static int export_xattr(const struct store *st, int from, int to, const char *name, char *value)
{
	ssize_t n = xattr_get(st, from, name, value, XATTR_SIZE_MAX);
	if (n < 0)
		return (int)n;
	return fsetxattr(to, name, value, (size_t)n, 0) == 0 ? 0 : -errno;
}

/* Only user.*: the others are the system's, and what they allow is not for a vault to say. */
static int export_xattrs(const struct walk_item *i, int to)
{
	const struct store *st = i->parent->st;
	_cleanup_fd_ int from = openat(i->parent->fd, i->disk, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0)
		return -errno;
	ssize_t n = xattr_list(st, from, true, NULL, 0);
	if (n <= 0)
		return n == -EOPNOTSUPP ? 0 : (int)n;
	_cleanup_free_ char *list = malloc((size_t)n), *value = malloc(XATTR_SIZE_MAX);
	if (!list || !value)
		return -ENOMEM;
	n = xattr_list(st, from, true, list, (size_t)n);
	int first = n < 0 ? (int)n : 0;
	for (const char *p = list; p < list + n; p += strlen(p) + 1)
		if (strncmp(p, "user.", 5) == 0)
			export_first(&first, export_xattr(st, from, to, p, value));
	return first;
}

/* ---- ACLs ---- */

#define EXPORT_ACL_MAX 65536

/* An ACL as getxattr gives it: a version, then tag, permissions and ID of each entry, little-endian (Linux,
 * posix_acl_xattr.h). */
#define ACL_HEAD 4u
#define ACL_ENTRY 8u
#define ACL_TAG_GROUP_OBJ 0x04u

/* Where there is an ACL the mode's group bits are not the group's, but the most that anybody named may have. */
static mode_t acl_group(const uint8_t *acl, size_t n, mode_t mode)
{
	for (size_t i = ACL_HEAD; i + ACL_ENTRY <= n; i += ACL_ENTRY)
		if (get_le16(acl + i) == ACL_TAG_GROUP_OBJ)
			return mode & ~((mode_t)(~get_le16(acl + i + 2) & 07) << 3);
	return mode;
}

/* Who may say to whom a file belongs may say who else may use it; without that, what an ACL allows is left out. */
static int export_acl(const struct export *x, const struct walk_item *i, int to, const char *name, mode_t *mode)
{
	_cleanup_fd_ int from = openat(i->parent->fd, i->disk, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ uint8_t *acl = malloc(EXPORT_ACL_MAX);
	if (from < 0 || !acl)
		return -errno;
	ssize_t n = xattr_get(i->parent->st, from, name, (char *)acl, EXPORT_ACL_MAX);
	if (n < 0)
		return n == -ENODATA || n == -EOPNOTSUPP ? 0 : (int)n;
	if (x->opt->owners)
		return fsetxattr(to, name, acl, (size_t)n, 0) == 0 ? 0 : -errno;
	*mode = strcmp(name, XATTR_ACL_ACCESS) == 0 ? acl_group(acl, (size_t)n, *mode) : *mode;
	return 0;
}

/* ---- owner, mode, times ---- */

/* Modes and owners are not authenticated. And who may not give a file away must not give away what its owner alone
 * could either. */
static mode_t export_mode(const struct export *x, const struct stat *sb)
{
	mode_t mode = sb->st_mode & 07777;
	bool kept = x->opt->privileged;
	if (S_ISDIR(sb->st_mode))
		return mode;
	if (!kept || (!x->opt->owners && sb->st_uid != geteuid()))
		mode &= ~(mode_t)S_ISUID;
	if (!kept || (!x->opt->owners && sb->st_gid != getegid()))
		mode &= ~(mode_t)S_ISGID;
	return mode;
}

bool export_drops_set_id(const struct export *x, const struct stat *sb)
{
	return export_mode(x, sb) != (sb->st_mode & 07777);
}

int export_set_attrs(struct export *x, const struct walk_item *i, int fd)
{
	const struct timespec times[2] = { i->sb.st_atim, i->sb.st_mtim };
	int first = 0;
	export_first(&first, export_xattrs(i, fd));
	if (x->opt->owners && fchown(fd, i->sb.st_uid, i->sb.st_gid) != 0)
		export_first(&first, -errno);
	mode_t mode = export_mode(x, &i->sb);
	int r = export_acl(x, i, fd, XATTR_ACL_ACCESS, &mode);
	if (r < 0)
		mode &= ~(mode_t)070; /* who among them may what is not known */
	export_first(&first, r);
	if (S_ISDIR(i->sb.st_mode))
		export_first(&first, export_acl(x, i, fd, XATTR_ACL_DEFAULT, &mode));
	if (fchmod(fd, mode) != 0)
		export_first(&first, -errno);
	if (futimens(fd, times) != 0)
		export_first(&first, -errno);
	return first;
}

int export_set_attrs_at(struct export *x, const struct walk_item *i, int dir, const char *name)
{
	const struct timespec times[2] = { i->sb.st_atim, i->sb.st_mtim };
	int first = 0;
	if (x->opt->owners && fchownat(dir, name, i->sb.st_uid, i->sb.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
		export_first(&first, -errno);
	if (utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) != 0)
		export_first(&first, -errno);
	return first;
}
