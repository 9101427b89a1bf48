/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/rng.h"

#include <sodium.h>

void rng_bytes(void *out, size_t n)
{
	randombytes_buf(out, n);
}
