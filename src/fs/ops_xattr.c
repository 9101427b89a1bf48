/* SPDX-License-Identifier: GPL-3.0-or-later */
/* getxattr setxattr listxattr removexattr */
#include <errno.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fs/node.h"
#include "fs/ops.h"
#include "fs/reply.h"
#include "fs/status.h"
#include "store/xattr.h"

static ssize_t xattr_get_node(struct fs *fs, fuse_ino_t ino, const char *name, char *buf, size_t size)
{
	if (ino == FUSE_ROOT_ID && strcmp(name, SESSION_STATUS_XATTR) == 0)
		return status_get(fs, buf, size);
	_cleanup_node_fd_ struct node_fd fd;
	struct node *n = fs_node(fs, ino);
	int r = node_fd_get(fs, n, &fd);
	ssize_t len = r < 0 ? r : xattr_get(fs->st, fd.fd, name, buf, size);
	if (len < 0)
		node_log_damage(n->ino, "getxattr", (int)len);
	return len;
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	size = size < XATTR_SIZE_MAX ? size : XATTR_SIZE_MAX;
	_cleanup_free_ char *buf = size > 0 ? malloc(size) : NULL;
	ssize_t n = size > 0 && !buf ? -ENOMEM : xattr_get_node(fs_of(req), ino, name, buf, size);
	reply_xattr(req, buf, size, n);
}

static ssize_t xattr_list_node(struct fs *fs, fuse_ino_t ino, char *buf, size_t size)
{
	_cleanup_node_fd_ struct node_fd fd;
	int r = node_fd_get(fs, fs_node(fs, ino), &fd);
	return r < 0 ? r : xattr_list(fs->st, fd.fd, buf, size);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	size = size < XATTR_LIST_MAX ? size : XATTR_LIST_MAX;
	_cleanup_free_ char *buf = size > 0 ? malloc(size) : NULL;
	ssize_t n = size > 0 && !buf ? -ENOMEM : xattr_list_node(fs_of(req), ino, buf, size);
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

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
			int flags)
{
	reply_result(req, xattr_change_node(fs_of(req), ino, name, value, size, flags, true));
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
