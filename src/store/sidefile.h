/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Side files (directory IDs, sealed long names, sealed long link targets) must be on disk before
 * anything that needs them is acknowledged. They go on this queue when they are made, and every fsync,
 * fsyncdir and syncfs drains it first; a background thread drains it soon in any case.
 */
#ifndef CRYPTFS_STORE_SIDEFILE_H
#define CRYPTFS_STORE_SIDEFILE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIDEFILE_QUEUE 64

struct sidefile {
	int fd;
	bool lost; /* it did not reach the disk, and the kernel takes it for written: see sidefile_again */
};

struct sidefile_queue {
	pthread_mutex_t lock;	/* guards the fields; innermost, never held over a syscall */
	pthread_mutex_t drain;	/* held while a drain is under way, so that a second one waits for it */
	struct sidefile files[SIDEFILE_QUEUE];
	size_t n;
	size_t max;		/* an eighth of the descriptors we may have, at most SIDEFILE_QUEUE */
	bool overflow;		/* some were not kept: only syncfs will do */
	bool stacked, logged;	/* as in struct store */
	_Atomic uint64_t failures; /* of syncfs: see sidefile_syncfs */
};

void sidefile_queue_init(struct sidefile_queue *q, bool stacked, bool logged);
void sidefile_queue_destroy(struct sidefile_queue *q);

/* Make a side file below dirfd, mode 0444, and queue it. Its contents have been written back by then (though
 * the disk's cache may still hold them), so a journal keeps no entry made later without them. Returns 0,
 * -EEXIST, or -errno with nothing left behind. */
int sidefile_create(struct sidefile_queue *q, int dirfd, const char *name, const void *buf, size_t n);

/* As sidefile_create, but a side file that is there with the same contents is taken as it is, and one
 * with other contents is replaced. *created tells whether this call made it. */
int sidefile_ensure(struct sidefile_queue *q, int dirfd, const char *name, const void *buf, size_t n,
		    bool *created);

/* What an earlier process made may not be on disk either: let the next drain be of everything. */
void sidefile_suspect(struct sidefile_queue *q);

/* Return once every side file queued before the call is on disk. Returns 0, or -errno: then what needed
 * them must not be acknowledged. What failed stays queued, and is written again: the kernel says once that it could
 * not write something, and then believes that it is on disk. */
int sidefile_drain(struct sidefile_queue *q, int root_fd);

/* syncfs. The kernel tells a failure once, to whoever asks next: they are counted in q->failures, and what
 * relies on one of these calls compares that with its value from before. Returns 0 or -errno. */
int sidefile_syncfs(struct sidefile_queue *q, int root_fd);

/* Is something waiting? For the background thread. */
bool sidefile_pending(struct sidefile_queue *q);

#endif
