/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line of cryptfs mount that an entry stands for.
 */
#include <getopt.h>

#include "cli/autostart.h"
#include "cli/cli.h"

/* The paths are absolute and need no "--" before them, which an option that lacks its argument would take for one. */
char **autostart_words(const struct autostart_entry *e, bool keyring, int *argc)
{
	static char program[] = "cryptfs", foreground[] = "--foreground", option[] = "--keyring", root[] = "/";
	char **argv = calloc(e->n_options + 6, sizeof(*argv));
	int n = 0;
	if (!argv)
		return NULL;
	argv[n++] = program;
	argv[n++] = foreground;
	if (keyring)
		argv[n++] = option;
	for (size_t i = 0; i < e->n_options; i++)
		argv[n++] = e->options[i];
	argv[n++] = e->vault ? e->vault : root;
	argv[n++] = e->mountpoint ? e->mountpoint : root;
	*argc = n;
	return argv;
}

static bool is_given(const struct credential_args *c)
{
	return c->passfile || c->extpass || c->keyfile || c->recovery || c->recovery_file || c->keyring;
}

int autostart_parse(const struct autostart_entry *e, struct mount_args *args, bool *has_source)
{
	int argc;
	_cleanup_free_ char **argv = autostart_words(e, false, &argc);
	if (!argv)
		return exit_fail(EXIT_FAILED, "out of memory");
	optind = 0;
	int code = mount_args_parse(argc, argv, args);
	*has_source = is_given(&args->credential);
	return code < 0 ? EXIT_USAGE : code;
}
