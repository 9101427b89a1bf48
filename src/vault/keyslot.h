/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Key slots: each wraps the master key under a key made from one secret (doc/format.md section 7).
 */
#ifndef CRYPTFS_VAULT_KEYSLOT_H
#define CRYPTFS_VAULT_KEYSLOT_H

#include "crypto/aead.h"
#include "vault/vault.h"

/* Fill in a slot whose parameters (number, kind, label, created, kdf, cost) are set: draws salt and
 * nonce, wraps the master key. Returns 0, -EINVAL for parameters out of limits, or -errno. */
int keyslot_seal(struct vaultfile_slot *s, const uint8_t vault_id[static VAULTFILE_ID_LEN],
		 const struct vault_secret *secret, const struct key32 *master);

/* Try one slot. Returns 0 with *master, -EKEYREJECTED if the secret is not this slot's, -EBADMSG if it is
 * and the slot is damaged, -ENOMEM, or -errno. */
int keyslot_open(const struct vaultfile_slot *s, const uint8_t vault_id[static VAULTFILE_ID_LEN],
		 const struct vault_secret *secret, struct key32 *master);

/* A cipher for wrapping keys, under the subkey 'ctx' of a key; NULL without memory. */
struct aead *keyslot_wrapper(const struct key32 *key, const char *ctx);

static inline void keyslot_aead_free(struct aead **a)
{
	aead_free(*a);
}

#endif
