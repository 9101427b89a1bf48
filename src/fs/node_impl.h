/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to node.c, node_dir.c and node_file.c. */
#ifndef CRYPTFS_FS_NODE_IMPL_H
#define CRYPTFS_FS_NODE_IMPL_H

#include "fs/node.h"

/* Trying again when a rename or removal got in between: see struct moves. */
struct node_try {
	struct fs *fs;
	uint64_t done;
	int tries;
};

struct node_try node_try_begin(struct fs *fs);

/* It led astray. Returns true if it is worth another try, having waited a moment. */
bool node_try_again(struct node_try *t);

/* Open by location or pin with these flags, and make sure that it is the inode. */
int node_open(struct fs *fs, struct node *n, int flags, int *out);

#endif
