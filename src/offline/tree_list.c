/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lies in a directory, with what of it cannot be read. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "offline/tree.h"

/* One piece of memory for the entry and its names. */
static struct tree_child *tree_child_new(const struct dirent *e, const char *name, ssize_t len)
{
	size_t plain = len > 0 ? (size_t)len : 0, disk = strlen(e->d_name);
	struct tree_child *c = malloc(sizeof(*c) + plain + 1 + disk + 1);
	if (!c)
		return NULL;
	char *p = (char *)(c + 1), *q = p + plain + 1;
	memcpy(p, name, plain);
	p[plain] = '\0';
	memcpy(q, e->d_name, disk + 1);
	*c = (struct tree_child){
		.err = len < 0 ? (int)len : 0,
		.type = e->d_type,
		.ino = e->d_ino,
		.len = plain,
		.name = p,
		.disk = q,
	};
	return c;
}

static int tree_list_add(struct tree_list *l, size_t *cap, struct tree_child *c)
{
	if (!c)
		return -ENOMEM;
	struct tree_child **more = array_more(l->child, l->n, cap, sizeof(struct tree_child *));
	if (!more) {
		free(c);
		return -ENOMEM;
	}
	l->child = more;
	l->child[l->n++] = c;
	return 0;
}

static int tree_compare(const void *a, const void *b)
{
	const struct tree_child *x = *(struct tree_child *const *)a, *y = *(struct tree_child *const *)b;
	if (!x->err != !y->err)
		return x->err ? 1 : -1;
	return x->err ? strcmp(x->disk, y->disk) : strcmp(x->name, y->name);
}

static int tree_list_entry(const struct dir *d, const struct dirent *e, struct tree_list *l, size_t *cap)
{
	char name[NAME_PADDED_MAX];
	enum name_kind kind = name_classify(e->d_name);
	if (io_is_dot(e->d_name) || kind == NAME_OURS)
		return 0;
	if (kind == NAME_FOREIGN && name_is_outside(e->d_name, d->root))
		return 0;
	ssize_t len = kind == NAME_FOREIGN ? -EUCLEAN : dir_open_name(d, e->d_name, name);
	return tree_list_add(l, cap, tree_child_new(e, name, len));
}

int tree_list(const struct dir *d, struct tree_list *out)
{
	DIR _cleanup_dir_stream_ *stream = NULL;
	int r = io_opendir(d->fd, ".", &stream);
	if (r < 0)
		return r;

	_cleanup_tree_list_ struct tree_list l = { NULL, 0 };
	const struct dirent *e;
	size_t cap = 0;
	while (errno = 0, (e = readdir(stream))) {
		r = tree_list_entry(d, e, &l, &cap);
		if (r < 0)
			return r;
	}
	if (errno)
		return -errno;
	if (l.n > 0)
		qsort(l.child, l.n, sizeof(struct tree_child *), tree_compare);
	*out = l;
	l = (struct tree_list){ NULL, 0 };
	return 0;
}

void tree_list_free(struct tree_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->child[i]);
	free(l->child);
	*l = (struct tree_list){ NULL, 0 };
}
