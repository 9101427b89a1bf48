/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Status of plaintext entries from that of their ciphertext. */
#ifndef CRYPTFS_STORE_ATTR_H
#define CRYPTFS_STORE_ATTR_H

#include "store/dir.h"

/* Turn sb, the status of the entry 'disk' in d, into that of the plaintext. Opens the file where its size
 * hint says nothing. What cannot be opened for writing either (damage, no permission) gets the most that its
 * pages can hold for a size; a damaged link gets 0. Returns 0 or -errno: a size that is a guess for another
 * reason must not come into the kernel's hands, which would append by it. */
int attr_plain(const struct dir *d, const char *disk, struct stat *sb);

/* The same for a regular file, by its size hint alone. Returns false, and changes nothing, if that says nothing. */
bool attr_by_hint(struct stat *sb);

#endif
