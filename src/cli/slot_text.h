/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Key slots as people and programs are shown them: nothing in it is secret.
 */
#ifndef CRYPTFS_CLI_SLOT_TEXT_H
#define CRYPTFS_CLI_SLOT_TEXT_H

#include <jansson.h>

#include "vault/vault.h"

/* An array of objects with slot, kind, label, created and kdf. NULL without memory. */
json_t *slot_text_json(const struct vaultfile *vf);

/* "argon2id, 64 MiB, 3 passes, 4 lanes" */
#define SLOT_TEXT_COST_SIZE 112
void slot_text_cost(char out[static SLOT_TEXT_COST_SIZE], const struct vaultfile_slot *s);

/* "slot 1 (recovery 'safe')"; to be freed, NULL without memory. */
char *slot_text_name(const struct vaultfile_slot *s);

#endif
