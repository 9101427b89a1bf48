/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Telling a service manager how far we are, by the protocol of sd_notify(3).
 */
#ifndef CRYPTFS_CLI_NOTIFY_H
#define CRYPTFS_CLI_NOTIFY_H

/* Connect to the socket that $NOTIFY_SOCKET names, and forget that variable, which is not for our children. Returns a
 * descriptor, or -1 if there is nobody to tell. Before the powers are given up: notify_say only writes. */
int notify_open(void);

/* One datagram, "READY=1" and the like. fd may be -1. From any thread. */
void notify_say(int fd, const char *text);

#endif
