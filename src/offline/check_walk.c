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

int check_walk_open(int dirfd, const char *disk, int flags)
{
	flags |= O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = openat(dirfd, disk, flags | O_NOATIME);
	if (fd < 0 && errno == EPERM) /* not ours */
		fd = openat(dirfd, disk, flags);
	return fd < 0 ? -errno : fd;
}

/* ---- descriptors of directories; all of it with check.dirs held ---- */

static void list_remove(struct check *c, struct check_dir *d)
{
	if (d->newer)
		d->newer->older = d->older;
	else
		c->newest = d->older;
	if (d->older)
		d->older->newer = d->newer;
	else
		c->oldest = d->newer;
	d->newer = d->older = NULL;
}

static void list_add(struct check *c, struct check_dir *d)
{
	d->older = c->newest;
	if (c->newest)
		c->newest->newer = d;
	else
		c->oldest = d;
	c->newest = d;
}

static void dir_shut(struct check *c, struct check_dir *d)
{
	list_remove(c, d);
	(void)close(d->d.fd);
	d->d.fd = -1;
	c->n_open--;
}

/* Take fd for d if it is the directory that we know. */
static int dir_take(struct check *c, struct check_dir *d, int fd)
{
	_cleanup_fd_ int own = fd;
	struct stat sb;
	if (fstat(own, &sb) != 0)
		return -errno;
	if (sb.st_dev != c->st->dev)
		return -EXDEV;
	if (d->entered && sb.st_ino != d->d.ino)
		return -ESTALE;
	d->d.ino = sb.st_ino;
	d->d.fd = TAKE_FD(own);
	list_add(c, d);
	c->n_open++;
	for (struct check_dir *old = c->oldest; old && c->n_open > c->max_open;) {
		struct check_dir *next = old->newer;
		if (old->pins == 0 && old != d)
			dir_shut(c, old);
		old = next;
	}
	return 0;
}

static int dir_open_one(struct check *c, struct check_dir *d)
{
	int fd = d->parent ? check_walk_open(d->parent->d.fd, d->disk, O_DIRECTORY)
			   : check_walk_open(c->st->root_fd, ".", O_DIRECTORY);
	return fd < 0 ? fd : dir_take(c, d, fd);
}

/* From the nearest directory above that is open, down. */
static int dir_reopen(struct check *c, struct check_dir *d)
{
	size_t n = 0;
	for (struct check_dir *up = d; up && up->d.fd < 0; up = up->parent)
		n++;
	_cleanup_free_ struct check_dir **way = calloc(n, sizeof(struct check_dir *));
	if (!way)
		return -ENOMEM;
	for (size_t i = n; i > 0; i--, d = d->parent)
		way[i - 1] = d;
	int r = 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = dir_open_one(c, way[i]);
	return r;
}

/* d goes, and the directory above it, where there is more to do, has been closed: open it the short way. */
static void dir_open_above(struct check *c, struct check_dir *d)
{
	struct check_dir *up = d->parent;
	if (!up || up->d.fd >= 0 || up->refs < 2)
		return;
	d->pins++; /* so that it is not closed for this one */
	int fd = check_walk_open(d->d.fd, "..", O_DIRECTORY);
	if (fd >= 0)
		(void)dir_take(c, up, fd);
	d->pins--;
}

int check_walk_hold(struct check *c, struct check_dir *d)
{
	SCOPED_LOCK(&c->dirs);
	int r = d->d.fd >= 0 ? 0 : dir_reopen(c, d);
	if (r < 0)
		return r;
	list_remove(c, d);
	list_add(c, d);
	d->pins++;
	return 0;
}

void check_walk_release(struct check *c, struct check_dir *d)
{
	SCOPED_LOCK(&c->dirs);
	d->pins--;
}

/* ---- references ---- */

static void dir_free_all(struct check_dir *d)
{
	free(d->disk);
	free(d->plain);
	free(d->sides.h);
	free(d->links.h);
	free(d);
}

struct check_dir *check_walk_dir(struct check *c, struct check_dir *parent, const char *disk, const char *plain)
{
	struct check_dir *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->disk = strdup(disk);
	d->plain = plain ? strdup(plain) : NULL;
	if (!d->disk || (plain && !d->plain)) {
		dir_free_all(d);
		return NULL;
	}
	d->d.st = c->st;
	d->d.fd = -1;
	d->refs = 1;
	if (!parent) {
		d->d.root = d->named = true;
		memcpy(d->d.id, c->st->vault->keys->root_id, sizeof(d->d.id));
		return d;
	}
	SCOPED_LOCK(&c->dirs);
	d->parent = parent;
	parent->refs++;
	return d;
}

/* Let one go. Returns whose reference goes with it. */
static struct check_dir *drop_one(struct check *c, struct check_dir *d)
{
	{
		SCOPED_LOCK(&c->dirs);
		if (--d->refs > 0)
			return NULL;
		if (d->d.fd >= 0) {
			dir_open_above(c, d);
			dir_shut(c, d);
		}
	}
	struct check_dir *parent = d->parent;
	dir_free_all(d);
	return parent;
}

void check_walk_drop(struct check *c, struct check_dir *d)
{
	while (d)
		d = drop_one(c, d);
}

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
	{
		SCOPED_LOCK(&c->dirs);
		item->dir->refs++;
	}
	if (queue_add(c, item))
		return;
	check_names_file(c, item);
	check_walk_drop(c, item->dir);
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
	int r = check_walk_hold(w->c, d);
	if (r < 0) {
		check_failed(w->c, r, (struct check_place){ d, w->item.disk, w->item.plain });
	} else {
		check_names_file(w->c, &w->item);
		check_walk_release(w->c, d);
	}
	check_walk_drop(w->c, d);
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
	int more = 0, r = check_walk_hold(w->c, d);
	if (r < 0) {
		check_failed(w->c, r, (struct check_place){ d, NULL, NULL });
	} else {
		more = look_at(w, d, &children);
		check_walk_release(w->c, d);
	}
	if (more)
		check_walk_push(w->c, d);
	while (children) {
		struct check_dir *child = children;
		children = child->below;
		check_walk_push(w->c, child);
	}
	if (!more)
		check_walk_drop(w->c, d);
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
