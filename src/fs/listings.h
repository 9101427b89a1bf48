/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Listings under way. The kernel reads a directory bit by bit, and says where to go on; nothing is kept for an
 * open directory. Between two requests a stream is kept for a while, so that it need not be opened again, and
 * offsets are those that it gave, for filesystems where others may not take them. Which one it is goes by node
 * and offset: two readers at one place are served by one each, or by a new one. What it has read ahead is not
 * used: that may be old, or have been read for another.
 */
#ifndef CRYPTFS_FS_LISTINGS_H
#define CRYPTFS_FS_LISTINGS_H

#include <pthread.h>
#include <stddef.h>

#include "store/dir.h"

#define LISTINGS_IDLE 32 /* 32 KiB each */

struct node;

struct listing {
	const struct node *node; /* not counted: it goes with the node */
	off_t at;		 /* where the kernel will go on, which may lie before names that are passed over */
	struct dirlist *stream;
};

/* Those that no request is using, earliest first. */
struct listings {
	pthread_mutex_t lock; /* a leaf */
	struct listing idle[LISTINGS_IDLE];
	size_t n;
};

/* A stream over n's directory d, which the caller holds, that goes on at off: one that was given back with that, or a
 * new one, as always for 0, which reads anew. Returns 0 or -errno. The caller gives it back, or closes it. */
int listings_get(struct listings *all, const struct node *n, const struct dir *d, off_t off,
		 struct dirlist **stream);
void listings_give(struct listings *all, const struct node *n, off_t at, struct dirlist *stream);

/* Close those of n, which nobody can list any more; with NULL all. */
void listings_forget(struct listings *all, const struct node *n);

#endif
