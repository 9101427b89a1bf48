/* SPDX-License-Identifier: GPL-3.0-or-later */
/* opendir readdir readdirplus releasedir fsyncdir */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/node.h"
#include "fs/ops.h"
#include "fs/reply.h"
#include "store/scratch.h"

/* ---- opening ---- */

static int list_open(struct fs *fs, fuse_ino_t ino)
{
	_cleanup_node_dir_ struct node_dir d;
	return node_dir_hold(fs, ino, &d);
}

/* Nothing is kept for an open directory. In private mode the kernel need not ask: it goes on without, and takes a
 * listing that it has for good. */
static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	if (fs->no_opendir) {
		(void)fuse_reply_err(req, ENOSYS);
		return;
	}
	int r = list_open(fs, ino);
	fi->cache_readdir = fi->keep_cache = !fs->shared;
	if (r < 0)
		reply_result(req, r);
	else
		(void)fuse_reply_open(req, fi);
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	reply_result(req, 0);
}

/* ---- reading ---- */

/* A reply that is being put together. */
struct list_reply {
	fuse_req_t req;
	struct fs *fs;
	struct node_dir *dir;
	bool plus;
	char *buf;
	size_t size;
	size_t used;
	off_t next; /* where it goes on behind what is in it */
};

/* Add an entry. Returns 1, or 0 if it does not fit. What vanished since it was read is left out. */
static int list_add(struct list_reply *l, const struct dirlist_entry *e)
{
	struct fuse_entry_param param = { .attr = { .st_ino = e->ino, .st_mode = DTTOIF(e->type) } };
	struct node *n = NULL;
	char *at = l->buf + l->used;
	size_t left = l->size - l->used, need;
	bool dots = e->disk[0] == '\0';

	if (dots && l->dir->dir->root)
		param.attr.st_ino = l->dir->dir->ino;
	if (!l->plus) {
		need = fuse_add_direntry(l->req, at, left, e->name, &param.attr, e->next);
	} else {
		struct stat sb;
		int r = dots ? 0 : node_enter(l->fs, l->dir, e->disk, &n, &sb);
		if (r == -ENOENT)
			return 1;
		/* Without a node id the kernel shows the entry and looks it up when somebody asks. */
		if (n)
			reply_fill_entry(l->fs, n, &sb, &param);
		need = fuse_add_direntry_plus(l->req, at, left, e->name, &param, e->next);
	}
	if (need > left) {
		if (n)
			inode_forget(&l->fs->inodes, n, 1);
		return 0;
	}
	l->used += need;
	l->next = e->next;
	return 1;
}

/* Fill the reply. Returns 1 if there may be more, 0 at the end, -errno only if nothing was put in. */
static int list_fill(struct list_reply *l, struct dirlist *stream)
{
	struct dirlist_entry e;
	int r;
	while ((r = dirlist_next(stream, &e)) > 0) {
		if (list_add(l, &e) == 0) {
			dirlist_back(stream);
			break;
		}
	}
	return l->used > 0 ? 1 : r;
}

/* The same, from an offset on. Returns 0 or -errno. */
static int list_fill_from(struct list_reply *l, off_t off)
{
	struct listings *all = &l->fs->listings;
	struct dirlist *stream;
	int r = listings_get(all, l->dir->node, l->dir->dir, off, &stream);
	if (r < 0)
		return r;
	r = list_fill(l, stream);
	if (r > 0)
		listings_give(all, l->dir->node, l->next, stream);
	else
		dirlist_close(stream);
	return r < 0 ? r : 0;
}

/*
 * In private mode the kernel keeps a listing that has come to its end. Whether the directory has changed it asks only
 * where somebody begins to read (6.18): one who began after a change would go on in the listing of one who began before
 * it, once that is complete, miss names and see some that are gone. So at the end the kernel is told to forget what a
 * change has overtaken. No change happens while a request to list is answered: the kernel holds the directory's lock.
 */
static void list_begins(struct fs *fs, struct node *n)
{
	if (!fs->shared && !atomic_exchange(&n->listed, true))
		atomic_store(&n->overtaken, false);
}

/* Before the reply that says so. There is nothing to write back, so this may wait here. */
static void list_ends(struct fs *fs, struct node *n)
{
	if (atomic_load(&n->listed) && atomic_load(&n->overtaken))
		(void)fuse_lowlevel_notify_inval_inode(fs->se, fs_ino(fs, n), 0, 0);
	atomic_store(&n->listed, false);
}

static void list_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, bool plus)
{
	struct fs *fs = fs_of(req);
	struct scratch *sc = scratch_get();
	struct list_reply l = { .req = req, .fs = fs, .plus = plus };
	int r = sc ? 0 : -ENOMEM;
	if (r == 0) {
		_cleanup_node_dir_ struct node_dir d;
		l.buf = (char *)sc->out;
		l.size = size < SCRATCH_BYTES ? size : SCRATCH_BYTES;
		l.dir = &d;
		r = node_dir_hold(fs, ino, &d);
		if (r == 0 && off == 0)
			list_begins(fs, d.node);
		if (r == 0)
			r = list_fill_from(&l, off);
		if (r == 0 && l.used == 0)
			list_ends(fs, d.node);
	}
	reply_data(req, l.buf, r < 0 ? r : (ssize_t)l.used);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)fi;
	list_read(req, ino, size, off, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)fi;
	list_read(req, ino, size, off, true);
}

static int list_sync(struct fs *fs, fuse_ino_t ino)
{
	_cleanup_node_dir_ struct node_dir d;
	int r = node_dir_hold(fs, ino, &d);
	return r < 0 ? r : store_sync_dir(fs->st, d.dir->fd);
}

static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)datasync;
	(void)fi;
	reply_result(req, list_sync(fs_of(req), ino));
}

void ops_list_install(struct fuse_lowlevel_ops *ops)
{
	ops->opendir = op_opendir;
	ops->releasedir = op_releasedir;
	ops->readdir = op_readdir;
	ops->readdirplus = op_readdirplus;
	ops->fsyncdir = op_fsyncdir;
}
