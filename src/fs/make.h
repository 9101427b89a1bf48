/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The beginning and the end of every callback that makes an entry. Private to src/fs.
 */
#ifndef CRYPTFS_FS_MAKE_H
#define CRYPTFS_FS_MAKE_H

#include "fs/node.h"
#include "store/dirops.h"

/* Whom the caller's new entries belong to. */
struct dirops_owner make_owner(fuse_req_t req);

/* Hold the directory and seal the name; -EROFS on a read-only mount. */
int make_begin(struct fs *fs, fuse_ino_t parent, const char *name, struct node_dir *d,
	       struct sealed_name *sealed);

/* The new entry's node, one lookup counted, and status. */
int make_end(struct fs *fs, const struct node_dir *d, const struct sealed_name *sealed, struct node **n,
	     struct stat *sb);

#endif
