/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The secret of a slot in the making: a passphrase asked for twice, a key file that is there or is made, a random
 * recovery code. What is random is handed over (written, shown) before its slot is saved: between the two there
 * is a secret that opens nothing, never a slot whose secret nobody has.
 */
#ifndef CRYPTFS_CLI_NEW_SECRET_H
#define CRYPTFS_CLI_NEW_SECRET_H

#include <getopt.h>
#include <stdbool.h>

#include "cli/prompt.h"
#include "vault/vault.h"

struct new_secret_args {
	const char *kind; /* as given, or NULL */
	const char *passfile;
	const char *extpass; /* instead */
	const char *keyfile;
	const char *recovery_file;
	bool with_passphrase;
};

enum {
	NEW_SECRET_KIND = 1088,
	NEW_SECRET_PASSFILE,
	NEW_SECRET_EXTPASS, /* for who asks for no other secret */
	NEW_SECRET_KEYFILE,
	NEW_SECRET_RECOVERY_FILE,
	NEW_SECRET_WITH_PASSPHRASE,
};
#define NEW_SECRET_OPTIONS                                                                  \
	{ "kind", required_argument, NULL, NEW_SECRET_KIND },                               \
		{ "new-passfile", required_argument, NULL, NEW_SECRET_PASSFILE },           \
		{ "new-keyfile", required_argument, NULL, NEW_SECRET_KEYFILE },             \
		{ "new-recovery-file", required_argument, NULL, NEW_SECRET_RECOVERY_FILE }, \
		{ "with-passphrase", no_argument, NULL, NEW_SECRET_WITH_PASSPHRASE }

/* Take one of these options, with optarg. Returns 0, or -1: it is another. */
int new_secret_take(struct new_secret_args *a, int option);

/* Was any of them given? */
bool new_secret_given(const struct new_secret_args *a);

/* The kind that they ask for, else (0: nothing tells) fallback. Returns 0, or EXIT_USAGE with the reason said. */
int new_secret_kind(const char *verb, const struct new_secret_args *a, uint8_t fallback, uint8_t *kind);

struct new_secret {
	struct new_secret_args args;
	uint8_t kind;
	struct prompt prompt;
	int keyfile;	   /* descriptor of one that is there */
	bool handed_over;
	char item[2 * VAULTFILE_ID_LEN + 1]; /* of the keyring: the vault's ID, and the slot */
	uint32_t slot;
	/* All of it in the arena. */
	struct vault_secret secret;
	uint8_t *bytes;		 /* those of the secret */
	uint8_t *drawn;		 /* contents of a key file to be made */
	uint8_t *keyfile_secret; /* of a key file to which a passphrase belongs */
};

#define NEW_SECRET_NONE { .prompt.fd = -1, .keyfile = -1 }

/* Open where it comes from, or see where it can go. kept is the secret (keyfile.h) of the key file to stay with, if
 * none was named, or NULL. Returns 0 or an exit code (said). */
int new_secret_open(struct new_secret *n, const char *verb, const struct new_secret_args *a, uint8_t kind,
		    const uint8_t *kept);

/* Is it random, so that guessing needs no price? After new_secret_open. */
bool new_secret_is_random(const struct new_secret *n);

/* Ask for it, read it, or draw it; after secrets_prepare. Returns 0 or an exit code (said). */
int new_secret_make(struct new_secret *n);

/* Whose it is. */
struct new_secret_slot {
	const char *path; /* of the vault, for people */
	const struct vaultfile *settings;
	uint32_t slot;
};

/* Hand over what is random. Returns 0 or an exit code (said). */
int new_secret_hand_over(struct new_secret *n, const struct new_secret_slot *slot);

/* The slot was not saved: take back what was handed over, and say so where that cannot be. */
void new_secret_take_back(struct new_secret *n);

void new_secret_free(struct new_secret *n);

#endif
