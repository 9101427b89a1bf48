/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <getopt.h>

#include "cli/cli.h"
#include "format/vaultfile.h"

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

int args_label(const char *verb, const char *text, const char **label)
{
	if (!vaultfile_label_is_valid(text))
		return exit_usage(verb, "--label takes up to 128 bytes of UTF-8 without control characters, not '%s'",
				  text);
	*label = text;
	return 0;
}
