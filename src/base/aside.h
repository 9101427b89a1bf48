/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a process that is forked to stand aside (sandbox/attendant.h, sandbox/errand.h, keyring/keyring.h,
 * desktop/desktop.h) does first. It keeps powers that the other one gives up, so it keeps nothing else of it.
 */
#ifndef CRYPTFS_BASE_ASIDE_H
#define CRYPTFS_BASE_ASIDE_H

/* A session of its own; no signals but SIGKILL; no child is waited for; nobody writes to its memory, the user's own
 * processes neither; nothing is open but keep, and /dev/null as standard input and outputs. */
void aside_begin(const char *name, int keep);

/* The signals that it ignores, for what it executes. */
#define ASIDE_IGNORED 8
extern const int aside_ignored[ASIDE_IGNORED];

#endif
