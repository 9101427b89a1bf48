/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What was asked for on the command line of cryptfs mount.
 */
#ifndef CRYPTFS_CLI_MOUNT_ARGS_H
#define CRYPTFS_CLI_MOUNT_ARGS_H

#include <stdbool.h>
#include <stdlib.h>

#include "cli/credential.h"
#include "desktop/desktop.h"
#include "fs/session.h"

struct mount_args {
	const char *vault;	/* the operands as given */
	const char *mountpoint;
	struct credential_args credential;
	char *rest;		/* of -o: what is not for us */
	bool foreground;
	bool quiet;
	struct desktop_options desktop; /* mountpoint is not set here */
	struct session_options session; /* vault_path, mountpoint, fuse_opts and attendant are not set here */
};

/* Parse. Returns 0, an exit code with the reason said, or -1 if help was asked for and given. */
int mount_args_parse(int argc, char **argv, struct mount_args *a);

static inline void mount_args_free(struct mount_args *a)
{
	free(a->rest);
	a->rest = NULL;
}

#endif
