/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small process beside the one that serves a mount (the server, here), for what that may not do any more once
 * it has given up its powers: have the kernel write back what it holds, unmount, write to the system's log. It
 * knows its one mount point from the start and takes only these orders; it has no key and nothing of the vault.
 * If the server dies without a word it takes the dead mount away.
 *
 * It belongs to no terminal, heeds no signal but SIGKILL, and ends when the server has.
 */
#ifndef CRYPTFS_SANDBOX_ATTENDANT_H
#define CRYPTFS_SANDBOX_ATTENDANT_H

#include <stdbool.h>

#include "base/log.h"

struct attendant;

/* Fork it. The caller is to be the server, and has no keys and no other threads yet. mountpoint is
 * absolute. Returns 0 or -errno. */
int attendant_start(const char *mountpoint, struct attendant **out);

/*
 * Orders. One at a time; each waits until it is done. They concern the mount that lay on the mount point at
 * attendant_mounted, and return -ESTALE if that is not there any more (detached, or another has been mounted
 * over it), -EPIPE if the attendant is gone.
 */

/* The mount is up: that is the one. */
int attendant_mounted(struct attendant *a);

/* Have the kernel send to the server what it has not written back (syncfs). The server must be serving. */
int attendant_fetch(struct attendant *a);

/* Unmount, or detach: even if it is in use, and even if nobody serves it. Returns 0, -EBUSY, or -errno. */
int attendant_unmount(struct attendant *a);
int attendant_detach(struct attendant *a);

/* A sink (base/log.h): by way of the attendant that was started to the system's log. Never waits: what does not go
 * through at once is counted, and the count is told later. */
void attendant_log(enum log_level level, const char *text);

/* Let it go: the server ends in order. attendant_end(NULL) does nothing. */
void attendant_end(struct attendant *a);

#endif
