/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SIGTERM, SIGINT and SIGHUP end a mount as an unmount does: what programs have written and the kernel
 * still holds is fetched first.
 */
#ifndef CRYPTFS_FS_SIGNALS_H
#define CRYPTFS_FS_SIGNALS_H

#include <fuse_lowlevel.h>

struct signals;

/* Block them in the calling thread and those it makes later, and start one that waits for them. Returns 0
 * or -errno. */
int signals_start(struct fuse_session *se, const char *mountpoint, struct signals **out);
void signals_stop(struct signals *s);

#endif
