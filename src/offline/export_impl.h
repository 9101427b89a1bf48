/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to export.c, export_attr.c and export_made.c. */
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
	void *made;  /* tsearch(3): what has got a name where others may be replaced */
	bool sync_each; /* syncfs does not reach what is written there */
	uint64_t placed; /* how many things, but directories, have got their names */
	int stop;    /* what opt->done ended it with */
};

int export_link_compare(const void *a, const void *b);

/* What this run has made must not be replaced by what comes later: some filesystems take names for the same that a
 * vault tells apart. Without memory it is not known. */
void export_made_add(struct export *x, const struct stat *sb);
bool export_made_has(const struct export *x, const struct stat *sb);
void export_made_free(struct export *x);

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
