/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between aead.c and its backends; nobody else includes this. A backend does ChaCha20-Poly1305
 * (RFC 8439) under the subkey that aead.c makes with HChaCha20 from the key and the first 16 bytes
 * of the nonce.
 */
#ifndef CRYPTFS_CRYPTO_AEAD_BACKEND_H
#define CRYPTFS_CRYPTO_AEAD_BACKEND_H

#include <stdbool.h>

#include "crypto/aead.h"

#define AEAD_PREFIX_LEN 16
#define AEAD_INNER_NONCE_LEN 12

struct aead {
	struct key32 key;
	struct key32 subkey;
	uint8_t prefix[AEAD_PREFIX_LEN]; /* of the nonce that subkey was made for */
	bool has_subkey;
	bool subkey_is_new; /* the backend has not seen it yet */
	const struct aead_ops *ops;
	void *state; /* the backend's own */
	bool state_is_set;
};

/* One message. */
struct aead_job {
	uint8_t nonce[AEAD_INNER_NONCE_LEN];
	const void *ad;
	size_t ad_len;
	const uint8_t *in;
	size_t n;
	uint8_t *out;
};

struct aead_ops {
	const char *name;
	/* Once, before the others. Returns 0 or -ENOTSUP. */
	int (*init)(void);
	/* Make and unmake state. */
	int (*begin)(struct aead *a);
	void (*end)(struct aead *a);
	/* Forget the key. */
	void (*clear)(struct aead *a);
	int (*seal)(struct aead *a, const struct aead_job *job, uint8_t tag[static AEAD_TAG_LEN]);
	/* On failure job->out may hold anything: aead.c wipes it. */
	int (*open)(struct aead *a, const struct aead_job *job,
		    const uint8_t tag[static AEAD_TAG_LEN]);
};

extern const struct aead_ops aead_sodium_ops;
extern const struct aead_ops aead_libcrypto_ops; /* if HAVE_LIBCRYPTO */

#endif
