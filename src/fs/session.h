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
	struct attendant *attendant; /* that knows this mount point; stays the caller's */
};

/*
 * Mount the unlocked vault whose directory is root_fd (open for reading, not O_PATH; locked by the
 * caller) and serve it until it is unmounted, has been idle for too long, or SIGTERM, SIGINT or SIGHUP
 * arrives; then write back, raise what is durable, unmount. The process gives up its powers on the way, for
 * good. ready(arg) is called once, from another thread, when the kernel and we have shaken hands. Call it from
 * a process without other threads, after the last fork.
 *
 * Returns 0 after a clean end; SESSION_MOUNT_FAILED if the mount never came up (the reason has been
 * logged); or -errno.
 */
#define SESSION_MOUNT_FAILED 1
int session_run(const struct vault *v, int root_fd, const struct session_options *opt,
		void (*ready)(void *arg), void *arg);

/* Name of the extended attribute of a mount's root that holds its status as a JSON object: version, pid,
 * vault, mode ("private" or "shared"), read_only, since (seconds since 1970), idle (its limit in seconds, if it
 * has one), sandbox (what is in force of
 * sandbox/sandbox.h: no_new_privs, capabilities, landlock, seccomp). Readable by whoever
 * may use the mount, not listed. */
#define SESSION_STATUS_XATTR "cryptfs.status"

#endif
