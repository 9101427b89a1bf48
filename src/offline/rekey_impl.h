/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to rekey.c, rekey_file.c and rekey_pool.c.
 */
#ifndef CRYPTFS_OFFLINE_REKEY_IMPL_H
#define CRYPTFS_OFFLINE_REKEY_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "offline/rekey.h"

#define REKEY_CAPABILITY_MAX 64

/* A file that is to be sealed anew. */
struct rekey_file {
	int fd;
	char *path;   /* for messages */
	char *cipher;
	struct stat sb; /* as it was: times and mode stay */
	ssize_t capability_len; /* of security.capability, which writing takes away; or -1 */
	uint8_t capability[REKEY_CAPABILITY_MAX];
	int damaged;  /* 0, or why some of it does not open, -errno */
};

void rekey_file_free(struct rekey_file *f);

#define REKEY_BATCH 32 /* files of a thread that share one sync */
#define REKEY_QUEUE 64

struct rekey {
	struct store *st;
	const struct rekey_options *opt;
	int root_fd;		/* the root, opened before anything was changed: its syncfs tells of all that failed */
	pthread_mutex_t lock;	/* of what follows */
	pthread_cond_t more;	/* there is something to do, or nothing will come any more */
	pthread_cond_t room;
	struct rekey_file queue[REKEY_QUEUE];
	size_t first, n;
	bool closed;
	size_t room_for, batch; /* files that wait, and those of a thread: at most as many as the two constants say */
	unsigned int threads;
	pthread_t thread[REKEY_JOBS_MAX];
	int error;		/* the first that ends the run, -errno */
	pthread_mutex_t tell;	/* trouble: one at a time */
	_Atomic uint64_t left;
	bool stopped;		/* the walk's: nothing is done any more */
};

/* The pages of a file but the first, and its attributes: read, opened, sealed under the present key, written. What
 * does not open is passed over. Returns 0 with *last whether the first page is still to be done, or -errno. */
int rekey_file_pages(struct rekey *r, struct rekey_file *f, bool *last);

/* The first page, when the others are on the disk: from then on the file is one of the present epoch. Then its times
 * and mode are what they were. */
int rekey_file_first(struct rekey *r, struct rekey_file *f);

/* Attributes of what a descriptor refers to, if need be with its mode set for a moment. As xattr_renew. */
int rekey_attributes(struct rekey *r, int fd);

/* The vault's root, or -errno. */
int rekey_open_root(const struct rekey *r);

/* Let memory go of what is there of a file, so that the disk tells it: a run that came to an end because something
 * could not be written leaves what is new in memory alone. Returns 0 or -errno. */
int rekey_forget(const struct rekey *r, int fd);
int rekey_forget_at(const struct rekey *r, const struct dir *d, const char *disk);

/* Returns 0 or -errno. */
int rekey_pool_start(struct rekey *r);

/* Give a file to the threads; it is theirs from then on. Returns 0, or what has ended the run. */
int rekey_pool_add(struct rekey *r, struct rekey_file *f);

/* Wait until all is done, or if 'stop' until what is being done is, and end the threads. */
void rekey_pool_end(struct rekey *r, bool stop);

/* One file at once, with a sync of its own. */
void rekey_one(struct rekey *r, struct rekey_file *f);

void rekey_tell(struct rekey *r, enum rekey_trouble what, const char *path, const char *cipher, int err);

static inline bool rekey_stops(const struct rekey *r)
{
	return r->opt->stop && r->opt->stop(r->opt->arg);
}

#endif
