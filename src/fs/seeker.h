/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What has to wait until the kernel has written back: SEEK_DATA and SEEK_HOLE, and capabilities set on a file, where it
 * may hold data back, in its writeback cache or in a page that was mapped and written to. It asks us without writing
 * back first.
 * So we have it write back, by telling it to drop its pages of the file; it does that before the call
 * returns, and sends us WRITEs meanwhile. That must not happen in a thread that serves requests, or all
 * of them could wait for each other: one thread of its own does it.
 */
#ifndef CRYPTFS_FS_SEEKER_H
#define CRYPTFS_FS_SEEKER_H

#include <fuse_lowlevel.h>

#include "store/file.h"

struct seeker;

/* Returns 0 or -errno. */
int seeker_start(struct fuse_session *se, struct seeker **out);
/* From now on questions are answered at once, with what the daemon knows; returns when those before have been.
 * For the end, while requests are still served: the kernel must get its replies meanwhile. */
void seeker_retire(struct seeker *s);

void seeker_stop(struct seeker *s);

/* Call then(arg), from that thread (or at once, when retired), when the kernel has written the file back. Returns 0, or
 * -ENOMEM and does not call it. */
typedef void seeker_then(void *arg);
int seeker_after(struct seeker *s, fuse_ino_t ino, seeker_then *then, void *arg);

/* Have it answered once the kernel has written back. f is held by the open file that the request is for. */
void seeker_ask(struct seeker *s, fuse_req_t req, fuse_ino_t ino, struct file *f, off_t off, int whence);

/* Answer now. */
void seeker_reply(fuse_req_t req, struct file *f, off_t off, int whence);

#endif
