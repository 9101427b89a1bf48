/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/askpass.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* NULL if it is not set or empty. */
static const char *variable(const char *name)
{
	const char *value = secure_getenv(name);
	return value && *value ? value : NULL;
}

static bool is_null_device(int fd)
{
	struct stat st;
	return fstat(fd, &st) < 0 || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
}

static bool is_wanted(void)
{
	const char *require = variable("SSH_ASKPASS_REQUIRE");
	bool display = variable("DISPLAY") || variable("WAYLAND_DISPLAY"), prefer = false;
	if (require && strcasecmp(require, "never") == 0)
		return false;
	if (require && strcasecmp(require, "force") == 0)
		display = prefer = true;
	if (require && strcasecmp(require, "prefer") == 0)
		prefer = true;
	if (isatty(STDIN_FILENO) == 1)
		return display && prefer;
	return display && is_null_device(STDIN_FILENO);
}

int askpass_open(struct prompt *p)
{
	const char *program = variable("CRYPTFS_ASKPASS");
	if (!program)
		program = variable("SSH_ASKPASS");
	if (!program || !is_wanted())
		return 0;

	_cleanup_free_ char *from = NULL;
	_cleanup_free_ char **argv = malloc(2 * sizeof(char *) + strlen(program) + 1);
	if (!argv || asprintf(&from, "the program '%s'", program) < 0) {
		from = NULL;
		return -ENOMEM;
	}
	argv[0] = strcpy((char *)(argv + 2), program);
	argv[1] = NULL;
	free(p->text);
	p->argv = TAKE_PTR(argv);
	p->from = p->text = TAKE_PTR(from);
	p->window = true;
	return 1;
}
