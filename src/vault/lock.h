/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who may use a vault at the same time: flock(2) on the vault's directory, so that no lock file is
 * left behind by a kill or copied by a sync client.
 */
#ifndef CRYPTFS_VAULT_LOCK_H
#define CRYPTFS_VAULT_LOCK_H

#include <stdbool.h>

/* Lock the vault that dirfd (not O_PATH) refers to, until the descriptor and its copies are closed.
 * Exclusive for a private mount and for changes to settings, else shared. Returns 0; -EBUSY if somebody
 * holds it otherwise; 1 if the lock does not hold everybody off (the filesystem knows none, or none that another
 * machine sees: the caller warns); or -errno. */
int lock_vault(int dirfd, bool exclusive);

/* Keep other changes of the settings in dirfd away: an exclusive lock on cryptfs.json itself, as the vault may be
 * mounted meanwhile. Waits for whoever has it, half a minute at most. Returns 0 with *fd, to be closed when the change
 * is made; -EBUSY; -ENOENT (no settings); or -errno. Where the filesystem knows no locks it returns 0, and nothing is
 * locked. */
int lock_settings(int dirfd, int *fd);

#endif
