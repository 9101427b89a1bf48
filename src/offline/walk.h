/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A whole tree, depth first and each directory by name. What cannot be read is told and passed over. However
 * deep it is: the walk keeps its way on the heap, and a descriptor a level.
 */
#ifndef CRYPTFS_OFFLINE_WALK_H
#define CRYPTFS_OFFLINE_WALK_H

#include "offline/tree.h"

/* All of it lasts as long as the call that gets it. */
struct walk_item {
	const char *path;   /* below where the walk began: "sub/name"; "" where it began */
	const char *cipher; /* the same of names on disk, from the vault's root */
	const struct dir *parent;
	const char *name;   /* plain, the last part of path */
	const char *disk;
	size_t depth;	    /* 0 where the walk began */
	struct stat sb;	    /* of the plaintext */
};

enum walk_trouble {
	WALK_NAME,   /* the name does not open: path is that of its directory, name is "", sb is not set */
	WALK_STATUS, /* the entry's status or size cannot be had; sb is not set */
	WALK_DIR,    /* the directory cannot be opened or listed (on) */
};

enum walk_next { WALK_ON, WALK_SKIP };

struct walk_ops {
	/* An entry, a directory before what is in it. Returns WALK_ON, WALK_SKIP (a directory is not entered),
	 * or -errno to end the walk. */
	int (*entry)(void *arg, const struct walk_item *i);
	/* A directory that was entered (WALK_ON), after what is in it. May be NULL. Returns 0 or -errno. */
	int (*leave)(void *arg, const struct walk_item *i);
	/* Something cannot be read. Returns 0 to go on, or -errno. */
	int (*trouble)(void *arg, const struct walk_item *i, enum walk_trouble what, int err);
};

/* Walk from an entry, which comes first. Returns 0, what a function of ops ended it with, or -ENOMEM. */
int walk_tree(const struct tree_entry *from, const struct walk_ops *ops, void *arg);

#endif
