/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs status: what is mounted, from where, by which process, how, and what has come of it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/status_show.h"

#define SECONDS 2.0
#define SECONDS_LEAST 0.1
#define SECONDS_MOST 86400.0

/* ---- what there is ---- */

static double rate(int64_t now, int64_t before, double seconds)
{
	return now >= 0 && before >= 0 && now >= before && seconds > 0 ? (double)(now - before) / seconds : -1;
}

static const struct status_mount *find_before(const struct status_list *before, const struct status_mount *m)
{
	for (size_t i = 0; i < before->n; i++) {
		const struct status_mount *b = &before->mounts[i];
		if (b->st.pid == m->st.pid && b->st.since == m->st.since && strcmp(b->mountpoint, m->mountpoint) == 0)
			return b;
	}
	return NULL;
}

static void find_rates(const struct status_list *before, double at, struct status_mount *m)
{
	const struct status_mount *b = find_before(before, m);
	const struct mounts_counts *x = &m->st.counts, *y = b ? &b->st.counts : NULL;
	double seconds = at - before->at;
	m->rates = (struct status_rates){ -1, -1, -1, -1 };
	if (!y)
		return;
	m->rates.read_bytes = rate(x->read_bytes, y->read_bytes, seconds);
	m->rates.written_bytes = rate(x->written_bytes, y->written_bytes, seconds);
	m->rates.requests = rate(x->requests, y->requests, seconds);
	m->rates.damaged = rate(x->damaged, y->damaged, seconds);
}

static bool is_same_directory(const char *a, const char *b)
{
	struct stat x, y;
	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* All if 'only' is NULL. A vault may be known to the kernel by another path. */
static bool is_wanted(const struct mountinfo *e, const char *only)
{
	return e->ours && (!only || strcmp(e->mountpoint, only) == 0 || strcmp(e->source, only) == 0 ||
			   (paths_is_vault(only) && is_same_directory(e->source, only)));
}

static int add_mount(const struct mountinfo *e, const struct status_list *before, struct status_list *out)
{
	struct status_mount *more = reallocarray(out->mounts, out->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	out->mounts = more;
	struct status_mount *m = &more[out->n];
	m->mountpoint = strdup(e->mountpoint);
	m->vault = strdup(e->source);
	m->read_only = e->read_only;
	out->n++;
	if (!m->mountpoint || !m->vault)
		return -ENOMEM;
	mounts_ask(m->mountpoint, &m->st);
	find_rates(before, out->at, m);
	return 0;
}

int status_load(const char *only, const struct status_list *before, struct status_list *out)
{
	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	*out = (struct status_list){ .at = (double)t.tv_sec + (double)t.tv_nsec / 1e9 };
	int err = mounts_load(&m);
	for (size_t i = 0; err == 0 && i < m.n; i++)
		if (is_wanted(&m.entries[i], only))
			err = add_mount(&m.entries[i], before, out);
	if (err < 0)
		status_free(out);
	return err;
}

void status_free(struct status_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->mounts[i].mountpoint);
		free(list->mounts[i].vault);
	}
	free(list->mounts);
	*list = (struct status_list){ NULL, 0, 0 };
}

/* ---- the verb ---- */

struct status_args {
	bool json, quiet;
	double watch; /* seconds, or 0 */
	const char *operand;
};

int status_not_mounted(const char *operand)
{
	return exit_fail(EXIT_NO_VAULT, "'%s' is not mounted ('cryptfs status' lists what is)", operand);
}

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
		case 'q': a.quiet = true; break;
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
