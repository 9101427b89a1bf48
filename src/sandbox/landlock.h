/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Landlock: which files the calling thread and those it makes may open, make and remove.
 */
#ifndef CRYPTFS_SANDBOX_LANDLOCK_H
#define CRYPTFS_SANDBOX_LANDLOCK_H

#include <stddef.h>

enum landlock_use {
	LANDLOCK_TO_READ,
	LANDLOCK_TO_CHANGE, /* to read, write, make, move and remove; not to execute */
	LANDLOCK_TO_FILL,   /* to write, make, move and remove files; what is in them cannot be read */
};

/* A directory, and what may be done with all that lies below. */
struct landlock_place {
	int fd;
	enum landlock_use use;
};

/*
 * Leave only these places, as many times as one likes: what has been given up stays so. No TCP; no signals and
 * abstract sockets of others, where the kernel can. What is open stays open. The process must not be able to
 * gain privileges (privileges_fix). Returns the kernel's version of the interface; -EOPNOTSUPP, -ENOSYS if it
 * has none or one that cannot move files between directories (before Linux 5.19); or -errno.
 */
int landlock_confine(const struct landlock_place *places, size_t n);

#endif
