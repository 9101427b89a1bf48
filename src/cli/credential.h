/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a verb is authorised with: a passphrase, a key file (with a passphrase on top, if its slot wants one), a
 * recovery code, or what the login keyring keeps. Options that all verbs share, where each comes from, and the asking.
 */
#ifndef CRYPTFS_CLI_CREDENTIAL_H
#define CRYPTFS_CLI_CREDENTIAL_H

#include <getopt.h>
#include <stdbool.h>

#include "cli/prompt.h"
#include "vault/vault.h"

struct credential_args {
	const char *passfile;
	const char *extpass;
	const char *keyfile;
	const char *recovery_file;
	bool recovery;
	bool keyring;
	bool said; /* not from the options: the keyring is asked only if they say so */
};

enum {
	CREDENTIAL_PASSFILE = 1056,
	CREDENTIAL_EXTPASS,
	CREDENTIAL_KEYFILE,
	CREDENTIAL_RECOVERY,
	CREDENTIAL_RECOVERY_FILE,
	CREDENTIAL_KEYRING,
};
#define CREDENTIAL_OPTIONS                                                       \
	{ "passfile", required_argument, NULL, CREDENTIAL_PASSFILE },            \
		{ "extpass", required_argument, NULL, CREDENTIAL_EXTPASS },      \
		{ "keyfile", required_argument, NULL, CREDENTIAL_KEYFILE },      \
		{ "recovery", no_argument, NULL, CREDENTIAL_RECOVERY },          \
		{ "recovery-file", required_argument, NULL, CREDENTIAL_RECOVERY_FILE }, \
		{ "keyring", no_argument, NULL, CREDENTIAL_KEYRING }

/* Take one of these options, with optarg. Returns 0, or -1: it is another. */
int credential_take(struct credential_args *a, int option);

/* Of several ways to open a vault none can be meant. Returns 0, or EXIT_USAGE with the reason said. */
int credential_check(const char *verb, const struct credential_args *a);

struct credential {
	struct credential_args args;
	struct prompt prompt;
	int keyfile; /* descriptor */
	/* What has opened, all of it in the arena. */
	struct vault_secret secret;
	uint8_t *bytes;		 /* those of the secret */
	uint8_t *keyfile_secret; /* of the key file that belongs to it, or NULL */
	uint32_t slot;
};

#define CREDENTIAL_NONE { .prompt.fd = -1, .keyfile = -1 }

/* Open where it comes from, for a vault with these settings: before any fork or chdir, and before locks are waited
 * for. Refuses what can open none of its slots. Returns 0 or an exit code (said). */
int credential_open(struct credential *c, const struct credential_args *a, const struct vaultfile *vf,
		    const char *vault);

/* Try a secret on the vault: vault_unlock or vault_master. */
typedef int credential_fn(void *arg, const struct vault_secret *secret, uint32_t *slot, const char **why);

/* Have it, with a few tries at a terminal, until 'try' takes one: then secret and slot are set. After secrets_prepare;
 * closes the sources. Returns 0 or an exit code (said). */
int credential_ask(struct credential *c, const struct vaultfile *vf, const char *vault, credential_fn *try, void *arg);

/* Wipe the secret. */
void credential_forget(struct credential *c);

/* And close the sources. */
void credential_free(struct credential *c);

#endif
