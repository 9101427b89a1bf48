/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "offline/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "store/attr.h"

/* A path that grows and shrinks by its last part. */
struct walk_path {
	char *s;
	size_t len;
	size_t cap;
};

/* A directory that is being walked. */
struct walk_level {
	struct dir *dir;
	struct tree_list list;
	size_t at;	   /* in list */
	size_t path_len;   /* of the paths to the directory */
	size_t cipher_len;
	struct stat sb;
	struct dir *above; /* where it lies; the level before's, or the beginning's */
	const char *name;
	const char *disk;
};

struct walk {
	const struct walk_ops *ops;
	void *arg;
	struct walk_level *level;
	size_t n;
	size_t cap;
	struct walk_path path;
	struct walk_path cipher;
};

static void walk_level_free(struct walk_level *l)
{
	tree_list_free(&l->list);
	dir_free(l->dir);
}

static void walk_free(struct walk *w)
{
	for (size_t i = 0; i < w->n; i++)
		walk_level_free(&w->level[i]);
	free(w->level);
	free(w->path.s);
	free(w->cipher.s);
}

static void walk_path_cut(struct walk_path *p, size_t len)
{
	p->len = len;
	p->s[len] = '\0';
}

/* Put a name behind what is there, with a slash if there is something. */
static int walk_path_add(struct walk_path *p, const char *name)
{
	size_t n = strlen(name), slash = p->len > 0;
	if (p->len + slash + n + 1 > p->cap) {
		size_t cap = 2 * (p->len + slash + n + 1);
		char *more = realloc(p->s, cap);
		if (!more)
			return -ENOMEM;
		p->s = more;
		p->cap = cap;
	}
	if (slash)
		p->s[p->len] = '/';
	memcpy(p->s + p->len + slash, name, n + 1);
	p->len += slash + n;
	return 0;
}

/* An item for what the paths lead to now. */
static struct walk_item walk_item(const struct walk *w, const struct dir *parent, const char *name, const char *disk,
				  size_t depth)
{
	return (struct walk_item){
		.path = w->path.s,
		.cipher = w->cipher.s,
		.parent = parent,
		.name = name,
		.disk = disk,
		.depth = depth,
	};
}

static int walk_push(struct walk *w, const struct walk_level *l)
{
	struct walk_level *more = array_more(w->level, w->n, &w->cap, sizeof(*more));
	if (!more)
		return -ENOMEM;
	w->level = more;
	w->level[w->n++] = *l;
	return 0;
}

/* Into the directory. If it can't be read that is told, and it is walked as an empty one. */
static int walk_enter(struct walk *w, struct dir *parent, const struct walk_item *i)
{
	struct walk_level l = {
		.path_len = w->path.len,
		.cipher_len = w->cipher.len,
		.sb = i->sb,
		.above = parent,
		.name = i->name,
		.disk = i->disk,
	};
	int r = tree_open_dir(parent, i->disk, &l.dir);
	if (r == 0)
		r = tree_list(l.dir, &l.list);
	if (r < 0)
		r = w->ops->trouble(w->arg, i, WALK_DIR, r);
	if (r == 0)
		r = walk_push(w, &l);
	if (r < 0)
		walk_level_free(&l);
	return r;
}

/* An entry whose status is known. */
static int walk_visit(struct walk *w, struct dir *parent, const struct walk_item *i)
{
	int r = w->ops->entry(w->arg, i);
	if (r == WALK_ON && S_ISDIR(i->sb.st_mode))
		return walk_enter(w, parent, i);
	return r < 0 ? r : 0;
}

static int walk_child(struct walk *w, const struct walk_level *l, const struct tree_child *c)
{
	struct dir *parent = l->dir;
	walk_path_cut(&w->path, l->path_len);
	walk_path_cut(&w->cipher, l->cipher_len);
	int r = walk_path_add(&w->cipher, c->disk);
	if (r == 0 && !c->err)
		r = walk_path_add(&w->path, c->name);
	if (r < 0)
		return r;
	struct walk_item i = walk_item(w, parent, c->name, c->disk, w->n);
	if (c->err)
		return w->ops->trouble(w->arg, &i, WALK_NAME, c->err);
	r = dir_stat(parent, c->disk, &i.sb);
	if (r == 0)
		r = attr_plain(parent, c->disk, &i.sb);
	return r < 0 ? w->ops->trouble(w->arg, &i, WALK_STATUS, r) : walk_visit(w, parent, &i);
}

/* Out of the last directory. */
static int walk_leave(struct walk *w)
{
	struct walk_level l = w->level[--w->n];
	walk_path_cut(&w->path, l.path_len);
	walk_path_cut(&w->cipher, l.cipher_len);
	struct walk_item i = walk_item(w, l.above, l.name, l.disk, w->n);
	i.sb = l.sb;
	int r = w->ops->leave ? w->ops->leave(w->arg, &i) : 0;
	walk_level_free(&l);
	return r;
}

int walk_tree(const struct tree_entry *from, const struct walk_ops *ops, void *arg)
{
	_cleanup_(walk_free) struct walk w = { .ops = ops, .arg = arg };
	if (walk_path_add(&w.path, "") < 0 ||
	    walk_path_add(&w.cipher, tree_is_root(from) ? "" : from->cipher) < 0)
		return -ENOMEM;
	struct walk_item first = walk_item(&w, from->dir, from->plain, from->name.disk, 0);
	first.sb = from->sb;
	int r = walk_visit(&w, from->dir, &first);
	while (r == 0 && w.n > 0) {
		struct walk_level *l = &w.level[w.n - 1];
		r = l->at < l->list.n ? walk_child(&w, l, l->list.child[l->at++]) : walk_leave(&w);
	}
	return r;
}
