/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "fs/tender.h"
#include "store/attr.h"

/* How often a location is read again when a rename got in between. */
#define NODE_RETRIES 8

/* ---- the directory cache ---- */

void node_dircache_init(struct dircache *c, size_t max)
{
	pthread_mutex_init(&c->lock, NULL);
	c->head.lru_next = c->head.lru_prev = &c->head;
	c->n = 0;
	c->max = max;
}

static void node_lru_unlink(struct node *n)
{
	n->lru_prev->lru_next = n->lru_next;
	n->lru_next->lru_prev = n->lru_prev;
	n->lru_prev = n->lru_next = NULL;
}

static void node_lru_front(struct dircache *c, struct node *n)
{
	n->lru_next = c->head.lru_next;
	n->lru_prev = &c->head;
	n->lru_next->lru_prev = n;
	c->head.lru_next = n;
}

/* The directory if it is cached, held. */
static struct dir *node_dir_cached(struct dircache *c, struct node *n)
{
	SCOPED_LOCK(&c->lock);
	if (!n->dir)
		return NULL;
	if (n->dir_users++ == 0 && n->lru_next) {
		node_lru_unlink(n);
		node_lru_front(c, n);
	}
	return n->dir;
}

/* Take what has not been used for longest, and nobody holds, out of a cache that is too full; one at a time. */
static struct dir *node_dir_evict(struct dircache *c)
{
	if (c->n <= c->max)
		return NULL;
	for (struct node *n = c->head.lru_prev; n != &c->head; n = n->lru_prev) {
		if (n->dir_users > 0 || n->pinned)
			continue;
		struct dir *d = n->dir;
		n->dir = NULL;
		node_lru_unlink(n);
		c->n--;
		return d;
	}
	return NULL;
}

/* Put a directory that was opened into the cache, held. Another thread's wins; the loser is freed. */
static struct dir *node_dir_insert(struct dircache *c, struct node *n, struct dir *d)
{
	struct dir *loser = NULL, *result;
	{
		SCOPED_LOCK(&c->lock);
		if (n->dir) {
			loser = d;
		} else {
			n->dir = d;
			node_lru_front(c, n);
			c->n++;
		}
		n->dir_users++;
		result = n->dir;
		if (!loser)
			loser = node_dir_evict(c);
	}
	dir_free(loser);
	return result;
}

/* A dying node's directory is freed with it and must not stay in the ring. */
void node_dying(void *arg, struct node *n)
{
	struct fs *fs = arg;
	SCOPED_LOCK(&fs->dirs.lock);
	if (n->lru_next) {
		node_lru_unlink(n);
		fs->dirs.n--;
	}
}

void node_dir_put(struct fs *fs, struct node *n)
{
	SCOPED_LOCK(&fs->dirs.lock);
	n->dir_users--;
}

/* ---- locations ---- */

/* The node's parent, counted, and its name there. Returns false if the name is gone. */
static bool node_where(struct fs *fs, struct node *n, struct node **parent, char disk[static NAME_DISK_SIZE])
{
	{
		SCOPED_LOCK(inode_lock(&fs->inodes, n));
		if (!n->parent)
			return false;
		*parent = n->parent;
		strcpy(disk, n->disk);
		inode_ref(*parent); /* its child's count keeps it until here */
	}
	return true;
}

/* Open a directory node below its parent's open directory. */
static int node_dir_open_at(struct fs *fs, struct node *n, const struct dir *parent, const char *disk,
			    struct dir **out)
{
	_cleanup_dir_ struct dir *d = NULL;
	int r = dir_open(parent, disk, &d);
	if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP || (r == 0 && d->ino != n->ino))
		return -ESTALE;
	if (r < 0)
		return r;
	*out = node_dir_insert(&fs->dirs, n, TAKE_PTR(d));
	return 0;
}

/* One step down: node's directory, its parent's being held already. */
static int node_dir_step(struct fs *fs, struct node *n, struct node *parent, const struct dir *parent_dir,
			 struct dir **out)
{
	for (int i = 0; i < NODE_RETRIES; i++) {
		struct node *at;
		char disk[NAME_DISK_SIZE];
		*out = node_dir_cached(&fs->dirs, n);
		if (*out)
			return 0;
		if (!node_where(fs, n, &at, disk))
			return -ESTALE;
		bool same = at == parent;
		inode_unref(&fs->inodes, at);
		if (!same)
			return -ESTALE;
		int r = node_dir_open_at(fs, n, parent_dir, disk, out);
		if (r != -ESTALE)
			return r;
	}
	return -ESTALE;
}

