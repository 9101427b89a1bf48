/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "fs/loop_impl.h"

#define LOOP_PAUSE 64 /* after a shortage it is so often done without one more thread */
#define LOOP_STACK (1u << 20)
#define LOOP_WAKE SIGUSR1

/* ---- all threads: with the lock, by the caller of loop_run ---- */

static void loop_thread_free(struct loop_thread *t)
{
	if (t)
		free(t->buf.mem);
	free(t);
}

static int loop_create(pthread_t *id, struct loop_thread *t)
{
	pthread_attr_t attr;
	int r = pthread_attr_init(&attr);
	if (r != 0)
		return -r;
	(void)pthread_attr_setstacksize(&attr, LOOP_STACK);
	r = pthread_create(id, &attr, loop_main, t);
	pthread_attr_destroy(&attr);
	return -r;
}

/* Takes t, also on failure; NULL is no memory for it. */
static int loop_start(struct loop *l, struct loop_thread *t)
{
	int r = -ENOMEM;
	l->n++;
	l->idle++;
	pthread_mutex_unlock(&l->lock);
	if (t) {
		t->loop = l;
		r = loop_create(&t->id, t);
	}
	pthread_mutex_lock(&l->lock);
	if (r == 0) {
		t->next = l->threads;
		l->threads = t;
		return 0;
	}
	l->n--;
	l->idle--;
	loop_thread_free(t);
	return r;
}

static void loop_refused(struct loop *l, int r)
{
	l->pause = LOOP_PAUSE;
	pthread_mutex_unlock(&l->lock);
	loop_tell(l, "one more thread to serve requests", r);
	pthread_mutex_lock(&l->lock);
}

static void loop_add(struct loop *l)
{
	l->wanted = false;
	int r = loop_start(l, calloc(1, sizeof(struct loop_thread)));
	if (r < 0)
		loop_refused(l, r);
}

/* Returns false if nobody has left. */
static bool loop_join(struct loop *l)
{
	struct loop_thread **at = &l->threads, *t;
	while (*at && !(*at)->left)
		at = &(*at)->next;
	t = *at;
	if (!t)
		return false;
	*at = t->next;
	pthread_mutex_unlock(&l->lock);
	pthread_join(t->id, NULL);
	pthread_mutex_lock(&l->lock);
	if (t->refused < 0 && !fuse_session_exited(l->se))
		loop_refused(l, t->refused);
	loop_thread_free(t);
	return true;
}

/* The lock is held: who has taken a request meanwhile has not begun with it, and is not interrupted in it. */
static void loop_wake_all(struct loop *l)
{
	for (struct loop_thread *t = l->threads; t; t = t->next)
		if (t->waits)
			pthread_kill(t->id, LOOP_WAKE);
}

static void loop_wait(struct loop *l)
{
	struct timespec until;
	if (!fuse_session_exited(l->se)) {
		pthread_cond_wait(&l->wake, &l->lock);
		return;
	}
	loop_wake_all(l);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOP_STEP_NS;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_cond_timedwait(&l->wake, &l->lock, &until);
}

/* ---- the beginning ---- */

/* The buffer is made by the library, when it is asked for a request: there is the first one, or none yet. Returns 0,
 * 1 if the kernel has hung up already, or -errno. */
static int loop_first_buffer(struct loop *l, struct loop_thread *t)
{
	int r;
	do
		r = fuse_session_receive_buf(l->se, &t->buf);
	while (r == -EINTR && !fuse_session_exited(l->se));
	if (fuse_session_exited(l->se))
		return 1;
	t->taken = r > 0;
	t->complete = true;
	return r > 0 || (r == -EAGAIN && t->buf.mem) ? 0 : r < 0 ? r : -EIO;
}

static int loop_first_buffers(struct loop *l, struct loop_thread *first[LOOP_LEAST])
{
	int fd = fuse_session_fd(l->se), flags = fcntl(fd, F_GETFL), r = 0;
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return -errno;
	for (int i = 0; r == 0 && i < LOOP_LEAST; i++) {
		first[i] = calloc(1, sizeof(*first[i]));
		r = first[i] ? loop_first_buffer(l, first[i]) : -ENOMEM;
	}
	return fcntl(fd, F_SETFL, flags) == 0 || r != 0 ? r : -errno;
}

/* Start those that are to stay, and see that they have what they need. */
static int loop_start_first(struct loop *l, struct loop_thread *first[LOOP_LEAST])
{
	int r = 0;
	for (int i = 0; r == 0 && i < LOOP_LEAST; i++)
		r = loop_start(l, TAKE_PTR(first[i]));
	while (l->begun < l->n)
		pthread_cond_wait(&l->wake, &l->lock);
	for (struct loop_thread *t = l->threads; r == 0 && t; t = t->next)
		r = t->refused;
	l->complete = l->n;
	return r;
}

int loop_run(struct loop *l)
{
	struct loop_thread *first[LOOP_LEAST] = { NULL };
	int r = loop_first_buffers(l, first);
	SCOPED_LOCK(&l->lock);
	if (r == 0)
		r = loop_start_first(l, first);
	for (int i = 0; i < LOOP_LEAST; i++)
		loop_thread_free(first[i]);
	if (r != 0)
		fuse_session_exit(l->se);
	l->open = true;
	pthread_cond_broadcast(&l->gate);
	while (l->threads) {
		if (loop_join(l))
			continue;
		if (l->wanted && !fuse_session_exited(l->se))
			loop_add(l);
		else
			loop_wait(l);
	}
	return r < 0 ? r : l->error;
}

void loop_end(struct loop *l)
{
	fuse_session_exit(l->se);
	SCOPED_LOCK(&l->lock);
	pthread_cond_signal(&l->wake);
}

void loop_count(struct loop *l, unsigned int *threads, unsigned int *busy)
{
	SCOPED_LOCK(&l->lock);
	*threads = l->n;
	*busy = l->n - l->idle;
}

static void loop_nothing(int sig)
{
	(void)sig;
}

/* A thread for which glibc can make no arena of its own takes even the smallest piece of memory from the kernel, and
 * gets none when that has no more. If there may be so few that the first threads make them all, the later ones share
 * theirs. */
static void loop_share_arenas(void)
{
#ifdef M_ARENA_MAX
	(void)mallopt(M_ARENA_MAX, LOOP_LEAST + 1); /* and that of the main thread */
#endif
}

int loop_new(struct fuse_session *se, struct loop **out)
{
	const struct sigaction wake = { .sa_handler = loop_nothing };
	pthread_condattr_t attr;
	sigset_t set;
	struct loop *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	loop_share_arenas();
	l->se = se;
	l->keep = LOOP_MOST;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->gate, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->wake, &attr);
	pthread_condattr_destroy(&attr);
	/* Whoever started us may have blocked it. */
	sigemptyset(&set);
	sigaddset(&set, LOOP_WAKE);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	(void)sigaction(LOOP_WAKE, &wake, NULL);
	*out = l;
	return 0;
}

bool loop_hung_up(struct fuse_session *se, int wait_ms)
{
	struct pollfd p = { .fd = fuse_session_fd(se) };
	int r;
	while ((r = poll(&p, 1, wait_ms)) < 0 && errno == EINTR)
		;
	return r == 1 && (p.revents & POLLERR);
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	pthread_cond_destroy(&l->wake);
	pthread_cond_destroy(&l->gate);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
