/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys from keys and keys from secrets: labelled subkeys (BLAKE2b, libsodium's crypto_kdf), hashes
 * and MACs (BLAKE2b, RFC 7693) and Argon2id (RFC 9106).
 */
#ifndef CRYPTFS_CRYPTO_KDF_H
#define CRYPTFS_CRYPTO_KDF_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/keymem.h"

#define KDF_SALT_LEN 16

/* KDF(key, ctx, n) of doc/format.md section 1; ctx has 8 characters, n is 16..64. */
void kdf_derive(const struct key32 *key, const char *ctx, uint8_t *out, size_t n);

/* BLAKE2b with n (16..64) bytes of output over the concatenation of two strings, either may be
 * empty; keyed if key is not NULL (key_len 16..64). */
void kdf_hash(uint8_t *out, size_t n, const uint8_t *key, size_t key_len, const void *a, size_t a_len,
	      const void *b, size_t b_len);

/* kdf_hash of what is not in memory in one piece, such as a key file: n bytes of output and a key, or NULL, as there.
 * The key is not needed any more when it returns. Lives in the arena: give it back with keymem_free, or by
 * _cleanup_key_. NULL if the arena is full. */
struct kdf_stream;
struct kdf_stream *kdf_stream_new(size_t n, const uint8_t *key, size_t key_len);

/* Append n bytes, which may be none. */
void kdf_stream_add(struct kdf_stream *s, const void *p, size_t n);

/* The hash of all that was added, once: the stream is of no use afterwards. */
void kdf_stream_end(struct kdf_stream *s, uint8_t *out);

/* Argon2id's cost. Limits are the format's; see vaultfile_check_kdf. */
struct kdf_cost {
	uint32_t memory_kib;
	uint32_t passes;
	uint32_t lanes;
};

/* Argon2id of secret (n bytes, in the arena). Its memory is mapped apart, kept out of core dumps and
 * wiped. Returns 0, -ENOMEM (more memory than this machine has to give) or -EINVAL. */
int kdf_argon2id(struct key32 *out, const uint8_t *secret, size_t n, const uint8_t salt[static KDF_SALT_LEN],
		 const struct kdf_cost *cost);

/* A cost that takes about 'seconds' on this machine: memory_kib as given, or if 0 as much as is sane
 * (to 1 GiB, at most a quarter of RAM), 4 lanes; then passes. Runs Argon2id a few times.
 * Returns 0 or -errno as kdf_argon2id. */
int kdf_calibrate(struct kdf_cost *out, double seconds, uint32_t memory_kib);

#endif
