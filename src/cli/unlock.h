/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a vault named on the command line to one that is unlocked, in the order in which all verbs do it:
 * what needs no secret first. Every function says what is wrong and returns 0 or an exit code.
 */
#ifndef CRYPTFS_CLI_UNLOCK_H
#define CRYPTFS_CLI_UNLOCK_H

#include <stdbool.h>

#include "cli/credential.h"
#include "offline/tree.h"
#include "vault/vault.h"

struct unlock {
	int fd;		     /* the vault's directory; its lock hangs on it */
	char *path;	     /* the same, absolute and without symbolic links */
	struct vault *vault; /* its settings, later its keys */
	struct credential credential;
	bool in_use; /* UNLOCK_LOOK: by somebody who may change it */
};

#define UNLOCK_NONE { .fd = -1, .credential = CREDENTIAL_NONE }

void unlock_free(struct unlock *u);

/* Open the directory and read the settings. */
int unlock_open(struct unlock *u, const char *operand);

/* What the vault is wanted for, and so who else may use it meanwhile. */
enum unlock_for {
	UNLOCK_LOOK,	/* at names, or at one file: whoever uses it meanwhile, a mount as well */
	UNLOCK_READ,	/* a mount of our own user's would do as well, and is named; others may read too */
	UNLOCK_SHARED,	/* mount it; others may too */
	UNLOCK_PRIVATE, /* mount it, alone; a lock that does not hold off all others is a reason to warn */
	UNLOCK_CHANGE,	/* alone; such a lock is a reason to refuse */
};

/* Lock it against other processes. Who has just been told to end may still be writing back: it gets a while. A mount
 * that will not go away is named. Then reads the settings again: unlock_source comes after it. */
int unlock_lock(struct unlock *u, enum unlock_for what, bool quiet);

/* Keep others from the vault while its settings are put back, but a mount, which has read them and is done with them.
 * The lock hangs on fd. */
int unlock_exclude(int fd, const char *path);

/* Open where the secret comes from (credential_open). After unlock_open. */
int unlock_source(struct unlock *u, const struct credential_args *a);

/* Ask, with a few tries at a terminal, and unlock. After secrets_prepare; closes the source, forgets the secret. */
int unlock_ask(struct unlock *u);

/* The same for the master key (in the arena), while the vault stays locked; the secret stays at hand. */
int unlock_master(struct unlock *u, struct key32 *master);

/* All of that for a verb that does not mount: the vault unlocked, locked, as a tree. The tree goes before u. Also
 * allows us as many descriptors as can be had. */
int unlock_tree(struct unlock *u, const char *operand, const struct credential_args *a, enum unlock_for what,
		bool quiet, struct tree *t);

/* As many descriptors as we may have. */
void unlock_descriptors(void);

/* path was to be a vault and is none: if it is where one is mounted, say so, and what verb wants instead (NULL:
 * one that reads, for which the mount is as good). */
void unlock_hint(const char *path, const char *verb);

#endif
