/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A change of a vault's settings, which may be mounted meanwhile: authorised first, with nobody kept waiting; then
 * locked, read anew, changed and saved. Every function says what is wrong and returns 0 or an exit code.
 */
#ifndef CRYPTFS_CLI_CHANGE_H
#define CRYPTFS_CLI_CHANGE_H

#include "cli/new_secret.h"
#include "cli/unlock.h"

struct change {
	struct unlock u;      /* the settings as they were before anybody was asked, and what was given */
	struct vault *vault;  /* the settings under the lock */
	struct key32 *master;
	int lock;
};

#define CHANGE_NONE { .u = UNLOCK_NONE, .lock = -1 }

void change_free(struct change *c);

/* Open the vault of a verb, and where the secret comes from. */
int change_open(struct change *c, const char *verb, const char *operand, const struct credential_args *a);

/* Ask for the secret. After secrets_prepare. */
int change_authorise(struct change *c);

/* Lock the settings and read them: c->vault, anew if it was done before. What was given must still open them. */
int change_begin(struct change *c);

/* Unlock the settings; c->vault stays. */
void change_end(struct change *c);

/* Save c->vault. If a new secret is not NULL it is handed over first, as that of slot, and taken back if nothing was
 * saved. */
int change_save(struct change *c, struct new_secret *n, uint32_t slot);

/* The slot, which has been in the settings, is no keyring's any more: let the keyring forget its secret. Says so if it
 * does not. */
void change_forget_item(const struct change *c, uint32_t slot);

/* Saving has failed: are they there nevertheless? And the same of settings saved in the directory dirfd. */
bool change_is_in_place(const struct change *c);
bool change_is_there(int dirfd, const struct vault *saved);

#endif
