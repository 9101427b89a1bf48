/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Taking a mount away: umount2(2) for who may, else the set-user-ID helper of libfuse.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "cli/cli.h"
#include "cli/mounts.h"

extern char **environ;

static void cleanup_actions(posix_spawn_file_actions_t *a)
{
	(void)posix_spawn_file_actions_destroy(a);
}

/* Start the helper with its complaints going to a pipe, of which *fd is the end to read. */
static int spawn_helper(const char *mountpoint, bool lazy, pid_t *pid, int *fd)
{
	char name[] = "fusermount3", unmount[] = "-u", quiet[] = "-z", end[] = "--";
	_cleanup_free_ char *path = strdup(mountpoint);
	char *argv[] = { name, unmount, lazy ? quiet : end, lazy ? end : path, lazy ? path : NULL, NULL };
	int ends[2];
	if (!path || pipe2(ends, O_CLOEXEC) < 0)
		return path ? -errno : -ENOMEM;
	_cleanup_fd_ int out = ends[0];
	_cleanup_fd_ int in = ends[1];

	_cleanup_(cleanup_actions) posix_spawn_file_actions_t actions;
	int err = posix_spawn_file_actions_init(&actions);
	if (err == 0)
		err = posix_spawn_file_actions_adddup2(&actions, in, STDERR_FILENO);
	if (err == 0)
		err = posix_spawnp(pid, name, &actions, NULL, argv, environ);
	if (err == 0)
		*fd = TAKE_FD(out);
	return -err;
}

/* The helper tells its reasons in English only, and exits with 1 for all of them. */
static int run_helper(const char *mountpoint, bool lazy)
{
	pid_t pid;
	_cleanup_fd_ int fd = -1;
	int err = spawn_helper(mountpoint, lazy, &pid, &fd);
	if (err < 0)
		return err == -ENOENT ? -ENOSYS : err;

	char text[1024] = "";
	size_t n = 0;
	ssize_t got;
	while ((got = read(fd, text + n, sizeof(text) - 1 - n)) > 0 || (got < 0 && errno == EINTR))
		n += got > 0 ? (size_t)got : 0;
	text[n] = '\0';

	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (strstr(text, "busy"))
		return -EBUSY;
	text[strcspn(text, "\n")] = '\0';
	if (text[0] != '\0')
		exit_note("%s", text);
	return -EPERM;
}

int unmount_path(const char *mountpoint, bool lazy)
{
	if (umount2(mountpoint, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0)
		return 0;
	return errno == EPERM ? run_helper(mountpoint, lazy) : -errno;
}
