/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Instances of the unit cryptfs@.service. It belongs to graphical sessions: only then is the keyring unlocked, or
 * somebody there to be asked, and it ends with them.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/io.h"
#include "cli/autostart.h"
#include "cli/cli.h"

extern char **environ;

static void cleanup_actions(posix_spawn_file_actions_t *a)
{
	(void)posix_spawn_file_actions_destroy(a);
}

/* systemctl --user VERB --quiet UNIT. Returns its exit code or -errno; silent: says nothing on standard error. */
static int systemctl(const char *verb, const char *unit, bool silent)
{
	char name[] = "systemctl", user[] = "--user", quiet[] = "--quiet", end[] = "--";
	_cleanup_free_ char *what = strdup(verb);
	_cleanup_free_ char *which = strdup(unit);
	char *argv[] = { name, user, quiet, what, end, which, NULL };
	_cleanup_(cleanup_actions) posix_spawn_file_actions_t actions;
	pid_t pid;
	int status, err = posix_spawn_file_actions_init(&actions);
	if (!what || !which)
		return -ENOMEM;
	for (int fd = 0; err == 0 && fd <= (silent ? STDERR_FILENO : STDOUT_FILENO); fd++)
		err = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	if (err == 0)
		err = posix_spawnp(&pid, name, &actions, NULL, argv, environ);
	if (err != 0)
		return -err;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}

bool autostart_systemd_is_there(void)
{
	const char *dir = secure_getenv("XDG_RUNTIME_DIR");
	_cleanup_free_ char *path = NULL;
	if (!dir || asprintf(&path, "%s/systemd/private", dir) < 0) {
		path = NULL;
		return false;
	}
	return access(path, F_OK) == 0 && systemctl("is-active", "graphical-session.target", true) == 0;
}

/* ---- the links ---- */

/* Look for the unit in one directory of links ("graphical-session.target.wants"), and take it away if that is asked
 * for. Returns 1 if it was there, 0, or -errno. */
static int visit(int fd, const char *dir, const char *unit, bool away)
{
	_cleanup_free_ char *link = NULL;
	struct stat st;
	if (asprintf(&link, "%s/%s", dir, unit) < 0) {
		link = NULL;
		return -ENOMEM;
	}
	if (fstatat(fd, link, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (away && unlinkat(fd, link, 0) < 0)
		return -errno;
	if (away)
		(void)unlinkat(fd, dir, AT_REMOVEDIR);
	return 1;
}

static bool holds_links(const char *dir)
{
	const char *end = strrchr(dir, '.');
	return end && (strcmp(end, ".wants") == 0 || strcmp(end, ".requires") == 0);
}

/* Returns how many there are (or were), or -errno. */
static int links(const char *name, bool away)
{
	DIR _cleanup_dir_stream_ *d = NULL;
	_cleanup_free_ char *path = autostart_config("systemd/user");
	_cleanup_free_ char *unit = NULL;
	if (asprintf(&unit, "cryptfs@%s.service", name) < 0)
		unit = NULL;
	if (!path || !unit)
		return -ENOMEM;
	int n = 0, r = io_opendir(AT_FDCWD, path, &d);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	const struct dirent *e;
	while (r >= 0 && (e = readdir(d))) {
		r = holds_links(e->d_name) ? visit(dirfd(d), e->d_name, unit, away) : 0;
		n += r > 0;
	}
	return r < 0 ? r : n;
}

bool autostart_systemd_is_enabled(const char *name)
{
	return links(name, false) > 0;
}

/* ---- on and off ---- */

int autostart_systemd_enable(const char *name)
{
	_cleanup_free_ char *unit = NULL;
	if (asprintf(&unit, "cryptfs@%s.service", name) < 0) {
		unit = NULL;
		return exit_fail(EXIT_FAILED, "out of memory");
	}
	int r = systemctl("enable", unit, false);
	if (r == 0)
		return 0;
	if (r < 0)
		return exit_fail(EXIT_FAILED, "cannot run systemctl: %s (another way is --method xdg)", exit_reason(r));
	return exit_fail(EXIT_FAILED, "systemctl --user does not enable '%s' (another way is --method xdg)", unit);
}

int autostart_systemd_disable(const char *name)
{
	_cleanup_free_ char *unit = NULL;
	if (links(name, false) == 0)
		return 0;
	if (asprintf(&unit, "cryptfs@%s.service", name) < 0) {
		unit = NULL;
		return -ENOMEM;
	}
	(void)systemctl("disable", unit, true);
	int r = links(name, true);
	return r < 0 ? r : 0;
}
