/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to repair*.c. */
#ifndef CRYPTFS_OFFLINE_REPAIR_IMPL_H
#define CRYPTFS_OFFLINE_REPAIR_IMPL_H

#include "base/cleanup.h"
#include "offline/repair.h"

/* The directory in which an entry lies, open for reading, without its ID, and the entry's name there. */
struct repair_place {
	struct dir d;
	char disk[NAME_DISK_SIZE];
};

/* Go down the path, following no link. Returns 0 (then it is to be closed) or -errno. */
int repair_find(const struct repair *r, const char *cipher, struct repair_place *out);

/* The same, if it still is what was found, else REPAIR_CANNOT. */
int repair_find_still(const struct repair *r, enum check_kind kind, const char *cipher, struct repair_place *out);

static inline void repair_place_close(struct repair_place *p)
{
	if (p->d.fd >= 0)
		(void)close(p->d.fd);
}

#define REPAIR_NOWHERE { .d.fd = -1 }
#define _cleanup_place_ _cleanup_(repair_place_close)

/* The directory that the place leads to, open for reading. Returns a descriptor or -errno. */
int repair_open_dir(const struct repair_place *p);

/* ---- repair_judge.c ---- */

/* Is it still what was found? Returns 1, 0 or -errno. */
int repair_still(enum check_kind kind, const struct repair_place *p);

/* Does any name open in the directory in which p lies? Returns 1, 0 or -errno. */
int repair_names_open(struct repair *r, const struct repair_place *p);

/* Does a link in the directory have its target in this side file? Returns 1, 0 or -errno. */
int repair_needs_side(const struct dir *d, const char *side);

/* ---- repair_lost.c ---- */

/* A new, empty directory in the quarantine, on disk, with a line in the report that says what comes from where.
 * Returns a descriptor or -errno. */
int repair_lost_slot(struct repair *r, const char *why, const char *cipher);

/* Move the entry there; the side file of a long name goes with it, and that of a link. */
int repair_lost_move(struct repair *r, const char *why, const char *cipher, const struct repair_place *p);

/* ---- the steps ---- */
int repair_rebuild_id(struct repair *r, const char *cipher);
int repair_rebuild_long(struct repair *r, const char *cipher);
int repair_content_hint(struct repair *r, const char *cipher);
int repair_content_finish(struct repair *r, const char *cipher);
int repair_content_cut(struct repair *r, const char *cipher);

#endif
