/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines of /proc/self/mountinfo: what is mounted, as the kernel tells it (proc(5)).
 */
#ifndef CRYPTFS_BASE_MOUNTINFO_H
#define CRYPTFS_BASE_MOUNTINFO_H

#include <stdbool.h>
#include <sys/types.h>

struct mountinfo {
	char *mountpoint;
	char *source; /* of ours: the vault */
	bool ours;    /* type fuse.cryptfs */
	int id;
	int parent; /* the id of the mount that it is mounted on */
	uid_t user; /* of FUSE: who has mounted it; (uid_t)-1: not told */
	dev_t dev;
	bool read_only;
	bool disk_read_only; /* not this mount only: the filesystem */
};

/* One line into *e, to be freed. Returns 0, -EINVAL if it is none, -ENOMEM. */
int mountinfo_parse(const char *line, struct mountinfo *e);
void mountinfo_free(struct mountinfo *e);
#define _cleanup_mountinfo_ __attribute__((cleanup(mountinfo_free)))

#endif
