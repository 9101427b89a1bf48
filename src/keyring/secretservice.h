/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The Secret Service, by libsecret. For the child that keyring.c makes and for nobody else: it loads libraries, starts
 * threads, leaves copies of the secret, and frees nothing.
 */
#ifndef CRYPTFS_KEYRING_SECRETSERVICE_H
#define CRYPTFS_KEYRING_SECRETSERVICE_H

#include "keyring/keyring.h"

bool secretservice_is_built(void);

/* As in keyring.h, with no limit of time. may_ask: somebody is there whom a locked keyring can ask. */
int secretservice_store(const struct keyring_item *item, const char *label,
			const uint8_t secret[static KEYRING_SECRET_LEN], bool may_ask);
int secretservice_lookup(const struct keyring_item *item, uint8_t secret[static KEYRING_SECRET_LEN], bool may_ask);
int secretservice_remove(const struct keyring_item *item, bool may_ask);

#endif
