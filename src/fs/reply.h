/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The only place where 0 or -errno becomes a FUSE reply. Every callback ends in exactly one of these, with
 * no lock held, and no node: the kernel may have forgotten it before the call returns (tests/lint/replies.sh).
 */
#ifndef CRYPTFS_FS_REPLY_H
#define CRYPTFS_FS_REPLY_H

#include "fs/fs.h"

/* The errno a program sees for one of ours: damage of every kind is EIO. r is negative. */
int reply_errno(int r);

/* r is 0 or -errno. */
void reply_result(fuse_req_t req, int r);

/* The same for what may lose data if it fails: the kernel, writing back, tells an error once, and who hears of an
 * interrupt asks again and is told that all is well. */
void reply_stored(fuse_req_t req, int r);

/* An entry: r is the result so far, n the node with one lookup counted for the kernel, which is given back
 * if the kernel does not take the reply. */
void reply_entry(fuse_req_t req, int r, struct node *n, const struct stat *sb);

/* There is no such entry; in private mode the kernel remembers that. */
void reply_negative(fuse_req_t req);

void reply_attr(fuse_req_t req, int r, const struct stat *sb);

/* n bytes of buf, or -errno in n. */
void reply_data(fuse_req_t req, const void *buf, ssize_t n);

/* What getxattr and listxattr want: with size 0 the length, else the data. */
void reply_xattr(fuse_req_t req, const void *buf, size_t size, ssize_t n);

/* The entry as it goes into a reply (also into readdirplus). */
void reply_fill_entry(struct fs *fs, struct node *n, const struct stat *sb, struct fuse_entry_param *e);

#endif
