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

/* Both are told in the same place. */
#define MOUNTID_STATX_NUMBER 0x1000U /* STATX_MNT_ID, Linux 5.8 */
#define MOUNTID_STATX_UNIQUE 0x4000U /* STATX_MNT_ID_UNIQUE, Linux 6.8 */

/* A mount that nobody serves answers as well: the kernel does not ask for these. */
static int mountid_fill(int fd, struct mountid *out)
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
	int r = mountid_fill(fd, out);
	return r < 0 ? r : TAKE_FD(fd);
}

bool mountid_same(const struct mountid *a, const struct mountid *b)
{
	return a->number == b->number && a->unique == b->unique && a->dev == b->dev;
}

/* A field of mountinfo, with \ooo for what would end it. */
static void mountid_unescape(char *s)
{
	char *to = s;
	for (; *s; s++, to++) {
		*to = *s;
		if (s[0] == '\\' && s[1] && s[2] && s[3]) {
			*to = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		}
	}
	*to = '\0';
}

/* NUMBER PARENT MAJOR:MINOR ROOT PATH ...; returns the path, within line, if it is that mount's. */
static char *mountid_parse(char *line, const struct mountid *id)
{
	unsigned long long number;
	unsigned int major_no, minor_no;
	int at = 0;
	if (sscanf(line, "%llu %*s %u:%u %*s %n", &number, &major_no, &minor_no, &at) != 3 || at == 0 ||
	    number != id->number || makedev(major_no, minor_no) != id->dev)
		return NULL;
	line[at + (int)strcspn(line + at, " ")] = '\0';
	mountid_unescape(line + at);
	return line + at;
}

char *mountid_find(const struct mountid *id)
{
	_cleanup_free_ char *line = NULL;
	const char *path = NULL;
	size_t cap = 0;
	FILE *f = id->number != 0 ? fopen("/proc/self/mountinfo", "re") : NULL;
	while (f && !path && getline(&line, &cap, f) > 0)
		path = mountid_parse(line, id);
	if (f)
		(void)fclose(f);
	return path ? strdup(path) : NULL;
}
