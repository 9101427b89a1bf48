/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of src/vault share: the arena and the ciphers, secrets from text, and the cheapest Argon2id. */
#ifndef CRYPTFS_TESTS_VAULTS_H
#define CRYPTFS_TESTS_VAULTS_H

#include "unit.h"

#include "crypto/aead.h"
#include "vault/vault.h"

static const struct kdf_cost cheap __attribute__((unused)) = { 8192, 1, 1 };

static inline int group_setup(void **state)
{
	(void)state;
	return keymem_init() < 0 ? -1 : aead_init();
}

static inline int group_teardown(void **state)
{
	(void)state;
	keymem_exit();
	return 0;
}

/* Nothing of a test's may stay in the arena. */
static inline int teardown(void **state)
{
	size_t left = keymem_in_use();
	int r = scratch_teardown(state);
	return left == 0 ? r : -1;
}

static inline struct vault_secret secret_of(uint8_t kind, const char *text)
{
	return (struct vault_secret){ kind, (const uint8_t *)text, strlen(text) };
}

static inline struct vault_secret pass(const char *text)
{
	return secret_of(VAULTFILE_PASSPHRASE, text);
}

#endif
