/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/interrupt.h"

#include <stdbool.h>
#include <stddef.h>

/* SIGTTIN and SIGTTOU keep their default: they stop us in the background before anything has been changed. */
static const int terminal[INTERRUPT_MAX] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT };
static const int command[INTERRUPT_MAX] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD };

static volatile sig_atomic_t caught;

static void catch_signal(int sig)
{
	if (sig != SIGCHLD && (sig != SIGCONT || caught == 0))
		caught = sig;
}

static const int *signals(enum interrupt_what what)
{
	return what == INTERRUPT_TERMINAL ? terminal : command;
}

static bool is_ours(int sig, const struct sigaction *old)
{
	return old->sa_handler != SIG_IGN || sig == SIGCONT || sig == SIGCHLD;
}

void interrupt_begin(struct interrupt *i, enum interrupt_what what)
{
	const struct sigaction act = { .sa_handler = catch_signal };
	const int *sigs = signals(what);
	sigset_t block;
	(void)sigemptyset(&block);
	i->what = what;
	caught = 0;
	for (size_t k = 0; k < INTERRUPT_MAX && sigs[k]; k++) {
		(void)sigaction(sigs[k], NULL, &i->actions[k]);
		if (is_ours(sigs[k], &i->actions[k]))
			(void)sigaction(sigs[k], &act, NULL);
		(void)sigaddset(&block, sigs[k]);
	}
	(void)sigprocmask(SIG_BLOCK, &block, &i->mask);
	i->wait = i->mask;
	(void)sigdelset(&i->wait, SIGCONT);
	(void)sigdelset(&i->wait, SIGCHLD);
}

void interrupt_end(const struct interrupt *i)
{
	const int *sigs = signals(i->what);
	for (size_t k = 0; k < INTERRUPT_MAX && sigs[k]; k++)
		(void)sigaction(sigs[k], &i->actions[k], NULL);
	(void)sigprocmask(SIG_SETMASK, &i->mask, NULL);
}

int interrupt_caught(void)
{
	return caught;
}
