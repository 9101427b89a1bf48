/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs that tell a passphrase on their standard output: --extpass, and those that ask for it in a window. No shell
 * runs; standard input and error, the terminal and what the caller left open are theirs, nothing of ours is.
 */
#ifndef CRYPTFS_CLI_EXTPASS_H
#define CRYPTFS_CLI_EXTPASS_H

#include <stdbool.h>
#include <sys/types.h>

#include "cli/interrupt.h"
#include "cli/prompt.h"

/* Let p's passphrase come from this command (words_split); nothing is started before prompt_read. Returns 0 or as
 * words_split. */
int extpass_open(struct prompt *p, const char *command);

/* One that runs. */
struct extpass {
	pid_t pid;
	int fd;	    /* its standard output; -1: closed */
	int status; /* as of waitpid, once it has ended */
	bool ended;
	bool cut; /* we would not listen any longer */
	struct interrupt signals;
};

/* Start argv[0], found by PATH. Signals are caught from now on. Returns 0 or -errno (then they are not). */
int extpass_start(struct extpass *e, char *const *argv);

/* What was wanted has been read, or an error: wait for its end, throwing away what else it tells. If a signal has been
 * caught it is passed on, and the wait is short. Returns its wait status, or -EINTR: then interrupt_caught has to be
 * raised. */
int extpass_finish(struct extpass *e);

#endif
