/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vault/keyslot.h"

#include <errno.h>

#include "crypto/rng.h"

#define PASSPHRASE_MAX 1023u

/* Where "wrapped" holds what. */
#define W_TAG 0
#define W_KEY AEAD_TAG_LEN

_Static_assert(W_KEY + sizeof(struct key32) == VAULTFILE_WRAPPED_LEN, "wrapped key");
_Static_assert(VAULTFILE_NONCE_LEN == AEAD_NONCE_LEN, "nonce");
_Static_assert(VAULTFILE_SALT_LEN == KDF_SALT_LEN, "salt");

static int check(const struct vaultfile_slot *s, const struct vault_secret *secret)
{
	if (secret->kind != s->kind || secret->len == 0)
		return -EINVAL;
	if (s->kind == VAULTFILE_PASSPHRASE && secret->len > PASSPHRASE_MAX)
		return -EINVAL;
	if (vaultfile_check_kdf(s->kind, s->kdf, s->memory_kib, s->passes, s->lanes) < 0)
		return -EINVAL;
	return 0;
}

static int slot_key(const struct vaultfile_slot *s, const struct vault_secret *secret,
		    struct key32 *out)
{
	struct kdf_cost cost = { .memory_kib = s->memory_kib,
				 .passes = s->passes,
				 .lanes = s->lanes };
	if (s->kdf == VAULTFILE_ARGON2ID)
		return kdf_argon2id(out, secret->bytes, secret->len, s->salt, &cost);
	kdf_hash(out->b, sizeof(out->b), s->salt, sizeof(s->salt), secret->bytes, secret->len, NULL,
		 0);
	return 0;
}

struct aead *keyslot_wrapper(const struct key32 *key, const char *ctx)
{
	_cleanup_key_ struct key32 *wrap = keymem_alloc(sizeof(*wrap));
	struct aead *a = wrap ? aead_new() : NULL;
	if (!a)
		return NULL;
	kdf_derive(key, ctx, wrap->b, sizeof(wrap->b));
	aead_set_key(a, wrap);
	return a;
}

int keyslot_seal(struct vaultfile_slot *s, const uint8_t vault_id[static VAULTFILE_ID_LEN],
		 const struct vault_secret *secret, const struct key32 *master)
{
	int r = check(s, secret);
	if (r < 0)
		return r;
	_cleanup_key_ struct key32 *slot = keymem_alloc(sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	rng_bytes(s->salt, sizeof(s->salt));
	rng_bytes(s->nonce, sizeof(s->nonce));
	r = slot_key(s, secret, slot);
	if (r < 0)
		return r;
	struct aead *a _cleanup_(keyslot_aead_free) = keyslot_wrapper(slot, "cfs-wrap");
	if (!a)
		return -ENOMEM;
	kdf_derive(slot, "cfs-comm", s->commitment, sizeof(s->commitment));
	uint8_t ad[VAULTFILE_PARAMS_MAX];
	size_t ad_len = vaultfile_slot_ad(ad, vault_id, s);
	return aead_seal(a, s->nonce, ad, ad_len, master->b, sizeof(master->b), s->wrapped + W_KEY,
			 s->wrapped + W_TAG);
}

static int is_committed(const struct vaultfile_slot *s, const struct key32 *slot)
{
	uint8_t commitment[VAULTFILE_COMMITMENT_LEN];
	kdf_derive(slot, "cfs-comm", commitment, sizeof(commitment));
	bool same = keymem_equal(commitment, s->commitment, sizeof(commitment));
	keymem_wipe(commitment, sizeof(commitment));
	return same ? 0 : -EKEYREJECTED;
}

int keyslot_open(const struct vaultfile_slot *s, const uint8_t vault_id[static VAULTFILE_ID_LEN],
		 const struct vault_secret *secret, struct key32 *master)
{
	if (check(s, secret) < 0)
		return -EKEYREJECTED; /* no such secret was ever let in */
	_cleanup_key_ struct key32 *slot = keymem_alloc(sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	int r = slot_key(s, secret, slot);
	if (r == 0)
		r = is_committed(s, slot);
	if (r < 0)
		return r;
	struct aead *a _cleanup_(keyslot_aead_free) = keyslot_wrapper(slot, "cfs-wrap");
	if (!a)
		return -ENOMEM;
	uint8_t ad[VAULTFILE_PARAMS_MAX];
	size_t ad_len = vaultfile_slot_ad(ad, vault_id, s);
	return aead_open(a, s->nonce, ad, ad_len, s->wrapped + W_KEY, sizeof(master->b), master->b,
			 s->wrapped + W_TAG);
}
