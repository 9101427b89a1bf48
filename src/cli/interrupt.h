/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signals while a passphrase is waited for: caught instead of obeyed until what would be left in disorder (a terminal
 * without echo, a program that asks) is put right. They are blocked but while the waiting is done with the mask given
 * here (ppoll), so none is missed between looking and waiting.
 */
#ifndef CRYPTFS_CLI_INTERRUPT_H
#define CRYPTFS_CLI_INTERRUPT_H

#include <signal.h>

#define INTERRUPT_MAX 6

enum interrupt_what {
	INTERRUPT_TERMINAL, /* what ends or stops us, and SIGCONT: somebody else may have set the terminal meanwhile */
	INTERRUPT_COMMAND,  /* what ends us; SIGCHLD ends a wait, and is not counted as caught */
};

struct interrupt {
	enum interrupt_what what;
	sigset_t wait; /* to wait with */
	sigset_t mask; /* these two as they were */
	struct sigaction actions[INTERRUPT_MAX];
};

/* Begin. What the caller was told to ignore stays so, but for SIGCONT and SIGCHLD. One at a time. */
void interrupt_begin(struct interrupt *i, enum interrupt_what what);

/* All as it was. What was caught is still known, so that it can be raised again. */
void interrupt_end(const struct interrupt *i);

/* The last one caught since interrupt_begin, or 0. SIGCONT counts less than the others. */
int interrupt_caught(void);

#endif
