/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Symbolic link targets (doc/format.md section 5): sealed in the link itself, or if they are too long
 * in a side file beside it.
 */
#ifndef CRYPTFS_STORE_SYMLINK_H
#define CRYPTFS_STORE_SYMLINK_H

#include "store/dir.h"

/* Seal a target for a link in d: 'disk' (NAME_LINK_TARGET_MAX + 1 characters) is what the link is to hold; a
 * side file is made if it takes one. Returns 0, -ENAMETOOLONG, -ENOENT (empty), or -errno. */
int symlink_seal(const struct dir *d, const char *target, char *disk);

/* Read the target of the link 'disk' into target (NAME_LINK_TARGET_MAX + 1 characters, NUL-terminated).
 * Returns its length, -EUCLEAN or -EBADMSG if it is damaged, or -errno. */
ssize_t symlink_read(const struct dir *d, const char *disk, char *target);

/* The same; *past: it is sealed under the key of the epoch before. */
ssize_t symlink_read_past(const struct dir *d, const char *disk, char *target, bool *past);

/* Is this name in d that of a target's side file, whole, and sealed under that key? */
bool symlink_side_is_past(const struct dir *d, const char *side);

/* The same for a link that has lost its name and is fd (O_PATH). -ENOENT if its target was in a side file. */
ssize_t symlink_read_fd(const struct store *st, int fd, char *target);

/* Plaintext length of the link 'disk' whose target on disk has n characters. Returns it or -EUCLEAN. */
ssize_t symlink_len(const struct dir *d, const char *disk, size_t n);

/* If 'disk' is a link with a side file: 1, with its name in target (NAME_LINK_TARGET_MAX + 1 characters).
 * With 'last', only if it is the inode's last name. Else 0 (also if there is no such entry), or -errno. */
int symlink_side_of(const struct dir *d, const char *disk, char *target, bool last);

/* The same for an entry whose status is known. */
int symlink_side_at(const struct dir *d, const char *disk, const struct stat *sb, char *target, bool last);

/* Remove the side file, if what a link holds names one. */
void symlink_drop_side(const struct dir *d, const char *target);

/* If the link 'disk' in from has a side file, have it in 'to' as well: if it was not there, 'made' is its name,
 * for symlink_drop_side, else "". Returns 0 or -errno. */
int symlink_copy_side(const struct dir *from, const char *disk, struct dir *to, char made[static NAME_DISK_SIZE]);

#endif
