/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "fs/tender.h"
#include "store/attr.h"
#include "store/force.h"

/* How long to wait for renames in progress: so many times so long. */
#define NODE_TRIES 50000
#define NODE_WAIT_NS 100000L

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

/* Trying again when a rename or removal got in between: see struct moves. */
struct node_try {
	struct fs *fs;
	uint64_t done;
	int tries;
};

static struct node_try node_try_begin(struct fs *fs)
{
	return (struct node_try){ .fs = fs, .done = atomic_load(&fs->moves.done) };
}

/* It led astray. Returns true if it is worth another try. */
static bool node_try_again(struct node_try *t)
{
	if (atomic_load(&t->fs->moves.begun) == t->done || ++t->tries >= NODE_TRIES)
		return false;
	nanosleep(&(struct timespec){ .tv_nsec = NODE_WAIT_NS }, NULL);
	t->done = atomic_load(&t->fs->moves.done);
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
	struct node *at;
	char disk[NAME_DISK_SIZE];
	*out = node_dir_cached(&fs->dirs, n);
	if (*out)
		return 0;
	if (!inode_where(&fs->inodes, n, 0, &at, disk))
		return -ESTALE;
	bool same = at == parent;
	inode_unref(&fs->inodes, at);
	return same ? node_dir_open_at(fs, n, parent_dir, disk, out) : -ESTALE;
}

/* The chain of nodes from n up to the first whose directory is cached. */
struct node_chain {
	struct fs *fs;
	struct node **nodes; /* each counted */
	size_t n;
	struct node *mark;   /* one of them, to notice a ring (Brent) */
	size_t next_mark;
};

static void node_chain_cleanup(struct node_chain *c)
{
	for (size_t i = 0; i < c->n; i++)
		inode_unref(&c->fs->inodes, c->nodes[i]);
	free(c->nodes);
}

/* Takes the count on n, also on failure. Somebody who changes the vault can put a directory below itself:
 * -ELOOP then. */
