/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The threads that take requests from the kernel and serve them. libfuse's own loop ends, and the mount with it, as
 * soon as there is no memory for one thread more.
 *
 * What holds here:
 * - Two threads are made, with all that they need to serve, before the first request, which is the handshake, is
 *   answered; so before the mount is announced. From then on there are never fewer that need nothing more: a
 *   shortage means fewer threads.
 * - One more is made, up to a maximum, when a request has been taken and nobody waits for the next. If it cannot be
 *   had (no thread, no buffers) that is logged, once a minute at most, and tried again some requests later.
 *   Forgetting, which comes in bursts and is soon done, calls for no thread.
 * - What must not be refused, since nobody asks for it twice (writes, releases, forgetting), waits for a second, if
 *   need be, until there is the memory that libfuse refuses it without.
 * - Threads that a long row of requests had no need of leave, but for a few.
 * - The end is that the kernel has hung up (ENODEV), loop_end, or an error that is no shortage. Whoever serves a
 *   request finishes it. Whoever waits for one is woken by SIGUSR1, again and again until all have left, for
 *   it may come just before the read that it is to interrupt. A signal from elsewhere does nothing.
 * - An interrupted request (FUSE_INTERRUPT) is libfuse's: one thread more takes the interrupt, if there is one.
 * - Requests that libfuse has spliced into a pipe (which is the thread's, and libfuse's) are served as they are.
 */
#ifndef CRYPTFS_FS_LOOP_H
#define CRYPTFS_FS_LOOP_H

#include <fuse_lowlevel.h>
#include <stdbool.h>

struct loop;

/* For a session that need not be mounted yet. Returns 0 or -errno. */
int loop_new(struct fuse_session *se, struct loop **out);

/* Serve until the end, in other threads than the calling one. Returns 0; -ENOMEM or -EAGAIN if not even two threads
 * could be had, before anything was served; or the -errno that no thread could read on with. */
int loop_run(struct loop *l);

/* Have it end; thread-safe. Does not wait for that. */
void loop_end(struct loop *l);

/* How many threads there are, and how many of them serve a request. */
void loop_count(struct loop *l, unsigned int *threads, unsigned int *busy);

/* Has the kernel hung up: is the filesystem mounted nowhere any more? Waits so long for it. */
bool loop_hung_up(struct fuse_session *se, int wait_ms);

/* loop_free(NULL) does nothing. */
void loop_free(struct loop *l);

#endif
