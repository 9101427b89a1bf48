/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What ends a mount from within. SIGTERM, SIGINT and SIGHUP do so as an unmount does: what programs have written and
 * the kernel still holds is fetched first. SIGUSR2 does unless the mount is in use. With a limit
 * (session_options.idle) so does not being used for so long, but only if nothing keeps the mount busy.
 */
#ifndef CRYPTFS_FS_SIGNALS_H
#define CRYPTFS_FS_SIGNALS_H

#include "fs/fs.h"

struct signals;

/* Block them in the calling thread and those it makes later: before the mount, so that none leaves it behind. */
void signals_block(void);

/* Start a thread that waits for them. fs is mounted, has its loop, and its seeker runs. Returns 0 or -errno. */
int signals_start(struct fs *fs, struct signals **out);

/* Returns 0, or -errno if a signal came and not all that the kernel held could be fetched. */
int signals_stop(struct signals *s);

#endif
