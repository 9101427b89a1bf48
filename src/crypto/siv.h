/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * AES-256-SIV-CMAC (RFC 5297, AEAD_AES_SIV_CMAC_512) over the strings (AD, nonce, plaintext), by nettle.
 */
#ifndef CRYPTFS_CRYPTO_SIV_H
#define CRYPTFS_CRYPTO_SIV_H

#include <stddef.h>
#include <stdint.h>

#define SIV_KEY_LEN 64
#define SIV_TAG_LEN 16

/* An expanded key; lives in the arena, read-only and shared between threads once made. */
struct siv;
struct siv *siv_new(const uint8_t key[static SIV_KEY_LEN]);
void siv_free(struct siv *s);

/* out gets SIV_TAG_LEN + n bytes: V || C. ad and nonce must not be empty. */
void siv_seal(const struct siv *s, const void *ad, size_t ad_len, const void *nonce, size_t nonce_len,
	      const uint8_t *in, size_t n, uint8_t *out);

/* in has n bytes, V || C; out gets n - SIV_TAG_LEN. Returns 0, or -EBADMSG with out wiped (also if n
 * is below SIV_TAG_LEN). */
int siv_open(const struct siv *s, const void *ad, size_t ad_len, const void *nonce, size_t nonce_len,
	     const uint8_t *in, size_t n, uint8_t *out);

#endif
