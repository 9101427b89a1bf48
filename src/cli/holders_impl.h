/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holders.c and holders_scan.c share. */
#ifndef CRYPTFS_CLI_HOLDERS_IMPL_H
#define CRYPTFS_CLI_HOLDERS_IMPL_H

#include <stdio.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "cli/holders.h"
#include "cli/mounts.h"

static inline void holders_fclose(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

#define _cleanup_file_ _cleanup_(holders_fclose)

struct holders_place {
	const struct mounts *mounts;
	const struct mountinfo *mount; /* the one in question, among them */
};

/* Is this path in that mount, and not in one that lies upon it? By its name alone, which is that of what is on top
 * there. */
bool holders_is_inside(const struct holders_place *p, const char *path);

/* Write all programs that hold it to fd as struct holder, and one with the pid 0 at the end. */
void holders_scan(const struct holders_place *p, int fd);

#endif
