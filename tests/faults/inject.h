/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * System calls and memory that are made to fail: the n-th call of a kind, or all from there on. inject.c stands
 * before the C library, linked into a unit test or preloaded into the daemon.
 */
#ifndef CRYPTFS_TESTS_INJECT_H
#define CRYPTFS_TESTS_INJECT_H

#include <stdatomic.h>
#include <stdint.h>

/* Kinds of calls; tests/faults/drive.py reads this list too. */
#define INJECT_KINDS(X) \
	X(OPEN, "open") \
	X(READ, "read") \
	X(WRITE, "write") \
	X(TRUNCATE, "truncate") \
	X(ALLOCATE, "allocate") \
	X(SYNC, "sync") \
	X(SYNCFS, "syncfs") \
	X(RANGE, "range") \
	X(RENAME, "rename") \
	X(LINK, "link") \
	X(UNLINK, "unlink") \
	X(MKDIR, "mkdir") \
	X(SYMLINK, "symlink") \
	X(MKNOD, "mknod") \
	X(STAT, "stat") \
	X(MODE, "mode") \
	X(TIMES, "times") \
	X(SEEK, "seek") \
	X(LIST, "list") \
	X(READLINK, "readlink") \
	X(SETXATTR, "setxattr") \
	X(GETXATTR, "getxattr") \
	X(THREAD, "thread") \
	X(MEMORY, "memory") \
	X(BUFFER, "buffer") /* memory, but INJECT_BUFFER_MIN or more of it at a time */

enum inject_kind {
#define INJECT_ENUM(kind, name) INJECT_##kind,
	INJECT_KINDS(INJECT_ENUM)
#undef INJECT_ENUM
	INJECT_N
};

/* Instead of an errno: half of what was asked for is read or written, and no more. */
#define INJECT_SHORT 1000
/* Of a write, whole pages of half of it; the next call fails with the errno that is left. */
#define INJECT_PART 2000

#define INJECT_BUFFER_MIN 65536u

/* In the preloaded daemon this is a file that both sides have mapped, named by CRYPTFS_INJECT. */
struct inject {
	_Atomic uint32_t armed;	 /* calls count and may fail; set last */
	_Atomic int32_t kind;	 /* which fail; -1: none */
	_Atomic int32_t error;	 /* with what */
	_Atomic uint32_t nth;	 /* from 1 */
	_Atomic uint32_t rest;	 /* those after it, too */
	_Atomic uint32_t hits;	 /* how many did */
	_Atomic uint32_t dry;	 /* what brings data to the disk does nothing */
	_Atomic uint32_t calls[INJECT_N];
};

extern struct inject *inject;

/* One call of that kind: 0 if it is to be made, else what is to become of it. */
int inject_hit(enum inject_kind kind);

#endif
