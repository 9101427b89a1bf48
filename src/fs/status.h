/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The status of a mount, as the attribute SESSION_STATUS_XATTR of its root shows it. */
#ifndef CRYPTFS_FS_STATUS_H
#define CRYPTFS_FS_STATUS_H

#include "fs/fs.h"

/* A JSON object in buf, no NUL. Returns its length, -ERANGE if it does not fit (size 0: the length only). */
ssize_t status_get(struct fs *fs, char *buf, size_t size);

#endif
