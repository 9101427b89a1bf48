/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What logind (systemd's, or elogind) says on the system bus: that the system is about to sleep, which it delays for a
 * while as we ask, and that a screen is locked.
 */
#ifndef CRYPTFS_DESKTOP_LOGIND_H
#define CRYPTFS_DESKTOP_LOGIND_H

#include <stdbool.h>

struct logind;
struct pollfd;

enum logind_event {
	LOGIND_SLEEP,	/* soon: when logind_let_go is called, or after some seconds */
	LOGIND_AWAKE,	/* again */
	LOGIND_SCREEN,	/* a screen of the user's has been locked */
};
typedef void logind_fn(void *arg, enum logind_event event);

/* Listen. Returns 0, or -errno as in struct desktop_answer (desktop.h). */
int logind_open(bool sleep, bool screen, logind_fn *fn, void *arg, struct logind **out);
void logind_close(struct logind *l);

/* What to wait for, and how long at most in milliseconds (-1: for ever); then hear what there is. Returns 0, or -errno
 * if the connection is lost. */
int logind_pollfd(struct logind *l, struct pollfd *p);
int logind_process(struct logind *l);

/* The system may sleep; and is to wait the next time. Returns 0 or -errno. */
void logind_let_go(struct logind *l);
int logind_hold(struct logind *l);

#endif
