/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The only source of randomness: the kernel's, through libsodium. */
#ifndef CRYPTFS_CRYPTO_RNG_H
#define CRYPTFS_CRYPTO_RNG_H

#include <stddef.h>

void rng_bytes(void *out, size_t n);

#endif
