/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The directories that a check knows: they stay as long as something below them is of interest, and their
 * descriptors are a cache of limited size, each opened again from the nearest one above that is open.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "offline/check_impl.h"

int check_dirs_open(int dirfd, const char *disk, int flags)
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
	/* The vault itself may be a place where something is mounted. */
	int err = d->parent ? store_status(c->st, own, "", &sb) : fstat(own, &sb) == 0 ? 0 : -errno;
	if (err < 0)
		return err;
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
	int fd = d->parent ? check_dirs_open(d->parent->d.fd, d->disk, O_DIRECTORY)
			   : check_dirs_open(c->st->root_fd, ".", O_DIRECTORY);
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
	int fd = check_dirs_open(d->d.fd, "..", O_DIRECTORY);
	if (fd >= 0)
		(void)dir_take(c, up, fd);
	d->pins--;
}

int check_dirs_hold(struct check *c, struct check_dir *d)
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

void check_dirs_release(struct check *c, struct check_dir *d)
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

struct check_dir *check_dirs_new(struct check *c, struct check_dir *parent, const char *disk, const char *plain)
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

void check_dirs_keep(struct check *c, struct check_dir *d)
{
	SCOPED_LOCK(&c->dirs);
	d->refs++;
}

void check_dirs_drop(struct check *c, struct check_dir *d)
{
	while (d)
		d = drop_one(c, d);
}
