/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <getopt.h>

#include "cli/cli.h"
#include "cli/prompt.h"
#include "cli/words.h"

int args_json(const char *verb, int argc, char **argv, int operands, const char *usage, bool *json)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;
	*json = false;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'j': *json = true; break;
		case 'h': (void)main_help(verb); return -1;
		default: return exit_usage(verb, NULL);
		}
	}
	return argc - optind == operands ? 0 : exit_usage(verb, "%s", usage);
}

int args_source(const char *verb, const struct prompt_source *src)
{
	_cleanup_free_ char **words = NULL;
	if (src->passfile && src->extpass)
		return exit_usage(verb, "--passfile and --extpass exclude each other");
	switch (src->extpass ? -words_split(src->extpass, &words) : 0) {
	case 0: return 0;
	case EINVAL: return exit_usage(verb, "the command of --extpass ends within a quote");
	case ENODATA: return exit_usage(verb, "--extpass takes a command");
	default: return exit_fail(EXIT_FAILED, "out of memory");
	}
}
