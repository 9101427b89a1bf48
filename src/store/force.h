/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Getting at what its mode keeps even its owner out of. A file that its owner may only write has to be
 * read, and one that he may only read has its durable length written; a directory's ID is needed whatever its
 * mode. Root is let in anyway; for others the owner's bits are set for a moment. Nobody is to see or set a
 * mode in that moment: force_* hold store.modes alone, and who asks for a status or sets a mode shares it.
 */
#ifndef CRYPTFS_STORE_FORCE_H
#define CRYPTFS_STORE_FORCE_H

#include "store/store.h"

/* Open the regular file that path_fd (O_PATH) refers to, for reading and writing if flags say so. Returns 0,
 * -EACCES (not ours, or read-only), or -errno. */
int force_open(struct store *st, int path_fd, int flags, int *out);

/* Let the owner into the directory fd (O_PATH) until force_leave. Does nothing where he is let in anyway. */
struct force_dir {
	struct store *st;
	int fd;
	int mode; /* to be put back, or -1: nothing was done and nothing is held */
};
void force_enter(struct store *st, int fd, struct force_dir *out);
void force_leave(struct force_dir *f);

#endif
