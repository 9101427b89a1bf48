/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where nodes are: their names, and what happens to these. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fs/inode_impl.h"

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

/* The same for one that may be there already, instead of the one at (from, from_disk) unless from is NULL: nobody finds
 * a node without a name between. Frees what there is to free, and the pin, which is not needed now. */
static void name_add(struct inode_table *t, struct node *n, struct node_name *name, const struct node *from,
		     const char *from_disk)
{
	struct node_name *left, *twin, *old;
	_cleanup_fd_ int pin = -1;
	{
		SCOPED_LOCK(inode_lock(t, n));
		left = from ? name_take(n, from, from_disk) : NULL;
		twin = name_take(n, name->parent, name->disk);
		old = name_put(n, name);
		if (n->hashed)
			pin = TAKE_FD(n->pin);
	}
	inode_unref(t, inode_free_names(t, left));
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
	name_add(t, n, name, NULL, NULL);
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
			inode_orphan(t, n);
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
	if (name) {
		name_add(t, n, name, from, from_disk);
		return 0;
	}
	{
		SCOPED_LOCK(inode_lock(t, n));
		old = name_take(n, from, from_disk);
	}
	inode_unref(t, inode_free_names(t, old));
	return -ENOMEM;
}
