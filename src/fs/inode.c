/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/inode_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"

#define INODE_BUCKETS 64
#define INODE_GIVE_BACK 16384

static uint64_t inode_hash(ino_t ino)
{
	uint64_t h = (uint64_t)ino * 0x9e3779b97f4a7c15u; /* Knuth's multiplicative hash */
	return h ^ (h >> 29);
}

static struct inode_shard *inode_shard(struct inode_table *t, ino_t ino)
{
	return &t->shards[inode_hash(ino) % INODE_SHARDS];
}

static struct node **inode_bucket(struct inode_shard *s, ino_t ino)
{
	return &s->buckets[(inode_hash(ino) / INODE_SHARDS) & (s->n_buckets - 1)];
}

pthread_mutex_t *inode_lock(struct inode_table *t, const struct node *n)
{
	return &inode_shard(t, n->ino)->lock;
}

int inode_table_init(struct inode_table *t, struct dir *root)
{
	memset(t, 0, sizeof(*t));
	for (int i = 0; i < INODE_SHARDS; i++) {
		struct inode_shard *s = &t->shards[i];
		pthread_mutex_init(&s->lock, NULL);
		s->n_buckets = INODE_BUCKETS;
		s->buckets = calloc(s->n_buckets, sizeof(*s->buckets));
		if (!s->buckets)
			return -ENOMEM;
	}
	t->root.ino = root->ino;
	t->root.type = S_IFDIR;
	t->root.nlookup = 1; /* never goes */
	t->root.refs = 1;
	t->root.pin = -1;
	t->root.dir = root;
	t->root.pinned = true;
	return 0;
}

static void inode_free(struct node *n)
{
	if (n->pin >= 0)
		close(n->pin);
	dir_free(n->dir);
	file_free(n->file);
	while (n->names) {
		struct node_name *name = n->names;
		n->names = name->next;
		free(name);
	}
	free(n);
}

static void inode_free_chain(struct node *n)
{
	while (n) {
		struct node *next = n->next;
		inode_free(n);
		n = next;
	}
}

void inode_table_destroy(struct inode_table *t)
{
	for (int i = 0; i < INODE_SHARDS; i++) {
		struct inode_shard *s = &t->shards[i];
		for (size_t b = 0; s->buckets && b < s->n_buckets; b++)
			inode_free_chain(s->buckets[b]);
		inode_free_chain(s->orphans);
		free(s->buckets);
		pthread_mutex_destroy(&s->lock);
	}
	dir_free(t->root.dir);
	t->root.dir = NULL;
}

/* Nodes that are being collected. */
struct inode_list {
	struct node **nodes;
	size_t n;
	size_t cap;
};

/* Those of a chain with loaded content, as far as memory goes. The shard's lock is held. */
static void inode_collect(struct inode_list *l, struct node *n)
{
	for (; n; n = n->next) {
		if (!n->file)
			continue;
		struct node **nodes = array_more(l->nodes, l->n, &l->cap, sizeof(struct node *));
		if (!nodes)
			return;
		l->nodes = nodes;
		n->refs++;
		l->nodes[l->n++] = n;
	}
}

size_t inode_open_files(struct inode_table *t, struct node ***out)
{
	struct inode_list l = { .n = 0 };
	for (int i = 0; i < INODE_SHARDS; i++) {
		struct inode_shard *s = &t->shards[i];
		SCOPED_LOCK(&s->lock);
		for (size_t b = 0; b < s->n_buckets; b++)
			inode_collect(&l, s->buckets[b]);
		inode_collect(&l, s->orphans);
	}
	*out = l.nodes;
	return l.n;
}

/* ---- the table; the shard's lock is held ---- */

static struct node *inode_find_locked(struct inode_shard *s, ino_t ino)
{
	struct node *n = *inode_bucket(s, ino);
	while (n && n->ino != ino)
		n = n->next;
	return n;
}

/* So many buckets, if memory is to be had; the same as before if not. */
static void inode_resize(struct inode_shard *s, size_t n_buckets)
{
	size_t before = s->n_buckets;
	struct node **old = s->buckets, **buckets = calloc(n_buckets, sizeof(*buckets));
	if (!buckets)
		return;
	s->buckets = buckets;
	s->n_buckets = n_buckets;
	for (size_t b = 0; b < before; b++) {
		struct node *n = old[b], *next;
		for (; n; n = next) {
			struct node **at = inode_bucket(s, n->ino);
			next = n->next;
			n->next = *at;
			*at = n;
		}
	}
	free(old);
}

static void inode_insert(struct inode_shard *s, struct node *n)
{
	if (s->n >= s->n_buckets)
		inode_resize(s, s->n_buckets * 2);
	struct node **at = inode_bucket(s, n->ino);
	n->next = *at;
	*at = n;
	n->hashed = true;
	s->n++;
}

static void inode_unchain(struct node **at, struct node *n)
{
	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
}

void inode_orphan(struct inode_table *t, struct node *n)
{
	struct inode_shard *s = inode_shard(t, n->ino);
	inode_unchain(inode_bucket(s, n->ino), n);
	n->next = s->orphans;
	s->orphans = n;
	n->hashed = false;
	s->n--;
}

