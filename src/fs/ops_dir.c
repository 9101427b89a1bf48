/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mknod mkdir symlink link unlink rmdir rename */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/make.h"
#include "fs/node.h"
#include "fs/ops.h"
#include "fs/reply.h"
#include "store/dirops.h"

/* ---- making ---- */

struct dir_mode {
	mode_t mode;
	dev_t rdev;
};

static int dir_mknod(struct fs *fs, struct dir *d, const struct sealed_name *name, const struct dirops_owner *owner,
		     const void *arg)
{
	const struct dir_mode *m = arg;
	(void)fs;
	return dirops_mknod(d, name, m->mode, m->rdev, owner);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	make_entry(req, parent, name, dir_mknod, &(struct dir_mode){ mode, rdev });
}

static int dir_mkdir(struct fs *fs, struct dir *d, const struct sealed_name *name, const struct dirops_owner *owner,
		     const void *arg)
{
	const struct dir_mode *m = arg;
	(void)fs;
	return dirops_mkdir(d, name, m->mode, owner);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	make_entry(req, parent, name, dir_mkdir, &(struct dir_mode){ .mode = mode });
}

static int dir_symlink(struct fs *fs, struct dir *d, const struct sealed_name *name,
		       const struct dirops_owner *owner, const void *arg)
{
	(void)fs;
	return dirops_symlink(d, name, arg, owner);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	make_entry(req, parent, name, dir_symlink, target);
}

/* A symbolic link's side file lies in a directory in which the node is now. */
static int dir_link(struct fs *fs, struct dir *d, const struct sealed_name *name, const struct dirops_owner *owner,
		    const void *arg)
{
	struct node *from = fs_node(fs, *(const fuse_ino_t *)arg);
	struct stat sb;
	_cleanup_node_fd_ struct node_fd fd;
	_cleanup_node_loc_ struct node_loc loc = { .fs = fs };
	(void)owner;
	int r = node_fd_get(fs, from, &fd);
	if (r < 0)
		return r;
	bool at = S_ISLNK(from->type) && node_loc_find(fs, from, &loc, &sb) == 0;
	r = dirops_link(fd.fd, at ? loc.dir : NULL, loc.disk, d, name);
	damage_report(fs, from, DAMAGE_LINK, "link", r);
	return r;
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	make_entry(req, parent, name, dir_link, &ino);
}

/* ---- removing ---- */

/* An entry that is about to lose its name: its node, counted, and a pin for it. */
struct doomed {
	struct fs *fs;
	struct node *node; /* NULL if the kernel does not know it */
	struct stat sb;
	int pin;
	bool dir_held;
	struct dir *dir;   /* of a directory */
	struct dir *own;   /* the same if there is no node */
};

static void doomed_cleanup(struct doomed *x)
{
	if (x->dir_held)
		node_dir_put(x->fs, x->node);
	dir_free(x->own);
	if (x->pin >= 0)
		close(x->pin);
	if (x->node)
		inode_unref(&x->fs->inodes, x->node);
}

/* Find out what 'disk' in d is. Returns 0 or -errno (-ENOENT). */
static int doomed_look(struct fs *fs, const struct dir *d, const char *disk, struct doomed *x)
{
	*x = (struct doomed){ .fs = fs, .pin = -1 };
	int r = dir_stat(d, disk, &x->sb);
	if (r == 0)
		x->node = inode_find(&fs->inodes, x->sb.st_ino);
	return r;
}

