/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "store/scratch.h"

#define CREW_MAX 3	   /* helpers; more would wait for the page cache, not for the cipher */
#define CREW_PART_MIN 8	   /* blocks, some 20 us of work: less is not worth waking anybody */
#define CREW_PART_MAX 16

struct crew_parts {
	_Atomic uint64_t next;
	uint64_t n;
	uint64_t step;
};

struct crew_job {
	struct crew_job *next;
	struct crew_parts parts;
	crew_work *work;
	void *arg;
	int helpers; /* at work on it */
	int result;
	pthread_cond_t done;
};

struct crew {
	pthread_mutex_t lock; /* guards the jobs and their lists; a leaf */
	pthread_cond_t wake;
	struct crew_job *jobs;
	bool stop;
	size_t n;
	pthread_t threads[CREW_MAX];
};

bool crew_next(struct crew_parts *p, uint64_t *from, uint64_t *to)
{
	uint64_t at = atomic_fetch_add(&p->next, p->step);
	if (at >= p->n)
		return false;
	*from = at;
	*to = p->n - at < p->step ? p->n : at + p->step;
	return true;
}

/* Off the list, if it is still there. The lock is held. */
static void crew_unlist(struct crew *c, struct crew_job *job)
{
	for (struct crew_job **at = &c->jobs; *at; at = &(*at)->next) {
		if (*at == job) {
			*at = job->next;
			return;
		}
	}
}

static void *crew_main(void *arg)
{
	struct crew *c = arg;
	pthread_mutex_lock(&c->lock);
	while (true) {
		while (!c->jobs && !c->stop)
			pthread_cond_wait(&c->wake, &c->lock);
		struct crew_job *job = c->jobs;
		if (!job)
			break;
		job->helpers++;
		pthread_mutex_unlock(&c->lock);
		int r = job->work(job->arg, &job->parts);
		pthread_mutex_lock(&c->lock);
		if (r < 0)
			job->result = r;
		crew_unlist(c, job);
		if (--job->helpers == 0)
			pthread_cond_signal(&job->done);
	}
	pthread_mutex_unlock(&c->lock);
	scratch_drop();
	return NULL;
}

int crew_run(struct crew *c, crew_work *work, void *arg, uint64_t n)
{
	uint64_t step = (n + CREW_MAX) / (CREW_MAX + 1);
	step = step < CREW_PART_MIN ? CREW_PART_MIN : step > CREW_PART_MAX ? CREW_PART_MAX : step;
	struct crew_job job = { .parts = { .n = n, .step = step }, .work = work, .arg = arg };
	if (!c || c->n == 0 || n < 2 * CREW_PART_MIN) {
		job.parts.step = n;
		return n > 0 ? work(arg, &job.parts) : 0;
	}
	pthread_cond_init(&job.done, NULL);
	{
		SCOPED_LOCK(&c->lock);
		job.next = c->jobs;
		c->jobs = &job;
		for (uint64_t i = step; i < n && i / step <= c->n; i += step)
			pthread_cond_signal(&c->wake);
	}
	int r = work(arg, &job.parts);
	{
		SCOPED_LOCK(&c->lock);
		crew_unlist(c, &job);
		while (job.helpers > 0)
			pthread_cond_wait(&job.done, &c->lock);
		if (r == 0)
			r = job.result;
	}
	pthread_cond_destroy(&job.done);
	return r;
}

int crew_start(struct crew **out)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t spare = processors > 1 ? (size_t)processors - 1 : 0;
	struct crew *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	while (c->n < spare && c->n < CREW_MAX) {
		int r = pthread_create(&c->threads[c->n], NULL, crew_main, c);
		if (r != 0) {
			crew_stop(c);
			return -r;
		}
		c->n++;
	}
	*out = c;
	return 0;
}

void crew_stop(struct crew *c)
{
	if (!c)
		return;
	{
		SCOPED_LOCK(&c->lock);
		c->stop = true;
		pthread_cond_broadcast(&c->wake);
	}
	for (size_t i = 0; i < c->n; i++)
		pthread_join(c->threads[i], NULL);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
