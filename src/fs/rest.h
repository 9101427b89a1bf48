/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that have just been closed. Whoever closes a file often opens it again soon: to append a line, to read what he
 * has written. In private mode, where nobody else changes it, its content stays open for a second or two, a few
 * files at a time, and what the last close has to do (size hint, durable length) is done then. It is never kept longer
 * than it has a name.
 */
#ifndef CRYPTFS_FS_REST_H
#define CRYPTFS_FS_REST_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#define REST_MAX 64

struct fs;
struct node;

struct rest {
	pthread_mutex_t lock; /* before an inode's */
	struct {
		struct node *node; /* its content is held: node_file_get */
		uint64_t tick;
	} files[REST_MAX]; /* the earliest first */
	size_t n, max;
	uint64_t tick;
};

void rest_init(struct rest *rest);

/* Instead of node_file_put, by whoever closes a file. */
void rest_put(struct fs *fs, struct node *n);

/* The node has lost its last name: if it rests, no more. */
void rest_leave(struct fs *fs, struct node *n);

/* Once a second: those that have rested for one let go. */
void rest_tick(struct fs *fs);

/* All of them let go, whose descriptors somebody needs. */
void rest_end(struct fs *fs);

#endif
