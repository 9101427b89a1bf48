/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Desktop entries that are started with the session, by the Desktop Entry and the Autostart Specification.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "cli/autostart.h"
#include "cli/cli.h"

/* s with a prefix before each of some characters. */
static char *with_prefix(const char *s, const char *which, const char *prefix)
{
	size_t n = strlen(prefix);
	char *out = malloc(strlen(s) * (n + 1) + 1), *at = out;
	if (!out)
		return NULL;
	for (; *s; s++) {
		if (strchr(which, *s))
			at = stpcpy(at, prefix);
		*at++ = *s;
	}
	*at = '\0';
	return out;
}

/* Of a value. A line end would be the end of it. */
char *autostart_desktop_value(const char *s)
{
	char *out = with_prefix(s, "\\", "\\");
	for (char *at = out; at && *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	return out;
}

/* What quotes need, then that % is no field code; the value's own escaping comes on top. */
char *autostart_desktop_quote(const char *s)
{
	_cleanup_free_ char *escaped = with_prefix(s, "\"`$\\", "\\");
	_cleanup_free_ char *plain = escaped ? with_prefix(escaped, "%", "%") : NULL;
	_cleanup_free_ char *value = plain ? autostart_desktop_value(plain) : NULL;
	char *out;
	return value && asprintf(&out, "\"%s\"", value) >= 0 ? out : NULL;
}

/* This very program. To be freed; *err is the reason if there is none. */
static char *own_path(int *err)
{
	static const char deleted[] = " (deleted)";
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	*err = n < 0 ? -errno : 0;
	if (n < 0)
		return NULL;
	path[n] = '\0';
	size_t end = strlen(deleted);
	if ((size_t)n > end && strcmp(path + (size_t)n - end, deleted) == 0)
		*err = -ENOENT;
	for (const char *c = path; *c; c++)
		if ((unsigned char)*c < ' ')
			*err = -EINVAL;
	return *err == 0 ? strdup(path) : NULL;
}

static char *compose(const char *program, const struct autostart_entry *e)
{
	_cleanup_free_ char *exec = autostart_desktop_quote(program);
	_cleanup_free_ char *name = autostart_desktop_quote(e->name);
	_cleanup_free_ char *point = autostart_desktop_value(e->mountpoint);
	char *text;
	if (!exec || !name || !point ||
	    asprintf(&text,
		     "[Desktop Entry]\n"
		     "Type=Application\n"
		     "Name=cryptfs: %s\n"
		     "Comment=Mounts an encrypted vault (made by cryptfs autostart add)\n"
		     "Exec=%s autostart run %s\n"
		     "Terminal=false\n",
		     point, exec, name) < 0)
		return NULL;
	return text;
}

static int write_entry(const struct autostart_entry *e, const char *text)
{
	_cleanup_free_ char *dir = autostart_config("autostart");
	_cleanup_free_ char *file = NULL;
	if (asprintf(&file, "cryptfs-%s.desktop", e->name) < 0)
		file = NULL;
	if (!dir || !file)
		return -ENOMEM;
	_cleanup_fd_ int fd = autostart_make_dir(dir);
	return fd < 0 ? fd : io_replace_file(fd, file, NULL, text, strlen(text), 0600);
}

int autostart_desktop_enable(const struct autostart_entry *e)
{
	int err;
	_cleanup_free_ char *program = own_path(&err);
	if (!program)
		return exit_fail(EXIT_FAILED, "cannot tell by what path cryptfs is to be started: %s",
				 exit_reason(err < 0 ? err : -ENOMEM));
	_cleanup_free_ char *text = compose(program, e);
	err = text ? write_entry(e, text) : -ENOMEM;
	return err < 0 ? exit_fail(EXIT_FAILED, "cannot write the desktop entry: %s", exit_reason(err)) : 0;
}

bool autostart_desktop_is_enabled(const char *name)
{
	_cleanup_free_ char *path = autostart_config("autostart/cryptfs-%s.desktop", name);
	_cleanup_free_ char *text = NULL;
	if (!path || autostart_read(path, &text) < 0)
		return false;
	return !strstr(text, "\nHidden=true") && !strstr(text, "\nX-GNOME-Autostart-enabled=false");
}

int autostart_desktop_disable(const char *name)
{
	_cleanup_free_ char *path = autostart_config("autostart/cryptfs-%s.desktop", name);
	_cleanup_free_ char *dir = autostart_config("autostart");
	if (!path || !dir)
		return -ENOMEM;
	if (unlink(path) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	(void)rmdir(dir); /* not, if there are others */
	return 0;
}
