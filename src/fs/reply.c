/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/reply.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

int reply_errno(int r)
{
	assert(r < 0);
	switch (-r) {
	case EBADMSG:
	case EUCLEAN:
	case EPROTONOSUPPORT:
		return EIO;
	default:
		return -r;
	}
}

void reply_result(fuse_req_t req, int r)
{
	if (store_is_damage(r))
		fs_tell(fs_of(req), SESSION_DAMAGED);
	(void)fuse_reply_err(req, r < 0 ? reply_errno(r) : 0);
}

void reply_stored(fuse_req_t req, int r)
{
	reply_result(req, r == -EINTR ? -EIO : r);
}

void reply_fill_entry(struct fs *fs, struct node *n, const struct stat *sb, struct fuse_entry_param *e)
{
	memset(e, 0, sizeof(*e));
	e->ino = fs_ino(fs, n);
	e->attr = *sb;
	e->attr_timeout = fs->timeout;
	e->entry_timeout = fs->timeout;
	fs_hand_out(n);
	SCOPED_LOCK(inode_lock(&fs->inodes, n));
	e->generation = n->generation;
}

void reply_entry(fuse_req_t req, int r, struct node *n, const struct stat *sb)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param e;
	if (r < 0) {
		reply_result(req, r);
		return;
	}
	reply_fill_entry(fs, n, sb, &e);
	if (fuse_reply_entry(req, &e) == -ENOENT)
		inode_forget(&fs->inodes, n, 1);
}

void reply_negative(fuse_req_t req)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param e = { .entry_timeout = fs->timeout };
	if (fs->shared)
		(void)fuse_reply_err(req, ENOENT);
	else
		(void)fuse_reply_entry(req, &e);
}

void reply_attr(fuse_req_t req, int r, const struct stat *sb)
{
	if (r < 0)
		reply_result(req, r);
	else
		(void)fuse_reply_attr(req, sb, fs_of(req)->timeout);
}

void reply_data(fuse_req_t req, const void *buf, ssize_t n)
{
	if (n < 0)
		reply_result(req, (int)n);
	else
		(void)fuse_reply_buf(req, buf, (size_t)n);
}

void reply_xattr(fuse_req_t req, const void *buf, size_t size, ssize_t n)
{
	if (n < 0)
		reply_result(req, (int)n);
	else if (size == 0)
		(void)fuse_reply_xattr(req, (size_t)n);
	else
		(void)fuse_reply_buf(req, buf, (size_t)n);
}
