/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is mounted, and taking a mount away.
 */
#ifndef CRYPTFS_CLI_MOUNTS_H
#define CRYPTFS_CLI_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#include "base/mountinfo.h"

struct mounts {
	struct mountinfo *entries; /* in the kernel's order: of two at one place the later is on top */
	size_t n;
};

/* Returns 0 or -errno. */
int mounts_load(struct mounts *m);
void mounts_free(struct mounts *m);

/* The mount that fd is in, or NULL. */
const struct mountinfo *mounts_of_fd(const struct mounts *m, int fd);

/* The id of the mount that a descriptor is in: number 'fd' of the process whose directory in /proc is 'proc' (AT_FDCWD:
 * of this one). Or -errno. Nothing is asked of the mount, which may be dead, or deny us all else. */
int mounts_id_of_fd(int proc, int fd);

/* What is on top at this absolute path, or NULL. */
const struct mountinfo *mounts_at(const struct mounts *m, const char *mountpoint);

enum mounts_state { MOUNTS_ALIVE, MOUNTS_DEAD, MOUNTS_UNREADABLE, MOUNTS_SILENT };

/* The last damage that a mount met. Words and the path may hold anything but NUL. */
struct mounts_damage {
	bool known;
	uint64_t when;	 /* seconds since 1970 */
	int64_t block;	 /* -1: none, or not known */
	int64_t inode;	 /* -1: not known */
	char kind[24];	 /* "block", "link", "attribute", "name", "directory-id" */
	char wrong[64];	 /* "does not open" */
	char doing[24];	 /* "read" */
	char path[2049]; /* on disk, from the vault's root; "": not known */
};

#define MOUNTS_KINDS 64

/* What a mount has counted since it began, and what it keeps; -1: not known. */
struct mounts_counts {
	int64_t read_bytes, written_bytes, requests, damaged;
	int64_t threads, busy_threads;
	int64_t inodes; /* that the kernel has asked about and not forgotten */
	int64_t directories, directories_max, listings, open_files, resting_files, unrecorded_files;
	struct mounts_kind {
		char name[24];
		int64_t n;
	} kinds[MOUNTS_KINDS]; /* of requests */
	size_t n_kinds;
};

/* What the process that serves a mount says of it (fs/session.h). */
struct mounts_status {
	enum mounts_state state;
	pid_t pid;     /* 0: not known */
	uint64_t since; /* seconds since 1970; 0: not known */
	int64_t idle;	/* seconds without use after which it is unmounted; -1: it stays, or not known */
	struct mounts_counts counts;
	struct mounts_damage damage;
	char mode[16]; /* "private", "shared"; empty: not known */
	struct mounts_sandbox {
		bool known;
		bool no_new_privs, capabilities, seccomp;
		int landlock; /* version, 0: off */
	} sandbox;
};

/* mounts_ask.c. Takes some seconds if there is no answer (MOUNTS_SILENT). Not with other threads about: it forks. */
void mounts_ask(const char *mountpoint, struct mounts_status *out);

/* mounts_parse.c. What the answer says; whoever serves the mount wrote it: it may hold anything. It is alive if the
 * answer is one. */
void mounts_parse(const char *text, size_t n, struct mounts_status *out);

/* Nothing is known, and the state is this. */
void mounts_unknown(struct mounts_status *out, enum mounts_state state);

/* Is the process behind this mount gone? */
bool mounts_is_dead(const char *mountpoint);

/* The first live mount of ours whose vault is the directory vault_fd, or NULL. */
const struct mountinfo *mounts_of_vault(const struct mounts *m, int vault_fd);

/* unmount.c. Unmount: the system call if we may, else fusermount3. lazy detaches it even if it is busy.
 * Returns 0, -EBUSY, or -errno (-EPERM: not ours to unmount). */
int unmount_path(const char *mountpoint, bool lazy);

#define _cleanup_mounts_ __attribute__((cleanup(mounts_free)))

#endif
