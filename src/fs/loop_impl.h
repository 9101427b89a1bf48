/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to loop.c, all of the threads, and loop_thread.c, one of them. */
#ifndef CRYPTFS_FS_LOOP_IMPL_H
#define CRYPTFS_FS_LOOP_IMPL_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "fs/loop.h"

#define LOOP_LEAST 2
#define LOOP_MOST 8
#define LOOP_STEP_NS 20000000L

struct loop_thread {
	struct loop *loop;
	struct loop_thread *next;
	pthread_t id;
	struct fuse_buf buf;
	bool taken;    /* buf holds a request that waits to be served */
	bool complete; /* has its buffers, which last to its end */
	bool waits;    /* in the kernel, for a request */
	bool left;     /* to be joined */
	int refused;   /* -errno: what it needs could not be had */
};

struct loop {
	struct fuse_session *se;
	pthread_mutex_t lock; /* guards the rest and what threads have in it; a leaf, no call to libfuse but
			       * fuse_session_exit* under it */
	pthread_cond_t wake;  /* for the caller of loop_run, who makes all threads and joins them */
	pthread_cond_t gate;
	bool open;	      /* the gate: the first threads may begin */
	struct loop_thread *threads;
	unsigned int n;	      /* that have not left */
	unsigned int begun;
	unsigned int complete;
	unsigned int idle;    /* wait for a request, or soon will */
	unsigned int busiest; /* most that were busy at a time, of late */
	unsigned int keep;
	unsigned int span;    /* requests since 'keep' was found */
	unsigned int pause;   /* so often more to do without one more */
	bool wanted;	      /* one more */
	int error;
	_Atomic time_t told;
};

/* The life of a thread; arg is its struct loop_thread. */
void *loop_main(void *arg);

/* Log a shortage, if none has been of late. Without the lock. */
void loop_tell(struct loop *l, const char *what, int r);

#endif
