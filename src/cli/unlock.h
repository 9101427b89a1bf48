/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a vault named on the command line to one that is unlocked, in the order in which all verbs do it:
 * what needs no secret first. Every function says what is wrong and returns 0 or an exit code.
 */
#ifndef CRYPTFS_CLI_UNLOCK_H
#define CRYPTFS_CLI_UNLOCK_H

#include <stdbool.h>

#include "cli/prompt.h"
#include "offline/tree.h"
#include "vault/vault.h"

struct unlock {
	int fd;		     /* the vault's directory; its lock hangs on it */
	char *path;	     /* the same, absolute and without symbolic links */
	struct vault *vault; /* its settings, later its keys */
	struct prompt prompt;
};

#define UNLOCK_NONE { .fd = -1, .prompt.fd = -1 }

void unlock_free(struct unlock *u);

/* Open the directory and read the settings. */
int unlock_open(struct unlock *u, const char *operand);

/* Lock it against other processes: a private mount and whatever changes the vault exclusively. Who has just been told
 * to end may still be writing back: it gets a while. A mount that will not go away is named; 'reading' says that
 * its files were to be read, which can be done there as well. */
int unlock_lock(const struct unlock *u, bool exclusive, bool reading, bool quiet);

/* Open where the passphrase comes from (prompt_open). */
int unlock_source(struct unlock *u, const char *passfile);

/* Ask, with a few tries at a terminal, and unlock. After secrets_prepare; closes the source. */
int unlock_ask(struct unlock *u);

/* All of that for a verb that only reads: the vault unlocked, with a shared lock, as a tree. The tree goes
 * before u. Also allows us as many descriptors as can be had. */
int unlock_tree(struct unlock *u, const char *operand, const char *passfile, bool quiet, struct tree *t);

/* As many descriptors as we may have. */
void unlock_descriptors(void);

/* path was to be a vault and is none: if it is where one is mounted, say so, and what verb wants instead (NULL:
 * one that reads, for which the mount is as good). */
void unlock_hint(const char *path, const char *verb);

#endif
