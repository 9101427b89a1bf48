/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The user's configuration: where it is, and its files.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "cli/autostart.h"

#define AUTOSTART_FILE_MAX 65536u
#define AUTOSTART_SUFFIX ".json"

/* Only absolute paths count. */
static const char *variable(const char *name)
{
	const char *value = secure_getenv(name);
	return value && *value == '/' ? value : NULL;
}

static const char *home(void)
{
	const char *value = variable("HOME");
	const struct passwd *pw = value ? NULL : getpwuid(geteuid());
	return value ? value : pw && pw->pw_dir[0] == '/' ? pw->pw_dir : NULL;
}

char *autostart_config(const char *fmt, ...)
{
	const char *config = variable("XDG_CONFIG_HOME"), *above = config ? config : home();
	_cleanup_free_ char *rest = NULL;
	char *path = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&rest, fmt, ap);
	va_end(ap);
	if (n < 0)
		rest = NULL;
	if (!rest || !above || asprintf(&path, "%s%s/%s", above, config ? "" : "/.config", rest) < 0)
		return NULL;
	return path;
}

int autostart_make_dir(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	for (char *slash = copy; slash;) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return -errno;
		if (slash)
			*slash = '/';
	}
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* What it says has commands run. */
static int check_owner(const char *path)
{
	struct stat st;
	if (lstat(path, &st) < 0)
		return -errno;
	return st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH)) ? 0 : -EACCES;
}

int autostart_read(const char *path, char **text)
{
	_cleanup_free_ char *buf = calloc(1, AUTOSTART_FILE_MAX + 1);
	int err = buf ? check_owner(path) : -ENOMEM;
	if (err < 0)
		return err;
	ssize_t n = io_read_file(AT_FDCWD, path, buf, AUTOSTART_FILE_MAX);
	if (n < 0)
		return (int)n;
	*text = TAKE_PTR(buf);
	return 0;
}

/* The name that a file is of, or NULL. To be freed. */
static char *name_of(const char *file)
{
	size_t n = strlen(file), end = strlen(AUTOSTART_SUFFIX);
	if (n <= end || strcmp(file + n - end, AUTOSTART_SUFFIX) != 0)
		return NULL;
	char *name = strndup(file, n - end);
	if (!name || autostart_name_is_valid(name))
		return name;
	free(name);
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct autostart_names *list, char *name)
{
	char **more = reallocarray(list->names, list->n + 1, sizeof(*more));
	if (!more) {
		free(name);
		return -ENOMEM;
	}
	list->names = more;
	list->names[list->n++] = name;
	return 0;
}

int autostart_names_load(struct autostart_names *list)
{
	DIR _cleanup_dir_stream_ *d = NULL;
	_cleanup_free_ char *path = autostart_config("cryptfs/autostart");
	if (!path)
		return -ENOMEM;
	int err = io_opendir(AT_FDCWD, path, &d);
	if (err < 0)
		return err == -ENOENT ? 0 : err;
	const struct dirent *e;
	while (err == 0 && (errno = 0, e = readdir(d))) {
		char *name = name_of(e->d_name);
		if (name)
			err = add_name(list, name);
	}
	if (list->n > 1)
		qsort(list->names, list->n, sizeof(*list->names), by_text);
	return err == 0 ? -errno : err;
}

void autostart_names_free(struct autostart_names *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->names[i]);
	free(list->names);
	*list = (struct autostart_names){ NULL, 0 };
}
