/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the callbacks that make, move and remove entries have in common. Private to src/fs.
 */
#ifndef CRYPTFS_FS_MAKE_H
#define CRYPTFS_FS_MAKE_H

#include "fs/node.h"
#include "store/dirops.h"

/* Whom the caller's new entries belong to. */
struct dirops_owner make_owner(fuse_req_t req);

/* Hold the directory, which is to be changed, and seal the name; -EROFS on a read-only mount. */
int make_begin(struct fs *fs, fuse_ino_t parent, const char *name, struct node_dir *d,
	       struct sealed_name *sealed);

/* The entry was made, but the caller cannot be told of it, and will hear that it failed: remove it again. The kernel
 * may remember that there is none. In shared mode another may be using it already: it stays. */
void make_undo(const struct fs *fs, struct dir *d, const struct sealed_name *name);

/* Makes the entry itself; arg is what it was given to make_entry for. */
typedef int make_fn(struct fs *fs, struct dir *d, const struct sealed_name *name, const struct dirops_owner *owner,
		    const void *arg);

/* All of a callback that makes an entry and replies with it. */
void make_entry(fuse_req_t req, fuse_ino_t parent, const char *name, make_fn *fn, const void *arg);

#endif
