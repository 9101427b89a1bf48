/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A new master key for a vault. While its content is being sealed anew both keys open it: the settings of the new epoch
 * hold the old master key, wrapped under the new one.
 */
#ifndef CRYPTFS_VAULT_EPOCH_H
#define CRYPTFS_VAULT_EPOCH_H

#include "vault/vault.h"

/* Begin: in the settings of v (which stays as locked as it is), the next epoch, 'previous', and of the slots only this
 * one, which the secret opens: the others' secrets are not known, so nothing can be wrapped for them. The caller saves.
 * Returns 0 with *fresh (in the arena); -EALREADY if it has been begun; -EOVERFLOW if epochs have run out; -ENOENT (no
 * such slot); or as slots_change. On failure nothing is changed. */
int epoch_begin(struct vault *v, const struct key32 *master, const struct vault_secret *secret, uint32_t slot,
		struct key32 *fresh);

/* vault_save, and the same as cryptfs.json.bak: an older copy there would bring back a state in which what is sealed
 * under the new key does not open. */
int epoch_save(struct vault *v, int dirfd, const struct key32 *master);

/* The second half of that, should a cut have come before it. Returns 0 or -errno. */
int epoch_keep(const struct vault *v, int dirfd);

#endif
