/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/patience.h"
#include "cli/prompt.h"
#include "cli/words.h"
#include "vault/vault.h"

int args_json(const char *verb, int argc, char **argv, int operands, const char *usage, bool *json)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;
	*json = false;
	while ((c = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		switch (c) {
		case 'j': *json = true; break;
		case 'q': (void)args_quiet(); break;
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

int args_jobs(const char *verb, const char *text, unsigned int *jobs)
{
	char *end;
	errno = 0;
	long n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < 1 || n > (long)ARGS_JOBS_MAX)
		return exit_usage(verb, "--jobs takes a number from 1 to %u, not '%s'", ARGS_JOBS_MAX, text);
	*jobs = (unsigned int)n;
	return 0;
}

unsigned int args_default_jobs(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	return n < 1 ? 1 : n > (long)ARGS_JOBS_MAX ? ARGS_JOBS_MAX : (unsigned int)n;
}

bool args_quiet(void)
{
	patience_off();
	return true;
}

bool args_ask(const char *fmt, ...)
{
	char line[64];
	va_list ap;
	(void)fflush(stdout);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputs(" [y/N] ", stderr);
	(void)fflush(stderr);
	if (!fgets(line, sizeof(line), stdin))
		return false;
	line[strcspn(line, "\n")] = '\0';
	return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
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
