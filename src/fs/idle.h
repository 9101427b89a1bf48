/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long no program has used the mount.
 *
 * A use is a request that a program makes. None are: what the kernel writes back or forgets by itself, and a question
 * about the mount as such (df, cryptfs status).
 *
 * Names and attributes that the kernel has cached, for a day in private mode, are looked at without a request. So at
 * each look the kernel is made to forget the attributes of the root, which it needs as soon as somebody goes through
 * it, by whatever path: the first who does so until the next look is seen. Who is in the mount already, with an open
 * file or as a working directory, keeps it busy, and no unmounting succeeds.
 *
 * Time passes while the machine sleeps, too (CLOCK_BOOTTIME).
 */
#ifndef CRYPTFS_FS_IDLE_H
#define CRYPTFS_FS_IDLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct idle {
	int64_t limit; /* ns; 0: no matter how long */
	_Atomic int64_t used; /* the latest request that counts, ns */
	pthread_mutex_t lock; /* guards 'root'; a leaf */
	struct idle_root {    /* the latest question for the attributes of the root */
		uint32_t pid; /* 0: it is no use any more to know */
		int64_t before, at;
	} root;
	/* Of the thread that looks: */
	int64_t looked;
	int64_t since; /* no use, that could be seen, since then */
	int64_t slept; /* in all, when it looked */
};

/* Nothing is noted with 0 seconds. */
void idle_init(struct idle *i, unsigned int seconds);

/* A request of n bytes, as the kernel has sent it. Thread-safe. */
void idle_note(struct idle *i, const void *request, size_t n);

enum idle_verdict { IDLE_USED, IDLE_QUIET, IDLE_OVER };

/* Look: has it been used since the last look; if not, is the time over? The root's attributes are to be forgotten
 * then, and only then. */
enum idle_verdict idle_look(struct idle *i);

/* It was used just now. The same holds. */
void idle_restart(struct idle *i);

/* How long to wait between looks. */
struct timespec idle_pause(const struct idle *i);

#endif
