/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/seeker.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "fs/reply.h"
#include "store/scratch.h"

struct seeker_job {
	struct seeker_job *next;
	fuse_ino_t ino;
	seeker_then *then;
	void *arg;
};

struct seeker {
	struct fuse_session *se;
	pthread_t thread;
	pthread_mutex_t lock; /* guards the rest; a leaf */
	pthread_cond_t wake;
	bool retired;
	struct seeker_job *first, **last;
};

void seeker_reply(fuse_req_t req, struct file *f, off_t off, int whence)
{
	int64_t r = off < 0 ? -ENXIO : file_seek(f, (uint64_t)off, whence);
	if (r < 0)
		reply_result(req, (int)r);
	else
		(void)fuse_reply_lseek(req, (off_t)r);
}

/* Returns false if it is retired. */
static bool seeker_add(struct seeker *s, struct seeker_job *job)
{
	SCOPED_LOCK(&s->lock);
	if (s->retired)
		return false;
	*s->last = job;
	s->last = &job->next;
	pthread_cond_signal(&s->wake);
	return true;
}

int seeker_after(struct seeker *s, fuse_ino_t ino, seeker_then *then, void *arg)
{
	struct seeker_job *job = malloc(sizeof(*job));
	if (!job)
		return -ENOMEM;
	*job = (struct seeker_job){ .ino = ino, .then = then, .arg = arg };
	if (seeker_add(s, job))
		return 0;
	free(job);
	then(arg);
	return 0;
}

struct seeker_question {
	fuse_req_t req;
	struct file *file;
	off_t off;
	int whence;
};

static void seeker_answer(void *arg)
{
	_cleanup_free_ struct seeker_question *q = arg;
	seeker_reply(q->req, q->file, q->off, q->whence);
}

void seeker_ask(struct seeker *s, fuse_req_t req, fuse_ino_t ino, struct file *f, off_t off, int whence)
{
	struct seeker_question *q = malloc(sizeof(*q));
	if (q)
		*q = (struct seeker_question){ .req = req, .file = f, .off = off, .whence = whence };
	if (q && seeker_after(s, ino, seeker_answer, q) == 0)
		return;
	free(q);
	reply_result(req, -ENOMEM);
}

/* The next job, or NULL when it is time to stop. */
static struct seeker_job *seeker_next(struct seeker *s)
{
	SCOPED_LOCK(&s->lock);
	while (!s->first && !s->retired)
		pthread_cond_wait(&s->wake, &s->lock);
	struct seeker_job *job = s->first;
	if (job) {
		s->first = job->next;
		if (!s->first)
			s->last = &s->first;
	}
	return job;
}

static void *seeker_main(void *arg)
{
	struct seeker *s = arg;
	struct seeker_job *job;
	while ((job = seeker_next(s))) {
		(void)fuse_lowlevel_notify_inval_inode(s->se, job->ino, 0, 0);
		job->then(job->arg);
		free(job);
	}
	scratch_drop();
	return NULL;
}

int seeker_start(struct fuse_session *se, struct seeker **out)
{
	struct seeker *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->se = se;
	s->last = &s->first;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	int r = pthread_create(&s->thread, NULL, seeker_main, s);
	if (r != 0) {
		free(s);
		return -r;
	}
	*out = s;
	return 0;
}

void seeker_retire(struct seeker *s)
{
	bool before;
	{
		SCOPED_LOCK(&s->lock);
		before = s->retired;
		s->retired = true;
		pthread_cond_signal(&s->wake);
	}
	if (!before)
		pthread_join(s->thread, NULL);
}

void seeker_stop(struct seeker *s)
{
	if (!s)
		return;
	seeker_retire(s);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
