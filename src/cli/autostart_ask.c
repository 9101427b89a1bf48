/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * At login there is no terminal: whoever is to be asked is asked in a window (cli/askpass.h).
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/autostart.h"

/* Names are looked for on the path. */
static const char *const programs[] = {
	"ssh-askpass",
	"ksshaskpass",
	"lxqt-openssh-askpass",
	"/usr/lib/ssh/ssh-askpass",
	"/usr/lib/openssh/gnome-ssh-askpass",
	"/usr/libexec/openssh/ssh-askpass",
	"/usr/libexec/openssh/gnome-ssh-askpass",
	"/usr/libexec/seahorse/ssh-askpass",
};

static bool is_set(const char *name)
{
	const char *value = secure_getenv(name);
	return value && *value;
}

/* To be freed; NULL if it is not there. */
static char *look_for(const char *program)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *copy = strdup(path ? path : "/usr/local/bin:/usr/bin:/bin");
	char *save = NULL, *file = NULL;
	if (*program == '/')
		return access(program, X_OK) == 0 ? strdup(program) : NULL;
	for (char *dir = copy ? strtok_r(copy, ":", &save) : NULL; dir; dir = strtok_r(NULL, ":", &save)) {
		if (asprintf(&file, "%s/%s", dir, program) < 0)
			return NULL;
		if (*dir == '/' && access(file, X_OK) == 0)
			return file;
		free(file);
		file = NULL;
	}
	return NULL;
}

static bool find_program(void)
{
	if (is_set("CRYPTFS_ASKPASS") || is_set("SSH_ASKPASS"))
		return true;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		_cleanup_free_ char *file = look_for(programs[i]);
		if (file)
			return setenv("CRYPTFS_ASKPASS", file, 1) == 0;
	}
	return false;
}

/* Sessions differ in what standard input is. */
static void close_input(void)
{
	_cleanup_fd_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null >= 0)
		(void)dup2(null, STDIN_FILENO);
}

const char *autostart_ask(void)
{
	bool screen = is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
	if (!screen && isatty(STDIN_FILENO) == 1)
		return NULL; /* somebody tries it out */
	close_input();
	if (!screen)
		return "there is no screen (neither DISPLAY nor WAYLAND_DISPLAY is set)";
	return find_program() ? NULL :
				"no program for that is installed (such as ssh-askpass), or set by CRYPTFS_ASKPASS";
}
