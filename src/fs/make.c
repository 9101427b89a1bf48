/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "fs/make.h"

struct dirops_owner make_owner(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct dirops_owner owner = { .set = fs_of(req)->serve_others && (ctx->uid != 0 || ctx->gid != 0) };
	owner.uid = ctx->uid;
	owner.gid = ctx->gid;
	return owner;
}

int make_begin(struct fs *fs, fuse_ino_t parent, const char *name, struct node_dir *d,
	       struct sealed_name *sealed)
{
	int r = node_dir_hold(fs, parent, d);
	if (r < 0)
		return r;
	return fs->read_only ? -EROFS : dir_seal_name(d->dir, name, strlen(name), sealed);
}

int make_end(struct fs *fs, const struct node_dir *d, const struct sealed_name *sealed, struct node **n,
	     struct stat *sb)
{
	int r = dir_stat(d->dir, sealed->disk, sb);
	if (r == 0)
		r = inode_lookup(&fs->inodes, d->node, sealed->disk, sb, n);
	if (r < 0)
		return r;
	r = node_plain(fs, *n, d->dir, sealed->disk, sb);
	if (r < 0)
		inode_forget(&fs->inodes, *n, 1);
	return r;
}
