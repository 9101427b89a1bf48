/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/siv.h"

#include <errno.h>
#include <nettle/siv-cmac.h>

#include "crypto/keymem.h"

struct siv {
	struct siv_cmac_aes256_ctx ctx;
};

_Static_assert(SIV_KEY_LEN == SIV_CMAC_AES256_KEY_SIZE, "key length");
_Static_assert(SIV_TAG_LEN == SIV_DIGEST_SIZE, "tag length");

struct siv *siv_new(const uint8_t key[static SIV_KEY_LEN])
{
	struct siv *s = keymem_alloc(sizeof(*s));
	if (s)
		siv_cmac_aes256_set_key(&s->ctx, key);
	return s;
}

void siv_free(struct siv *s)
{
	keymem_free(s);
}

void siv_seal(const struct siv *s, const void *ad, size_t ad_len, const void *nonce,
	      size_t nonce_len, const uint8_t *in, size_t n, uint8_t *out)
{
	siv_cmac_aes256_encrypt_message(&s->ctx, nonce_len, nonce, ad_len, ad, n + SIV_TAG_LEN, out,
					in);
}

int siv_open(const struct siv *s, const void *ad, size_t ad_len, const void *nonce,
	     size_t nonce_len, const uint8_t *in, size_t n, uint8_t *out)
{
	if (n < SIV_TAG_LEN)
		return -EBADMSG;
	size_t len = n - SIV_TAG_LEN;
	if (siv_cmac_aes256_decrypt_message(&s->ctx, nonce_len, nonce, ad_len, ad, len, out, in))
		return 0;
	keymem_wipe(out, len);
	return -EBADMSG;
}
