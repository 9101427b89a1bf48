/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copying a directory into another with all that it carries, each file read back and compared; and comparing the two.
 * Nobody who changes them meanwhile can lead us out of either: everything is reached below an open directory, links are
 * never followed. Knows no keys.
 */
#ifndef CRYPTFS_TRANSFER_TRANSFER_H
#define CRYPTFS_TRANSFER_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* The directory in the top directory of the target that has what is being made, until that is whole and verified and
 * gets its name. One that is there at the beginning was left by a run that was cut off. */
#define TRANSFER_TMP ".cryptfs-import.tmp"

enum transfer_mode {
	TRANSFER_COPY,
	TRANSFER_DRY,   /* as TRANSFER_COPY, but nothing is changed */
	TRANSFER_CHECK, /* compare both, nothing is changed */
	TRANSFER_COUNT, /* only how much there is in the source */
};

/* What is in the place of something else, other than a directory, ... */
enum transfer_replace {
	TRANSFER_KEEP,
	TRANSFER_UPDATE, /* ... is replaced if it is older */
	TRANSFER_OVERWRITE,
};

/* How two entries differ. */
enum transfer_difference {
	TRANSFER_TYPE = 1 << 0,
	TRANSFER_SIZE = 1 << 1,
	TRANSFER_TIME = 1 << 2,
	TRANSFER_MODE = 1 << 3,
	TRANSFER_OWNER = 1 << 4,
	TRANSFER_DEVICE = 1 << 5,
	TRANSFER_TARGET = 1 << 6, /* of symbolic links */
	TRANSFER_CONTENT = 1 << 7,
	TRANSFER_XATTRS = 1 << 8, /* ACLs among them */
	TRANSFER_LINKS = 1 << 9,  /* names of one file here are not so there */
};
#define TRANSFER_DIFFERENCES 10

enum transfer_trouble {
	TRANSFER_UNREAD,    /* cannot be read in the source: err */
	TRANSFER_UNWRITTEN, /* cannot be made in the target: err; -EXDEV: something else is mounted there */
	TRANSFER_CHANGED,   /* the source changed while it was copied, each time; or is gone by now */
	TRANSFER_MISREAD,   /* what was written did not come back: err, or 0 if it came back different */
	TRANSFER_ATTRS,     /* is there, but without some of its owner, mode, times, extended attributes: err, or 0 */
	TRANSFER_RESERVED,  /* is called TRANSFER_TMP */
	TRANSFER_CONFLICT,  /* another is there already: differences */
	TRANSFER_MISSING,   /* compared: is not in the target */
	TRANSFER_EXTRA,     /* compared: is not in the source */
	TRANSFER_DIFFERS,   /* compared: differences */
	TRANSFER_UNCHECKED, /* compared: cannot be read in the target: err */
	TRANSFER_MOUNTED,   /* left out: something is mounted there in the source */
	TRANSFER_AVOIDED,   /* left out: is options.avoid, or the target */
};
#define TRANSFER_TROUBLES 13

struct transfer_event {
	enum transfer_trouble what;
	const char *path; /* below both tops; "" is a top itself */
	const char *detail; /* the attribute, or NULL */
	int err;
	unsigned int differences;
};

struct transfer_counts {
	uint64_t files; /* that the source has, all but directories */
	uint64_t dirs;
	uint64_t bytes; /* in its regular files */
	uint64_t copied; /* files that got their names in the target (TRANSFER_DRY: would get) */
	uint64_t copied_bytes;
	uint64_t verified; /* regular files whose content was read back, or compared */
	uint64_t verified_bytes;
	uint64_t skipped; /* files that were there already, and the same */
	uint64_t foreign; /* files and directories that were another's, and are ours now */
};

struct transfer_options {
	enum transfer_mode mode;
	enum transfer_replace replace;
	bool verify_all;   /* what is there already is compared by content, too */
	bool cross_mounts; /* go on in what is mounted in the source */
	bool has_avoid;
	dev_t avoid_dev;   /* this directory of the source is left out */
	ino_t avoid_ino;
	bool owners;	   /* we may give files away */
	/* So much more of transfer_counts.files and .bytes is done. Returns whether to go on. */
	bool (*done)(void *arg, uint64_t files, uint64_t bytes);
	void (*told)(void *arg, const struct transfer_event *e);
	void *arg;
};

/* From the directory src into the directory dst, both open for reading; TRANSFER_COUNT needs no dst. Returns 0
 * (troubles or not), -ECANCELED if done() said so, or -errno when it makes no sense to go on (no space left, one of the
 * mounts is gone, no memory): that trouble has been told, if it is one. Nothing half written is left then. */
int transfer_run(int src, int dst, const struct transfer_options *opt, struct transfer_counts *counts);

#endif
