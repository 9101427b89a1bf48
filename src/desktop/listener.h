/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two sides share: desktop.c is the server's, listener.c that of the process beside it. */
#ifndef CRYPTFS_DESKTOP_LISTENER_H
#define CRYPTFS_DESKTOP_LISTENER_H

#include <stdint.h>
#include <sys/types.h>

#include "desktop/desktop.h"

/* A packet from the server: an enum desktop_event, or the last one. */
enum listener_last { LISTENER_ENDED = 64, LISTENER_FAILED };

/* The life of the process, at the end fd of the pair. The first that it sends is a struct desktop_answer. */
_Noreturn void listener_main(int fd, const struct desktop_options *o, pid_t server);

#endif
