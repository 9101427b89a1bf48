/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Small files that somebody will depend on: made new, durably, with a mode of their own whatever the umask.
 */
#ifndef CRYPTFS_CLI_NEWFILE_H
#define CRYPTFS_CLI_NEWFILE_H

#include <stddef.h>
#include <sys/types.h>

/* Is a file that is to be made neither in the vault, with which it would be lost or given away, nor in a mount of it,
 * where it would be locked in? Returns 0 or an exit code (said). vault need not be there yet. */
int newfile_apart(const char *vault, const char *file);

/* Make the file path, which must not exist, with its contents; both are on disk when it returns. Returns 0, -EEXIST, or
 * -errno: then nothing is left behind. */
int newfile_make(const char *path, const void *buf, size_t n, mode_t mode);

/* The same, in the place of what is there. */
int newfile_replace(const char *path, const void *buf, size_t n, mode_t mode);

#endif