static int node_chain_add(struct node_chain *c, struct node *n)
{
	struct node **nodes = n == c->mark ? NULL : reallocarray(c->nodes, c->n + 1, sizeof(*nodes));
	if (!nodes) {
		inode_unref(&c->fs->inodes, n);
		return n == c->mark ? -ELOOP : -ENOMEM;
	}
	c->nodes = nodes;
	c->nodes[c->n++] = n;
	if (c->n > c->next_mark) {
		c->mark = n;
		c->next_mark = 2 * c->n;
	}
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
		if (r < 0)
			return r;
		dir = node_dir_cached(&fs->dirs, at);
		if (dir)
			break;
		if (!inode_where(&fs->inodes, at, 0, &parent, disk))
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
	struct node_try try = node_try_begin(fs);
	int r;
	do
		r = node_dir_climb(fs, n, out);
	while (r == -ESTALE && node_try_again(&try));
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

/* Location number i. Returns 0, -ENOENT if there are not so many, or -errno. */
static int node_loc_get(struct fs *fs, struct node *n, size_t i, struct node_loc *out)
{
	struct node *parent;
	if (!inode_where(&fs->inodes, n, i, &parent, out->disk))
		return -ENOENT;
	int r = node_dir_get(fs, parent, &out->dir);
	if (r < 0) {
		inode_unref(&fs->inodes, parent);
		return r == -ENOENT ? -ESTALE : r;
	}
	out->parent = parent;
	return 0;
}

static bool node_is(const struct fs *fs, const struct node *n, const struct stat *sb)
{
	return sb->st_ino == n->ino && sb->st_dev == fs->st->dev && (sb->st_mode & S_IFMT) == n->type;
}

/* Is it at location number i? */
static int node_loc_try(struct fs *fs, struct node *n, size_t i, struct node_loc *out, struct stat *sb)
{
	int r = node_loc_get(fs, n, i, out);
	if (r < 0)
		return r;
	r = dir_stat(out->dir, out->disk, sb);
	if (r == 0 && node_is(fs, n, sb))
		return 0;
	node_loc_cleanup(out);
	return r == 0 || r == -ENOENT ? -ESTALE : r;
}

int node_loc_find(struct fs *fs, struct node *n, struct node_loc *out, struct stat *sb)
{
	out->fs = fs;
	out->parent = NULL;
	struct node_try try = node_try_begin(fs);
	int r;
	do {
		size_t i = 0;
		do
			r = node_loc_try(fs, n, i, out, sb);
		while (r == -ESTALE && ++i < NODE_NAMES_MAX);
		if (r == -ENOENT && i > 0)
			r = -ESTALE;
	} while (r == -ESTALE && node_try_again(&try));
	return r;
}

void node_loc_cleanup(struct node_loc *l)
{
	if (!l->parent)
		return;
	node_dir_put(l->fs, l->parent);
	inode_unref(&l->fs->inodes, l->parent);
	l->parent = NULL;
}

/* ---- descriptors ---- */

/* Open what has no name any more. */
static int node_open_pin(struct fs *fs, struct node *n, int flags, int *out)
{
	char path[32];
	struct stat sb;
	_cleanup_fd_ int pin = inode_pin(&fs->inodes, n);
	if (pin < 0)
		return -ESTALE;
	if (flags & O_PATH) {
		*out = TAKE_FD(pin);
		return 0;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", pin);
	_cleanup_fd_ int fd = open(path, (flags & ~O_NOFOLLOW) | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &sb) != 0)
		return -errno;
	if (!node_is(fs, n, &sb))
		return -ESTALE;
	*out = TAKE_FD(fd);
	return 0;
}

static int node_open_once(struct fs *fs, struct node *n, int flags, int *out)
{
	struct stat sb;
	_cleanup_node_loc_ struct node_loc loc;
	int r = node_loc_find(fs, n, &loc, &sb);
	if (r == -ENOENT)
		return node_open_pin(fs, n, flags, out);
	if (r < 0)
		return r;
	_cleanup_fd_ int fd = openat(loc.dir->fd, loc.disk, flags | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? -ESTALE : -errno;
	if (fstat(fd, &sb) != 0)
		return -errno;
	if (!node_is(fs, n, &sb))
		return -ESTALE;
	*out = TAKE_FD(fd);
	return 0;
}

/* Open by location or pin with these flags, and make sure that it is the inode. */
static int node_open(struct fs *fs, struct node *n, int flags, int *out)
{
	struct node_try try = node_try_begin(fs);
	int r;
	do
		r = node_open_once(fs, n, flags, out);
	while (r == -ESTALE && node_try_again(&try));
	return r;
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

/* What the size hint lies about, found out at an earlier opening. In shared mode another may have written since. */
static bool node_known_size(struct fs *fs, struct node *n, const struct stat *sb, uint64_t *size)
{
	SCOPED_LOCK(inode_lock(&fs->inodes, n));
	if (!n->size_known ||
	    (fs->shared && (sb->st_size != n->raw_size || sb->st_ctim.tv_sec != n->raw_ctime.tv_sec ||
			    sb->st_ctim.tv_nsec != n->raw_ctime.tv_nsec)))
		return false;
	*size = n->true_size;
	return true;
}

int node_plain(struct fs *fs, struct node *n, const struct dir *dir, const char *disk, struct stat *sb)
{
	uint64_t size;
	struct file *f = S_ISREG(n->type) ? node_file_peek(fs, n) : NULL;
	if (f) {
		sb->st_size = (off_t)file_size(f);
		node_file_put(fs, n);
		return 0;
	}
	if (S_ISREG(n->type) && node_known_size(fs, n, sb, &size)) {
		sb->st_size = (off_t)size;
		return 0;
	}
	return attr_plain(dir, disk, sb);
}

int node_enter(struct fs *fs, const struct node_dir *d, const char *disk, struct node **n, struct stat *sb)
{
	struct node *found;
	int r = dir_stat(d->dir, disk, sb);
	if (r == 0)
		r = inode_lookup(&fs->inodes, d->node, disk, sb, &found);
	if (r < 0)
		return r;
	r = node_plain(fs, found, d->dir, disk, sb);
	if (r < 0)
		inode_forget(&fs->inodes, found, 1);
	else
		*n = found;
	return r;
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
	} else if (S_ISLNK(n->type)) {
		ssize_t len = name_link_len((size_t)sb->st_size);
		sb->st_size = len > 0 ? len : 0;
	}
	return 0;
}

/* Neither loaded content nor a directory. */
static int node_stat_closed(struct fs *fs, struct node *n, struct stat *sb)
{
	_cleanup_node_loc_ struct node_loc loc;
	int r = node_loc_find(fs, n, &loc, sb);
	return r == -ENOENT ? node_stat_pinned(fs, n, sb)
	       : r < 0      ? r
			    : node_plain(fs, n, loc.dir, loc.disk, sb);
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
		SCOPED_READ(&fs->st->modes);
		return fstat(fd.fd, sb) == 0 ? 0 : -errno;
	}
	return node_stat_closed(fs, n, sb);
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
static void node_file_finish(struct fs *fs, struct node *n, struct file *f)
{
	if (fs->read_only || !file_is_open(f, true))
		return;
	int r = file_settle(f);
	if (r == 0 && file_wants_raise(f) && file_is_synced(f))
		r = file_raise(f);
	if (r < 0)
		log_warn("inode %llu: closing: %s", (unsigned long long)file_ino(f), strerror(-r));
	if (file_wants_raise(f))
		tender_add(fs->tender, n);
}

/* The last user leaves: what the node is to remember. The shard's lock is held, and nobody has the file's. */
static void node_file_leave(struct node *n, struct file *f)
{
	n->file = NULL;
	n->whole = file_is_whole(f);
	n->true_size = file_size(f);
	file_seen(f, &n->raw_size, &n->raw_ctime);
}

void node_file_put(struct fs *fs, struct node *n)
{
	struct file *f, *gone = NULL;
	bool finished = false;
	uint64_t seen = 0;
	while (true) {
		{
			SCOPED_LOCK(inode_lock(&fs->inodes, n));
			f = n->file;
			bool last = n->file_users == 1;
			/* While we finished somebody may have come, changed it and gone: not finished then. */
			if (!last || (finished && seen == file_changes(f))) {
				n->file_users--;
				if (last) {
					node_file_leave(n, f);
					gone = f;
				}
				break;
			}
		}
		seen = file_changes(f);
		node_file_finish(fs, n, f);
		finished = true;
	}
	file_free(gone);
	inode_unref(&fs->inodes, n);
}

/* Open what its mode keeps even its owner out of. */
static int node_open_forced(struct fs *fs, struct node *n, int flags, int *out)
{
	_cleanup_fd_ int path_fd = -1;
	int r = node_open(fs, n, O_PATH, &path_fd);
	return r < 0 ? r : force_open(fs->st, path_fd, flags, out);
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
