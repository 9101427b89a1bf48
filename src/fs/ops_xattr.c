/* SPDX-License-Identifier: GPL-3.0-or-later */
/* getxattr setxattr listxattr removexattr */
#include <errno.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fs/node.h"
#include "fs/ops.h"
#include "fs/reply.h"
#include "fs/seeker.h"
#include "fs/status.h"
#include "store/xattr.h"

#define XATTR_GROUPS_MAX 256
#define XATTR_SELINUX "security.selinux"
#define XATTR_POWERS "security.capability"

static ssize_t xattr_get_node(struct fs *fs, fuse_ino_t ino, const char *name, char *buf, size_t size)
{
	if (ino == FUSE_ROOT_ID && strcmp(name, SESSION_STATUS_XATTR) == 0)
		return status_get(fs, buf, size);
	_cleanup_node_fd_ struct node_fd fd;
	struct node *n = fs_node(fs, ino);
	int r = node_fd_get(fs, n, &fd);
	ssize_t len = r < 0 ? r : xattr_get(fs->st, fd.fd, name, buf, size);
	if (len < 0)
		damage_report(fs, n, DAMAGE_ATTRIBUTE, "getxattr", (int)len);
	/* Where there are such labels the kernel answers by itself. Where there are none, ls asks for each file unless
	 * it hears that the filesystem does not have them. */
	return len == -ENODATA && strcmp(name, XATTR_SELINUX) == 0 ? -EOPNOTSUPP : len;
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	size = size < XATTR_SIZE_MAX ? size : XATTR_SIZE_MAX;
	_cleanup_free_ char *buf = size > 0 ? malloc(size) : NULL;
	ssize_t n = size > 0 && !buf ? -ENOMEM : xattr_get_node(fs_of(req), ino, name, buf, size);
	reply_xattr(req, buf, size, n);
}

static ssize_t xattr_list_node(struct fs *fs, fuse_ino_t ino, bool trusted, char *buf, size_t size)
{
	_cleanup_node_fd_ struct node_fd fd;
	int r = node_fd_get(fs, fs_node(fs, ino), &fd);
	return r < 0 ? r : xattr_list(fs->st, fd.fd, trusted, buf, size);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	size = size < XATTR_LIST_MAX ? size : XATTR_LIST_MAX;
	_cleanup_free_ char *buf = size > 0 ? malloc(size) : NULL;
	struct fs *fs = fs_of(req);
	/* Only root is told of trusted.*; the kernel keeps others from the values itself. */
	bool trusted = !fs->serve_others || fuse_req_ctx(req)->uid == 0;
	ssize_t n = size > 0 && !buf ? -ENOMEM : xattr_list_node(fs, ino, trusted, buf, size);
	reply_xattr(req, buf, size, n);
}

static int xattr_change_node(struct fs *fs, fuse_ino_t ino, const char *name, const char *value, size_t size,
			     int flags, bool set)
{
	if (fs->read_only)
		return -EROFS;
	_cleanup_node_fd_ struct node_fd fd;
	int r = node_fd_get(fs, fs_node(fs, ino), &fd);
	if (r < 0)
		return r;
	return set ? xattr_set(fs->st, fd.fd, name, value, size, flags) : xattr_remove(fs->st, fd.fd, name);
}

/* Does the caller belong to this group, or need not? Who cannot be found out about does not. */
static bool xattr_in_group(fuse_req_t req, gid_t gid)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	if (ctx->uid == 0 || ctx->gid == gid)
		return true;
	gid_t groups[XATTR_GROUPS_MAX];
	int n = fuse_req_getgroups(req, XATTR_GROUPS_MAX, groups);
	for (int i = 0; i < n && i < XATTR_GROUPS_MAX; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

/* Who is not in a file's group loses its set-gid bit with a new ACL, as with chmod. The kernel below does that for
 * whom the daemon runs as; for others it is up to us. */
static mode_t xattr_set_gid_bit(fuse_req_t req, const struct stat *sb)
{
	return (sb->st_mode & S_ISGID) && !xattr_in_group(req, sb->st_gid) ? S_ISGID : 0;
}

/* Capabilities, to be set when what was written before has come: a write takes them away. */
struct xattr_powers {
	fuse_req_t req;
	fuse_ino_t ino;
	int flags;
	size_t size;
	char value[];
};

static void xattr_set_powers(void *arg)
{
	_cleanup_free_ struct xattr_powers *p = arg;
	reply_result(p->req, xattr_change_node(fs_of(p->req), p->ino, XATTR_POWERS, p->value, p->size, p->flags, true));
}

static int xattr_set_powers_later(fuse_req_t req, fuse_ino_t ino, const char *value, size_t size, int flags)
{
	struct xattr_powers *p = malloc(sizeof(*p) + size);
	if (!p)
		return -ENOMEM;
	*p = (struct xattr_powers){ .req = req, .ino = ino, .flags = flags, .size = size };
	memcpy(p->value, value, size);
	int r = seeker_after(fs_of(req)->seeker, ino, xattr_set_powers, p);
	if (r < 0)
		free(p);
	return r;
}

/* May the kernel hold back what was written to it? */
static bool xattr_is_being_written(struct fs *fs, struct node *n)
{
	struct file *f = S_ISREG(n->type) && !fs->shared ? node_file_peek(fs, n) : NULL;
	if (!f)
		return false;
	bool is = file_is_open(f, true);
	node_file_put(fs, n);
	return is;
}

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
			int flags)
{
	struct fs *fs = fs_of(req);
	if (strcmp(name, XATTR_POWERS) == 0 && xattr_is_being_written(fs, fs_node(fs, ino))) {
		int late = xattr_set_powers_later(req, ino, value, size, flags);
		if (late < 0)
			reply_result(req, late);
		return;
	}
	int r = xattr_change_node(fs, ino, name, value, size, flags, true);
	if (r == 0 && fs->serve_others && strcmp(name, XATTR_ACL_ACCESS) == 0)
		r = node_drop_bits(fs, fs_node(fs, ino), xattr_set_gid_bit, req);
	reply_result(req, r);
}

static void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	reply_result(req, xattr_change_node(fs_of(req), ino, name, NULL, 0, 0, false));
}

void ops_xattr_install(struct fuse_lowlevel_ops *ops)
{
	ops->getxattr = op_getxattr;
	ops->setxattr = op_setxattr;
	ops->listxattr = op_listxattr;
	ops->removexattr = op_removexattr;
}
