/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/inode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define INODE_BUCKETS 64

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
	free(n->disk);
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

static void inode_each_in_chain(struct node *n, void (*fn)(void *arg, struct file *f), void *arg)
{
	for (; n; n = n->next)
		if (n->file)
			fn(arg, n->file);
}

void inode_each_file(struct inode_table *t, void (*fn)(void *arg, struct file *f), void *arg)
{
	for (int i = 0; i < INODE_SHARDS; i++) {
		struct inode_shard *s = &t->shards[i];
		for (size_t b = 0; b < s->n_buckets; b++)
			inode_each_in_chain(s->buckets[b], fn, arg);
		inode_each_in_chain(s->orphans, fn, arg);
	}
}

size_t inode_count(struct inode_table *t)
{
	size_t n = 0;
	for (int i = 0; i < INODE_SHARDS; i++) {
		SCOPED_LOCK(&t->shards[i].lock);
		n += t->shards[i].n;
	}
	return n;
}

/* ---- the table; the shard's lock is held ---- */

static struct node *inode_find_locked(struct inode_shard *s, ino_t ino)
{
	struct node *n = *inode_bucket(s, ino);
	while (n && n->ino != ino)
		n = n->next;
	return n;
}

/* Twice the buckets, if memory is to be had; longer chains if not. */
static void inode_grow(struct inode_shard *s)
{
	size_t before = s->n_buckets;
	struct node **old = s->buckets, **buckets = calloc(before * 2, sizeof(*buckets));
	if (!buckets)
		return;
	s->buckets = buckets;
	s->n_buckets = before * 2;
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
		inode_grow(s);
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

/* Out of the table, but still counted on. */
static void inode_orphan(struct inode_shard *s, struct node *n)
{
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
}

/* ---- counting ---- */

void inode_ref(struct node *n)
{
	n->refs++;
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
	struct node *parent = n->parent;
	t->dying(t->dying_arg, n);
	inode_free(n);
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

/* ---- locations ---- */

/* Set the location under the lock; the parent must be counted already. Returns the old parent to unref. */
static struct node *inode_place(struct node *n, struct node *parent, char *disk)
{
	struct node *old = n->parent;
	free(n->disk);
	n->parent = parent;
	n->disk = disk;
	return old;
}

static bool inode_is_at(const struct node *n, const struct node *parent, const char *disk)
{
	return n->parent == parent && n->disk && strcmp(n->disk, disk) == 0;
}

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

int inode_lookup(struct inode_table *t, struct node *parent, const char *disk, const struct stat *sb,
		 struct node **out)
{
	struct inode_shard *s = inode_shard(t, sb->st_ino);
	struct node *n;
	bool same = false;
	{
		SCOPED_LOCK(&s->lock);
		n = inode_find_locked(s, sb->st_ino);
		if (n && n->type != (sb->st_mode & S_IFMT)) {
			/* Another file below has the number of one that went behind our back. */
			inode_orphan(s, n);
			n = NULL;
		}
		if (n) {
			n->nlookup++;
			same = inode_is_at(n, parent, disk);
		}
	}
	if (n && same) {
		*out = n;
		return 0;
	}

	char *name = strdup(disk);
	struct node *made = n ? NULL : inode_new(t, sb), *old_parent = NULL;
	if (!name || (!n && !made)) {
		free(name);
		free(made);
		if (n)
			inode_forget(t, n, 1);
		return -ENOMEM;
	}
	inode_ref(parent);
	{
		SCOPED_LOCK(&s->lock);
		if (!n) {
			n = inode_find_locked(s, sb->st_ino); /* somebody else may have been faster */
			if (!n) {
				n = made;
				made = NULL;
				inode_insert(s, n);
			}
			n->nlookup++;
		}
		old_parent = inode_place(n, parent, name);
	}
	free(made);
	inode_unref(t, old_parent);
	*out = n;
	return 0;
}

void inode_lose_name(struct inode_table *t, struct node *n, const struct node *parent, const char *disk,
		     int pin, bool gone)
{
	struct node *old = NULL;
	bool known;
	{
		SCOPED_LOCK(inode_lock(t, n));
		if (gone && n->hashed)
			inode_orphan(inode_shard(t, n->ino), n);
		if (pin >= 0 && n->pin < 0) {
			n->pin = pin;
			pin = -1;
		}
		if (inode_is_at(n, parent, disk))
			old = inode_place(n, NULL, NULL);
		known = gone && n->size_known;
		if (known)
			n->size_known = false;
	}
	if (pin >= 0)
		close(pin);
	inode_unref(t, old);
	if (known)
		inode_unref(t, n);
}

int inode_move(struct inode_table *t, struct node *n, struct node *parent, const char *disk)
{
	char *name = strdup(disk);
	struct node *old;
	if (name)
		inode_ref(parent);
	{
		SCOPED_LOCK(inode_lock(t, n));
		old = inode_place(n, name ? parent : NULL, name);
	}
	inode_unref(t, old);
	return name ? 0 : -ENOMEM;
}

void inode_renew(struct inode_table *t, struct node *n, uint64_t true_size)
{
	SCOPED_LOCK(inode_lock(t, n));
	n->generation = ++t->generation;
	n->true_size = true_size;
	/* The kernel drops its last count on the old generation before it takes one on the new: what
	 * is known must outlive that. Counted until the file is deleted or the mount ends. */
	if (!n->size_known)
		n->refs++;
	n->size_known = true;
}
