/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What lies at a ciphertext path: by its name alone, and with the key the plaintext path that it has, or that what it
 * belongs to has. Changes nothing below.
 */
#ifndef CRYPTFS_OFFLINE_PLACE_H
#define CRYPTFS_OFFLINE_PLACE_H

#include "offline/tree.h"

enum place_kind {
	PLACE_ROOT,
	PLACE_ENTRY,	    /* a name that is sealed */
	PLACE_COPY,	    /* a copy of one, under its name with something behind it: as of a conflict */
	PLACE_SETTINGS,
	PLACE_BACKUP,	    /* the copy of the previous ones */
	PLACE_DIR_ID,
	PLACE_LONG_NAME,    /* the side file of a long name */
	PLACE_LINK_TARGET,  /* that of a long target of a symbolic link */
	PLACE_TEMPORARY,
	PLACE_LOST,	    /* the quarantine, and all that is in it */
	PLACE_OUTSIDE,	    /* kept there by a sync client or the filesystem for itself */
	PLACE_FOREIGN,
	PLACE_KINDS
};

/* What a name on disk is, in the root or elsewhere; PLACE_COPY is a guess here. */
enum place_kind place_kind_of(const char *disk, bool root);

/* "entry", "long-name" and so on, never changes; and the same for people. */
const char *place_kind_name(enum place_kind kind);
const char *place_kind_text(enum place_kind kind);

/* The directories on the way to the last place that was found: the next one is often near. */
struct places {
	const struct tree *tree;
	struct place_step *step;
	size_t n, cap;
};

/* tree stays the caller's. */
void place_begin(const struct tree *tree, struct places *p);
void place_end(struct places *p);
#define _cleanup_places_ _cleanup_(place_end)

struct place {
	enum place_kind kind;
	int err;     /* 0, or why a name does not open, its own or one on the way */
	/* "/" or "/a/b": its plaintext path, or that of what it belongs to; with err as far as names open. */
	char *plain;
	char *below; /* the path on disk, without what is superfluous; "." of the root */
	char *parts; /* what 'disk' and 'copy' point into */
	const char *copy; /* PLACE_COPY, or a directory on the way is one: what was put behind the name; else NULL */
	/* Where it lies, its own name there ("." of the root); dir is NULL if the way does not lead there, and lasts
	 * until the next place is looked for. */
	struct dir *dir;
	const char *disk;
};

void place_free(struct place *at);
#define _cleanup_place_ _cleanup_(place_free)

/* Find what lies at 'below', a path on disk from the vault's root ("" and "." are the root). The last part need not
 * be there: its name, if it is a short one, opens all the same. Returns 0 (out is to be freed) or -ENOMEM; out->err is
 * -EUCLEAN (a name does not open), -ENOENT (a directory on the way is missing), -EINVAL ("..") or another -errno. */
int place_find(struct places *p, const char *below, struct place *out);

/* The directory in which 'below' lies, by names on disk alone and without following links, as a descriptor (O_PATH) in
 * *fd, and its last part. Returns 0 or -errno (-EINVAL: a part is ".."). */
int place_parent(int vault_fd, const char *below, int *fd, const char **disk);

#endif
