/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/mounts.h"

static int missing(int err, const char *path)
{
	_cleanup_free_ char *word = text_quote(path);
	switch (-err) {
	case ENOENT:
		return exit_fail(EXIT_NO_VAULT, "there is no mount point '%s' (to make it: mkdir %s)", path,
				 word ? word : "MOUNTPOINT");
	case ENOTDIR:
		return exit_fail(EXIT_NO_VAULT, "the mount point '%s' is not a directory", path);
	default:
		return exit_fail(EXIT_MOUNT_FAILED, "cannot use the mount point '%s': %s", path, exit_reason(err));
	}
}

static int is_inside(const char *real)
{
	return exit_fail(EXIT_MOUNT_FAILED, "the mount point '%s' is inside the vault: name one outside it", real);
}

/* What is made in a vault does not belong there, and check would call it damage. */
static bool would_be_inside(const char *path, int vault_fd)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_fd_ int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	return fd >= 0 && paths_contains(vault_fd, fd) > 0;
}

/* At a terminal it is made at once, for nobody else to look into: a first mount is to need no second try. */
static int make(const char *path, int vault_fd, bool quiet, char **real)
{
	if (would_be_inside(path, vault_fd))
		return is_inside(path);
	if (quiet || isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
		return missing(-ENOENT, path);
	_cleanup_free_ char *text = text_escape(path);
	if (!args_ask("There is no directory '%s'. Make it?", text ? text : ""))
		return missing(-ENOENT, path);
	if (mkdir(path, 0700) < 0)
		return exit_fail(EXIT_NO_VAULT, "cannot make '%s': %s", path, exit_reason(-errno));
	int err = paths_resolve(path, real);
	return err < 0 ? missing(err, path) : 0;
}

static int clear_dead(const char *real, bool quiet)
{
	int err = unmount_path(real, true);
	if (err < 0 && mounts_is_dead(real)) /* if not, its attendant was faster */
		return exit_fail(EXIT_MOUNT_FAILED,
				 "on '%s' lies a mount whose process is gone, and it cannot be unmounted: %s", real,
				 exit_reason(err));
	if (!quiet)
		exit_note("on '%s' lay a mount whose process was gone; it has been cleared away", real);
	return 0;
}

static int check_mounted(const struct mounts *m, const char *real, int vault_fd, bool quiet)
{
	struct stat vault, st;
	const struct mountinfo *e = mounts_at(m, real);
	if (!e || !e->ours)
		return 0;
	if (mounts_is_dead(real))
		return clear_dead(real, quiet);
	if (fstat(vault_fd, &vault) == 0 && stat(e->source, &st) == 0 && vault.st_dev == st.st_dev &&
	    vault.st_ino == st.st_ino)
		return exit_fail(EXIT_IN_USE, "the vault is mounted on '%s' already", real);
	return exit_fail(EXIT_MOUNT_FAILED, "another vault is mounted on '%s' already: '%s'", real, e->source);
}

/* A vault mounted over itself could not be reached any more; one mounted inside itself would show its
 * own mount among its files. */
static int check_nesting(int fd, int vault_fd, const char *real)
{
	int inside = paths_contains(vault_fd, fd);
	int outside = paths_contains(fd, vault_fd);
	if (inside > 0 && outside > 0)
		return exit_fail(EXIT_MOUNT_FAILED, "'%s' is the vault itself: name another directory to mount it on",
				 real);
	if (inside > 0)
		return is_inside(real);
	if (outside > 0)
		return exit_fail(EXIT_MOUNT_FAILED,
				 "the vault is inside the mount point '%s': name another directory to mount it on",
				 real);
	return 0;
}

static int check_directory(const char *real, int vault_fd)
{
	_cleanup_fd_ int fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return missing(-errno, real);
	int code = check_nesting(fd, vault_fd, real);
	if (code != 0)
		return code;
	int empty = paths_is_empty(fd);
	if (empty < 0)
		return missing(empty, real);
	if (empty == 0)
		return exit_fail(EXIT_MOUNT_FAILED,
				 "the mount point '%s' is not empty: what lies there would be hidden; name an empty "
				 "directory",
				 real);
	return 0;
}

int mountpoint_check(const char *path, int vault_fd, bool quiet, char **real)
{
	_cleanup_free_ char *resolved = NULL;
	int err = paths_resolve(path, &resolved);
	int code = err == -ENOENT ? make(path, vault_fd, quiet, &resolved) : err < 0 ? missing(err, path) : 0;
	if (code != 0)
		return code;

	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	err = mounts_load(&m);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot read the list of mounts: %s", exit_reason(err));
	code = check_mounted(&m, resolved, vault_fd, quiet);
	if (code == 0)
		code = check_directory(resolved, vault_fd);
	if (code == 0)
		*real = TAKE_PTR(resolved);
	return code;
}
