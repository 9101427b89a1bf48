/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * XChaCha20-Poly1305-IETF (draft-irtf-cfrg-xchacha-03) with the tag apart. Two backends give the same
 * bytes: libsodium, and (if built with libcrypto) libcrypto's ChaCha20-Poly1305 under libsodium's
 * HChaCha20, which is faster.
 */
#ifndef CRYPTFS_CRYPTO_AEAD_H
#define CRYPTFS_CRYPTO_AEAD_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/keymem.h"

#define AEAD_NONCE_LEN 24
#define AEAD_TAG_LEN 16

enum aead_backend { AEAD_SODIUM, AEAD_LIBCRYPTO };

/* Choose and prove the backend: run known answers on each that is built in. Returns 0, or -EIO if one
 * is wrong or they differ: nothing must be sealed then. Call once, before threads. */
int aead_init(void);

/* Use this backend from now on (tests, benchmarks). Returns 0 or -ENOTSUP if it is not built in. */
int aead_use(enum aead_backend backend);

/* "libsodium" or "libcrypto". */
const char *aead_backend_name(void);

/* A cipher context: the expanded key and backend state for one thread at a time. Key material inside
 * lives in the arena (libcrypto's own context does not; it is wiped when given back).
 * Returns NULL without memory. */
struct aead;
struct aead *aead_new(void);
void aead_free(struct aead *a);

/* Set the key; valid until the next call or aead_clear. */
void aead_set_key(struct aead *a, const struct key32 *key);
void aead_clear(struct aead *a);

/* Seal n bytes; in and out may be the same, else must not overlap. Returns 0, -ENOMEM, or -EIO if the
 * backend fails. */
int aead_seal(struct aead *a, const uint8_t nonce[static AEAD_NONCE_LEN], const void *ad, size_t ad_len,
	      const uint8_t *in, size_t n, uint8_t *out, uint8_t tag[static AEAD_TAG_LEN]);

/* Open n bytes. Returns 0, or with out wiped -EBADMSG or -ENOMEM. */
int aead_open(struct aead *a, const uint8_t nonce[static AEAD_NONCE_LEN], const void *ad, size_t ad_len,
	      const uint8_t *in, size_t n, uint8_t *out, const uint8_t tag[static AEAD_TAG_LEN]);

#endif
