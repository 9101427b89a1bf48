/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the verbs share that read a vault without a mount: how they say what cannot be had.
 */
#ifndef CRYPTFS_CLI_OFFLINE_H
#define CRYPTFS_CLI_OFFLINE_H

#include <getopt.h>

#include "cli/unlock.h"
#include "offline/walk.h"

/* What they all are told. */
struct offline_args {
	const char *vault;
	struct prompt_source source;
	bool quiet;
	bool no_sandbox;
	char **operands; /* after the vault */
	int n;
};

/* The options that they all have: the last of a verb's. Its own without a letter count from OFFLINE_OWN. */
enum { OFFLINE_PASSFILE = 256, OFFLINE_EXTPASS, OFFLINE_NO_SANDBOX, OFFLINE_OWN };
#define OFFLINE_OPTIONS                                                    \
	{ "passfile", required_argument, NULL, OFFLINE_PASSFILE },         \
		{ "extpass", required_argument, NULL, OFFLINE_EXTPASS },   \
		{ "no-sandbox", no_argument, NULL, OFFLINE_NO_SANDBOX },   \
		{ "quiet", no_argument, NULL, 'q' }, { "help", no_argument, NULL, 'h' }, { 0 }

struct offline_verb {
	const char *name;
	const char *letters; /* of its options, and "qh" */
	const struct option *options;
	void (*take)(void *arg, int option); /* one of its own, with optarg */
	int min, max; /* operands after the vault */
	const char *operands; /* a sentence about them */
};

/* Returns 0, an exit code (said), or -1 when help was printed. */
int offline_parse(const struct offline_verb *v, int argc, char **argv, struct offline_args *a, void *arg);

/* Give up the powers that reading the vault does not need (sandbox/sandbox.h): before anything of it is read with its
 * key. What is written to is open by then. */
void offline_confine(const struct offline_args *a, const struct unlock *u);

/* Why something in a vault cannot be read, for a person. Static text, or strerror's. */
const char *offline_reason(int err);

/* The exit code for that: EXIT_DAMAGED, or EXIT_FAILED. */
int offline_code(int err);

/* Of two exit codes of one run the one to end with: that of damage before others. */
int offline_worse(int a, int b);

/* tree_resolve; says what is wrong, with the vault's name. Returns 0 or an exit code. */
int offline_find(const struct tree *t, const char *vault, const char *path, unsigned int follow,
		 struct tree_entry *e);

/* A path below another, of plain names: "" and "a" give "a". To be freed; NULL without memory. */
char *offline_join(const char *above, const char *below);

/* A sentence about trouble on a walk that began at the plaintext path 'from': whose it is, why, and where in the
 * vault. To be freed; NULL without memory. */
char *offline_trouble(const char *vault, const char *from, const struct walk_item *i, enum walk_trouble what, int err);

#endif
