/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"

/* The directory that path lies in, or -errno. */
static int open_parent(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int newfile_make(const char *path, const void *buf, size_t n, mode_t mode)
{
	_cleanup_fd_ int dir = open_parent(path);
	_cleanup_fd_ int fd = -1;
	if (dir < 0)
		return dir;
	int err = io_create_file(AT_FDCWD, path, buf, n, mode, &fd);
	if (err < 0)
		return err;
	err = io_fsync(fd, false);
	if (err == 0)
		err = io_fsync_dir(dir);
	if (err < 0)
		(void)unlink(path);
	return err;
}

int newfile_replace(const char *path, const void *buf, size_t n, mode_t mode)
{
	_cleanup_fd_ int dir = open_parent(path);
	_cleanup_free_ char *copy = strdup(path);
	if (dir < 0)
		return dir;
	return copy ? io_replace_file(dir, basename(copy), NULL, buf, n, mode) : -ENOMEM;
}
