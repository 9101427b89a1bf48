/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making, moving and removing entries. Side files come first and go last, a directory never exists
 * without its ID, and what fails leaves things as they were. The callers of one directory's entries
 * are kept apart by the kernel (it holds the directory's lock).
 */
#ifndef CRYPTFS_STORE_DIROPS_H
#define CRYPTFS_STORE_DIROPS_H

#include "store/dir.h"

/* Whom a new entry is to belong to, and what of its mode is not to be had. */
struct dirops_owner {
	bool set; /* false: whoever runs the daemon */
	uid_t uid;
	gid_t gid; /* unless the directory is set-gid */
	mode_t umask; /* unless the directory has an ACL that is inherited */
};

/* All return 0 or -errno (-EEXIST if the name is taken). 'name' is the sealed name to be made. */

/* An empty regular file; *fd is its descriptor, open for reading and writing. */
int dirops_create(struct dir *d, const struct sealed_name *name, mode_t mode,
		  const struct dirops_owner *owner, int *fd);
int dirops_mknod(struct dir *d, const struct sealed_name *name, mode_t mode, dev_t rdev,
		 const struct dirops_owner *owner);
int dirops_mkdir(struct dir *d, const struct sealed_name *name, mode_t mode,
		 const struct dirops_owner *owner);
int dirops_symlink(struct dir *d, const struct sealed_name *name, const char *target,
		   const struct dirops_owner *owner);

/* Another name for what 'from' (O_PATH) refers to; from_dir and from_disk are its present name if it has one
 * (a symbolic link's side file is there), else NULL. */
int dirops_link(int from, const struct dir *from_dir, const char *from_disk, struct dir *d,
		const struct sealed_name *name);

/* An entry was found by its name: if a power cut has taken the side file that a listing needs, make it again. */
void dirops_side_mend(struct dir *d, const struct sealed_name *name);

int dirops_unlink(struct dir *d, const struct sealed_name *name);

/* child is the directory called so. */
int dirops_rmdir(struct dir *d, const struct sealed_name *name, struct dir *child);

/* rename(2) with its flags. victim is the directory that 'to' is now, if it is one and is to be replaced, else
 * NULL. */
int dirops_rename(struct dir *from_dir, const struct sealed_name *from, struct dir *to_dir,
		  const struct sealed_name *to, struct dir *victim, unsigned int flags);

/* What a rename with RENAME_WHITEOUT has left behind is handed over. */
int dirops_give_whiteout(const struct dir *d, const struct sealed_name *name, const struct dirops_owner *owner);

#endif
