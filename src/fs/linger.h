/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Waiting for a request without going to sleep. Where a program makes one call after another, most of what each costs
 * is waking our thread on another processor, some 20 us on a virtual machine, and the next request comes within
 * some 50 us of the last reply. So a thread that has nothing to do looks out for one for a moment before it sleeps:
 * one thread at a time, only while requests have lately come so soon that it pays, and never on a single processor.
 */
#ifndef CRYPTFS_FS_LINGER_H
#define CRYPTFS_FS_LINGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct linger {
	bool use;
	_Atomic bool taken;	/* somebody does */
	_Atomic int64_t since;	/* when a thread was last ready for a request, ns */
	_Atomic int64_t gap;	/* how long one was waited for then, lately and on average, ns */
};

void linger_init(struct linger *l);

/* Before a request is read from fd: wait for one, but not for long. */
void linger_wait(struct linger *l, int fd);

/* One has been read. */
void linger_note(struct linger *l);

#endif