/* The chain of nodes from n up to the first whose directory is cached. */
struct node_chain {
	struct fs *fs;
	struct node **nodes; /* each counted */
	size_t n;
};

static void node_chain_cleanup(struct node_chain *c)
{
	for (size_t i = 0; i < c->n; i++)
		inode_unref(&c->fs->inodes, c->nodes[i]);
	free(c->nodes);
}

static int node_chain_add(struct node_chain *c, struct node *n)
{
	struct node **nodes = reallocarray(c->nodes, c->n + 1, sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	c->nodes = nodes;
	c->nodes[c->n++] = n;
	return 0;
}

/* Climb until a directory is cached (it is held then), then open down. Not recursive: a tree may be as deep as
 * it likes. */
static int node_dir_climb(struct fs *fs, struct node *n, struct dir **out)
{
	_cleanup_(node_chain_cleanup) struct node_chain chain = { .fs = fs };
	struct node *at = n;
	struct dir *dir;

	inode_ref(n);
	while (true) {
		char disk[NAME_DISK_SIZE];
		struct node *parent;
		int r = node_chain_add(&chain, at);
		if (r < 0) {
			inode_unref(&fs->inodes, at);
			return r;
		}
		dir = node_dir_cached(&fs->dirs, at);
		if (dir)
			break;
		if (!node_where(fs, at, &parent, disk))
			return -ESTALE;
		at = parent;
	}
	for (size_t i = chain.n - 1; i > 0; i--) {
		struct dir *next = NULL;
		int r = node_dir_step(fs, chain.nodes[i - 1], chain.nodes[i], dir, &next);
		node_dir_put(fs, chain.nodes[i]);
		if (r < 0)
			return r;
		dir = next;
	}
	*out = dir;
	return 0;
}

int node_dir_get(struct fs *fs, struct node *n, struct dir **out)
{
	if (!S_ISDIR(n->type))
		return -ENOTDIR;
	*out = node_dir_cached(&fs->dirs, n);
	if (*out)
		return 0;
	int r = -ESTALE;
	for (int i = 0; r == -ESTALE && i < NODE_RETRIES; i++)
		r = node_dir_climb(fs, n, out);
	return r;
}

int node_dir_hold(struct fs *fs, fuse_ino_t ino, struct node_dir *out)
{
	out->fs = fs;
	out->node = NULL;
	struct node *n = fs_node(fs, ino);
	int r = node_dir_get(fs, n, &out->dir);
	if (r == 0)
		out->node = n;
	return r;
}

void node_dir_cleanup(struct node_dir *d)
{
	if (d->node)
		node_dir_put(d->fs, d->node);
}

int node_loc_get(struct fs *fs, struct node *n, struct node_loc *out)
{
	struct node *parent;
	out->fs = fs;
	out->parent = NULL;
	if (!node_where(fs, n, &parent, out->disk))
		return -ENOENT;
	int r = node_dir_get(fs, parent, &out->dir);
	if (r < 0) {
		inode_unref(&fs->inodes, parent);
		return r;
	}
	out->parent = parent;
	return 0;
}

void node_loc_cleanup(struct node_loc *l)
{
	if (!l->parent)
		return;
	node_dir_put(l->fs, l->parent);
	inode_unref(&l->fs->inodes, l->parent);
}

/* ---- descriptors ---- */

/* Open by location or pin with these flags, and make sure that it is the inode. A name that leads elsewhere is
 * looked up again: a rename may have come in between. */
static int node_open(struct fs *fs, struct node *n, int flags, int *out)
{
	for (int i = 0; i < NODE_RETRIES; i++) {
		_cleanup_fd_ int fd = -1;
		_cleanup_node_loc_ struct node_loc loc;
		int pin, r = node_loc_get(fs, n, &loc);
		if (r == -ENOENT) {
			{
				SCOPED_LOCK(inode_lock(&fs->inodes, n));
				pin = n->pin;
			}
			if (pin < 0)
				return -ESTALE;
			char path[32];
			snprintf(path, sizeof(path), "/proc/self/fd/%d", pin);
			*out = open(path, (flags & ~O_NOFOLLOW) | O_CLOEXEC);
			return *out < 0 ? -errno : 0;
		}
		if (r < 0)
			return r;
		struct stat sb;
		fd = openat(loc.dir->fd, loc.disk, flags | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno != ENOENT && errno != ELOOP)
			return -errno;
		if (fd >= 0 && fstat(fd, &sb) != 0)
			return -errno;
		if (fd >= 0 && sb.st_ino == n->ino && sb.st_dev == fs->st->dev) {
			*out = TAKE_FD(fd);
			return 0;
		}
	}
	return -ESTALE;
}

int node_fd_get(struct fs *fs, struct node *n, struct node_fd *out)
{
	*out = (struct node_fd){ .fs = fs, .fd = -1 };
	if (S_ISDIR(n->type)) {
		struct dir *d;
		int r = node_dir_get(fs, n, &d);
		if (r == 0) {
			out->node = n;
			out->fd = d->fd;
			return 0;
		}
		if (r != -EUCLEAN && r != -EACCES)
			return r; /* one that is damaged, or closed to its owner, can still be looked at */
	}
	struct file *f = node_file_peek(fs, n);
	if (f) {
		out->node = n;
		out->is_file = true;
		out->fd = file_fd(f);
		return 0;
	}
	{
		SCOPED_LOCK(inode_lock(&fs->inodes, n));
		out->fd = n->pin; /* stays as long as the node, which the caller holds */
	}
	if (out->fd >= 0)
		return 0;
	int r = node_open(fs, n, O_PATH, &out->fd);
	out->own = r == 0;
	return r;
}

void node_fd_cleanup(struct node_fd *f)
{
	if (f->own)
		close(f->fd);
	else if (f->node && f->is_file)
		node_file_put(f->fs, f->node);
	else if (f->node)
		node_dir_put(f->fs, f->node);
}

/* ---- status ---- */

void node_plain(struct fs *fs, struct node *n, const struct dir *dir, const char *disk, struct stat *sb)
{
	if (!S_ISREG(n->type)) {
		attr_plain(dir, disk, sb);
		return;
	}
	struct file *f = node_file_peek(fs, n);
	if (f) {
		sb->st_size = (off_t)file_size(f);
		node_file_put(fs, n);
		return;
	}
	bool known;
	{
		SCOPED_LOCK(inode_lock(&fs->inodes, n));
		known = n->size_known;
		if (known)
			sb->st_size = (off_t)n->true_size;
	}
	if (!known)
		attr_plain(dir, disk, sb);
}

/* By location; -ENOENT if that is gone. */
static int node_stat_named(struct fs *fs, struct node *n, struct stat *sb)
{
	for (int i = 0; i < NODE_RETRIES; i++) {
		_cleanup_node_loc_ struct node_loc loc;
		int r = node_loc_get(fs, n, &loc);
		if (r < 0)
			return r;
		r = dir_stat(loc.dir, loc.disk, sb);
		if (r == 0 && sb->st_ino == n->ino) {
			node_plain(fs, n, loc.dir, loc.disk, sb);
			return 0;
		}
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return -ESTALE;
}

/* A nameless inode without open content: its pin, and the most its size can tell. */
static int node_stat_pinned(struct fs *fs, struct node *n, struct stat *sb)
{
	_cleanup_node_fd_ struct node_fd fd;
	int r = node_fd_get(fs, n, &fd);
	if (r < 0)
		return r;
	if (fstat(fd.fd, sb) != 0)
		return -errno;
	if (S_ISREG(n->type)) {
		_cleanup_node_file_ struct node_file f;
		r = node_file_hold(fs, n, false, &f);
		sb->st_size = r == 0 ? (off_t)file_size(f.file) : 0;
	}
	return 0;
}

int node_stat(struct fs *fs, struct node *n, struct stat *sb)
{
	struct file *f = S_ISREG(n->type) ? node_file_peek(fs, n) : NULL;
	if (f) {
		int r = file_stat(f, sb);
		node_file_put(fs, n);
		return r;
	}
	if (S_ISDIR(n->type)) {
		_cleanup_node_fd_ struct node_fd fd;
		int r = node_fd_get(fs, n, &fd);
		if (r < 0)
			return r;
		return fstat(fd.fd, sb) == 0 ? 0 : -errno;
	}
	int r = node_stat_named(fs, n, sb);
	return r == -ENOENT ? node_stat_pinned(fs, n, sb) : r;
}

/* ---- content ---- */

struct file *node_file_get(struct fs *fs, struct node *n)
{
	struct file *made = NULL, *f;
	bool whole;
	{
		SCOPED_LOCK(inode_lock(&fs->inodes, n));
		if (n->file) {
			n->file_users++;
			n->refs++;
			return n->file;
		}
		whole = n->whole;
	}
	made = file_new(fs->st, whole && !fs->shared);
	if (!made)
		return NULL;
	{
		SCOPED_LOCK(inode_lock(&fs->inodes, n));
		if (!n->file) {
			n->file = made;
			made = NULL;
		}
		n->file_users++;
		n->refs++;
		f = n->file;
	}
	file_free(made);
	return f;
}

struct file *node_file_peek(struct fs *fs, struct node *n)
{
	struct file *f;
	{
		SCOPED_LOCK(inode_lock(&fs->inodes, n));
		f = n->file;
		if (!f)
			return NULL;
		n->file_users++;
		n->refs++;
	}
	if (file_is_open(f, false))
		return f;
	node_file_put(fs, n);
	return NULL;
}

/* While it is still the inode's: what must not race with somebody who opens it anew. */
static void node_file_finish(struct fs *fs, struct file *f)
{
	if (fs->read_only || !file_is_open(f, true))
		return;
	int r = file_settle(f);
	if (r == 0 && file_wants_raise(f) && file_is_synced(f))
		r = file_raise(f);
	if (r < 0)
		log_warn("inode %llu: closing: %s", (unsigned long long)file_ino(f), strerror(-r));
}

void node_file_put(struct fs *fs, struct node *n)
{
	struct file *f = NULL;
	bool last;
	{
		SCOPED_LOCK(inode_lock(&fs->inodes, n));
		last = n->file_users == 1;
		f = n->file;
		if (!last)
			n->file_users--;
	}
	if (last) {
		node_file_finish(fs, f);
		if (!fs->read_only && file_wants_raise(f))
			tender_add(fs->tender, n);
		SCOPED_LOCK(inode_lock(&fs->inodes, n));
		last = --n->file_users == 0;
		if (last) {
			n->file = NULL;
			n->whole = file_is_whole(f);
			if (n->size_known)
				n->true_size = file_size(f);
		}
	}
	if (last)
		file_free(f);
	inode_unref(&fs->inodes, n);
}

/* Open what its mode keeps even its owner out of: let him in for a moment. */
static int node_open_forced(struct fs *fs, struct node *n, int flags, int *out)
{
	_cleanup_fd_ int path_fd = -1;
	char path[32];
	struct stat sb;
	int r = node_open(fs, n, O_PATH, &path_fd);
	if (r < 0)
		return r;
	if (fstat(path_fd, &sb) != 0)
		return -errno;
	if (!S_ISREG(sb.st_mode) || sb.st_uid != geteuid() || fs->read_only)
		return -EACCES;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	if (chmod(path, (sb.st_mode & 07777) | S_IRUSR | S_IWUSR) != 0)
		return -errno;
	*out = open(path, flags | O_CLOEXEC);
	r = *out < 0 ? -errno : 0;
	(void)chmod(path, sb.st_mode & 07777);
	return r;
}

int node_file_open(struct fs *fs, struct node *n, struct file *f, bool writable)
{
	if (file_is_open(f, writable))
		return 0;
	if (writable && fs->read_only)
		return -EROFS;
	int fd = -1, flags = (writable ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_NOCTTY;
	/* Whoever opens it to write has not read it; only its owner may say so. */
	int r = writable ? node_open(fs, n, flags | O_NOATIME, &fd) : -EPERM;
	if (r == -EPERM)
		r = node_open(fs, n, flags, &fd);
	if (r == -EACCES)
		r = node_open_forced(fs, n, flags, &fd);
	if (r < 0)
		return r;
	return file_attach(f, fd, writable);
}

int node_file_hold(struct fs *fs, struct node *n, bool writable, struct node_file *out)
{
	out->fs = fs;
	out->node = NULL;
	if (S_ISDIR(n->type))
		return -EISDIR;
	if (!S_ISREG(n->type))
		return -EINVAL;
	out->file = node_file_get(fs, n);
	if (!out->file)
		return -ENOMEM;
	out->node = n;
	return node_file_open(fs, n, out->file, writable);
}

void node_file_cleanup(struct node_file *f)
{
	if (f->node)
		node_file_put(f->fs, f->node);
}
