/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The device through which the kernel talks, between it and libfuse: what libfuse 3.14 neither asks the kernel for nor
 * hands on.
 *
 * FUSE_HANDLE_KILLPRIV_V2 (linux/fuse.h, Linux 5.11): set-id bits are ours to take away. Without it the kernel asks for
 * "security.capability" before every write(2), in case there is one to be removed; with it once an inode, and it
 * says with a request whether bits have to go.
 */
#ifndef CRYPTFS_FS_CHANNEL_H
#define CRYPTFS_FS_CHANNEL_H

#include <stdbool.h>

#include <fuse_lowlevel.h>

struct fs;

/* Between mounting and the first request. Returns 0 or -ENOMEM. */
int channel_take(struct fs *fs);

/* Does the request, which this thread has read, want set-id bits to be taken away? A write, a truncation, an
 * open. A kernel that cannot say so takes them away by itself, but for an open that truncates: it does not hurt
 * to do so too. */
bool channel_kills_set_id(fuse_req_t req);

#endif
