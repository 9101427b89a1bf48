/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs status: what is mounted, from where, by which process, how, and what has come of it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/status_show.h"

#define SECONDS 2.0
#define SECONDS_LEAST 0.1
#define SECONDS_MOST 86400.0

struct status_args {
	bool json, quiet;
	double watch; /* seconds, or 0 */
	const char *operand;
};

/* Do all of them answer, or belong to others? */
static int judge(const struct status_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->mounts[i].st.state == MOUNTS_DEAD || list->mounts[i].st.state == MOUNTS_SILENT)
			return EXIT_FAILED;
	return EXIT_DONE;
}

static int show_once(const struct status_args *a, const char *only)
{
	static const struct status_list none;
	_cleanup_status_list_ struct status_list list = { NULL, 0, 0 };
	int err = status_load(only, &none, &list);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot read the list of mounts: %s", exit_reason(err));
	if (only && list.n == 0)
		return a->quiet ? EXIT_NO_VAULT : status_not_mounted(a->operand);
	if (a->json && text_print_json(status_json(&list, false)) != EXIT_DONE)
		return EXIT_FAILED;
	if (!a->json && !a->quiet)
		status_text(stdout, &list);
	return only ? judge(&list) : EXIT_DONE;
}

static int status(const struct status_args *a)
{
	_cleanup_free_ char *real = NULL;
	int err = a->operand ? paths_resolve(a->operand, &real) : 0;
	if (err == -ENOENT || err == -ENOTDIR)
		return a->quiet ? EXIT_NO_VAULT
				: exit_fail(EXIT_NO_VAULT, "there is no mount point or vault '%s'", a->operand);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot look at '%s': %s", a->operand, exit_reason(err));
	return a->watch > 0 ? status_watch(real, a->operand, a->json, a->watch) : show_once(a, real);
}

/* Digits, with a point perhaps: a directory of that name is ./5. */
static bool is_number(const char *s)
{
	return *s && s[strspn(s, "0123456789.")] == '\0' && strcspn(s, "0123456789") < strlen(s);
}

static int parse_seconds(const char *text, double *out)
{
	char *end;
	double n = strtod(text, &end);
	if (!is_number(text) || *end || n < SECONDS_LEAST || n > SECONDS_MOST)
		return exit_usage("status", "--watch takes seconds, from 0.1 to 86400, not '%s'", text);
	*out = n;
	return 0;
}

static int check_args(const struct status_args *a, int operands)
{
	if (operands > 1)
		return exit_usage("status", "status takes one operand at most: a mount point or a vault");
	if (a->quiet && (a->json || a->watch > 0))
		return exit_usage("status", "--quiet excludes --json and --watch");
	if (a->quiet && operands == 0)
		return exit_usage("status", "--quiet takes a mount point or a vault: the exit code tells of that");
	return 0;
}

int cmd_status(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "watch", optional_argument, NULL, 'w' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct status_args a = { .watch = 0 };
	int c, code = 0;
	while ((c = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		switch (c) {
		case 'j': a.json = true; break;
		case 'q': a.quiet = args_quiet(); break;
		case 'w':
			a.watch = SECONDS;
			if (!optarg && optind < argc && is_number(argv[optind]))
				optarg = argv[optind++];
			if (optarg && (code = parse_seconds(optarg, &a.watch)) != 0)
				return code;
			break;
		case 'h': return main_help("status");
		default: return exit_usage("status", NULL);
		}
	}
	code = check_args(&a, argc - optind);
	a.operand = argc > optind ? argv[optind] : NULL;
	return code != 0 ? code : status(&a);
}
