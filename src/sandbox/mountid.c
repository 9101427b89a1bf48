/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sandbox/mountid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MOUNTID_WORD "mnt_id:"
#define MOUNTID_STATX_UNIQUE 0x4000U /* STATX_MNT_ID_UNIQUE, Linux 6.8 */

static int mountid_number(int fd)
{
	char name[32], text[1024];
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	_cleanup_fd_ int info = open(name, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return -errno;
	ssize_t n = read(info, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	const char *at = strstr(text, MOUNTID_WORD);
	return at ? atoi(at + strlen(MOUNTID_WORD)) : -ENODATA;
}

/* A mount that nobody serves answers as well: the kernel does not ask for these. */
static int mountid_fill(int fd, struct mountid *out)
{
	struct statx st;
	int number = mountid_number(fd);
	if (number < 0)
		return number;
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, MOUNTID_STATX_UNIQUE, &st) != 0)
		return -errno;
	*out = (struct mountid){ .number = number, .dev = makedev(st.stx_dev_major, st.stx_dev_minor) };
	if (st.stx_mask & MOUNTID_STATX_UNIQUE)
		out->unique = st.stx_mnt_id;
	return 0;
}

int mountid_open(const char *path, struct mountid *out)
{
	_cleanup_fd_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = mountid_fill(fd, out);
	return r < 0 ? r : TAKE_FD(fd);
}

bool mountid_same(const struct mountid *a, const struct mountid *b)
{
	return a->number == b->number && a->unique == b->unique && a->dev == b->dev;
}

int mountid_of(const char *path)
{
	struct mountid id;
	_cleanup_fd_ int fd = mountid_open(path, &id);
	return fd < 0 ? fd : id.number;
}
