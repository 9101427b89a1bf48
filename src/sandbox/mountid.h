/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which mount lies on a directory. A mount that was detached lazily goes on, and another may take its place:
 * nobody is to unmount that by the name of the directory.
 */
#ifndef CRYPTFS_SANDBOX_MOUNTID_H
#define CRYPTFS_SANDBOX_MOUNTID_H

/* The kernel's number of the uppermost mount at path, unique as long as that is in use. Asks the mounted
 * filesystem nothing. Returns -errno if it cannot be had. */
int mountid_of(const char *path);

#endif
