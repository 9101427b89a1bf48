/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vault/epoch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/rng.h"
#include "vault/keyslot.h"
#include "vault/slots.h"
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

static int begin(struct vaultfile *vf, const struct key32 *master, const struct vault_secret *secret, uint32_t slot,
		 struct key32 *fresh)
{
	const struct vaultfile_slot *found = slots_find(vf, slot);
	if (!found)
		return -ENOENT;
	struct vaultfile_slot kept = *found;
	const struct slot_choice as_it_is = { .cost = { kept.memory_kib, kept.passes, kept.lanes } };
	memset(vf->slots, 0, sizeof(vf->slots));
	vf->n_slots = 0;
	rng_bytes(fresh->b, sizeof(fresh->b));
	vf->epoch++;
	int r = slots_make(&kept, vf, fresh, secret, &as_it_is);
	if (r < 0)
		return r;
	vf->slots[vf->n_slots++] = kept;
	vf->previous.there = true;
	return wrap_previous(vf, fresh, master);
}

int epoch_begin(struct vault *v, const struct key32 *master, const struct vault_secret *secret, uint32_t slot,
		struct key32 *fresh)
{
	if (v->settings.previous.there)
		return -EALREADY;
	if (v->settings.epoch >= VAULTFILE_EPOCH_MAX)
		return -EOVERFLOW;
	_cleanup_free_ struct vaultfile *vf = malloc(sizeof(*vf));
	if (!vf)
		return -ENOMEM;
	*vf = v->settings;
	int r = begin(vf, master, secret, slot, fresh);
	if (r == 0)
		v->settings = *vf;
	return r;
}

int epoch_save(struct vault *v, int dirfd, const struct key32 *master)
{
	int r = vault_save(v, dirfd, master);
	return r < 0 ? r : vault_write(&v->settings, dirfd, NAME_SETTINGS_BACKUP, NULL);
}

int epoch_keep(const struct vault *v, int dirfd)
{
	struct vault *copy _cleanup_vault_ = NULL;
	const char *why;
	int r = vault_read(dirfd, NAME_SETTINGS_BACKUP, &copy, &why);
	if (r == 0 && copy->settings.epoch == v->settings.epoch && copy->settings.previous.there &&
	    memcmp(copy->settings.vault_id, v->settings.vault_id, VAULTFILE_ID_LEN) == 0)
		return 0;
	return vault_write(&v->settings, dirfd, NAME_SETTINGS_BACKUP, NULL);
}
