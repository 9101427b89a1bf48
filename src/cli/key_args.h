/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What verbs are told that change keys and settings.
 */
#ifndef CRYPTFS_CLI_KEY_ARGS_H
#define CRYPTFS_CLI_KEY_ARGS_H

#include <getopt.h>

#include "cli/credential.h"
#include "cli/kdf_args.h"
#include "cli/new_secret.h"

struct key_args {
	const char *vault;
	char **operands; /* after the vault */
	int n;
	struct credential_args credential;
	struct new_secret_args secret;
	struct kdf_args kdf;
	const char *label, *output, *master_file;
	bool json, force, quiet;
};

/* Options without a letter of these verbs, each for those that have it. */
enum {
	KEY_ARGS_JSON = 256,
	KEY_ARGS_FORCE,
	KEY_ARGS_LABEL,
	KEY_ARGS_MASTER_FILE,
};
#define KEY_ARGS_OPTIONS { "quiet", no_argument, NULL, 'q' }, { "help", no_argument, NULL, 'h' }, { 0 }

struct key_verb {
	const char *name;    /* "key add" */
	const char *letters; /* of its options, and "qh" */
	const struct option *options;
	int min, max; /* operands after the vault */
	const char *operands; /* a sentence about them */
};

/* Returns 0, an exit code (said), or -1 when help was printed. */
int key_args_parse(const struct key_verb *v, int argc, char **argv, struct key_args *a);

/* The operand i as the number of a slot. Returns 0 or an exit code (said). */
int key_args_slot(const struct key_verb *v, const struct key_args *a, int i, uint32_t *slot);

#endif
