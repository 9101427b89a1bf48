/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "fs/loop_impl.h"
#include "store/scratch.h"

#define LOOP_SPARE 4	/* idle threads that may stay */
#define LOOP_SPAN 4096	/* so many requests show how many threads are needed */
#define LOOP_TELL 60	/* seconds between messages */
#define LOOP_ROOM 2048	/* bytes: more than libfuse asks for, and than the C library keeps apart for small ones */
#define LOOP_PATIENCE 50 /* steps that are waited for it */

void loop_tell(struct loop *l, const char *what, int r)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	time_t before = atomic_load(&l->told), after = now.tv_sec + 1;
	if ((before == 0 || after - before >= LOOP_TELL) && atomic_compare_exchange_strong(&l->told, &before, after))
		log_warn("%s: %s; going on without", what, strerror(-r));
}

static bool loop_is_short(int r)
{
	return r == -ENOMEM || r == -EAGAIN;
}

/* With the lock, and as soon as that is decided: others decide by these numbers. Returns false. */
static bool loop_leave(struct loop_thread *t)
{
	t->loop->n--;
	t->loop->idle--;
	if (t->complete)
		t->loop->complete--;
	return false;
}

/* Returns true if it has what it needs, and the loop has begun. */
static bool loop_enter(struct loop_thread *t)
{
	struct loop *l = t->loop;
	int r = scratch_get() ? 0 : -ENOMEM;
	SCOPED_LOCK(&l->lock);
	t->refused = r;
	l->begun++;
	pthread_cond_signal(&l->wake);
	while (!l->open)
		pthread_cond_wait(&l->gate, &l->lock);
	t->waits = r == 0;
	return r == 0 || loop_leave(t);
}

/* Returns true with a request in t->buf, false if the thread is to leave. */
static bool loop_receive(struct loop_thread *t)
{
	struct loop *l = t->loop;
	int r = t->taken && !fuse_session_exited(l->se) ? 1 : 0;
	while (r <= 0 && !fuse_session_exited(l->se)) {
		t->buf.flags = 0; /* libfuse sets it for a pipe, and does not take it back */
		r = fuse_session_receive_buf(l->se, &t->buf);
		if (loop_is_short(r) && !t->complete && !t->buf.mem)
			break;
		if (loop_is_short(r)) {
			loop_tell(l, "reading a request", r);
			nanosleep(&(struct timespec){ .tv_nsec = LOOP_STEP_NS }, NULL);
		} else if (r < 0 && r != -EINTR) {
			break;
		}
	}
	t->taken = false;
	SCOPED_LOCK(&l->lock);
	t->waits = false;
	if (r > 0)
		return true;
	if (loop_is_short(r)) {
		t->refused = r;
	} else if (r < 0 && r != -EINTR) {
		/* The kernel calls an end that somebody forced on it an abort. */
		if (r != -ENODEV && r != -ECONNABORTED)
			l->error = r;
		fuse_session_exit(l->se);
	}
	return loop_leave(t);
}

/* What is in a pipe is a long one: a write. */
static uint32_t loop_opcode(const struct fuse_buf *buf)
{
	return buf->flags & FUSE_BUF_IS_FD ? FUSE_WRITE : ((const struct fuse_in_header *)buf->mem)->opcode;
}

static bool loop_is_forget(uint32_t opcode)
{
	return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET;
}

/* Nobody makes these again: data would be lost that was written, or that a file is not used any more. */
static bool loop_is_final(uint32_t opcode)
{
	return loop_is_forget(opcode) || opcode == FUSE_WRITE || opcode == FUSE_RELEASE || opcode == FUSE_RELEASEDIR;
}

/* libfuse needs some memory for each request, and refuses it without. Wait for it, but not for ever. */
static void loop_find_room(void)
{
	for (int i = 0; i < LOOP_PATIENCE; i++) {
		void *volatile room = malloc(LOOP_ROOM);
		if (room) {
			free(room);
			return;
		}
		nanosleep(&(struct timespec){ .tv_nsec = LOOP_STEP_NS }, NULL);
	}
}

static void loop_begin_request(struct loop_thread *t, bool forget)
{
	struct loop *l = t->loop;
	SCOPED_LOCK(&l->lock);
	if (!t->complete)
		l->complete++;
	t->complete = true;
	if (forget)
		return;
	l->idle--;
	if (l->busiest < l->n - l->idle)
		l->busiest = l->n - l->idle;
	if (l->idle > 0 || l->n >= LOOP_MOST)
		return;
	if (l->pause > 0) {
		l->pause--;
		return;
	}
	l->wanted = true;
	pthread_cond_signal(&l->wake);
}

/* Returns true if the thread shall stay. */
static bool loop_end_request(struct loop_thread *t, bool forget)
{
	struct loop *l = t->loop;
	SCOPED_LOCK(&l->lock);
	if (!forget)
		l->idle++;
	if (++l->span == LOOP_SPAN) {
		l->keep = (l->busiest > LOOP_LEAST ? l->busiest : LOOP_LEAST) + LOOP_SPARE;
		l->busiest = l->span = 0;
	}
	if (l->complete > l->keep || fuse_session_exited(l->se))
		return loop_leave(t);
	t->waits = true;
	return true;
}

static bool loop_serve(struct loop_thread *t)
{
	uint32_t opcode = loop_opcode(&t->buf);
	bool forget = loop_is_forget(opcode);
	loop_begin_request(t, forget);
	if (loop_is_final(opcode))
		loop_find_room();
	fuse_session_process_buf(t->loop->se, &t->buf);
	return loop_end_request(t, forget);
}

void *loop_main(void *arg)
{
	struct loop_thread *t = arg;
	struct loop *l = t->loop;
	bool stays = loop_enter(t);
	while (stays && loop_receive(t))
		stays = loop_serve(t);
	scratch_drop();
	SCOPED_LOCK(&l->lock);
	t->left = true;
	pthread_cond_signal(&l->wake);
	return NULL;
}
