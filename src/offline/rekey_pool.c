/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads that seal the content of files. A file's first page, which says that all of it is done, may not reach the
 * disk before the others: each thread does the others of some files, syncs once, and then the first pages.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "offline/rekey_impl.h"
#include "store/scratch.h"

void rekey_file_free(struct rekey_file *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	free(f->path);
	free(f->cipher);
	*f = (struct rekey_file){ .fd = -1 };
}

void rekey_tell(struct rekey *r, enum rekey_trouble what, const char *path, const char *cipher, int err)
{
	if (what == REKEY_LEFT)
		atomic_fetch_add(&r->left, 1);
	SCOPED_LOCK(&r->tell);
	r->opt->trouble(r->opt->arg, what, path, cipher, err);
}

static void end_run(struct rekey *r, int err)
{
	SCOPED_LOCK(&r->lock);
	if (r->error == 0)
		r->error = err;
}

static bool is_ended(struct rekey *r)
{
	SCOPED_LOCK(&r->lock);
	return r->error < 0;
}

/* What one file met with. It ends the run only if it is no matter of that file. */
static void settle(struct rekey *r, struct rekey_file *f, int err)
{
	if (err == -EINTR || err == -ENOMEM) {
		end_run(r, err);
		return;
	}
	if (err < 0)
		rekey_tell(r, REKEY_LEFT, f->path, f->cipher, err);
	else if (f->damaged)
		rekey_tell(r, REKEY_DAMAGED, f->path, f->cipher, f->damaged);
	else
		r->opt->done(r->opt->arg, 1, 0);
}

/* The first pages of n files, behind a sync of the others. What could not be written is not known by file, and what the
 * kernel keeps in memory need not be what is on the disk any more: the run ends. */
static void finish(struct rekey *r, int root_fd, struct rekey_file *batch, size_t n)
{
	bool alone = n == 1 && !r->st->logged; /* a log would bring back names that have been changed since */
	int err = n == 0 ? 0 : alone ? io_fsync(batch[0].fd, true) : io_syncfs(root_fd);
	if (err < 0)
		end_run(r, err);
	for (size_t i = 0; i < n; i++) {
		if (!is_ended(r))
			settle(r, &batch[i], rekey_file_first(r, &batch[i]));
		rekey_file_free(&batch[i]);
	}
}

void rekey_one(struct rekey *r, struct rekey_file *f)
{
	bool last;
	int err = rekey_file_pages(r, f, &last);
	if (err == 0 && last) {
		finish(r, r->root_fd, f, 1);
		return;
	}
	settle(r, f, err);
	rekey_file_free(f);
}

/* The next file; false if none will come any more. Does not wait if there is something to finish meanwhile. */
static bool take(struct rekey *r, struct rekey_file *f, bool wait)
{
	SCOPED_LOCK(&r->lock);
	while (wait && r->n == 0 && !r->closed)
		pthread_cond_wait(&r->more, &r->lock);
	if (r->n == 0)
		return false;
	*f = r->queue[r->first];
	r->first = (r->first + 1) % REKEY_QUEUE;
	r->n--;
	pthread_cond_signal(&r->room);
	return true;
}

/* Fill the batch as far as something is waiting. Returns how many need their first page done, or -1 at the end. */
static ssize_t fill(struct rekey *r, struct rekey_file *batch)
{
	size_t n = 0, tried = 0;
	struct rekey_file f;
	for (; n < r->batch && take(r, &f, tried == 0); tried++) {
		bool last;
		int err = rekey_file_pages(r, &f, &last);
		if (err == 0 && last) {
			batch[n++] = f;
			continue;
		}
		settle(r, &f, err);
		rekey_file_free(&f);
	}
	return tried == 0 ? -1 : (ssize_t)n;
}

static void *work(void *arg)
{
	struct rekey *r = arg;
	struct rekey_file batch[REKEY_BATCH];
	/* The kernel tells each descriptor once of what could not be written since it was opened. */
	_cleanup_fd_ int fd = rekey_open_root(r);
	if (fd < 0)
		end_run(r, fd);
	for (ssize_t n; (n = fill(r, batch)) >= 0;)
		finish(r, fd, batch, (size_t)n);
	scratch_drop();
	return NULL;
}

int rekey_open_root(const struct rekey *r)
{
	int fd = openat(r->st->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Files that wait and files of each thread are open: no more of them than half of what we may have. */
static unsigned int share_descriptors(struct rekey *r)
{
	size_t all = io_fd_share(2, 8, (size_t)REKEY_JOBS_MAX * REKEY_BATCH + REKEY_QUEUE);
	r->room_for = all / 4 < REKEY_QUEUE ? all / 4 : REKEY_QUEUE;
	size_t jobs = r->opt->jobs < all / 4 ? r->opt->jobs : all / 4;
	r->batch = (all - r->room_for) / jobs < REKEY_BATCH ? (all - r->room_for) / jobs : REKEY_BATCH;
	return (unsigned int)jobs;
}

int rekey_pool_start(struct rekey *r)
{
	const unsigned int jobs = share_descriptors(r);
	int err = 0;
	while (r->threads < jobs && err == 0) {
		err = pthread_create(&r->thread[r->threads], NULL, work, r);
		r->threads += err == 0;
	}
	return r->threads > 0 ? 0 : -err;
}

int rekey_pool_add(struct rekey *r, struct rekey_file *f)
{
	SCOPED_LOCK(&r->lock);
	while (r->n >= r->room_for)
		pthread_cond_wait(&r->room, &r->lock);
	if (r->error < 0) {
		rekey_file_free(f);
		return r->error;
	}
	r->queue[(r->first + r->n++) % REKEY_QUEUE] = *f;
	*f = (struct rekey_file){ .fd = -1 };
	pthread_cond_signal(&r->more);
	return 0;
}

void rekey_pool_end(struct rekey *r, bool stop)
{
	pthread_mutex_lock(&r->lock);
	r->closed = true;
	while (stop && r->n > 0) {
		rekey_file_free(&r->queue[r->first]);
		r->first = (r->first + 1) % REKEY_QUEUE;
		r->n--;
	}
	pthread_cond_broadcast(&r->more);
	pthread_mutex_unlock(&r->lock);
	while (r->threads > 0)
		pthread_join(r->thread[--r->threads], NULL);
}
