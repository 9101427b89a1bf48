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

struct repair {
	struct store *st;
	int lost;	   /* the quarantine, or -1: not needed yet */
	unsigned int slot; /* the last one used in it */
};

/* Nobody else may be using the vault. vault (unlocked) and vault_fd stay the caller's. Returns 0 or -errno. */
int repair_open(const struct vault *vault, int vault_fd, struct repair *out);

/* Everything is on disk then. Returns 0 or -errno. */
int repair_close(struct repair *r);

/* What can be done, in the order in which it has to be: later steps take what earlier ones have left. */
struct repair_step {
	enum check_kind kind;
	const char *question; /* "remove leftover temporaries" */
	const char *done;     /* "removed" */
	/* Mend the one at this path of names on disk. Returns 0 (done), 1 (it cannot be mended so) or -errno. */
	int (*mend)(struct repair *r, const char *cipher);
};
extern const struct repair_step repair_steps[];
extern const size_t repair_n_steps;

#endif
