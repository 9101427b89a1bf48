/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/tally.h"

#include <linux/fuse.h>
#include <string.h>

static const char *const tally_names[TALLY_KINDS] = {
	[TALLY_OTHER] = "other",
	[TALLY_LOOKUP] = "lookup",
	[TALLY_FORGET] = "forget",
	[TALLY_GETATTR] = "getattr",
	[TALLY_SETATTR] = "setattr",
	[TALLY_READLINK] = "readlink",
	[TALLY_SYMLINK] = "symlink",
	[TALLY_MKNOD] = "mknod",
	[TALLY_MKDIR] = "mkdir",
	[TALLY_UNLINK] = "unlink",
	[TALLY_RMDIR] = "rmdir",
	[TALLY_RENAME] = "rename",
	[TALLY_LINK] = "link",
	[TALLY_CREATE] = "create",
	[TALLY_OPEN] = "open",
	[TALLY_READ] = "read",
	[TALLY_WRITE] = "write",
	[TALLY_FLUSH] = "flush",
	[TALLY_RELEASE] = "release",
	[TALLY_FSYNC] = "fsync",
	[TALLY_FALLOCATE] = "fallocate",
	[TALLY_LSEEK] = "lseek",
	[TALLY_COPY] = "copy_file_range",
	[TALLY_OPENDIR] = "opendir",
	[TALLY_READDIR] = "readdir",
	[TALLY_RELEASEDIR] = "releasedir",
	[TALLY_FSYNCDIR] = "fsyncdir",
	[TALLY_GETXATTR] = "getxattr",
	[TALLY_SETXATTR] = "setxattr",
	[TALLY_LISTXATTR] = "listxattr",
	[TALLY_REMOVEXATTR] = "removexattr",
	[TALLY_STATFS] = "statfs",
	[TALLY_INTERRUPT] = "interrupt",
};

#define TALLY_OPCODES 48

static const uint8_t tally_kinds[TALLY_OPCODES] = {
	[FUSE_LOOKUP] = TALLY_LOOKUP,
	[FUSE_FORGET] = TALLY_FORGET,
	[FUSE_BATCH_FORGET] = TALLY_FORGET,
	[FUSE_GETATTR] = TALLY_GETATTR,
	[FUSE_SETATTR] = TALLY_SETATTR,
	[FUSE_READLINK] = TALLY_READLINK,
	[FUSE_SYMLINK] = TALLY_SYMLINK,
	[FUSE_MKNOD] = TALLY_MKNOD,
	[FUSE_MKDIR] = TALLY_MKDIR,
	[FUSE_UNLINK] = TALLY_UNLINK,
	[FUSE_RMDIR] = TALLY_RMDIR,
	[FUSE_RENAME] = TALLY_RENAME,
	[FUSE_RENAME2] = TALLY_RENAME,
	[FUSE_LINK] = TALLY_LINK,
	[FUSE_CREATE] = TALLY_CREATE,
	[FUSE_OPEN] = TALLY_OPEN,
	[FUSE_READ] = TALLY_READ,
	[FUSE_WRITE] = TALLY_WRITE,
	[FUSE_FLUSH] = TALLY_FLUSH,
	[FUSE_RELEASE] = TALLY_RELEASE,
	[FUSE_FSYNC] = TALLY_FSYNC,
	[FUSE_FALLOCATE] = TALLY_FALLOCATE,
	[FUSE_LSEEK] = TALLY_LSEEK,
	[FUSE_COPY_FILE_RANGE] = TALLY_COPY,
	[FUSE_OPENDIR] = TALLY_OPENDIR,
	[FUSE_READDIR] = TALLY_READDIR,
	[FUSE_READDIRPLUS] = TALLY_READDIR,
	[FUSE_RELEASEDIR] = TALLY_RELEASEDIR,
	[FUSE_FSYNCDIR] = TALLY_FSYNCDIR,
	[FUSE_GETXATTR] = TALLY_GETXATTR,
	[FUSE_SETXATTR] = TALLY_SETXATTR,
	[FUSE_LISTXATTR] = TALLY_LISTXATTR,
	[FUSE_REMOVEXATTR] = TALLY_REMOVEXATTR,
	[FUSE_STATFS] = TALLY_STATFS,
	[FUSE_INTERRUPT] = TALLY_INTERRUPT,
};

/* Threads come and go: a place is given out again when the numbers have gone round. */
static struct tally_cell *tally_cell(struct tally *t)
{
	static _Atomic unsigned int given;
	static _Thread_local unsigned int mine; /* from 1 on */
	if (mine == 0)
		mine = 1 + atomic_fetch_add_explicit(&given, 1, memory_order_relaxed) % TALLY_CELLS;
	return &t->cells[mine - 1];
}

void tally_request(struct tally *t, uint32_t opcode)
{
	enum tally_kind kind = opcode < TALLY_OPCODES ? (enum tally_kind)tally_kinds[opcode] : TALLY_OTHER;
	atomic_fetch_add_explicit(&tally_cell(t)->requests[kind], 1, memory_order_relaxed);
}

void tally_add_bytes(struct tally *t, enum tally_bytes which, uint64_t n)
{
	atomic_fetch_add_explicit(&tally_cell(t)->bytes[which], n, memory_order_relaxed);
}

void tally_sum(struct tally *t, struct tally_sums *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < TALLY_CELLS; i++) {
		struct tally_cell *c = &t->cells[i];
		for (size_t k = 0; k < TALLY_KINDS; k++)
			out->requests[k] += atomic_load_explicit(&c->requests[k], memory_order_relaxed);
		for (size_t k = 0; k < TALLY_BYTES; k++)
			out->bytes[k] += atomic_load_explicit(&c->bytes[k], memory_order_relaxed);
	}
	for (size_t k = 0; k < TALLY_KINDS; k++)
		out->all += out->requests[k];
}

const char *tally_name(enum tally_kind kind)
{
	return tally_names[kind];
}
