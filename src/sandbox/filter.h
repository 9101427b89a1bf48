/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which system calls the process may make: a seccomp filter, for all of its threads.
 */
#ifndef CRYPTFS_SANDBOX_FILTER_H
#define CRYPTFS_SANDBOX_FILTER_H

#include <stdbool.h>

/* What is to be done with files. Each may do what those before it may, too. */
enum filter_kind {
	FILTER_READ,   /* opened to read */
	FILTER_EXPORT, /* opened to write, made, moved, removed, changed by way of a descriptor; Landlock, again */
	FILTER_SERVE,  /* all that a mount needs (but Landlock) */
};

/*
 * From here on, for good: input and output, memory, threads, signals to ourselves and time are allowed; what a C
 * library tries before it falls back on one of those, and what is younger than this program, fails as it does
 * on a kernel without it (ENOSYS); anything else kills the process (SIGSYS). Afterwards the process must keep its
 * id: no fork. It must not be able to gain privileges (privileges_fix). Returns 0; -ENOSYS if built without
 * libseccomp; or -errno.
 */
int filter_load(enum filter_kind kind);

/* Was libseccomp there when this was built? */
bool filter_is_built(void);

#endif
