/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a process that reads vaults gives up once it has the key, so that somebody who takes it over (a hostile
 * vault, a bug of ours) has the vault and little more: doc/decisions/0002-giving-up-powers.md.
 */
#ifndef CRYPTFS_SANDBOX_SANDBOX_H
#define CRYPTFS_SANDBOX_SANDBOX_H

#include <stdbool.h>

/* What it is to do from then on, beside using what it has open. */
enum sandbox_use {
	SANDBOX_SERVE,	/* a mount, once that is up */
	SANDBOX_REPAIR, /* read and change the vault */
	SANDBOX_REKEY,	/* that, and make what is there anew: with its owner and its attributes */
	SANDBOX_READ,	/* read the vault */
	SANDBOX_EXPORT, /* read the vault, make files below another directory */
};

struct sandbox_options {
	enum sandbox_use use;
	int vault_fd;	/* the vault's directory */
	int dest_fd;	/* that of SANDBOX_EXPORT */
	bool read_only; /* SANDBOX_SERVE: nothing in the vault will be changed */
	bool devices;	/* SANDBOX_EXPORT: root makes them, too */
};

/* What is in force. */
struct sandbox_state {
	bool no_new_privs;
	bool capabilities; /* none left but those that files need */
	int landlock;	   /* version of the kernel's interface; 0: off */
	bool seccomp;
};

/*
 * Give up everything that this use does not need, for good, as far as this kernel and this build can; what cannot be
 * had is logged (at the level debug unless it is for a mount) and left out of *out. From here on the process opens
 * nothing but what lies in the vault or the destination, and is killed (SIGSYS) if it executes, forks, connects,
 * mounts, traces, or makes memory executable; with SANDBOX_READ also if it opens anything to write, makes, removes or
 * changes it. Children and mount operations are those of processes forked before (attendant.h, errand.h). Call it
 * before other threads exist: they inherit it.
 */
void sandbox_enter(const struct sandbox_options *opt, struct sandbox_state *out);

/* SANDBOX_EXPORT, where Landlock is in force: from here on it is only dest_fd that files are made below, a directory
 * below the one before. Returns 0 or -errno. */
int sandbox_narrow(const struct sandbox_state *state, int vault_fd, int dest_fd);

/* What this build can do, for people. Static text. */
const char *sandbox_build(void);

#endif
