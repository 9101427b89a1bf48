/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way down both trees. However deep that is: it is kept on the heap, and of the directories only the lowest are
 * open; those above are opened again by ".." on the way back, or from the top if that leads elsewhere by now.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "transfer/transfer_impl.h"

/* ---- names ---- */

static int level_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A name more at the end of the text. Returns 0 or -ENOMEM. */
static int level_append(struct transfer_names *out, size_t *len, size_t *cap, const char *name)
{
	size_t n = strlen(name) + 1;
	if (*len + n > *cap) {
		size_t more = 2 * *cap + n + 4096;
		char *text = realloc(out->text, more);
		if (!text)
			return -ENOMEM;
		out->text = text;
		*cap = more;
	}
	memcpy(out->text + *len, name, n);
	*len += n;
	out->n++;
	return 0;
}

static int level_sort(struct transfer_names *out)
{
	out->name = calloc(out->n + 1, sizeof(*out->name));
	if (!out->name)
		return -ENOMEM;
	const char *p = out->text;
	for (size_t i = 0; i < out->n; i++, p += strlen(p) + 1)
		out->name[i] = p;
	qsort(out->name, out->n, sizeof(*out->name), level_compare);
	return 0;
}

int transfer_names_load(int fd, struct transfer_names *out)
{
	DIR _cleanup_dir_stream_ *d = NULL;
	size_t len = 0, cap = 0;
	*out = (struct transfer_names){ .text = NULL };
	int r = io_opendir(fd, ".", &d);
	const struct dirent *e;
	while (r == 0 && (errno = 0, e = readdir(d)))
		if (!io_is_dot(e->d_name))
			r = level_append(out, &len, &cap, e->d_name);
	if (r == 0)
		r = -errno;
	int sorted = level_sort(out);
	return sorted < 0 ? sorted : r;
}

void transfer_names_free(struct transfer_names *n)
{
	free(n->text);
	free(n->name);
	*n = (struct transfer_names){ .text = NULL };
}

bool transfer_names_have(const struct transfer_names *n, const char *name)
{
	return n->n > 0 && bsearch(&name, n->name, n->n, sizeof(*n->name), level_compare);
}

/* ---- the path ---- */

int transfer_path_push(struct transfer *x, const char *name)
{
	size_t n = strlen(name);
	if (x->path_len + n + 2 > x->path_cap) {
		size_t more = 2 * x->path_cap + n + 256;
		char *path = realloc(x->path, more);
		if (!path)
			return -ENOMEM;
		x->path = path;
		x->path_cap = more;
	}
	if (x->path_len > 0)
		x->path[x->path_len++] = '/';
	memcpy(x->path + x->path_len, name, n + 1);
	x->path_len += n;
	return 0;
}

void transfer_path_cut(struct transfer *x, size_t len)
{
	x->path_len = len;
	x->path[len] = '\0';
}

/* ---- opening ---- */

int transfer_open_read(int dir, const char *name, int flags)
{
	flags |= O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = openat(dir, name, flags | O_NOATIME);
	if (fd < 0 && errno == EPERM)
		fd = openat(dir, name, flags);
	return fd < 0 ? -errno : fd;
}

int transfer_open_dir(int dir, const char *name)
{
	return transfer_open_read(dir, name, O_DIRECTORY);
}

/* ---- levels ---- */

static void level_close(struct transfer_level *l)
{
	cleanup_fd(&l->src);
	cleanup_fd(&l->dst);
	l->src = l->dst = -1;
}

int transfer_level_push(struct transfer *x, int src, int dst, const struct stat *src_sb)
{
	struct transfer_level l = {
		.src = src,
		.dst = dst,
		.has_dst = dst >= 0,
		.src_sb = *src_sb,
		.path_len = x->path_len,
	};
	struct stat sb;
	struct transfer_level *more = array_more(x->level, x->n, &x->cap, sizeof(*more));
	int r = !more ? -ENOMEM : dst >= 0 && fstat(dst, &sb) != 0 ? -errno : 0;
	if (more)
		x->level = more;
	if (r < 0) {
		level_close(&l);
		return r;
	}
	if (dst >= 0) {
		l.dst_dev = sb.st_dev;
		l.dst_ino = sb.st_ino;
	}
	x->level[x->n++] = l;
	if (x->n - x->closed > x->most_open && x->closed + 1 < x->n - 1)
		level_close(&x->level[++x->closed]);
	return 0;
}

static bool level_is(int fd, dev_t dev, ino_t ino)
{
	struct stat sb;
	return fstat(fd, &sb) == 0 && sb.st_dev == dev && sb.st_ino == ino;
}

/* The directory at this level, by the names that lead to it. Returns the descriptor or -errno. */
static int level_from_top(const struct transfer *x, size_t at, int top)
{
	_cleanup_fd_ int fd = fcntl(top, F_DUPFD_CLOEXEC, 0);
	for (size_t i = 0; fd >= 0 && i < at; i++) {
		int below = transfer_open_dir(fd, x->level[i].names.name[x->level[i].at - 1]);
		if (below < 0)
			return below;
		(void)close(fd);
		fd = below;
	}
	return fd < 0 ? -errno : TAKE_FD(fd);
}

static int level_open_again(const struct transfer *x, size_t at, int below, int top, dev_t dev, ino_t ino)
{
	_cleanup_fd_ int up = transfer_open_dir(below, "..");
	if (up >= 0 && level_is(up, dev, ino))
		return TAKE_FD(up);
	_cleanup_fd_ int fd = level_from_top(x, at, top);
	if (fd < 0)
		return fd;
	return level_is(fd, dev, ino) ? TAKE_FD(fd) : -ESTALE;
}

/* The one that is last once 'gone', below it, has ended. */
static int level_revive(struct transfer *x, const struct transfer_level *gone)
{
	size_t at = x->n - 1;
	struct transfer_level *l = &x->level[at];
	x->closed--;
	l->src = level_open_again(x, at, gone->src, x->src_top, l->src_sb.st_dev, l->src_sb.st_ino);
	int r = l->src;
	if (r >= 0 && l->has_dst)
		r = l->dst = level_open_again(x, at, gone->dst, x->dst_top, l->dst_dev, l->dst_ino);
	return r < 0 ? r : 0;
}

int transfer_level_pop(struct transfer *x)
{
	struct transfer_level gone = x->level[--x->n];
	int r = 0;
	if (x->closed > 0 && x->n == x->closed + 1)
		r = level_revive(x, &gone);
	level_close(&gone);
	transfer_names_free(&gone.names);
	if (x->n > 0)
		transfer_path_cut(x, x->level[x->n - 1].path_len);
	return r;
}
