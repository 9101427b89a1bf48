/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way through the tree. Directories that wait are a stack, so that what is kept grows with the depth; each is
 * listed a buffer at a time and goes back below the directories found in it. Files go to whichever thread is
 * free, and if too many wait, are looked at on the spot.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "offline/check_impl.h"

#define CHECK_PIECE 16384u /* blocks of a large file that a thread takes at a time (64 MiB), at least */
#define CHECK_PIECES 1024u /* at most so many of them */

/* As the kernel gives them; see getdents64(2). */
struct raw_entry {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

/* What a thread works with. */
struct worker {
	struct check *c;
	struct check_item item;
	_Alignas(8) char buf[CHECK_LIST_BUFFER];
};

/* ---- what waits ---- */

void check_walk_push(struct check *c, struct check_dir *d)
{
	SCOPED_LOCK(&c->lock);
	d->below = c->stack;
	c->stack = d;
	pthread_cond_signal(&c->more);
}

/* Returns false if there is no room for it. */
static bool queue_add(struct check *c, const struct check_item *item)
{
	SCOPED_LOCK(&c->lock);
	if (c->queue_n == CHECK_QUEUE)
		return false;
	c->queue[(c->queue_first + c->queue_n++) % CHECK_QUEUE] = *item;
	pthread_cond_signal(&c->more);
	return true;
}

void check_walk_file(struct check *c, const struct check_item *item)
{
	if (c->running && c->opt->jobs == 1) {
		check_names_file(c, item);
		return;
	}
	check_dirs_keep(c, item->dir);
	if (queue_add(c, item))
		return;
	check_names_file(c, item);
	check_dirs_drop(c, item->dir);
}

/* ---- large files ---- */

/* The next piece of a large file. Returns false if none is left. With check.lock held. */
static bool piece_of(struct check *c, struct check_large *l, uint64_t *from, uint64_t *to)
{
	uint64_t end = check_file_blocks(l->file);
	if (l->next >= l->file->pages)
		return false;
	*from = l->next;
	l->next += l->step;
	/* Missing blocks are one piece with the last that is there: there may be any number. */
	*to = l->next >= l->file->pages ? end : l->next;
	l->users++;
	if (l->next >= l->file->pages) {
		struct check_large **p = &c->large;
		while (*p != l)
			p = &(*p)->other;
		*p = l->other;
	}
	return true;
}

/* Without check.lock. */
static void verify_piece(struct check *c, struct check_large *l, uint64_t from, uint64_t to)
{
	int r = check_file_verify(l->file, from, to, l->sink, &c->counts->bytes);
	SCOPED_LOCK(&c->lock);
	if (l->error == 0)
		l->error = r;
	if (--l->users == 0)
		pthread_cond_broadcast(&c->more);
}

static int verify_large(struct check *c, const struct check_file *f, const struct check_sink *sink)
{
	struct check_large l = { .file = f, .sink = sink, .step = f->pages / CHECK_PIECES + 1 };
	uint64_t from, to;
	if (l.step < CHECK_PIECE)
		l.step = CHECK_PIECE;
	pthread_mutex_lock(&c->lock);
	l.other = c->large;
	c->large = &l;
	pthread_cond_broadcast(&c->more);
	while (piece_of(c, &l, &from, &to)) {
		pthread_mutex_unlock(&c->lock);
		verify_piece(c, &l, from, to);
		pthread_mutex_lock(&c->lock);
	}
	while (l.users > 0)
		pthread_cond_wait(&c->more, &c->lock);
	pthread_mutex_unlock(&c->lock);
	return l.error;
}

int check_walk_blocks(struct check *c, const struct check_file *f, const struct check_sink *sink)
{
	uint64_t n = check_file_blocks(f);
	if (c->opt->quick) {
		uint64_t last = f->pages > 1 ? f->pages - 1 : 1;
		int r = check_file_verify(f, 0, 1, sink, &c->counts->bytes);
		return r < 0 || last >= n ? r : check_file_verify(f, last, n, sink, &c->counts->bytes);
	}
	if (c->opt->jobs > 1 && f->pages > 2 * CHECK_PIECE)
		return verify_large(c, f, sink);
	return check_file_verify(f, 0, n, sink, &c->counts->bytes);
}

/* ---- what a thread does ---- */

static void do_file(struct worker *w)
{
	struct check_dir *d = w->item.dir;
	int r = check_dirs_hold(w->c, d);
	if (r < 0) {
		check_failed(w->c, r, (struct check_place){ d, w->item.disk, w->item.plain });
	} else {
		check_names_file(w->c, &w->item);
		check_dirs_release(w->c, d);
	}
	check_dirs_drop(w->c, d);
}

/* One buffer of a directory's entries. Returns 1, 0 at the end, or -errno. */
static int list_some(struct worker *w, struct check_dir *d, struct check_dir **children)
{
	if (lseek(d->d.fd, d->at, SEEK_SET) < 0)
		return -errno;
	long n = syscall(SYS_getdents64, d->d.fd, w->buf, sizeof(w->buf));
	if (n <= 0)
		return n < 0 ? -errno : 0;
	for (long at = 0; at < n;) {
		const struct raw_entry *raw = (const void *)(w->buf + at);
		at += raw->reclen;
		d->at = (off_t)raw->off;
		if (!io_is_dot(raw->name))
			check_names_entry(w->c, d, raw->name, children);
	}
	return 1;
}

/* Look at a directory that is held. Returns 1 if there is more of it, else 0. */
static int look_at(struct worker *w, struct check_dir *d, struct check_dir **children)
{
	int r = d->entered ? 0 : check_names_enter(w->c, d);
	if (r == 0)
		r = list_some(w, d, children);
	if (r == 0)
		check_names_leave(w->c, d);
	if (r < 0)
		check_failed(w->c, r, (struct check_place){ d, NULL, NULL });
	return r > 0;
}

static void do_dir(struct worker *w, struct check_dir *d)
{
	struct check_dir *children = NULL;
	int more = 0, r = check_dirs_hold(w->c, d);
	if (r < 0) {
		check_failed(w->c, r, (struct check_place){ d, NULL, NULL });
	} else {
		more = look_at(w, d, &children);
		check_dirs_release(w->c, d);
	}
	if (more)
		check_walk_push(w->c, d);
	while (children) {
		struct check_dir *child = children;
		children = child->below;
		check_walk_push(w->c, child);
	}
	if (!more)
		check_dirs_drop(w->c, d);
}

/* Do one thing that waits. Returns false if there is none. With check.lock held, which it gives up meanwhile. */
static bool do_one(struct worker *w)
{
	struct check *c = w->c;
	struct check_large *large = c->large;
	struct check_dir *dir = NULL;
	uint64_t from = 0, to = 0;
	if (large) {
		(void)piece_of(c, large, &from, &to); /* an exhausted one is not in the list */
	} else if (c->queue_n > 0) {
		w->item = c->queue[c->queue_first];
		c->queue_first = (c->queue_first + 1) % CHECK_QUEUE;
		c->queue_n--;
	} else if (c->stack) {
		dir = c->stack;
		c->stack = dir->below;
	} else {
		return false;
	}
	c->busy++;
	pthread_mutex_unlock(&c->lock);
	if (large)
		verify_piece(c, large, from, to);
	else if (dir)
		do_dir(w, dir);
	else
		do_file(w);
	pthread_mutex_lock(&c->lock);
	if (--c->busy == 0)
		pthread_cond_broadcast(&c->more);
	return true;
}

void *check_walk_thread(void *check)
{
	struct check *c = check;
	_cleanup_free_ struct worker *w = malloc(sizeof(*w));
	if (!w) {
		check_stop(c, -ENOMEM);
		return NULL;
	}
	w->c = c;
	pthread_mutex_lock(&c->lock);
	while (!c->done) {
		if (do_one(w))
			continue;
		if (c->busy > 0) {
			pthread_cond_wait(&c->more, &c->lock);
			continue;
		}
		c->done = true;
		pthread_cond_broadcast(&c->more);
		pthread_cond_signal(&c->ended);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}
