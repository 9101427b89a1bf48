/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One mount from beginning to end: options, capabilities, threads, signals, teardown. The only door
 * into src/fs.
 */
#ifndef CRYPTFS_FS_SESSION_H
#define CRYPTFS_FS_SESSION_H

#include <stdbool.h>

#include "sandbox/attendant.h"
#include "vault/vault.h"

/* What somebody beside the mount may want to know. */
enum session_event {
	SESSION_DAMAGED, /* damage was met; each time */
	SESSION_BUSY,	 /* SIGUSR2 came, and the mount stays */
	SESSION_IDLE,	 /* it has been unmounted, as nobody used it for so long */
};

struct session_options {
	const char *vault_path; /* absolute; shown as the source of the mount */
	const char *mountpoint; /* absolute */
	const char *fuse_opts;	/* comma-separated, for FUSE and the kernel; NULL for none */
	bool read_only;
	bool allow_other;
	bool shared;		/* shared coherency mode, whatever the settings say */
	unsigned int idle;	/* unmount after so many seconds without use; 0: never */
	bool debug;		/* libfuse's own trace on stderr */
	bool no_sandbox;	/* keep all powers (sandbox/sandbox.h) */
	void (*tell)(enum session_event event, void *arg); /* from any thread, not to wait; or NULL */
	void *tell_arg;
	struct attendant *attendant; /* that knows this mount point; stays the caller's */
};

/*
 * Mount the unlocked vault whose directory is root_fd (open for reading, not O_PATH; locked by the
 * caller) and serve it until it is unmounted, has been idle for too long, or SIGTERM, SIGINT or SIGHUP
 * arrives (or SIGUSR2, unless it is in use); then write back, raise what is durable, unmount. The process
 * gives up its powers on the way, for good. ready(arg) is called once, from another thread, when the kernel and
 * we have shaken hands. Call it from a process without other threads, after the last fork.
 *
 * Returns 0 after a clean end; SESSION_MOUNT_FAILED if the mount never came up (the reason has been
 * logged); or -errno.
 */
#define SESSION_MOUNT_FAILED 1
int session_run(const struct vault *v, int root_fd, const struct session_options *opt,
		void (*ready)(void *arg), void *arg);

/*
 * Name of the extended attribute of a mount's root that holds its status as a JSON object. Readable by whoever may use
 * the mount, not listed. Its members:
 *
 *   version, pid, vault (left out if it is no UTF-8, or very long), mode ("private" or "shared"), read_only,
 *   since            seconds since 1970
 *   idle             its limit in seconds, if it has one
 *   sandbox          what is in force of sandbox/sandbox.h: no_new_privs, capabilities, landlock, seccomp
 *   read_bytes, written_bytes   plaintext of files that went to and came from the kernel since the mount
 *   requests, requests_by_kind  of the kernel, and an object with those of each kind (fs/tally.h) there were any of
 *   damaged          how often damage was met (fs/damage.h)
 *   last_damage      null, or an object: when (seconds since 1970), kind, block (or null), wrong and doing (words
 *                    for people), inode, path (names on disk from the vault's root, or null)
 *   inodes           nodes that the kernel, or something here, counts on
 *   caches           directories, directories_max, listings, open_files, resting_files (of those: have been closed),
 *                    unrecorded_files (wait for their durable length to be raised)
 *   threads, busy_threads
 */
#define SESSION_STATUS_XATTR "cryptfs.status"

/* It is never longer. */
#define SESSION_STATUS_MAX 8192

#endif
