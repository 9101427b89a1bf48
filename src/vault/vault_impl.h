/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to vault.c, vault_make.c and epoch.c.
 */
#ifndef CRYPTFS_VAULT_VAULT_IMPL_H
#define CRYPTFS_VAULT_VAULT_IMPL_H

#include "vault/vault.h"

/* MAC and checksum of settings, under the master key that they are of. Return 0, -ENOMEM, or of the check, which also
 * sees whether the key of the epoch before opens, -EBADMSG. */
int vault_set_mac(struct vaultfile *vf, const struct key32 *master);
int vault_check_mac(const struct vaultfile *vf, const struct key32 *master);

/* Settings from text, their checksum found right. Returns as vault_open. */
int vault_parse(const char *text, size_t n, struct vault **out, const char **why);

/* The master key of the epoch before, which 'previous' holds. Returns 0, -EBADMSG or -ENOMEM. */
int vault_open_previous(const struct vaultfile *vf, const struct key32 *master, struct key32 *previous);

/* Write settings, whose MAC is set, as the file 'name' of dirfd (io_replace_file). Returns 0, -ENOMEM or -errno. */
int vault_write(const struct vaultfile *vf, int dirfd, const char *name, const char *backup);

#endif
