/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which block of a file it was: whoever in this room finds one damaged notes it, for the thread that he runs in, and
 * the caller at the top, who has only the errno, asks.
 */
#ifndef CRYPTFS_STORE_BADBLOCK_H
#define CRYPTFS_STORE_BADBLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct badblock {
	bool known;
	bool missing;	/* it is not there, or nothing but zeros are; else what is there does not open */
	uint64_t block; /* its page begins at block * CONTENT_PAGE of the ciphertext */
};

/* Returns r, which is the errno to go with it. */
int badblock_note(uint64_t block, bool missing, int r);

/* The last one noted by this thread since it last asked. */
struct badblock badblock_take(void);

#endif
