/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which mount lies on a directory. A mount that was detached lazily goes on, and another may take its place:
 * nobody is to unmount that by the name of the directory.
 */
#ifndef CRYPTFS_SANDBOX_MOUNTID_H
#define CRYPTFS_SANDBOX_MOUNTID_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The kernel gives the number of a mount that is gone to the next one, but the device to no other filesystem as long
 * as this one lives, somewhere. */
struct mountid {
	uint64_t number; /* 0 before Linux 5.8 */
	uint64_t unique; /* never given again; 0 before Linux 6.8 */
	dev_t dev;	 /* of the filesystem */
};

/* Open (O_PATH) the root of the uppermost mount at path, and say which it is. Asks the mounted filesystem nothing.
 * Returns the descriptor, which keeps the mount busy, or -errno. */
int mountid_open(const char *path, struct mountid *out);

/* Which mount fd is in. Returns 0 or -errno. A mount that nobody serves answers, too. */
int mountid_of_fd(int fd, struct mountid *out);

bool mountid_same(const struct mountid *a, const struct mountid *b);

/* Where it lies by now, to be freed, or NULL if that is not known. Something else may lie on top of it. */
char *mountid_find(const struct mountid *id);

#endif
