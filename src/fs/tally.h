/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How many requests of each kind have come, and how many bytes of plaintext were read and written. Each thread counts
 * in a place of its own, on cache lines that no other writes: nobody waits for anybody.
 */
#ifndef CRYPTFS_FS_TALLY_H
#define CRYPTFS_FS_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

enum tally_kind {
	TALLY_OTHER,
	TALLY_LOOKUP, TALLY_FORGET, TALLY_GETATTR, TALLY_SETATTR, TALLY_READLINK, TALLY_SYMLINK, TALLY_MKNOD,
	TALLY_MKDIR, TALLY_UNLINK, TALLY_RMDIR, TALLY_RENAME, TALLY_LINK, TALLY_CREATE, TALLY_OPEN, TALLY_READ,
	TALLY_WRITE, TALLY_FLUSH, TALLY_RELEASE, TALLY_FSYNC, TALLY_FALLOCATE, TALLY_LSEEK, TALLY_COPY,
	TALLY_OPENDIR, TALLY_READDIR, TALLY_RELEASEDIR, TALLY_FSYNCDIR, TALLY_GETXATTR, TALLY_SETXATTR,
	TALLY_LISTXATTR, TALLY_REMOVEXATTR, TALLY_STATFS, TALLY_INTERRUPT,
	TALLY_KINDS
};

/* What there is to count. */
enum tally_bytes { TALLY_BYTES_READ, TALLY_BYTES_WRITTEN, TALLY_BYTES };

#define TALLY_CELLS 16 /* threads beyond that share */
#define TALLY_LINE 64

struct tally_cell {
	_Alignas(TALLY_LINE) _Atomic uint64_t requests[TALLY_KINDS];
	_Atomic uint64_t bytes[TALLY_BYTES];
};

struct tally {
	struct tally_cell cells[TALLY_CELLS];
};

/* Sums, each as of some moment during the call. */
struct tally_sums {
	uint64_t requests[TALLY_KINDS];
	uint64_t all; /* of them */
	uint64_t bytes[TALLY_BYTES];
};

/* A request with this opcode of the kernel's protocol has come. */
void tally_request(struct tally *t, uint32_t opcode);

void tally_add_bytes(struct tally *t, enum tally_bytes which, uint64_t n);

void tally_sum(struct tally *t, struct tally_sums *out);

/* "lookup", "read", ...: the names of the kernel's protocol, in small letters. Static text. */
const char *tally_name(enum tally_kind kind);

#endif
