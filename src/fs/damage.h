/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Damage that a mount meets: all of it ends in damage_take, which counts it, remembers the last, and logs it, but not
 * every time. Damage is what does not open: blocks, link targets, attributes, names, directory IDs; changed by
 * somebody, spoiled by the disk, or of a newer cryptfs. Where it is is told by names on disk, from the vault's root.
 */
#ifndef CRYPTFS_FS_DAMAGE_H
#define CRYPTFS_FS_DAMAGE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "fs/choke.h"
#include "store/store.h"

struct fs;
struct node;

/* Longer paths lose their beginning. */
#define DAMAGE_PATH 2048

enum damage_kind {
	DAMAGE_CONTENT,	  /* a block of a file */
	DAMAGE_LINK,	  /* a symbolic link's target */
	DAMAGE_ATTRIBUTE, /* an extended attribute */
	DAMAGE_NAME,	  /* an entry's name, or its side file */
	DAMAGE_ID,	  /* a directory's ID */
};

struct damage_found {
	enum damage_kind kind;
	bool block_known;
	bool missing;	   /* there is nothing, or but zeros; else it is there and does not open */
	bool newer;	   /* it may be whole, but a newer cryptfs has sealed it */
	uint64_t block;	   /* whose page begins at block * CONTENT_PAGE */
	ino_t ino;	   /* below; of a name, the directory's */
	time_t when;
	const char *doing; /* "read": what somebody asked for; static text */
	char path[DAMAGE_PATH]; /* on disk, from the vault's root, which is "."; "" if nothing has a name any more */
};

struct damage {
	pthread_mutex_t lock; /* guards the rest; a leaf */
	uint64_t count;	      /* how often damage was met; one block read twice is twice */
	struct damage_found last;
	struct choke choke;
};

void damage_init(struct damage *d);

/* r is what doing something with a node has come to: if that is damage, report it. Content: at once, in the thread that
 * met it, which knows the block (store/badblock.h). */
void damage_report(struct fs *fs, struct node *n, enum damage_kind kind, const char *doing, int r);

/* What the store tells of by itself; arg is the struct fs. A store_damage_fn. */
void damage_told(void *arg, enum store_damage what, ino_t ino, const char *disk);

/* How often there was damage; if at all, *last is the last. */
uint64_t damage_get(struct damage *d, struct damage_found *last);

/* At the end, if something was left unsaid: say so. */
void damage_end(struct damage *d);

/* "block 17", "link": what it was, in out. "does not open", "is missing", "...": what is wrong with it. */
#define DAMAGE_WHAT 32
void damage_what(char out[static DAMAGE_WHAT], const struct damage_found *found);
const char *damage_wrong(const struct damage_found *found);

/* The name of a kind in the status: "block", "link", "attribute", "name", "directory-id". */
const char *damage_kind_name(enum damage_kind kind);

#endif
