/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <linux/fuse.h>
#include <stdatomic.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "fs/loop_impl.h"
#include "store/scratch.h"

#define LOOP_SPARE 2	/* idle threads that may stay */
#define LOOP_SPAN 1024	/* so many requests show how many threads are needed */
#define LOOP_TELL 60	/* seconds between messages */

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

/* What is in a pipe is too long for a forgetting. */
static bool loop_is_forget(const struct fuse_buf *buf)
{
	const struct fuse_in_header *in = buf->mem;
	return !(buf->flags & FUSE_BUF_IS_FD) && (in->opcode == FUSE_FORGET || in->opcode == FUSE_BATCH_FORGET);
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
	bool forget = loop_is_forget(&t->buf);
	loop_begin_request(t, forget);
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
