/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sealing and opening one block of a file (doc/format.md section 3).
 */
#ifndef CRYPTFS_STORE_BLOCK_H
#define CRYPTFS_STORE_BLOCK_H

#include <stdint.h>

#include "base/cleanup.h"
#include "store/scratch.h"
#include "store/store.h"

/* Derive the file's key and put it into the scratch's cipher. Blocks sealed or opened through sc until
 * the next call belong to that file. They are sealed in its header's epoch, which tells that all of a file has been
 * given the new key; they are opened in their own. */
void block_set_file(const struct store *st, struct scratch *sc, uint16_t epoch,
		    const uint8_t file_nonce[static CONTENT_FILE_NONCE_LEN]);

/* Wipe that key again. */
void block_clear(struct scratch *sc);

static inline void block_cleanup(struct scratch **sc)
{
	if (*sc)
		block_clear(*sc);
}

/* A scratch whose key is wiped at the end of the block. */
#define _cleanup_scratch_ _cleanup_(block_cleanup)

/* A request's nonces: drawn once, counted up a block. */
struct block_nonce {
	uint8_t b[CONTENT_NONCE_LEN];
};
void block_nonce_draw(struct block_nonce *n);
void block_nonce_next(struct block_nonce *n);

/* Seal block 'k' into page. plain holds what is encrypted (CONTENT_PAYLOAD bytes, in block 0 those behind
 * the header), zero behind meta->used; header is for block 0. Returns 0, -ENOMEM or -EIO. */
int block_seal(struct scratch *sc, uint64_t k, const struct block_nonce *nonce,
	       const struct content_meta *meta, const struct content_header *header,
	       const uint8_t *plain, uint8_t page[static CONTENT_PAGE]);

/* Open page as block 'k' into plain (as above, without the header). The page may not be a zero page.
 * Returns 0 with *meta, -EBADMSG, -EUCLEAN, -EPROTONOSUPPORT or -ENOMEM. */
int block_open(struct scratch *sc, uint64_t k, const uint8_t page[static CONTENT_PAGE],
	       struct content_meta *meta, uint8_t *plain);

#endif
