/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "fs/node.h"
#include "fs/tender_impl.h"

#define TENDER_TICK 1	  /* seconds: side files */
#define TENDER_PASS 30	  /* ticks: durable lengths */
#define TENDER_CROWD 4096 /* so many files bring the pass forward */

void tender_push(struct tender_list *l, struct node *n)
{
	n->tend_next = NULL;
	if (l->n++ == 0)
		l->first = n;
	else
		l->last->tend_next = n;
	l->last = n;
}

void tender_add(struct tender *t, struct node *n)
{
	if (!t)
		return;
	{
		SCOPED_LOCK(inode_lock(&t->fs->inodes, n));
		if (n->tended)
			return;
		n->tended = true;
	}
	inode_ref(n);
	SCOPED_LOCK(&t->lock);
	tender_push(&t->list, n);
	if (t->list.n == TENDER_CROWD)
		pthread_cond_signal(&t->wake);
}

size_t tender_waiting(struct tender *t)
{
	if (!t)
		return 0;
	SCOPED_LOCK(&t->lock);
	return t->list.n + t->n_late;
}

/* ---- the thread ---- */

/* Wait for a tick. Returns false when it is time to stop; *crowd says that the list has grown long. */
static bool tender_wait(struct tender *t, bool *crowd)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += TENDER_TICK;
	SCOPED_LOCK(&t->lock);
	int r = 0;
	while (!t->stop && r == 0 && t->list.n < TENDER_CROWD)
		r = pthread_cond_timedwait(&t->wake, &t->lock, &until);
	*crowd = t->list.n >= TENDER_CROWD;
	return !t->stop;
}

static void *tender_main(void *arg)
{
	struct tender *t = arg;
	bool crowd;
	int ticks = 0;
	while (tender_wait(t, &crowd)) {
		struct store *st = t->fs->st;
		rest_tick(t->fs);
		if (sidefile_pending(&st->side)) {
			int r = store_drain(st);
			if (r < 0)
				log_error("writing side files to disk: %s", strerror(-r));
		}
		bool due = ++ticks >= TENDER_PASS;
		if (due || crowd)
			tender_pass(t, due ? TENDER_LATE : 0);
		if (due)
			ticks = 0;
	}
	return NULL;
}

int tender_start(struct fs *fs, struct tender **out)
{
	struct tender *t = calloc(1, sizeof(*t));
	pthread_condattr_t attr;
	if (!t)
		return -ENOMEM;
	t->fs = fs;
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wake, &attr);
	pthread_condattr_destroy(&attr);
	int r = pthread_create(&t->thread, NULL, tender_main, t);
	if (r != 0) {
		free(t);
		return -r;
	}
	*out = t;
	return 0;
}

void tender_stop(struct tender *t)
{
	if (!t)
		return;
	{
		SCOPED_LOCK(&t->lock);
		t->stop = true;
		pthread_cond_signal(&t->wake);
	}
	pthread_join(t->thread, NULL);

	tender_last_pass(t);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t);
}
