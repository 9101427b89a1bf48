/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A notification on the desktop, by way of the session's bus. */
#ifndef CRYPTFS_DESKTOP_NOTIFICATION_H
#define CRYPTFS_DESKTOP_NOTIFICATION_H

#include <stdbool.h>

struct notification {
	const char *summary; /* plain text */
	const char *body;    /* some desktops read markup here */
	bool urgent;	     /* stays until somebody has seen it */
};

/* Could one be shown? Returns 0, or -errno as in struct desktop_answer (desktop.h). */
int notification_probe(void);

/* Show it. Returns when it is shown, 0 or -errno as above. */
int notification_show(const struct notification *n);

#endif
