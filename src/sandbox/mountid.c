/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sandbox/mountid.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MOUNTID_WORD "mnt_id:"

int mountid_of(const char *path)
{
	char name[32], text[1024];
	_cleanup_fd_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
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
