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

/* An open directory; holds the node's dir. */
struct listing {
	struct listing *next; /* in fs->listings, under its lock */
	struct listing **at;
	pthread_mutex_t lock; /* the stream's; before every other lock */
	struct dirlist *stream;
};

static struct listing *listing_of(const struct fuse_file_info *fi)
{
	struct listing *l = (struct listing *)(uintptr_t)fi->fh;
	fs_hand_in(l);
	return l;
}

static void list_link(struct listings *all, struct listing *l)
{
	SCOPED_LOCK(&all->lock);
	l->next = all->first;
	l->at = &all->first;
	if (l->next)
		l->next->at = &l->next;
	all->first = l;
}

static void list_unlink(struct listings *all, struct listing *l)
{
	SCOPED_LOCK(&all->lock);
	*l->at = l->next;
	if (l->next)
		l->next->at = l->at;
}

static int list_open(struct fs *fs, struct dir *d, struct fuse_file_info *fi)
{
	struct listing *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	int r = dirlist_open(d, &l->stream);
	if (r < 0) {
		free(l);
		return r;
	}
	pthread_mutex_init(&l->lock, NULL);
	list_link(&fs->listings, l);
	fs_hand_out(l);
	fi->fh = (uintptr_t)l;
	return 0;
}

static void list_free(struct listings *all, struct listing *l)
{
	list_unlink(all, l);
	dirlist_close(l->stream);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

void ops_list_end(struct fs *fs)
{
	while (fs->listings.first)
		list_free(&fs->listings, fs->listings.first);
}

static void list_close(struct fs *fs, struct node *n, struct listing *l)
{
	list_free(&fs->listings, l);
	node_dir_put(fs, n);
	inode_unref(&fs->inodes, n);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct node *n = fs_node(fs, ino);
	struct dir *d;
	int r = node_dir_get(fs, n, &d);
	if (r == 0) {
		r = list_open(fs, d, fi);
		if (r < 0)
			node_dir_put(fs, n);
	}
	if (r < 0) {
		reply_result(req, r);
		return;
	}
	inode_ref(n);
	fi->cache_readdir = fi->keep_cache = !fs->shared;
	if (fuse_reply_open(req, fi) == -ENOENT)
		list_close(fs, n, listing_of(fi));
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	list_close(fs, fs_node(fs, ino), listing_of(fi));
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
	return 1;
}

/* Fill the reply. Returns 0, or -errno only if nothing was put in. */
static int list_fill(struct list_reply *l, struct listing *listing, off_t off)
{
	struct dirlist_entry e;
	SCOPED_LOCK(&listing->lock);
	int r = dirlist_seek(listing->stream, off);
	while (r == 0) {
		r = dirlist_next(listing->stream, &e);
		if (r <= 0)
			break;
		if (list_add(l, &e) == 0) {
			dirlist_back(listing->stream);
			return 0;
		}
		r = 0;
	}
	return l->used > 0 ? 0 : r;
}

static void list_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi,
		      bool plus)
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
		if (r == 0)
			r = list_fill(&l, listing_of(fi), off);
	}
	reply_data(req, l.buf, r < 0 ? r : (ssize_t)l.used);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	list_read(req, ino, size, off, fi, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	list_read(req, ino, size, off, fi, true);
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
