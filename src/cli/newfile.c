/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "cli/cli.h"
#include "cli/mounts.h"

/* The directory that path lies in, or -errno. */
static int open_parent(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool lies_below(const char *dir, int inner)
{
	_cleanup_fd_ int outer = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return outer >= 0 && paths_contains(outer, inner) == 1;
}

static int refuse(const char *file, const char *where)
{
	return exit_fail(EXIT_FAILED, "'%s' %s: name a file elsewhere", file, where);
}

int newfile_apart(const char *vault, const char *file)
{
	_cleanup_fd_ int dir = open_parent(file);
	_cleanup_fd_ int fd = open(vault, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	if (dir < 0)
		return exit_fail(EXIT_FAILED, "cannot write to '%s': %s", file, exit_reason(dir));
	if (fd < 0)
		return 0;
	if (paths_contains(fd, dir) == 1)
		return refuse(file, "lies in the vault, and would be lost with it, and be seen by whoever sees it");
	const struct mountinfo *e = mounts_load(&m) == 0 ? mounts_of_vault(&m, fd) : NULL;
	if (e && lies_below(e->mountpoint, dir))
		return refuse(file, "lies where the vault is mounted, and would be locked in with what it opens");
	return 0;
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
