/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/rest.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fs/node.h"

void rest_init(struct rest *rest)
{
	pthread_mutex_init(&rest->lock, NULL);
	rest->max = io_fd_share(16, 1, REST_MAX);
}

/* Take number i out. The lock is held. */
static struct node *rest_take(struct rest *rest, size_t i)
{
	struct node *n = rest->files[i].node;
	rest->n--;
	memmove(&rest->files[i], &rest->files[i + 1], (rest->n - i) * sizeof(rest->files[0]));
	return n;
}

static size_t rest_find(const struct rest *rest, const struct node *n)
{
	size_t i = 0;
	while (i < rest->n && rest->files[i].node != n)
		i++;
	return i;
}

/* Its content, which is held; NULL if it has no name. */
static struct file *rest_named(struct fs *fs, struct node *n)
{
	SCOPED_LOCK(inode_lock(&fs->inodes, n));
	return n->names ? n->file : NULL;
}

void rest_put(struct fs *fs, struct node *n)
{
	struct rest *rest = &fs->rest;
	struct node *leaves = n;
	/* The tender comes by every second. */
	struct file *f = fs->shared || !fs->tender ? NULL : rest_named(fs, n);
	if (f && file_keep_time(f) == 0) {
		SCOPED_LOCK(&rest->lock);
		if (rest_find(rest, n) == rest->n && rest_named(fs, n)) {
			leaves = rest->n == rest->max ? rest_take(rest, 0) : NULL;
			rest->files[rest->n].node = n;
			rest->files[rest->n++].tick = rest->tick;
		}
	}
	if (leaves)
		node_file_put(fs, leaves);
}

void rest_leave(struct fs *fs, struct node *n)
{
	struct rest *rest = &fs->rest;
	{
		SCOPED_LOCK(&rest->lock);
		size_t i = rest_find(rest, n);
		if (i == rest->n)
			return;
		rest_take(rest, i);
	}
	node_file_put(fs, n);
}

/* Those that began to rest before this tick. */
static void rest_end_before(struct fs *fs, uint64_t tick)
{
	struct node *n;
	do {
		{
			SCOPED_LOCK(&fs->rest.lock);
			n = fs->rest.n > 0 && fs->rest.files[0].tick < tick ? rest_take(&fs->rest, 0) : NULL;
		}
		if (n)
			node_file_put(fs, n);
	} while (n);
}

void rest_tick(struct fs *fs)
{
	uint64_t tick;
	{
		SCOPED_LOCK(&fs->rest.lock);
		tick = fs->rest.tick++;
	}
	rest_end_before(fs, tick);
}

void rest_end(struct fs *fs)
{
	rest_end_before(fs, UINT64_MAX);
}
