/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of users and groups. The system may ask anybody for them (a directory service, systemd), by sockets and
 * libraries that a process may not use once it has given up its powers, so another one asks.
 */
#ifndef CRYPTFS_CLI_OWNERS_H
#define CRYPTFS_CLI_OWNERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "sandbox/errand.h"

struct owners_name {
	bool known; /* text is that of id */
	id_t id;
	char text[ERRAND_MAX];
};

struct owners {
	struct errand errand;
	struct owners_name user, group; /* the last ones: the same few come again and again */
};

/* Before powers are given up, and before there are keys or threads. Without it there are numbers. */
void owners_begin(struct owners *o);
void owners_end(struct owners *o);

/* The name, or the number. Until the next call. */
const char *owners_user(struct owners *o, uid_t uid);
const char *owners_group(struct owners *o, gid_t gid);

#endif
