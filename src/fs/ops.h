/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The callbacks, a file for each kind. Each decodes its request, makes one call into the store, and ends
 * in one reply. Private to src/fs.
 */
#ifndef CRYPTFS_FS_OPS_H
#define CRYPTFS_FS_OPS_H

#include "fs/fs.h"

void ops_node_install(struct fuse_lowlevel_ops *ops);
void ops_dir_install(struct fuse_lowlevel_ops *ops);
void ops_list_install(struct fuse_lowlevel_ops *ops);
void ops_list_end(struct fs *fs); /* close what the kernel has left open, before the nodes go */
void ops_file_install(struct fuse_lowlevel_ops *ops);
void ops_xattr_install(struct fuse_lowlevel_ops *ops);

#endif
