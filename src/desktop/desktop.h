/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small process beside the one that serves a mount (the server, here): it listens to the system for when the mount is
 * to be locked, that is unmounted, and tells people by notifications of what happens to it. Only there libsystemd is
 * loaded. It has no key and nothing of the vault; of the server it has one end of a socket, and the right to send a
 * signal: doc/decisions/0006-locking-by-itself.md.
 *
 * It belongs to no terminal, heeds no signal but SIGKILL, and ends when the server has. Without it the server goes on.
 */
#ifndef CRYPTFS_DESKTOP_DESKTOP_H
#define CRYPTFS_DESKTOP_DESKTOP_H

#include <stdbool.h>
#include <stdint.h>

struct desktop;

struct desktop_options {
	const char *mountpoint; /* to be shown: UTF-8, without control characters */
	bool on_sleep;		/* lock before the system sleeps */
	bool on_screen;		/* lock when a screen of this user's is locked */
	bool force;		/* even if the mount is in use */
	bool notify;
};

/* What a mount is asked by, which must not end by it before it is up. */
#define DESKTOP_SIGNAL_LOCK SIGUSR2
#define DESKTOP_SIGNAL_FORCE SIGTERM

/*
 * What can be had of it: 0, or -EOPNOTSUPP (built without it, or libsystemd is missing here), -EHOSTUNREACH (nobody is
 * there), -EACCES, -ETIMEDOUT, -errno.
 */
struct desktop_answer {
	int32_t lock;	/* if this is not 0 there is no such process */
	int32_t notify; /* if this is not 0 there will be no notifications */
};

/* Fork it, and wait until it listens. The caller is to be the server, and has no keys and no other threads yet; SIGPIPE
 * is ignored. Returns 0, with an answer and, if that leaves it something to do, *out; or -errno. */
int desktop_start(const struct desktop_options *o, struct desktop **out, struct desktop_answer *answer);

/* What happens to the mount. From any thread; never waits, and says nothing about errors. desktop_tell(NULL) does
 * nothing. */
enum desktop_event {
	DESKTOP_UP,	 /* it is there: from now on the signals above mean what they should */
	DESKTOP_DAMAGED, /* something in the vault is; the first time counts */
	DESKTOP_BUSY,	 /* it was to be locked, and is not */
	DESKTOP_IDLE,	 /* it is about to end by itself, as nobody uses it */
};
void desktop_tell(struct desktop *d, enum desktop_event event);

/* The server is about to exit: in order, or with an error that has been logged. Without it, it has died. Its keys
 * are gone by now. */
void desktop_end(struct desktop *d, bool well);

/* Is there anything of it in this build? */
bool desktop_is_built(void);

#endif
