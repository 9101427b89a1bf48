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

/* Two files change places, both on disk then; if there is no second one, the first goes there. Nothing is lost
 * wherever it ends. Returns 0 or -errno. */
int repair_exchange(int dir_a, const char *a, int dir_b, const char *b);

/* ---- repair_index.c ---- */

#define REPAIR_SIDE_MODE 0444

/* What is smaller than this may be a side file or an ID file. */
struct repair_bytes {
	uint8_t b[1024];
	size_t n;
};

/* Read it; what is not there, too large or no file is empty. Returns 0 or -errno. */
int repair_read_small(int dirfd, const char *name, struct repair_bytes *out);

/* The file of the format's in d, other than its own side file, that has held the sealed name of this long one. Returns
 * 1 with its name, 0 or -errno. */
int repair_index_find(struct repair *r, const struct dir *d, const char *disk, char where[static NAME_DISK_SIZE]);
void repair_index_free(struct repair *r);

/* ---- repair_ids.c ---- */

void repair_ids_free(struct repair *r);

/* ---- repair_judge.c ---- */

/* Is it still what was found? Returns 1, 0 or -errno. */
int repair_still(enum check_kind kind, const struct repair_place *p);

/* Does the name open, under the ID that its directory has now? Returns 1, 0 or -errno. */
int repair_name_opens(const struct repair_place *p);

/* Is nothing wrong with the ID of d (its fd is set): does a name open under it, or is there none? Returns 1, 0 or
 * -errno. */
int repair_id_sound(struct dir *d);

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
int repair_names_again(struct repair *r, const char *cipher);
int repair_rebuild_id(struct repair *r, const char *cipher);
int repair_rebuild_long(struct repair *r, const char *cipher);
int repair_content_hint(struct repair *r, const char *cipher);
int repair_content_finish(struct repair *r, const char *cipher);
int repair_content_cut(struct repair *r, const char *cipher);

#endif
