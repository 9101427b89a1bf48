/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Nothing half made: signals that people and sessions send to end a program have to wait.
 */
#ifndef CRYPTFS_CLI_UNDISTURBED_H
#define CRYPTFS_CLI_UNDISTURBED_H

#include <signal.h>

#include "base/cleanup.h"

static inline sigset_t undisturbed_begin(void)
{
	sigset_t block, old;
	(void)sigemptyset(&block);
	(void)sigaddset(&block, SIGINT);
	(void)sigaddset(&block, SIGTERM);
	(void)sigaddset(&block, SIGHUP);
	(void)sigaddset(&block, SIGQUIT);
	(void)sigprocmask(SIG_BLOCK, &block, &old);
	return old;
}

static inline void undisturbed_end(const sigset_t *old)
{
	(void)sigprocmask(SIG_SETMASK, old, NULL);
}

/* To the end of the enclosing block. */
#define SCOPED_UNDISTURBED \
	sigset_t undisturbed_ _cleanup_(undisturbed_end) __attribute__((unused)) = undisturbed_begin()

#endif
