/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Landlock: which files the calling thread and those it makes may open, make and remove.
 */
#ifndef CRYPTFS_SANDBOX_LANDLOCK_H
#define CRYPTFS_SANDBOX_LANDLOCK_H

#include <stdbool.h>

/*
 * Leave only what lies below the directory dirfd: to read, and unless read_only to write, make, move and
 * remove, but not to execute. No TCP; no signals and abstract sockets of others, where the kernel can. What is
 * open stays open. The process must not be able to gain privileges (privileges_fix). Returns the kernel's
 * version of the interface; -EOPNOTSUPP, -ENOSYS if it has none or one that cannot move files between
 * directories (before Linux 5.19); or -errno.
 */
int landlock_confine(int dirfd, bool read_only);

#endif
