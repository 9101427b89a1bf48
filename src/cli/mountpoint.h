/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is this a place to mount a vault on?
 */
#ifndef CRYPTFS_CLI_MOUNTPOINT_H
#define CRYPTFS_CLI_MOUNTPOINT_H

#include <stdbool.h>

/* Check the mount point path for the vault open as vault_fd; a dead mount of ours there is cleared
 * away, with a note unless quiet. Returns 0 with *real (to be freed) absolute, or an exit code with the
 * reason said. */
int mountpoint_check(const char *path, int vault_fd, bool quiet, char **real);

#endif
