/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "fs/make.h"
#include "fs/reply.h"

struct dirops_owner make_owner(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct dirops_owner owner = { .set = fs_of(req)->serve_others && (ctx->uid != 0 || ctx->gid != 0) };
	owner.uid = ctx->uid;
	owner.gid = ctx->gid;
	owner.umask = ctx->umask;
	return owner;
}

int make_begin(struct fs *fs, fuse_ino_t parent, const char *name, struct node_dir *d,
	       struct sealed_name *sealed)
{
	int r = node_dir_hold(fs, parent, d);
	if (r < 0)
		return r;
	atomic_store(&d->node->overtaken, true);
	return fs->read_only ? -EROFS : dir_seal_name(d->dir, name, strlen(name), sealed);
}

void make_undo(const struct fs *fs, struct dir *d, const struct sealed_name *name)
{
	struct stat sb;
	if (fs->shared || dir_stat(d, name->disk, &sb) != 0)
		return;
	if (!S_ISDIR(sb.st_mode)) {
		(void)dirops_unlink(d, name);
		return;
	}
	_cleanup_dir_ struct dir *child = NULL;
	if (dir_open(d, name->disk, &child) == 0)
		(void)dirops_rmdir(d, name, child);
}

void make_entry(fuse_req_t req, fuse_ino_t parent, const char *name, make_fn *fn, const void *arg)
{
	struct fs *fs = fs_of(req);
	const struct dirops_owner owner = make_owner(req);
	struct node *n = NULL;
	struct stat sb;
	int r;
	{
		_cleanup_node_dir_ struct node_dir d;
		struct sealed_name sealed;
		r = make_begin(fs, parent, name, &d, &sealed);
		if (r == 0)
			r = fn(fs, d.dir, &sealed, &owner, arg);
		if (r == 0) {
			r = node_enter_made(fs, &d, sealed.disk, &n, &sb);
			if (r < 0)
				make_undo(fs, d.dir, &sealed);
		}
	}
	reply_entry(req, r, n, &sb);
}
