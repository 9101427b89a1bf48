/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BLAKE2b of 32 bytes, over as many pieces as there are: is what was read the same both times? */
#ifndef CRYPTFS_CRYPTO_DIGEST_H
#define CRYPTFS_CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_SIZE 32

struct digest {
	_Alignas(64) uint8_t opaque[384];
};

void digest_begin(struct digest *d);
void digest_put(struct digest *d, const void *p, size_t n);
void digest_end(struct digest *d, uint8_t out[static DIGEST_SIZE]);

#endif
