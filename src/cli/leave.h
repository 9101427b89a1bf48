/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Unmounting one mount, as cryptfs umount does it, with all that is said about it.
 */
#ifndef CRYPTFS_CLI_LEAVE_H
#define CRYPTFS_CLI_LEAVE_H

#include <stdbool.h>

struct leave_how {
	bool lazy;  /* detach it if it is in use, and wait for nothing */
	bool quiet; /* say only what has failed */
};

/* What is on top at the absolute path mountpoint, which is a mount of ours. Returns an exit code; what has failed is
 * said. Not with other threads about: it forks. */
int leave_mount(const char *mountpoint, const struct leave_how *how);

#endif
