/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/block.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "crypto/kdf.h"
#include "crypto/rng.h"

static void block_set_key(struct aead *a, struct scratch *sc, const struct vault *v,
			  const uint8_t file_nonce[static CONTENT_FILE_NONCE_LEN])
{
	const struct key32 *content = &v->keys->content;
	kdf_hash(sc->key->b, sizeof(sc->key->b), content->b, sizeof(content->b), file_nonce,
		 CONTENT_FILE_NONCE_LEN, NULL, 0);
	aead_set_key(a, sc->key);
}

void block_set_file(const struct store *st, struct scratch *sc, uint16_t epoch,
		    const uint8_t file_nonce[static CONTENT_FILE_NONCE_LEN])
{
	const struct vault *v = st->vault;
	sc->now = (uint16_t)v->settings.epoch;
	sc->epoch = epoch;
	sc->both = v->past != NULL;
	if (sc->both)
		block_set_key(sc->past, sc, v->past, file_nonce);
	block_set_key(sc->aead, sc, v, file_nonce);
}

void block_clear(struct scratch *sc)
{
	aead_clear(sc->aead);
	aead_clear(sc->past);
	keymem_wipe(sc->key, sizeof(*sc->key));
}

/* The cipher for blocks of an epoch, or NULL: the vault has no such key. */
static struct aead *block_cipher(const struct scratch *sc, uint16_t epoch)
{
	if (epoch == sc->now)
		return sc->aead;
	return sc->both && epoch + 1 == sc->now ? sc->past : NULL;
}

void block_nonce_draw(struct block_nonce *n)
{
	rng_bytes(n->b, sizeof(n->b));
}

void block_nonce_next(struct block_nonce *n)
{
	put_le64(n->b + 16, get_le64(n->b + 16) + 1);
}

int block_seal(struct scratch *sc, uint64_t k, const struct block_nonce *nonce,
	       const struct content_meta *meta, const struct content_header *header,
	       const uint8_t *plain, uint8_t page[static CONTENT_PAGE])
{
	uint8_t ad[CONTENT_AD_MAX];
	uint8_t *payload = page + CONTENT_PAYLOAD_OFF;
	size_t skip = content_sealed_off(k);
	struct content_meta m = *meta;
	m.epoch = sc->epoch;
	struct aead *cipher = block_cipher(sc, m.epoch);
	if (!cipher)
		return -EIO; /* it could not have been loaded */

	memcpy(page + CONTENT_NONCE_OFF, nonce->b, sizeof(nonce->b));
	content_meta_encode(page + CONTENT_META_OFF, &m);
	if (k == 0)
		content_header_encode(payload, header);
	size_t ad_len = content_ad(ad, page + CONTENT_META_OFF, k, payload);
	return aead_seal(cipher, nonce->b, ad, ad_len, plain, CONTENT_PAYLOAD - skip,
			 payload + skip, page + CONTENT_TAG_OFF);
}

int block_open(struct scratch *sc, uint64_t k, const uint8_t page[static CONTENT_PAGE],
	       struct content_meta *meta, uint8_t *plain)
{
	uint8_t ad[CONTENT_AD_MAX];
	const uint8_t *payload = page + CONTENT_PAYLOAD_OFF;
	size_t skip = content_sealed_off(k);
	const uint16_t epoch = content_meta_epoch(page + CONTENT_META_OFF);
	struct aead *cipher = block_cipher(sc, epoch);
	if (!cipher)
		return -EBADMSG;

	size_t ad_len = content_ad(ad, page + CONTENT_META_OFF, k, payload);
	int r = aead_open(cipher, page + CONTENT_NONCE_OFF, ad, ad_len, payload + skip,
			  CONTENT_PAYLOAD - skip, plain, page + CONTENT_TAG_OFF);
	if (r < 0)
		return r;
	/* Only what is authentic is looked at, but for the epoch, which says what it is authentic under. */
	if (k == 0 && content_header_epoch(payload) != epoch)
		return -EUCLEAN;
	return content_meta_decode(meta, page + CONTENT_META_OFF, k);
}
