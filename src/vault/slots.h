/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changes to a vault's key slots, in memory: vault_save writes them.
 */
#ifndef CRYPTFS_VAULT_SLOTS_H
#define CRYPTFS_VAULT_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "vault/vault.h"

/* What a new slot is to be. */
struct slot_choice {
	const char *label;    /* NULL: none, or what it was */
	struct kdf_cost cost; /* memory_kib 0: BLAKE2b, for secrets that are random */
};

/* The slot of that number, or NULL. */
const struct vaultfile_slot *slots_find(const struct vaultfile *vf, uint32_t slot);

/* Can a person type this kind of secret, with nothing at hand but memory or paper? */
bool slots_is_typed(uint8_t kind);

/* Fill in a slot, whose number is set, and its label if the choice has none: for settings vf. Returns as slots_add. */
int slots_make(struct vaultfile_slot *s, const struct vaultfile *vf, const struct key32 *master,
	       const struct vault_secret *secret, const struct slot_choice *choice);

/* Add a slot for the secret under the lowest free number. Returns 0 with *slot, -ENOSPC (all are taken), -EINVAL
 * (parameters out of the format's limits), -E2BIG (all slots together would cost more than a reader accepts), -ENOMEM,
 * or -errno; on failure nothing is changed. */
int slots_add(struct vaultfile *vf, const struct key32 *master, const struct vault_secret *secret,
	      const struct slot_choice *choice, uint32_t *slot);

/* Replace a slot's secret, kind and cost: a new salt and nonce, the date of now. Returns 0, -ENOENT, or as
 * slots_add. */
int slots_change(struct vaultfile *vf, const struct key32 *master, uint32_t slot, const struct vault_secret *secret,
		 const struct slot_choice *choice);

/* Why removing a slot should be thought over. */
enum slots_warning { SLOTS_FINE, SLOTS_LAST, SLOTS_LAST_TYPED };
enum slots_warning slots_may_remove(const struct vaultfile *vf, uint32_t slot);

/* Returns 0, -ENOENT, or -EBUSY (it is the last one: a vault without slots is no vault). */
int slots_remove(struct vaultfile *vf, uint32_t slot);

#endif