/* The same, and pin it. Without a descriptor to spare it can be removed all the same; who has it open keeps it. */
static int doomed_find(struct fs *fs, const struct dir *d, const char *disk, struct doomed *x)
{
	struct stat sb;
	int r = doomed_look(fs, d, disk, x);
	if (r < 0 || !x->node || S_ISDIR(x->sb.st_mode))
		return r;
	x->pin = openat(d->fd, disk, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return x->pin >= 0 && fstat(x->pin, &sb) == 0 && sb.st_ino != x->sb.st_ino ? -ESTALE : 0;
}

/* Hold its directory. Returns 0 or -errno. */
static int doomed_dir(struct fs *fs, const struct dir *parent, const char *disk, struct doomed *x)
{
	int r;
	if (!x->node) {
		r = dir_open(parent, disk, &x->own);
		x->dir = x->own;
		return r;
	}
	r = node_dir_get(fs, x->node, &x->dir);
	x->dir_held = r == 0;
	return r;
}

/* It happened: the name (parent, disk) is no longer its. */
static void doomed_done(struct doomed *x, const struct node *parent, const char *disk)
{
	if (!x->node)
		return;
	bool dir = S_ISDIR(x->sb.st_mode);
	if (dir) {
		SCOPED_LOCK(&x->fs->dirs.lock);
		x->node->pinned = true;
	}
	bool gone = dir || x->sb.st_nlink <= 1;
	inode_lose_name(&x->fs->inodes, x->node, parent, disk, TAKE_FD(x->pin), gone);
	if (gone && !dir)
		rest_leave(x->fs, x->node);
}

static int dir_unlink(struct fs *fs, fuse_ino_t parent, const char *name)
{
	_cleanup_node_dir_ struct node_dir d;
	_cleanup_(doomed_cleanup) struct doomed x = { .pin = -1 };
	struct sealed_name sealed;
	int r = make_begin(fs, parent, name, &d, &sealed);
	if (r == 0)
		r = doomed_find(fs, d.dir, sealed.disk, &x);
	if (r < 0)
		return r;
	if (S_ISDIR(x.sb.st_mode))
		return -EISDIR;
	SCOPED_MOVE(fs);
	r = dirops_unlink(d.dir, &sealed);
	if (r == 0)
		doomed_done(&x, d.node, sealed.disk);
	return r;
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	reply_result(req, dir_unlink(fs_of(req), parent, name));
}

static int dir_rmdir(struct fs *fs, fuse_ino_t parent, const char *name)
{
	_cleanup_node_dir_ struct node_dir d;
	_cleanup_(doomed_cleanup) struct doomed x = { .pin = -1 };
	struct sealed_name sealed;
	int r = make_begin(fs, parent, name, &d, &sealed);
	if (r == 0)
		r = doomed_find(fs, d.dir, sealed.disk, &x);
	if (r < 0)
		return r;
	if (!S_ISDIR(x.sb.st_mode))
		return -ENOTDIR;
	r = doomed_dir(fs, d.dir, sealed.disk, &x);
	SCOPED_MOVE(fs);
	if (r == 0)
		r = dirops_rmdir(d.dir, &sealed, x.dir);
	if (r == 0)
		doomed_done(&x, d.node, sealed.disk);
	return r;
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	reply_result(req, dir_rmdir(fs_of(req), parent, name));
}

/* ---- rename ---- */

/* The nodes' locations after it was done. */
static void dir_renamed(struct fs *fs, struct doomed *from, struct doomed *to, bool exchange,
			const struct node_dir *old_dir, const char *old_disk, const struct node_dir *new_dir,
			const char *new_disk)
{
	if (exchange && to->node)
		(void)inode_move(&fs->inodes, to->node, new_dir->node, new_disk, old_dir->node, old_disk);
	else
		doomed_done(to, new_dir->node, new_disk);
	if (from->node)
		(void)inode_move(&fs->inodes, from->node, old_dir->node, old_disk, new_dir->node, new_disk);
}

static int dir_rename(struct fs *fs, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
		      const char *new_name, unsigned int flags, const struct dirops_owner *owner)
{
	_cleanup_node_dir_ struct node_dir d;
	_cleanup_node_dir_ struct node_dir nd = { .node = NULL };
	_cleanup_(doomed_cleanup) struct doomed from = { .pin = -1 };
	_cleanup_(doomed_cleanup) struct doomed to = { .pin = -1 };
	struct sealed_name sealed, new_sealed;
	bool exchange = flags & RENAME_EXCHANGE;

	int r = make_begin(fs, parent, name, &d, &sealed);
	if (r == 0)
		r = make_begin(fs, new_parent, new_name, &nd, &new_sealed);
	if (r == 0)
		r = doomed_look(fs, d.dir, sealed.disk, &from);
	if (r < 0)
		return r;
	r = doomed_find(fs, nd.dir, new_sealed.disk, &to);
	bool exists = r == 0;
	if (r == -ENOENT && !exchange)
		r = 0;
	if (r < 0)
		return r;
	if (exists && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (exists && from.sb.st_ino == to.sb.st_ino)
		return 0;
	if (exists && !exchange && S_ISDIR(to.sb.st_mode)) {
		if (!S_ISDIR(from.sb.st_mode))
			return -EISDIR;
		r = doomed_dir(fs, nd.dir, new_sealed.disk, &to);
		if (r < 0)
			return r;
	}
	SCOPED_MOVE(fs);
	r = dirops_rename(d.dir, &sealed, nd.dir, &new_sealed, to.dir, flags);
	damage_report(fs, d.node, DAMAGE_NAME, "rename", r);
	if (r == 0 && (flags & RENAME_WHITEOUT))
		(void)dirops_give_whiteout(d.dir, &sealed, owner);
	if (r == 0)
		dir_renamed(fs, &from, &to, exchange, &d, sealed.disk, &nd, new_sealed.disk);
	return r;
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
		      const char *new_name, unsigned int flags)
{
	const struct dirops_owner owner = make_owner(req);
	reply_result(req, dir_rename(fs_of(req), parent, name, new_parent, new_name, flags, &owner));
}

void ops_dir_install(struct fuse_lowlevel_ops *ops)
{
	ops->mknod = op_mknod;
	ops->mkdir = op_mkdir;
	ops->symlink = op_symlink;
	ops->link = op_link;
	ops->unlink = op_unlink;
	ops->rmdir = op_rmdir;
	ops->rename = op_rename;
}
