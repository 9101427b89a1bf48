/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An unlocked vault on its backing directory: what every function of this room needs. Knows
 * descriptors and keys, not FUSE.
 */
#ifndef CRYPTFS_STORE_STORE_H
#define CRYPTFS_STORE_STORE_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "store/sidefile.h"
#include "vault/vault.h"

/* Damage that shows in no result, or in one of many calls. */
enum store_damage {
	STORE_DAMAGED_NAME, /* an entry has a name that does not open, and is passed over */
	STORE_DAMAGED_ID,   /* a directory's ID does not open */
	STORE_MISSING_ID,   /* it has none */
};

/* ino is that of the directory, disk that of the entry's name, or NULL. */
typedef void store_damage_fn(void *arg, enum store_damage what, ino_t ino, const char *disk);

struct store {
	const struct vault *vault; /* unlocked; not ours */
	int root_fd;		   /* not O_PATH; not ours */
	dev_t dev;		   /* every entry lies on this device */
	bool read_only;
	bool hide_sizes;
	bool stacked;		   /* pages belong to a filesystem below: sync_file_range does nothing */
	bool by_page;		   /* only pages that were changed are written out, whatever lies around them */
	bool logged;		   /* fsync keeps a log whose replay may bring back some names without others */
	bool acls;		   /* the filesystem below keeps POSIX ACLs, and makes new entries inherit them */
	bool alone;		   /* private mode: nobody else changes the vault, and the kernel, with its
				    * writeback cache, alone knows when a file was written */
	pthread_rwlock_t modes;	   /* see store/force.h; innermost but for the side files' */
	_Atomic ino_t told_mounted; /* of which directory it was last said that something is mounted in it */
	struct sidefile_queue side;
	store_damage_fn *damaged;  /* told of damage; NULL: it is logged */
	void *damaged_arg;
};

/* Returns 0 with *out, to be given to store_free, or -errno. vault and root_fd must outlive it. */
int store_open(const struct vault *vault, int root_fd, bool read_only, struct store **out);
void store_free(struct store *st);

/* Status of what is an entry of the vault: name below fd, or fd itself if that is empty. Returns 0; -EXDEV if
 * it is none, since something is mounted there (*sb is that's); or -errno. */
int store_status(const struct store *st, int fd, const char *name, struct stat *sb);

/* Tell of damage. */
void store_tell_damage(const struct store *st, enum store_damage what, ino_t ino, const char *disk);

/* Put everything written so far on the disk (syncfs). Returns 0 or -errno. */
int store_sync(struct store *st);

/* Return once every side file made before the call is on disk: what needs one may be acknowledged then, or
 * be tied to it by a rename. Returns 0 or -errno. */
int store_drain(struct store *st);

/* Put the names in the directory fd on disk, side files first. Returns 0 or -errno. */
int store_sync_dir(struct store *st, int fd);

/* Is r what this room says of what is damaged or tampered with? */
static inline bool store_is_damage(int r)
{
	return r == -EBADMSG || r == -EUCLEAN;
}

#endif
