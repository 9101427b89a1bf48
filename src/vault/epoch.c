/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vault/epoch.h"

#include <errno.h>
#include <string.h>

#include "crypto/rng.h"
#include "vault/keyslot.h"
#include "vault/vault_impl.h"

static int wrap_previous(struct vaultfile *vf, const struct key32 *fresh, const struct key32 *master)
{
	uint8_t ad[VAULTFILE_PARAMS_MAX];
	size_t ad_len = vaultfile_previous_ad(ad, vf);
	struct aead *a _cleanup_(keyslot_aead_free) = keyslot_wrapper(fresh, "cfs-prev");
	if (!a)
		return -ENOMEM;
	rng_bytes(vf->previous.nonce, sizeof(vf->previous.nonce));
	return aead_seal(a, vf->previous.nonce, ad, ad_len, master->b, sizeof(master->b),
			 vf->previous.wrapped + AEAD_TAG_LEN, vf->previous.wrapped);
}

int epoch_begin(struct vault *v, const struct key32 *master, struct key32 *fresh)
{
	struct vaultfile *vf = &v->settings;
	if (vf->previous.there)
		return -EALREADY;
	if (vf->epoch >= VAULTFILE_EPOCH_MAX)
		return -EOVERFLOW;
	rng_bytes(fresh->b, sizeof(fresh->b));
	vf->epoch++;
	int r = wrap_previous(vf, fresh, master);
	if (r < 0) {
		vf->epoch--;
		return r;
	}
	vf->previous.there = true;
	memset(vf->slots, 0, sizeof(vf->slots));
	vf->n_slots = 0;
	return 0;
}

int epoch_save(struct vault *v, int dirfd, const struct key32 *master)
{
	int r = vault_save(v, dirfd, master);
	return r < 0 ? r : vault_write(&v->settings, dirfd, NAME_SETTINGS_BACKUP, NULL);
}
