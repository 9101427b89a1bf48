/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the callbacks of one mount share. Private to src/fs.
 */
#ifndef CRYPTFS_FS_FS_H
#define CRYPTFS_FS_FS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include <fuse_lowlevel.h>

#include "base/cleanup.h"
#include "fs/damage.h"
#include "fs/idle.h"
#include "fs/inode.h"
#include "fs/linger.h"
#include "fs/listings.h"
#include "fs/rest.h"
#include "fs/session.h"
#include "fs/tally.h"
#include "sandbox/sandbox.h"
#include "store/store.h"

struct tender;
struct seeker;
struct loop;

/* Directories whose descriptor and ID are at hand; the rest is reopened by location. */
struct dircache {
	pthread_mutex_t lock;
	struct node head;	/* of the ring: lru_next is the latest used, lru_prev the earliest */
	size_t n;
	size_t max;
};

/* Renames and removals in progress: between what they do below and what they note of it, locations lead astray.
 * Who finds one that does tries again if 'begun' has gone beyond what 'done' was before. */
struct moves {
	_Atomic uint64_t begun;
	_Atomic uint64_t done;
};

struct fs {
	struct store *st;
	const struct session_options *opt;
	struct fuse_session *se;
	struct loop *loop;
	struct sandbox_state sandbox;
	uint64_t handshake;	/* the first request's number if channel.c has added to its reply, else 0 */
	int broken;		/* a pipe that nobody reads: see session_hang_up */
	struct inode_table inodes;
	struct dircache dirs;
	struct moves moves;
	struct listings listings;
	struct linger linger;
	struct idle idle;
	struct rest rest;
	struct tally tally;
	struct damage damage;
	_Atomic uint64_t open_files; /* nodes with content, for the status */
	struct tender *tender;
	struct seeker *seeker;
	bool read_only;
	bool shared;		/* coherency mode */
	bool no_opendir;	/* the kernel can do without */
	bool no_flush;		/* the same */
	bool serve_others;	/* root for other users: entries belong to the caller */
	double timeout;		/* of names and attributes, seconds */
	time_t since;
	void (*ready)(void *arg);
	void *ready_arg;
};

static inline struct fs *fs_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static inline void fs_tell(const struct fs *fs, enum session_event event)
{
	if (fs->opt->tell)
		fs->opt->tell(event, fs->opt->tell_arg);
}

/* The kernel puts a reply before every request that names what was in it (a node id, a handle).
 * ThreadSanitizer cannot see that, and is told. */
#if defined(__SANITIZE_THREAD__)
void __tsan_acquire(void *p);
void __tsan_release(void *p);
#define fs_hand_out(p) __tsan_release(p)
#define fs_hand_in(p) __tsan_acquire(p)
#else
#define fs_hand_out(p) ((void)(p))
#define fs_hand_in(p) ((void)(p))
#endif

static inline struct node *fs_node(struct fs *fs, fuse_ino_t ino)
{
	struct node *n = ino == FUSE_ROOT_ID ? &fs->inodes.root : (struct node *)(uintptr_t)ino;
	fs_hand_in(n);
	return n;
}

static inline fuse_ino_t fs_ino(struct fs *fs, const struct node *n)
{
	return n == &fs->inodes.root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)n;
}

static inline struct fs *fs_move_begin(struct fs *fs)
{
	atomic_fetch_add(&fs->moves.begun, 1);
	return fs;
}

static inline void fs_move_end(struct fs **fs)
{
	atomic_fetch_add(&(*fs)->moves.done, 1);
}

/* From here to the end of the block names are being moved. */
#define SCOPED_MOVE(fs) \
	struct fs *scoped_move_ _cleanup_(fs_move_end) __attribute__((unused)) = fs_move_begin(fs)

_Static_assert(sizeof(fuse_ino_t) >= sizeof(void *), "a node id holds an address");

#endif
