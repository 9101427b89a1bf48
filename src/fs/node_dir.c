/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The directories of nodes: a cache of those lately used, and climbing to them by location. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "fs/node_impl.h"

/* How long to wait for renames in progress: so many times so long. */
#define NODE_TRIES 50000
#define NODE_WAIT_NS 100000L

/* ---- the cache ---- */

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
	if (S_ISDIR(n->type))
		listings_forget(&fs->listings, n);
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

/* ---- by location ---- */

struct node_try node_try_begin(struct fs *fs)
{
	return (struct node_try){ .fs = fs, .done = atomic_load(&fs->moves.done) };
}

bool node_try_again(struct node_try *t)
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
