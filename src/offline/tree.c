/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "offline/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "store/attr.h"
#include "store/scratch.h"
#include "store/symlink.h"

#define TREE_LINKS_MAX 40

int tree_open(const struct vault *vault, int vault_fd, struct tree *out)
{
	struct tree t = { NULL, NULL };
	int r = store_open(vault, vault_fd, true, &t.st);
	if (r == 0)
		r = dir_open_root(t.st, &t.root);
	if (r < 0)
		tree_close(&t);
	else
		*out = t;
	return r;
}

void tree_close(struct tree *t)
{
	scratch_drop();
	dir_free(t->root);
	store_free(t->st);
	*t = (struct tree){ NULL, NULL };
}

void tree_entry_free(struct tree_entry *e)
{
	dir_free(e->dir);
	free(e->cipher);
	*e = (struct tree_entry){ .dir = NULL };
}

bool tree_is_root(const struct tree_entry *e)
{
	return strcmp(e->name.disk, ".") == 0;
}

/* ---- paths ---- */

/* A directory on the way, and what it is called in the one before. */
struct tree_step {
	struct dir *dir;
	struct sealed_name name;
	char plain[NAME_PADDED_MAX + 1];
};

/* The way from the root to where we are, and what is still to come. */
struct tree_way {
	struct tree_step *step;
	size_t n;
	char *rest;
	const char *at; /* in rest */
	unsigned int follow;
	unsigned int links;
};

static void tree_way_free(struct tree_way *w)
{
	for (size_t i = 0; i < w->n; i++)
		dir_free(w->step[i].dir);
	free(w->step);
	free(w->rest);
}

