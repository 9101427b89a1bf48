/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "fs/idle.h"
#include "fs/loop.h"
#include "fs/seeker.h"
#include "sandbox/attendant.h"

struct signals {
	struct fs *fs;
	pthread_t thread;
	sigset_t set;
	atomic_bool stop;
	/* of the thread: */
	int lost;     /* -errno if the kernel may still hold what was written */
	bool is_left; /* unmounted here for being idle; if it is served still, it is mounted elsewhere */
	bool is_told; /* that it is idle, but in use */
};

/* The kernel hangs up within the unmounting. */
#define SIGNALS_HANG_UP_MS 3000

/* Whoever looks at all mounts (df, a file manager, cryptfs status) keeps each busy for a moment. */
#define SIGNALS_BUSY_TRIES 5
#define SIGNALS_BUSY_PAUSE_NS 100000000L

/* File by file, which needs no way to the mount. */
static int signals_fetch_files(struct fs *fs)
{
	struct node **nodes;
	size_t n = inode_open_files(&fs->inodes, &nodes);
	int r = 0;
	for (size_t i = 0; i < n; i++) {
		int err = fuse_lowlevel_notify_inval_inode(fs->se, fs_ino(fs, nodes[i]), 0, 0);
		if (err < 0 && err != -ENOENT && r == 0) /* that is what it has forgotten */
			r = err;
		inode_unref(&fs->inodes, nodes[i]);
	}
	free(nodes);
	return r;
}

/* There is no way: the mount is nowhere any more, the attendant neither, or its root may not be opened. */
static bool signals_is_no_way(int r)
{
	return r == -ESTALE || r == -EPIPE || r == -EACCES;
}

/* Have the kernel send us what it has not written back. The mount serves that meanwhile. Returns 0 or -errno. */
static int signals_fetch(struct signals *s)
{
	int r = attendant_fetch(s->fs->opt->attendant);
	if (r == 0)
		return 0;
	int files = signals_fetch_files(s->fs);
	if (signals_is_no_way(r))
		r = files;
	if (r == 0)
		return 0;
	log_error("writing back: %s", strerror(-r));
	if (s->lost == 0)
		s->lost = r;
	return r;
}

/* The mount goes, and the loop ends when the kernel hangs up; if something keeps the mount busy, or the filesystem
 * alive, the loop is ended here, and who still uses it gets errors. */
static void signals_end(struct signals *s)
{
	(void)signals_fetch(s);
	if (attendant_unmount(s->fs->opt->attendant) != 0)
		log_info("still in use: taken away all the same");
	else if (loop_hung_up(s->fs->se, SIGNALS_HANG_UP_MS)) /* not while it is mounted elsewhere, too */
		return;
	else
		log_info("still mounted elsewhere: ended all the same");
	(void)signals_fetch(s);
	/* The seeker waits for the kernel, which waits for those who serve: it must be done before they are. */
	seeker_retire(s->fs->seeker);
	loop_end(s->fs->loop);
}

static int signals_unmount_patiently(struct signals *s)
{
	int r = attendant_unmount(s->fs->opt->attendant);
	for (int i = 1; r == -EBUSY && i < SIGNALS_BUSY_TRIES; i++) {
		(void)nanosleep(&(struct timespec){ .tv_nsec = SIGNALS_BUSY_PAUSE_NS }, NULL);
		r = attendant_unmount(s->fs->opt->attendant);
	}
	return r;
}

/* Unless somebody uses it, or would lose something. Returns false if it stays. */
static bool signals_end_if_unused(struct signals *s)
{
	int r = signals_fetch(s);
	if (r == 0)
		r = signals_unmount_patiently(s);
	if (r == 0 && loop_hung_up(s->fs->se, SIGNALS_HANG_UP_MS))
		return true;
	log_info("asked to end unless in use, the mount stays: %s", r == 0        ? "it is mounted elsewhere, too"
								    : r == -EBUSY ? "it is in use"
										  : strerror(-r));
	fs_tell(s->fs, SESSION_BUSY);
	return false;
}

/* ---- being idle ---- */

/* Once, until it is used again; the attempts go on. */
static void signals_tell_idle(struct signals *s, int r)
{
	const unsigned int limit = s->fs->opt->idle;
	if (s->is_told)
		return;
	s->is_told = true;
	if (r == -EBUSY)
		log_info("no request for %u s, but something is open: not unmounted, tried again every %u s",
			 limit, limit);
	else
		log_error("no request for %u s, but it cannot be unmounted: %s", limit,
			  r == -EPIPE    ? "the attendant has been killed"
			  : r == -ESTALE ? "it has been detached, or another mount lies upon it"
					 : strerror(-r));
}

/* Never by force: what cannot be written, or unmounted, stays as it is. */
static void signals_leave(struct signals *s)
{
	int r = signals_fetch(s);
	if (r == 0)
		r = signals_unmount_patiently(s);
	if (r != 0) {
		signals_tell_idle(s, r);
		idle_restart(&s->fs->idle); /* whatever keeps it busy is a use */
		return;
	}
	s->is_left = true;
	fs_tell(s->fs, SESSION_IDLE);
	log_info("not used for %u s: unmounted", s->fs->opt->idle);
	if (!loop_hung_up(s->fs->se, SIGNALS_HANG_UP_MS))
		log_info("still mounted elsewhere: served on there");
}

static void signals_look(struct signals *s)
{
	switch (idle_look(&s->fs->idle)) {
	case IDLE_USED: s->is_told = false; break;
	case IDLE_QUIET: break;
	case IDLE_OVER: signals_leave(s); break;
	}
	if (!s->is_left) /* see idle.h */
		(void)fuse_lowlevel_notify_inval_inode(s->fs->se, FUSE_ROOT_ID, -1, 0);
}

/* ---- the thread ---- */

/* Returns the one that has come. */
static int signals_wait(struct signals *s)
{
	const struct timespec pause = idle_pause(&s->fs->idle);
	for (;;) {
		bool looks = s->fs->opt->idle > 0 && !s->is_left;
		int sig = sigtimedwait(&s->set, NULL, looks ? &pause : NULL);
		if (sig >= 0)
			return sig;
		if (errno == EAGAIN)
			signals_look(s);
	}
}

/* The first signal that ends it is the last: another would ask a mount that nobody serves any more. */
static void *signals_main(void *arg)
{
	struct signals *s = arg;
	bool ended = false;
	while (!ended) {
		int sig = signals_wait(s);
		if (atomic_load(&s->stop))
			break;
		ended = sig != SIGUSR2 || signals_end_if_unused(s);
		if (sig != SIGUSR2)
			signals_end(s);
	}
	return NULL;
}

static void signals_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR2);
}

void signals_block(void)
{
	sigset_t set;
	signals_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL); /* a limit on file sizes is for whoever writes: EFBIG */
}

int signals_start(struct fs *fs, struct signals **out)
{
	struct signals *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->fs = fs;
	signals_set(&s->set);
	int r = pthread_create(&s->thread, NULL, signals_main, s);
	if (r != 0) {
		free(s);
		return -r;
	}
	*out = s;
	return 0;
}

int signals_stop(struct signals *s)
{
	if (!s)
		return 0;
	atomic_store(&s->stop, true);
	pthread_kill(s->thread, SIGTERM);
	pthread_join(s->thread, NULL);
	int r = s->lost;
	free(s);
	return r;
}
