/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to export.c and export_attr.c. */
#ifndef CRYPTFS_OFFLINE_EXPORT_IMPL_H
#define CRYPTFS_OFFLINE_EXPORT_IMPL_H

#include "offline/export.h"

/* A directory of the destination that is being filled. */
struct export_level {
	int fd;
	bool ours; /* it gets mode, times and so on when it is full */
};

struct export {
	const struct export_options *opt;
	int dest;
	const char *name;
	struct export_level *level;
	size_t n;
	size_t cap;
	void *links; /* tsearch(3): files with several names */
	uint64_t placed; /* how many things, but directories, have got their names */
	int stop;    /* what opt->done ended it with */
};

int export_link_compare(const void *a, const void *b);

/* A level more, for an open directory, which belongs to it from then on; fd may be negative (errno). Returns 0 or
 * -errno. */
int export_push(struct export *x, int fd, bool ours);
void export_pop(struct export *x);

/* Has it a set-ID bit that is not to be kept? That of a directory only says who gets what is made in it. */
bool export_drops_set_id(const struct export *x, const struct stat *sb);

/* Give what was made and is open as fd (a file or a directory) all that the item has: attributes, owner, mode,
 * times. Goes on after a failure and returns the first: 0 or -errno. */
int export_set_attrs(struct export *x, const struct walk_item *i, int fd);

/* The same for what cannot be opened: a link, a device. */
int export_set_attrs_at(struct export *x, const struct walk_item *i, int dir, const char *name);

#endif
