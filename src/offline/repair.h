/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mending what a check has found, as far as that can lose nothing: leftovers go, what can be worked out again is
 * written again, what cannot be opened is moved into the quarantine, NAME_LOST_DIR. Whatever is interrupted can
 * be done again; what lies in the quarantine is never replaced.
 */
#ifndef CRYPTFS_OFFLINE_REPAIR_H
#define CRYPTFS_OFFLINE_REPAIR_H

#include "offline/check.h"
#include "store/dir.h"

struct repair_index;
struct repair_ids;

struct repair {
	struct store *st;
	struct repair_index *index; /* of one directory, once it was needed; see repair_index.c */
	struct repair_ids *ids;	    /* of the vault, likewise; see repair_ids.c */
	bool ids_changed;	    /* names that did not open may do so now */
	int lost;	   /* the quarantine, or -1: not needed yet */
	unsigned int slot; /* the last one used in it */
	ino_t names_in;	   /* the directory last asked about, 0: none; do any names in it open? */
	bool names_open;
	bool keep;	   /* some names are still lost: leftovers go into the quarantine, not away */
};

/* How many things lie in the quarantine? A count, or -errno. */
long repair_lost_count(const struct store *st);

/* Nobody else may be using the vault. vault (unlocked) and vault_fd stay the caller's. Returns 0 or -errno. */
int repair_open(const struct vault *vault, int vault_fd, struct repair *out);

/* Everything is on disk then. Returns 0 or -errno. */
int repair_close(struct repair *r);

/* What can be done, in the order in which it has to be: later steps take what earlier ones have left. */
enum repair_when {
	REPAIR_ANY,
	REPAIR_REBUILD, /* what others may need is worked out; if that is not done, nothing it may come from goes */
	REPAIR_CLEAR,	/* something goes that a rebuild may need: only when all of those have been tried */
	REPAIR_REST,	/* only for what an earlier step has found that it cannot mend */
};

#define REPAIR_CANNOT 1 /* not so; or it is no longer what was found */
#define REPAIR_KEPT 2	/* it lies in the quarantine now, or what it was before does */

struct repair_step {
	enum check_kind kind;
	enum repair_when when;
	bool asked;	      /* only if somebody says so: what is moved can still be reached */
	const char *question; /* "remove leftover temporaries"; NULL: it only looks */
	const char *done;     /* "removed" */
	const char *kept;     /* what it is called if REPAIR_KEPT */
	/* Mend the one at this path of names on disk. Returns 0, REPAIR_CANNOT, REPAIR_KEPT or -errno. */
	int (*mend)(struct repair *r, const char *cipher);
};
extern const struct repair_step repair_steps[];
extern const size_t repair_n_steps;

#endif
