/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The background thread: puts side files on disk soon after they are made, and every half minute records
 * as durable what has reached the disk (doc/format.md 3.3). Off every hot path.
 */
#ifndef CRYPTFS_FS_TENDER_H
#define CRYPTFS_FS_TENDER_H

#include "fs/fs.h"

/* Start it; not for a read-only mount. Returns 0 or -errno. */
int tender_start(struct fs *fs, struct tender **out);

/* This regular file has more content than its durable length says: look after it. Does nothing if t is
 * NULL or it is on the list. Thread-safe. */
void tender_add(struct tender *t, struct node *n);

/* How many files wait for it. 0 if t is NULL. Thread-safe. */
size_t tender_waiting(struct tender *t);

/* Stop the thread, then record everything as durable, when no request is served any more. */
void tender_stop(struct tender *t);

#endif
