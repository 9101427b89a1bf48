/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small process beside one that gives up its powers, for the one thing that it will want later and cannot do any
 * more then. It is forked before there are keys, has nothing open, and answers questions until the other one ends.
 * Whoever writes its function takes the questions for hostile.
 */
#ifndef CRYPTFS_SANDBOX_ERRAND_H
#define CRYPTFS_SANDBOX_ERRAND_H

#include <stddef.h>
#include <sys/types.h>

#define ERRAND_MAX 64

/* In the other process: answer a question of n bytes; returns the length of the answer, at least 1. The last time n is
 * 0: who asked has ended, in whatever way, and no answer goes anywhere. */
typedef size_t errand_fn(void *arg, const void *question, size_t n, char answer[static ERRAND_MAX]);

struct errand {
	int fd;
};
#define ERRAND_NONE { .fd = -1 }

/* Returns 0 or -errno; without it every question is answered by -EPIPE. The caller has no other threads yet. */
int errand_start(struct errand *e, errand_fn *fn, void *arg);

/* Returns the length of the answer, or -EPIPE if nobody is there (any more). */
ssize_t errand_ask(struct errand *e, const void *question, size_t n, char answer[static ERRAND_MAX]);

/* Let it go. Does not wait for it. */
void errand_end(struct errand *e);

#endif
