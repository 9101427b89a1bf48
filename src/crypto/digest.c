/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/digest.h"

#include <sodium.h>

_Static_assert(sizeof(struct digest) >= sizeof(crypto_generichash_state), "room for the state");
_Static_assert(_Alignof(struct digest) >= _Alignof(crypto_generichash_state), "its alignment");

void digest_begin(struct digest *d)
{
	(void)crypto_generichash_init((crypto_generichash_state *)(void *)d->opaque, NULL, 0, DIGEST_SIZE);
}

void digest_put(struct digest *d, const void *p, size_t n)
{
	(void)crypto_generichash_update((crypto_generichash_state *)(void *)d->opaque, p, n);
}

void digest_end(struct digest *d, uint8_t out[static DIGEST_SIZE])
{
	(void)crypto_generichash_final((crypto_generichash_state *)(void *)d->opaque, out, DIGEST_SIZE);
}
