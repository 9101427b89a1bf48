/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/inode.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
		if (l->n == l->cap) {
			size_t cap = l->cap ? 2 * l->cap : 64;
			struct node **nodes = reallocarray(l->nodes, cap, sizeof(*nodes));
			if (!nodes)
				return;
			l->nodes = nodes;
			l->cap = cap;
		}
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

/* Free names that were taken out of a node. The last one's parent is returned, to be unref'd by a caller that
 * goes up in a loop: only what has several names, no directory, makes this go deeper. */
static struct node *inode_free_names(struct inode_table *t, struct node_name *names)
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

/* ---- locations ---- */

static bool name_is(const struct node_name *name, const struct node *parent, const char *disk)
{
	return name->parent == parent && strcmp(name->disk, disk) == 0;
}

/* A name that is not in a node yet; it counts on the parent. */
static struct node_name *name_new(struct node *parent, const char *disk)
{
	size_t n = strlen(disk) + 1;
	struct node_name *name = malloc(sizeof(*name) + n);
	if (!name)
		return NULL;
	name->next = NULL;
	name->parent = parent;
	memcpy(name->disk, disk, n);
	inode_ref(parent);
	return name;
}

/* Take a name out, under the lock; NULL if it is not there. */
static struct node_name *name_take(struct node *n, const struct node *parent, const char *disk)
{
	for (struct node_name **at = &n->names; *at; at = &(*at)->next) {
		struct node_name *name = *at;
		if (!name_is(name, parent, disk))
			continue;
		*at = name->next;
		name->next = NULL;
		return name;
	}
	return NULL;
}

/* Put a name in front, under the lock. Returns those that it takes the place of: all of a directory's, and
 * what is too many. */
static struct node_name *name_put(struct node *n, struct node_name *name)
{
	struct node_name **at = &n->names, *old;
	if (!S_ISDIR(n->type))
		for (size_t i = 1; i < NODE_NAMES_MAX && *at; i++)
			at = &(*at)->next;
	old = *at;
	*at = NULL;
	name->next = n->names;
	n->names = name;
	return old;
}

/* The same for one that may be there already; frees what there is to free, and the pin, which is not needed now. */
static void name_add(struct inode_table *t, struct node *n, struct node_name *name)
{
	struct node_name *twin, *old;
	_cleanup_fd_ int pin = -1;
	{
		SCOPED_LOCK(inode_lock(t, n));
		twin = name_take(n, name->parent, name->disk);
		old = name_put(n, name);
		if (n->hashed)
			pin = TAKE_FD(n->pin);
	}
	inode_unref(t, inode_free_names(t, twin));
	inode_unref(t, inode_free_names(t, old));
}

bool inode_where(struct inode_table *t, struct node *n, size_t i, struct node **parent,
		 char disk[static NAME_DISK_SIZE])
{
	SCOPED_LOCK(inode_lock(t, n));
	struct node_name *name = n->names;
	while (name && i-- > 0)
		name = name->next;
	if (!name)
		return false;
	*parent = name->parent;
	strcpy(disk, name->disk);
	inode_ref(*parent); /* the name's count keeps it until here */
	return true;
}

int inode_pin(struct inode_table *t, struct node *n)
{
	SCOPED_LOCK(inode_lock(t, n));
	return n->pin < 0 ? -1 : fcntl(n->pin, F_DUPFD_CLOEXEC, 3);
}

/* Is n the directory 'at', or above it? */
static bool inode_is_above(struct inode_table *t, const struct node *n, struct node *at)
{
	char disk[NAME_DISK_SIZE];
	const struct node *mark = NULL; /* to notice a ring (Brent), which a race can have made */
	size_t steps = 0, next_mark = 16;
	inode_ref(at);
	while (at != n && at != mark) {
		struct node *parent = NULL;
		if (++steps == next_mark) {
			mark = at;
			next_mark *= 2;
		}
		bool more = inode_where(t, at, 0, &parent, disk);
		inode_unref(t, at);
		if (!more)
			return false;
		at = parent;
	}
	inode_unref(t, at);
	return true;
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

/* Under the shard's lock: the node with this number, one lookup counted, if there is one. */
static struct node *inode_count_lookup(struct inode_shard *s, const struct stat *sb)
{
	struct node *n = inode_find_locked(s, sb->st_ino);
	if (n && n->type != (sb->st_mode & S_IFMT)) {
		/* Another file below has the number of one that went behind our back. */
		inode_orphan(s, n);
		n = NULL;
	}
	if (n)
		n->nlookup++;
	return n;
}

/* The node, one lookup counted, made if there is none. NULL without memory. */
static struct node *inode_get(struct inode_table *t, const struct stat *sb)
{
	struct inode_shard *s = inode_shard(t, sb->st_ino);
	struct node *n, *made;
	{
		SCOPED_LOCK(&s->lock);
		n = inode_count_lookup(s, sb);
	}
	if (n)
		return n;
	made = inode_new(t, sb);
	if (!made)
		return NULL;
	{
		SCOPED_LOCK(&s->lock);
		n = inode_count_lookup(s, sb); /* somebody else may have been faster */
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

/* Is that the location that is tried first? */
static bool inode_is_at(struct inode_table *t, struct node *n, const struct node *parent, const char *disk)
{
	SCOPED_LOCK(inode_lock(t, n));
	return n->names && name_is(n->names, parent, disk);
}

int inode_lookup(struct inode_table *t, struct node *parent, const char *disk, const struct stat *sb,
		 struct node **out)
{
	struct node *n = inode_get(t, sb);
	if (!n)
		return -ENOMEM;
	*out = n;
	if (inode_is_at(t, n, parent, disk))
		return 0;
	bool loop = S_ISDIR(n->type) && inode_is_above(t, n, parent);
	struct node_name *name = loop ? NULL : name_new(parent, disk);
	if (!name) {
		inode_forget(t, n, 1);
		return loop ? -ELOOP : -ENOMEM;
	}
	name_add(t, n, name);
	return 0;
}

void inode_lose_name(struct inode_table *t, struct node *n, const struct node *parent, const char *disk,
		     int pin, bool gone)
{
	_cleanup_fd_ int own = pin;
	struct node_name *old;
	bool known;
	{
		SCOPED_LOCK(inode_lock(t, n));
		if (gone && n->hashed)
			inode_orphan(inode_shard(t, n->ino), n);
		old = name_take(n, parent, disk);
		if (gone) { /* so are all others */
			struct node_name **end = old ? &old->next : &old;
			*end = n->names;
			n->names = NULL;
		}
		if (!n->names && n->pin < 0)
			n->pin = TAKE_FD(own);
		known = gone && n->size_known;
		if (known)
			n->size_known = false;
	}
	inode_unref(t, inode_free_names(t, old));
	if (known)
		inode_unref(t, n);
}

int inode_move(struct inode_table *t, struct node *n, const struct node *from, const char *from_disk,
	       struct node *parent, const char *disk)
{
	struct node_name *old, *name = name_new(parent, disk);
	{
		SCOPED_LOCK(inode_lock(t, n));
		old = name_take(n, from, from_disk);
	}
	inode_unref(t, inode_free_names(t, old));
	if (!name)
		return -ENOMEM;
	name_add(t, n, name);
	return 0;
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
