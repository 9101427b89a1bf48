/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to tender.c, the thread and its list, and tender_pass.c, what it does with the files. */
#ifndef CRYPTFS_FS_TENDER_IMPL_H
#define CRYPTFS_FS_TENDER_IMPL_H

#include <pthread.h>

#include "fs/tender.h"

/* So many of those that have failed are tried again in a pass. */
#define TENDER_LATE 256

/* Chained by themselves, so that there is always memory for one more; each counted, each marked 'tended'. */
struct tender_list {
	struct node *first;
	struct node *last;
	size_t n;
};

struct tender {
	struct fs *fs;
	pthread_t thread;
	pthread_mutex_t lock; /* guards the rest but for 'late'; after an inode's lock, before none */
	pthread_cond_t wake;
	bool stop;
	struct tender_list list;
	size_t n_late;	      /* in 'late', when a pass last ended */
	struct tender_list late; /* failed before; of whoever makes the passes */
};

void tender_push(struct tender_list *l, struct node *n);

/* Everything on the list, and of those that have failed before as many as 'late' says: what the disk has of them is
 * recorded as durable. What fails, and may not fail another time, is kept for a later pass; nothing is tried
 * twice in one. */
void tender_pass(struct tender *t, size_t late);

/* The last of all: what is still open as well, for the kernel need not have released it. */
void tender_last_pass(struct tender *t);

#endif
