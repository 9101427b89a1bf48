/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sandbox/mountid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mountinfo.h"

/* Both are told in the same place. */
#define MOUNTID_STATX_NUMBER 0x1000U /* STATX_MNT_ID, Linux 5.8 */
#define MOUNTID_STATX_UNIQUE 0x4000U /* STATX_MNT_ID_UNIQUE, Linux 6.8 */

/* The kernel answers this without asking whoever serves the mount. */
int mountid_of_fd(int fd, struct mountid *out)
{
	const int flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
	struct statx st;
	*out = (struct mountid){ .number = 0 };
	if (statx(fd, "", flags, MOUNTID_STATX_NUMBER, &st) != 0)
		return -errno;
	out->dev = makedev(st.stx_dev_major, st.stx_dev_minor);
	if (st.stx_mask & MOUNTID_STATX_NUMBER)
		out->number = st.stx_mnt_id;
	if (statx(fd, "", flags, MOUNTID_STATX_UNIQUE, &st) == 0 && (st.stx_mask & MOUNTID_STATX_UNIQUE))
		out->unique = st.stx_mnt_id;
	return 0;
}

int mountid_open(const char *path, struct mountid *out)
{
	_cleanup_fd_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = mountid_of_fd(fd, out);
	return r < 0 ? r : TAKE_FD(fd);
}

bool mountid_same(const struct mountid *a, const struct mountid *b)
{
	return a->number == b->number && a->unique == b->unique && a->dev == b->dev;
}

/* The mount point of this line of mountinfo, to be freed, if it is that mount's; else NULL. */
static char *mountid_match(const char *line, const struct mountid *id)
{
	_cleanup_mountinfo_ struct mountinfo e = { .mountpoint = NULL };
	if (mountinfo_parse(line, &e) < 0 || (uint64_t)e.id != id->number || e.dev != id->dev)
		return NULL;
	return TAKE_PTR(e.mountpoint);
}

char *mountid_find(const struct mountid *id)
{
	_cleanup_free_ char *line = NULL;
	char *path = NULL;
	size_t cap = 0;
	FILE *f = id->number != 0 ? fopen("/proc/self/mountinfo", "re") : NULL;
	while (f && !path && getline(&line, &cap, f) > 0)
		path = mountid_match(line, id);
	if (f)
		(void)fclose(f);
	return path;
}
