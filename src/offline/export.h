/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copying a file or a tree out of a vault, with all that it carries. Whoever made the vault cannot lead us out of
 * the destination: each thing is made anew (O_EXCL) below an open directory, links are never followed.
 */
#ifndef CRYPTFS_OFFLINE_EXPORT_H
#define CRYPTFS_OFFLINE_EXPORT_H

#include "offline/pour.h"
#include "offline/salvage.h"
#include "offline/walk.h"

enum export_trouble {
	EXPORT_UNREAD,	 /* cannot be read, and is not there: err, and bad if that names a range */
	EXPORT_SALVAGED, /* is there as far as it could be salvaged */
	EXPORT_UNWRITTEN, /* cannot be made, or not so as it should be: err */
	EXPORT_ATTRS,	 /* is there, but without some of its mode, times, owner or attributes: err */
	EXPORT_SET_ID,	 /* is there, but without a set-user-ID or set-group-ID bit that it had */
	EXPORT_LEFT_OUT, /* a device */
};

/* What could not be done. As long as the call lasts. */
struct export_event {
	const struct walk_item *item;
	enum export_trouble what;
	int err;
	const struct pour_range *bad; /* or NULL */
	const struct salvage *salvage; /* of EXPORT_SALVAGED */
};

struct export_options {
	bool overwrite; /* replace what is no directory */
	bool salvage;
	bool owners;	/* keep them */
	bool privileged; /* keep what gives powers to others, as far as owners allow it: set-ID bits, devices */
	/* So many more files and bytes are done. Returns 0, or -errno to end it. */
	int (*done)(void *arg, uint64_t files, uint64_t bytes);
	/* What is exported is a directory, and fd the one that was made for it: nothing will be made but below it.
	 * May be NULL. Returns 0, or -errno to end it. */
	int (*inside)(void *arg, int fd);
	void (*trouble)(void *arg, const struct export_event *e);
	/* A name or directory in the vault that cannot be read; see walk_ops. */
	int (*walk_trouble)(void *arg, const struct walk_item *i, enum walk_trouble what, int err);
	void *arg;
};

/* Copy 'from' to dest_fd/name (name "" : into the directory dest_fd itself, if 'from' is one; its mode and times
 * are left as they are). The caller's umask has to be 0. Returns 0 (troubles or not), what 'done' said, or -errno when
 * nothing more can be written (no space, no longer writable, no memory): that trouble has been told. Nothing half
 * written is left in any case. */
int export_tree(const struct tree_entry *from, int dest_fd, const char *name, const struct export_options *opt);

#endif
