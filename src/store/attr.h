/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Status of plaintext entries from that of their ciphertext. */
#ifndef CRYPTFS_STORE_ATTR_H
#define CRYPTFS_STORE_ATTR_H

#include "store/dir.h"

/* Turn sb, the status of the entry 'disk' in d, into that of the plaintext. Opens the file where its size
 * hint says nothing; if that cannot be had (damage, no permission) the size is the most that its pages can
 * hold, and reading it will tell. A damaged link has size 0. */
void attr_plain(const struct dir *d, const char *disk, struct stat *sb);

#endif
