/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an export has made at its destination. */
#include <search.h>
#include <stdlib.h>

#include "offline/export_impl.h"

struct export_made {
	dev_t dev;
	ino_t ino;
};

static int export_made_compare(const void *a, const void *b)
{
	const struct export_made *x = a, *y = b;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->dev < y->dev ? -1 : x->dev > y->dev;
}

void export_made_add(struct export *x, const struct stat *sb)
{
	struct export_made *made = malloc(sizeof(*made));
	if (!made)
		return;
	*made = (struct export_made){ sb->st_dev, sb->st_ino };
	struct export_made **at = tsearch(made, &x->made, export_made_compare);
	if (!at || *at != made)
		free(made);
}

bool export_made_has(const struct export *x, const struct stat *sb)
{
	const struct export_made want = { sb->st_dev, sb->st_ino };
	return tfind(&want, &x->made, export_made_compare) != NULL;
}

void export_made_free(struct export *x)
{
	tdestroy(x->made, free);
}
