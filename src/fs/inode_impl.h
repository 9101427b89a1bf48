/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to inode.c (the table, and who counts on a node) and inode_name.c (where nodes are). */
#ifndef CRYPTFS_FS_INODE_IMPL_H
#define CRYPTFS_FS_INODE_IMPL_H

#include "fs/inode.h"

/* The node with the number of sb, one lookup counted, made if there is none. NULL without memory. */
struct node *inode_get(struct inode_table *t, const struct stat *sb);

/* Out of the table, but still counted on. The shard's lock is held. */
void inode_orphan(struct inode_table *t, struct node *n);

/* Free names that were taken out of a node. The last one's parent is returned, to be unref'd by a caller that
 * goes up in a loop: only what has several names, no directory, makes this go deeper. */
struct node *inode_free_names(struct inode_table *t, struct node_name *names);

#endif
