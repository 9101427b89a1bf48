/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a thread needs to move file content, made once a thread: a cipher context with a locked cell for
 * the file key, and page-aligned buffers, which no core dump gets.
 */
#ifndef CRYPTFS_STORE_SCRATCH_H
#define CRYPTFS_STORE_SCRATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/aead.h"
#include "format/content.h"

/* The largest request is 1 MiB of plaintext, which touches at most 262 blocks. */
#define SCRATCH_BYTES (1u << 20)
#define SCRATCH_PAGES 264u

struct scratch {
	struct aead *aead;		    /* under the file's key of the vault's epoch */
	struct aead *past;		    /* of the epoch before, if the vault has its keys */
	struct key32 *key;
	uint16_t now;			    /* the vault's epoch */
	bool both;			    /* 'past' is of use */
	uint16_t epoch;			    /* what is sealed is of this one: now, or the one before */
	uint8_t *pages;			    /* SCRATCH_PAGES * CONTENT_PAGE */
	uint8_t *out;			    /* SCRATCH_BYTES: a reply's plaintext; the caller of the store's */
	uint8_t *one;			    /* the last of them, for a page beside a request's */
	uint8_t *block;			    /* CONTENT_PAYLOAD: one block in the clear */
	uint8_t *saved;			    /* CONTENT_PAYLOAD: the last block before a change, to undo it */
};

/* This thread's; freed when the thread ends. NULL without memory. */
struct scratch *scratch_get(void);

/* Free the calling thread's now (the main thread before exit). */
void scratch_drop(void);

#endif
