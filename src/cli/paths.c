/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Questions about paths that more than one verb asks.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "cli/cli.h"
#include "vault/vault.h"

/* Without the slashes and dots behind it: through a mount that is dead no path leads, not even to itself. */
static char *trim(const char *path)
{
	size_t n = strlen(path);
	while (n > 1 && (path[n - 1] == '/' || (path[n - 1] == '.' && path[n - 2] == '/')))
		n--;
	return strndup(path, n);
}

/* Of a mount whose process is gone nothing can be asked, but the kernel knows where it is. */
static int resolve_dead(const char *path, char **out)
{
	char link[IO_FD_PATH], text[PATH_MAX];
	_cleanup_free_ char *trimmed = trim(path);
	if (!trimmed)
		return -ENOMEM;
	_cleanup_fd_ int fd = open(trimmed, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	io_fd_path(link, fd);
	ssize_t n = readlink(link, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	*out = strndup(text, (size_t)n);
	return *out ? 0 : -ENOMEM;
}

int paths_resolve(const char *path, char **out)
{
	*out = realpath(path, NULL);
	if (*out)
		return 0;
	return errno == ENOTCONN ? resolve_dead(path, out) : -errno;
}

int paths_is_empty(int fd)
{
	DIR _cleanup_dir_stream_ *d = NULL;
	int err = io_opendir(fd, ".", &d);
	if (err < 0)
		return err;

	const struct dirent *e;
	while (errno = 0, (e = readdir(d)))
		if (!io_is_dot(e->d_name))
			return 0;
	return errno ? -errno : 1;
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

int paths_contains(int outer, int inner)
{
	struct stat want, here, above;
	if (fstat(outer, &want) < 0 || fstat(inner, &here) < 0)
		return -errno;
	_cleanup_fd_ int fd = fcntl(inner, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;

	while (!same(&want, &here)) {
		int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			return -errno;
		(void)close(fd);
		fd = up;
		if (fstat(fd, &above) < 0)
			return -errno;
		if (same(&above, &here))
			return 0; /* the root */
		here = above;
	}
	return 1;
}

char *paths_lexical(const char *cwd, const char *path)
{
	_cleanup_free_ char *all = NULL;
	if (asprintf(&all, "%s/%s", path[0] == '/' ? "" : cwd, path) < 0) {
		all = NULL;
		return NULL;
	}
	char *out = malloc(strlen(all) + 2), *rest = all, *part;
	size_t n = 0;
	if (!out)
		return NULL;
	while ((part = strsep(&rest, "/"))) {
		if (strcmp(part, "..") == 0) {
			while (n > 0 && out[--n] != '/')
				;
		} else if (part[0] != '\0' && strcmp(part, ".") != 0) {
			out[n++] = '/';
			n = (size_t)(stpcpy(out + n, part) - out);
		}
	}
	(void)strcpy(out + n, n == 0 ? "/" : "");
	return out;
}

const char *paths_below(const char *path, const char *base)
{
	size_t n = strcmp(base, "/") == 0 ? 0 : strlen(base);
	if (strncmp(path, base, n) != 0 || (path[n] != '\0' && path[n] != '/'))
		return NULL;
	return path + n + strspn(path + n, "/");
}

bool paths_is_vault(const char *path)
{
	_cleanup_fd_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && faccessat(fd, NAME_SETTINGS_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
