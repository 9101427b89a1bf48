/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/key_args.h"

#include <errno.h>
#include <stdlib.h>

#include "cli/cli.h"

static int take(const struct key_verb *v, struct key_args *a, int option)
{
	switch (option) {
	case KEY_ARGS_JSON: a->json = true; return 0;
	case KEY_ARGS_FORCE: a->force = true; return 0;
	case KEY_ARGS_LABEL: return args_label(v->name, optarg, &a->label);
	case KEY_ARGS_MASTER_FILE: a->master_file = optarg; return 0;
	case 'o': a->output = optarg; return 0;
	case 'q': a->quiet = args_quiet(); return 0;
	default: break;
	}
	if (credential_take(&a->credential, option) == 0 || new_secret_take(&a->secret, option) == 0)
		return 0;
	int code = kdf_args_take(&a->kdf, v->name, option);
	return code < 0 ? exit_usage(v->name, NULL) : code;
}

int key_args_parse(const struct key_verb *v, int argc, char **argv, struct key_args *a)
{
	int c, code = 0;
	*a = (struct key_args){ .vault = NULL };
	while (code == 0 && (c = getopt_long(argc, argv, v->letters, v->options, NULL)) != -1) {
		if (c == 'h') {
			(void)main_help(v->name);
			return -1;
		}
		code = take(v, a, c);
	}
	if (code == 0)
		code = credential_check(v->name, &a->credential);
	if (code != 0)
		return code;
	a->n = argc - optind - 1;
	if (a->n < v->min || a->n > v->max)
		return exit_usage(v->name, "%s", v->operands);
	a->vault = argv[optind];
	a->operands = argv + optind + 1;
	return 0;
}

int key_args_slot(const struct key_verb *v, const struct key_args *a, int i, uint32_t *slot)
{
	char *end;
	errno = 0;
	long n = strtol(a->operands[i], &end, 10);
	if (errno || end == a->operands[i] || *end || n < 0 || n >= (long)VAULTFILE_SLOTS)
		return exit_usage(v->name, "a slot is a number from 0 to %u, as 'cryptfs key list' shows it, not '%s'",
				  VAULTFILE_SLOTS - 1, a->operands[i]);
	*slot = (uint32_t)n;
	return 0;
}
