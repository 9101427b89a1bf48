/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Verifying an unlocked vault without a mount and without changing it: every name, side file, directory ID,
 * block, link target and attribute. Never blocks on what an adversary has put there, holds a bounded number of
 * descriptors, and memory that grows with the depth of the tree, not with the number of files.
 */
#ifndef CRYPTFS_OFFLINE_CHECK_H
#define CRYPTFS_OFFLINE_CHECK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

#define CHECK_JOBS_MAX 64u

enum check_kind {
	CHECK_NOTHING,
	/* damage */
	CHECK_HEADER,	/* block 0 does not open: nothing of the file can be read */
	CHECK_BLOCK,	/* blocks do not open */
	CHECK_ZEROED,	/* zeros where something had been synced */
	CHECK_MISSING,	/* cut off below the durable length */
	CHECK_SHORT,	/* a block ends before what had been synced does */
	CHECK_NEWER,	/* of a newer format */
	CHECK_DISK,	/* the storage below cannot read it */
	CHECK_NAME,	/* a name that does not open in its directory */
	CHECK_LONG_NAME, /* the side file of a long name is missing or damaged */
	CHECK_DIR_ID,	/* a directory that is not empty has no ID or a damaged one */
	CHECK_OTHER_ID, /* no name in a directory opens: its ID, sound in itself, may be another's */
	CHECK_FOREIGN,	/* nothing of this format */
	CHECK_LINK,	/* a link's target does not open, or its side file is missing */
	CHECK_XATTR,	/* an attribute's name or value does not open */
	/* what a power cut or a kill may leave; nothing is lost by it */
	CHECK_TEMPORARY,
	CHECK_ORPHAN,	/* a side file that nothing needs */
	CHECK_NO_ID,	/* an empty directory without a valid ID */
	CHECK_UNFINISHED, /* a write beyond the durable length that did not reach the disk whole: reads as zeros */
	CHECK_BACKUP,	/* the copy of the previous settings is damaged or another vault's */
	CHECK_OUTSIDE,	/* kept there by a sync client or the filesystem, for itself */
	CHECK_EMPTY,	/* an empty directory, told of only with check_options.names: it may have another's ID */
	CHECK_HINT,	/* the size hint is wrong, missing, or there in a vault that hides sizes */
	/* not looked at */
	CHECK_UNREADABLE, /* we may not */
	CHECK_ELSEWHERE, /* something else is mounted there */
	CHECK_KINDS
};

enum check_class { CHECK_DAMAGE, CHECK_LEFTOVER, CHECK_UNCHECKED };

enum check_class check_class_of(enum check_kind kind);

/* "block", "size-hint" and so on; never changes. */
const char *check_kind_name(enum check_kind kind);

/* What is wrong, for a person; no name in it. */
const char *check_kind_text(enum check_kind kind);

/* One thing that was found. What it points to lives during the call. */
struct check_finding {
	enum check_kind kind;
	/* Plaintext path, from "/". If the name does not open, or one on the way, that of the last directory whose
	 * name is known, with a slash at the end. */
	const char *path;
	const char *cipher;  /* path below the vault, of names on disk; "." is the root */
	bool has_range;	     /* of the plaintext: */
	uint64_t offset;
	uint64_t length;
	const char *message; /* what is wrong, for a person; no name in it */
	const char *detail;  /* a plaintext name that belongs to it (an attribute's), or NULL */
};

struct check_counts {
	_Atomic uint64_t files;	      /* regular files, hard links once */
	_Atomic uint64_t directories;
	_Atomic uint64_t links;
	_Atomic uint64_t specials;    /* FIFOs, sockets, devices */
	_Atomic uint64_t names;
	_Atomic uint64_t bytes;	      /* of ciphertext, holes left out */
};

struct check_options {
	unsigned int jobs;  /* threads, 1..CHECK_JOBS_MAX */
	bool quick;	    /* of a file's content only the first and the last block, and no attributes */
	bool names;	    /* nothing but names and directory IDs */
	bool measure;	    /* count, without looking into anything: for a progress bar */
	const char *path;   /* only what is at or below this plaintext path; NULL: everything */
	/* One call at a time, from any thread. */
	void (*found)(void *arg, const struct check_finding *f);
	/* Some times a second, from the calling thread; may be NULL. */
	void (*tick)(void *arg, const struct check_counts *counts);
	void *arg;
};

/* Check the vault; st is read-only. Returns 0 when all has been looked at (whatever was found); -ENOENT, -ENOTDIR,
 * -ENAMETOOLONG or -EINVAL if there is no such path; or -errno (-ENOMEM, no threads): then it is incomplete. */
int check_run(struct store *st, const struct check_options *opt, struct check_counts *counts);

#endif