static int tree_push(struct tree_way *w, const struct tree_step *s)
{
	struct tree_step *more = reallocarray(w->step, w->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	more[w->n++] = *s;
	w->step = more;
	return 0;
}

static struct tree_step *tree_top(const struct tree_way *w)
{
	return &w->step[w->n - 1];
}

static void tree_pop(struct tree_way *w)
{
	if (w->n > 1)
		dir_free(w->step[--w->n].dir);
}

/* The next part of the path, its length in *len; 0 at the end. */
static const char *tree_part(struct tree_way *w, size_t *len)
{
	const char *part = w->at + strspn(w->at, "/");
	*len = strcspn(part, "/");
	w->at = part + *len;
	return part;
}

/* Seal the part's name and look at it. */
static int tree_look(const struct tree_way *w, const char *part, size_t len, struct tree_step *s, struct stat *sb)
{
	const struct dir *d = tree_top(w)->dir;
	*s = (struct tree_step){ .dir = NULL };
	*sb = (struct stat){ 0 };
	int r = dir_seal_name(d, part, len, &s->name);
	if (r < 0)
		return r;
	memcpy(s->plain, part, len);
	return dir_stat(d, s->name.disk, sb);
}

/* Go on with the target of the link in the place of its name. */
static int tree_follow(struct tree_way *w, const struct tree_step *link)
{
	char target[NAME_LINK_TARGET_MAX + 1];
	char *rest;
	if (++w->links > TREE_LINKS_MAX)
		return -ELOOP;
	ssize_t n = symlink_read(tree_top(w)->dir, link->name.disk, target);
	if (n < 0)
		return (int)n;
	if (target[0] == '/')
		return -EXDEV;
	if (asprintf(&rest, "%s%s", target, w->at) < 0)
		return -ENOMEM;
	free(w->rest);
	w->at = w->rest = rest;
	return 0;
}

static int tree_enter(struct tree_way *w, struct tree_step *s)
{
	int r = dir_open(tree_top(w)->dir, s->name.disk, &s->dir);
	if (r < 0)
		return r;
	r = tree_push(w, s);
	if (r < 0)
		dir_free(s->dir);
	return r;
}

/* The names on disk of all steps and of the last one. */
static char *tree_cipher(const struct tree_way *w, const char *disk)
{
	size_t size = w->n * NAME_DISK_SIZE;
	char *path = malloc(size), *p = path;
	if (!path)
		return NULL;
	for (size_t i = 1; i < w->n; i++)
		p += snprintf(p, NAME_DISK_SIZE, "%s", w->step[i].name.disk), *p++ = '/';
	(void)snprintf(p, NAME_DISK_SIZE, "%s", disk);
	return path;
}

/* What we have come to: s, in the directory that we are in. */
static int tree_arrive(struct tree_way *w, const struct tree_step *s, const struct stat *sb,
		       struct tree_entry *out)
{
	struct tree_entry e = { .name = s->name, .sb = *sb, .cipher = tree_cipher(w, s->name.disk) };
	if (!e.cipher)
		return -ENOMEM;
	memcpy(e.plain, s->plain, sizeof(e.plain));
	int r = w->follow & TREE_NAME ? 0 : attr_plain(tree_top(w)->dir, s->name.disk, &e.sb);
	if (r < 0) {
		free(e.cipher);
		return r;
	}
	e.dir = tree_top(w)->dir;
	w->n--; /* which has been taken from it */
	*out = e;
	return 0;
}

/* The path ends in the directory that we are in. */
static int tree_arrive_here(struct tree_way *w, struct tree_entry *out)
{
	struct tree_step s = { .name.disk = "." };
	struct stat sb;
	if (w->n > 1) {
		s = *tree_top(w);
		tree_pop(w);
	}
	int r = dir_stat(tree_top(w)->dir, s.name.disk, &sb);
	return r < 0 ? r : tree_arrive(w, &s, &sb, out);
}

/* One part of the path. Returns 0, 1 when arrived, or -errno. */
static int tree_go(struct tree_way *w, struct tree_entry *out)
{
	struct tree_step s;
	struct stat sb;
	size_t len;
	const char *part = tree_part(w, &len);
	int r;
	if (len == 0)
		return (r = tree_arrive_here(w, out)) < 0 ? r : 1;
	if (len == 1 && part[0] == '.')
		return 0;
	if (len == 2 && part[0] == '.' && part[1] == '.') {
		tree_pop(w);
		return 0;
	}
	bool last = *w->at == '\0';
	r = tree_look(w, part, len, &s, &sb);
	if (r == -ENOENT && last && (w->follow & TREE_NAME))
		r = 0;
	if (r < 0)
		return r;
	if (S_ISLNK(sb.st_mode) && (w->follow & (last ? TREE_FOLLOW_LAST : TREE_FOLLOW_WAY)))
		return tree_follow(w, &s);
	if (last)
		return (r = tree_arrive(w, &s, &sb, out)) < 0 ? r : 1;
	return S_ISLNK(sb.st_mode) ? -ELOOP : tree_enter(w, &s);
}

int tree_resolve(const struct tree *t, const char *path, unsigned int follow, struct tree_entry *out)
{
	_cleanup_(tree_way_free) struct tree_way w = { .follow = follow, .rest = strdup(path) };
	struct tree_step root = { .dir = NULL };
	w.at = w.rest;
	if (!w.rest)
		return -ENOMEM;
	int r = dir_open_root(t->st, &root.dir);
	if (r == 0 && (r = tree_push(&w, &root)) < 0)
		dir_free(root.dir);
	while (r == 0)
		r = tree_go(&w, out);
	return r < 0 ? r : 0;
}

/* ---- contents ---- */

int tree_open_dir(const struct dir *d, const char *disk, struct dir **out)
{
	return strcmp(disk, ".") == 0 ? dir_open_root(d->st, out) : dir_open(d, disk, out);
}

int tree_open_fd(const struct dir *d, const char *disk, int *out)
{
	struct stat sb;
	_cleanup_fd_ int fd = openat(d->fd, disk, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? -EUCLEAN : -errno;
	if (fstat(fd, &sb) != 0)
		return -errno;
	if (!S_ISREG(sb.st_mode))
		return -EUCLEAN;
	if (sb.st_dev != d->st->dev)
		return -EXDEV;
	*out = TAKE_FD(fd);
	return 0;
}

int tree_open_file(const struct dir *d, const char *disk, struct file **out)
{
	_cleanup_fd_ int fd = -1;
	int r = tree_open_fd(d, disk, &fd);
	if (r < 0)
		return r;
	struct file *f = file_new(d->st, false);
	if (!f)
		return -ENOMEM;
	r = file_attach(f, TAKE_FD(fd), false);
	if (r < 0)
		file_free(f);
	else
		*out = f;
	return r;
}
