/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/listings.h"

#include <string.h>

#include "base/cleanup.h"

/* With the lock: take number i out. */
static struct dirlist *listings_remove(struct listings *all, size_t i)
{
	struct dirlist *stream = all->idle[i].stream;
	all->n--;
	memmove(all->idle + i, all->idle + i + 1, (all->n - i) * sizeof(*all->idle));
	return stream;
}

/* The one that goes on at off, or NULL. */
static struct dirlist *listings_take(struct listings *all, const struct node *n, off_t off)
{
	SCOPED_LOCK(&all->lock);
	for (size_t i = all->n; i-- > 0;)
		if (all->idle[i].node == n && all->idle[i].at == off)
			return listings_remove(all, i);
	return NULL;
}

void listings_give(struct listings *all, const struct node *n, off_t at, struct dirlist *stream)
{
	struct dirlist *earliest = NULL;
	{
		SCOPED_LOCK(&all->lock);
		if (all->n == LISTINGS_IDLE)
			earliest = listings_remove(all, 0);
		all->idle[all->n++] = (struct listing){ .node = n, .at = at, .stream = stream };
	}
	dirlist_close(earliest);
}

int listings_get(struct listings *all, const struct node *n, const struct dir *d, off_t off,
		 struct dirlist **stream)
{
	*stream = off != 0 ? listings_take(all, n, off) : NULL;
	int r = *stream ? 0 : dirlist_open(d, stream);
	if (r < 0)
		return r;
	r = off != 0 ? dirlist_seek(*stream, d, off) : 0;
	if (r < 0)
		dirlist_close(*stream);
	return r;
}

void listings_forget(struct listings *all, const struct node *n)
{
	struct dirlist *gone[LISTINGS_IDLE];
	size_t n_gone = 0;
	{
		SCOPED_LOCK(&all->lock);
		for (size_t i = all->n; i-- > 0;)
			if (!n || all->idle[i].node == n)
				gone[n_gone++] = listings_remove(all, i);
	}
	while (n_gone > 0)
		dirlist_close(gone[--n_gone]);
}
