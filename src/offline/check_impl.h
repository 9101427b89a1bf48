/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to check.c, check_dirs.c, check_walk.c and check_names.c. */
#ifndef CRYPTFS_OFFLINE_CHECK_IMPL_H
#define CRYPTFS_OFFLINE_CHECK_IMPL_H

#include <pthread.h>
#include <sys/stat.h>

#include "offline/check_file.h"
#include "store/dir.h"

#define CHECK_QUEUE 128u       /* files waiting for a thread */
#define CHECK_LIST_BUFFER 32768u

/* The hashes of long link targets in a directory: side files there, or links that need one. */
struct check_hashes {
	uint8_t (*h)[NAME_HASH_LEN];
	size_t n;
	size_t cap;
};

/* A directory on the way from the root to what is being looked at. It lives while it waits, is looked at, or has
 * something below it that does; its descriptor may be closed and opened again meanwhile. */
struct check_dir {
	struct check_dir *parent; /* NULL: the root */
	char *disk;
	char *plain;		/* NULL: its name does not open */
	struct dir d;		/* the lock in it is not used */
	dev_t dev;
	bool entered;		/* opened, its ID read */
	bool named;		/* it has an ID: names in it can be opened */
	off_t at;		/* where its listing goes on */
	struct check_hashes sides, links;
	bool links_unsure;	/* there may be links that are not in it */
	bool any, opened, shut;	/* there are names but the format's own; some open; some do not */
	/* Under check.dirs: */
	unsigned int refs;
	unsigned int pins;	/* users of the descriptor */
	struct check_dir *newer, *older; /* of those with a descriptor */
	/* Under check.lock: */
	struct check_dir *below; /* in the stack of those that wait */
};

/* A file that waits, or is looked at. */
struct check_item {
	struct check_dir *dir;
	char disk[NAME_DISK_SIZE];
	char plain[NAME_PADDED_MAX + 1]; /* "" if the name does not open */
};

/* A large file: its blocks are handed out to all threads in pieces. */
struct check_large {
	const struct check_file *file;
	const struct check_sink *sink;
	uint64_t step;	    /* blocks a piece */
	uint64_t next;	    /* block; under check.lock, as what follows */
	unsigned int users;
	int error;
	struct check_large *other;
};

/* Inode numbers seen; 0 is a free place. */
struct check_inodes {
	ino_t *ino;
	size_t n;
	size_t cap;
};

struct check {
	struct store *st;
	const struct check_options *opt;
	struct check_counts *counts;

	pthread_mutex_t found; /* held over the call to opt->found; leaf */

	pthread_mutex_t dirs;  /* descriptors of directories and their count; leaf, held over opening them */
	struct check_dir *newest, *oldest;
	size_t n_open, max_open;

	pthread_mutex_t lock;  /* what follows; leaf */
	pthread_cond_t more;   /* there is more to do, or nothing any more */
	pthread_cond_t ended;  /* 'done' is set, for the calling thread */
	bool running;	       /* there are threads to leave things to */
	struct check_dir *stack;
	struct check_item *queue; /* CHECK_QUEUE of them, a ring */
	size_t queue_first, queue_n;
	struct check_large *large;
	unsigned int busy;	/* threads that may still make work */
	bool done;
	int error;
	struct check_inodes seen; /* with several links */
};

/* ---- check.c ---- */

/* Tell of it. The entry 'disk' in dir, called 'plain' ("" or NULL: its name does not open); disk NULL: dir
 * itself. */
struct check_place {
	const struct check_dir *dir;
	const char *disk;
	const char *plain;
};
void check_tell(struct check *c, enum check_kind kind, struct check_place at);
void check_tell_range(struct check *c, enum check_kind kind, struct check_place at, uint64_t offset,
		      uint64_t length);
void check_tell_xattr(struct check *c, struct check_place at, const char *name);

/* Something could not be looked at: the kind that fits err (negative), or the end of it all. */
void check_failed(struct check *c, int err, struct check_place at);

/* Stop: err (negative) is what check_run returns. */
void check_stop(struct check *c, int err);

/* ---- check_dirs.c: directories and their descriptors ---- */

/* A directory below parent (whose count of references rises), or with NULL the root. NULL without memory. */
struct check_dir *check_dirs_new(struct check *c, struct check_dir *parent, const char *disk, const char *plain);

/* One reference more, and one less: who lets the last one go lets go of the directory above, too. */
void check_dirs_keep(struct check *c, struct check_dir *d);
void check_dirs_drop(struct check *c, struct check_dir *d);

/* Have its descriptor open until check_dirs_release. Returns 0 or -errno. */
int check_dirs_hold(struct check *c, struct check_dir *d);
void check_dirs_release(struct check *c, struct check_dir *d);

/* Open without leaving a trace in the access time, where that may be had. Returns a descriptor or -errno. */
int check_dirs_open(int dirfd, const char *disk, int flags);

/* ---- check_walk.c: the threads, and what waits for them ---- */

/* Have it looked at; its reference goes over. */
void check_walk_push(struct check *c, struct check_dir *d);

/* The same for a file, whose directory is held by the caller; may do it now. */
void check_walk_file(struct check *c, const struct check_item *item);

/* Verify all blocks of a file, with the help of other threads if it is a large one. Returns 0 or -errno. */
int check_walk_blocks(struct check *c, const struct check_file *f, const struct check_sink *sink);

/* What a thread does until all is done. */
void *check_walk_thread(void *check);

/* ---- check_names.c: what lies in a directory ---- */

/* The directory has been opened: its ID and attributes. Returns 0, or -errno if it cannot be listed. */
int check_names_enter(struct check *c, struct check_dir *d);

/* An entry of a directory that is held, by its name. Directories found are put into *children (linked by
 * 'below'). */
void check_names_entry(struct check *c, struct check_dir *d, const char *disk, struct check_dir **children);

/* All entries have been seen. */
void check_names_leave(struct check *c, struct check_dir *d);

/* A file, its directory being held. */
void check_names_file(struct check *c, const struct check_item *item);

#endif
