/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the process that serves a mount gives up once the mount is up, so that somebody who takes it over
 * (a hostile vault, a bug of ours) has the vault and no more: doc/decisions/0002-giving-up-powers.md.
 */
#ifndef CRYPTFS_SANDBOX_SANDBOX_H
#define CRYPTFS_SANDBOX_SANDBOX_H

#include <stdbool.h>

struct sandbox_options {
	int vault_fd;	/* the vault's directory */
	bool read_only; /* nothing in it will be changed */
};

/* What is in force. */
struct sandbox_state {
	bool no_new_privs;
	bool capabilities; /* none left but those that files need */
	int landlock;	   /* version of the kernel's interface; 0: off */
	bool seccomp;
};

/*
 * Give up everything that serving the vault does not need, for good, as far as this kernel and this build
 * can; what cannot be had is logged and left out of *out. From here on the process opens nothing but what
 * lies in the vault, and is killed (SIGSYS) if it executes, forks, connects, mounts, traces, or makes
 * memory executable; every child and mount operation is the attendant's (attendant.h). Call it before
 * other threads exist: they inherit it.
 */
void sandbox_enter(const struct sandbox_options *opt, struct sandbox_state *out);

/* What this build can do, for people. Static text. */
const char *sandbox_build(void);

#endif
