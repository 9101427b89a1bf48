/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What of --lock-on and --notify can be had here, in words.
 */
#ifndef CRYPTFS_CLI_LISTEN_H
#define CRYPTFS_CLI_LISTEN_H

#include "desktop/desktop.h"

/* Start the process that listens, if anything is asked for that needs it. Without the locking that is asked for there
 * is to be no mount; without notifications there is one, and a note. Returns 0 or an exit code with the reason said. */
int listen_start(const struct desktop_options *asked, const char *mountpoint, bool quiet, struct desktop **out);

#endif
