/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who keeps a mount busy: programs with files open, mapped or as their working directory, mounts upon it, vaults and
 * loop devices that lie in it. Nothing is asked of the mount itself, which may be dead.
 *
 * Whoever is not root sees programs of his own only, and not all of those.
 */
#ifndef CRYPTFS_CLI_HOLDERS_H
#define CRYPTFS_CLI_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define HOLDERS_MAX 8

struct holder {
	enum holder_kind {
		HOLDER_PROGRAM, /* name: of the process pid, as it calls itself */
		HOLDER_MOUNT,	/* name: where */
		HOLDER_VAULT,	/* a vault in it that is mounted; name: where */
		HOLDER_LOOP,	/* name: the device */
	} kind;
	pid_t pid;
	bool cwd, root, exe;
	unsigned int files, maps, sockets;
	char name[256]; /* as it is: may hold anything; cut if it is longer */
};

struct holders {
	struct holder first[HOLDERS_MAX];
	size_t n;  /* in all */
	bool is_cut; /* not all programs could be looked at in time */
};

/* Of what is on top at the absolute path mountpoint. Takes some seconds at most. Not with other threads about: it
 * forks. Returns 0 or -errno (-EINVAL: no mount is there). */
int holders_find(const char *mountpoint, struct holders *out);

/* One as a line: "bash (1234): its working directory, 2 open files". To be freed; NULL without memory. */
char *holders_text(const struct holder *h);

/* All of them on standard error, a line each, escaped, and what could not be seen. */
void holders_tell(const struct holders *h);

#endif