static void inode_remove(struct inode_shard *s, struct node *n)
{
	inode_unchain(n->hashed ? inode_bucket(s, n->ino) : &s->orphans, n);
	s->n -= n->hashed;
	if (s->n_buckets > INODE_BUCKETS && s->n < s->n_buckets / 8)
		inode_resize(s, s->n_buckets / 2);
}

/* A node has been freed. The C library keeps what is freed in the middle of its heaps: once as many nodes have gone
 * as are left, and some, it gives whole pages back. */
static void inode_give_back(struct inode_table *t)
{
	uint64_t left = --t->live, gone = ++t->gone;
	if (gone < INODE_GIVE_BACK || gone < left || !atomic_compare_exchange_strong(&t->gone, &gone, 0))
		return;
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
}

/* ---- counting ---- */

void inode_ref(struct node *n)
{
	n->refs++;
}

struct node *inode_free_names(struct inode_table *t, struct node_name *names)
{
	struct node *parent = NULL;
	while (names) {
		struct node_name *name = names;
		names = name->next;
		inode_unref(t, parent);
		parent = name->parent;
		free(name);
	}
	return parent;
}

/* Take counts off; returns the parent to be unref'd next if the node went, else NULL. */
static struct node *inode_drop(struct inode_table *t, struct node *n, uint64_t lookups, uint32_t refs)
{
	_cleanup_fd_ int pin = -1;
	{
		SCOPED_LOCK(inode_lock(t, n));
		n->nlookup -= lookups < n->nlookup ? lookups : n->nlookup;
		n->refs -= refs;
		/* What is deleted and forgotten must give its space back, whoever else remembers it. */
		if (n->nlookup == 0 && !n->hashed)
			pin = TAKE_FD(n->pin);
		if (n->nlookup > 0 || n->refs > 0)
			return NULL;
		inode_remove(inode_shard(t, n->ino), n);
	}
	struct node_name *names = n->names;
	n->names = NULL;
	t->dying(t->dying_arg, n);
	inode_free(n);
	struct node *parent = inode_free_names(t, names);
	inode_give_back(t);
	return parent;
}

void inode_unref(struct inode_table *t, struct node *n)
{
	while (n && n != &t->root)
		n = inode_drop(t, n, 0, 1);
}

void inode_forget(struct inode_table *t, struct node *node, uint64_t n)
{
	if (node != &t->root)
		inode_unref(t, inode_drop(t, node, n, 0));
}

struct node *inode_find(struct inode_table *t, ino_t ino)
{
	struct inode_shard *s = inode_shard(t, ino);
	SCOPED_LOCK(&s->lock);
	struct node *n = inode_find_locked(s, ino);
	if (n)
		n->refs++;
	return n;
}

/* ---- nodes ---- */

static struct node *inode_new(struct inode_table *t, const struct stat *sb)
{
	struct node *n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->ino = sb->st_ino;
	n->type = sb->st_mode & S_IFMT;
	n->generation = ++t->generation;
	n->pin = -1;
	return n;
}

/* Under the shard's lock: the node with this number, one lookup counted, if there is one. What the kernel had
 * forgotten is new to it: the file may be another by now, and an old handle must not lead to it. */
static struct node *inode_count_lookup(struct inode_table *t, const struct stat *sb)
{
	struct node *n = inode_find_locked(inode_shard(t, sb->st_ino), sb->st_ino);
	if (n && n->type != (sb->st_mode & S_IFMT)) {
		/* Another file below has the number of one that went behind our back. */
		inode_orphan(t, n);
		n = NULL;
	}
	if (n && n->nlookup++ == 0)
		n->generation = ++t->generation;
	return n;
}

struct node *inode_get(struct inode_table *t, const struct stat *sb)
{
	struct inode_shard *s = inode_shard(t, sb->st_ino);
	struct node *n, *made;
	{
		SCOPED_LOCK(&s->lock);
		n = inode_count_lookup(t, sb);
	}
	if (n)
		return n;
	made = inode_new(t, sb);
	if (!made)
		return NULL;
	{
		SCOPED_LOCK(&s->lock);
		n = inode_count_lookup(t, sb); /* somebody else may have been faster */
		if (!n) {
			n = made;
			made = NULL;
			n->nlookup = 1;
			inode_insert(s, n);
			t->live++;
		}
	}
	free(made);
	return n;
}

void inode_renew(struct inode_table *t, struct node *n, struct file *f)
{
	uint64_t size = file_size(f);
	off_t raw_size;
	struct timespec raw_ctime;
	file_seen(f, &raw_size, &raw_ctime);
	SCOPED_LOCK(inode_lock(t, n));
	n->generation = ++t->generation;
	n->true_size = size;
	n->raw_size = raw_size;
	n->raw_ctime = raw_ctime;
	n->by_hint = false;
	/* The kernel drops its last count on the old generation before it takes one on the new: what
	 * is known must outlive that. Counted until the file is deleted or the mount ends. */
	if (!n->size_known)
		n->refs++;
	n->size_known = true;
}
