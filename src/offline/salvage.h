/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What can still be had of a damaged file: every block that is intact by itself, zeros for the others.
 * Goes by the pages alone, not by struct file, which refuses a file whose block 0 is damaged. Nothing comes out
 * that was not sealed for this place of this file.
 */
#ifndef CRYPTFS_OFFLINE_SALVAGE_H
#define CRYPTFS_OFFLINE_SALVAGE_H

#include <stddef.h>
#include <stdint.h>

#include "offline/sink.h"
#include "store/store.h"

enum salvage_why {
	SALVAGE_DAMAGED, /* does not open: changed, torn, or another block's */
	SALVAGE_ZEROED,	 /* zeros where the file had something */
	SALVAGE_UNREAD,	 /* the storage below does not give it */
	SALVAGE_SHORT,	 /* holds less than was once on disk */
	SALVAGE_CUT_OFF, /* behind the end of what is there; not put out */
};

/* Plaintext bytes [from, to) that are lost. */
struct salvage_range {
	uint64_t from;
	uint64_t to;
	enum salvage_why why;
};

struct salvage {
	struct salvage_range *lost; /* in order; to be freed */
	size_t n;
	uint64_t size;	  /* how much was put out */
	uint64_t intact;  /* how much of that is as it was written */
	bool header_lost; /* block 0 is lost: how long the file was is told by its other blocks only */
	bool end_unsure;  /* its last block is lost, and nothing else tells where in it the file ended */
};

/* Salvage the ciphertext file fd. Nothing is put out before the first block that opens. Returns 0, *s telling how
 * it went; -EBADMSG if nothing of it opens (*s tells what was tried); what the sink said; or -errno. In any case *s is
 * to be given to salvage_free. */
int salvage_file(const struct store *st, int fd, sink_fn *sink, void *arg, struct salvage *s);
void salvage_free(struct salvage *s);

/* How many of the bytes put out, or cut off, are lost? */
uint64_t salvage_lost(const struct salvage *s);

#endif
