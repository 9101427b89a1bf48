/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs import: a directory into a mounted vault, verified. No key is needed, and none is asked for.
 */
#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/import_place.h"
#include "cli/import_report.h"
#include "cli/progress.h"
#include "cli/stop.h"
#include "transfer/transfer.h"

struct import_args {
	const char *src, *dst, *report;
	bool check, dry_run, update, overwrite, verify_all, cross_mounts, json, quiet;
};

/* ---- the run ---- */

struct run {
	struct progress progress;
	struct import_report report;
};

static bool on_done(void *arg, uint64_t files, uint64_t bytes)
{
	struct run *r = arg;
	progress_add(&r->progress, files, bytes);
	return stop_asked() == 0;
}

static void on_told(void *arg, const struct transfer_event *e)
{
	struct run *r = arg;
	import_report_event(&r->report, e);
}

static void prepare(const struct import_args *a, const struct import_place *p, struct run *r,
		    struct transfer_options *o)
{
	*o = (struct transfer_options){
		.mode = a->check ? TRANSFER_CHECK : a->dry_run ? TRANSFER_DRY : TRANSFER_COPY,
		.replace = a->overwrite ? TRANSFER_OVERWRITE : a->update ? TRANSFER_UPDATE : TRANSFER_KEEP,
		.verify_all = a->verify_all,
		.cross_mounts = a->cross_mounts,
		.has_avoid = p->has_vault,
		.avoid_dev = p->vault_dev,
		.avoid_ino = p->vault_ino,
		.owners = geteuid() == 0,
		.done = on_done,
		.told = on_told,
		.arg = r,
	};
	r->report = (struct import_report){
		.src = a->src,
		.dst = a->dst,
		.mode = o->mode,
		.json = a->json,
		.quiet = a->quiet,
		.progress = &r->progress,
	};
}

/* For who watches: how much there is. */
static void count(const struct import_place *p, const struct transfer_options *opt, struct run *r, bool quiet)
{
	struct transfer_options o = *opt;
	struct transfer_counts c;
	o.mode = TRANSFER_COUNT;
	progress_begin(&r->progress, "counting", quiet);
	bool wanted = r->progress.style == PROGRESS_BAR;
	bool counted = wanted && transfer_run(p->src, -1, &o, &c) == 0;
	progress_end(&r->progress);
	progress_begin(&r->progress, opt->mode == TRANSFER_COPY ? "importing" : "comparing", quiet);
	if (counted)
		progress_totals(&r->progress, c.files, c.bytes);
}

static int run(const struct import_args *a, const struct import_place *p)
{
	struct run r;
	struct transfer_options opt;
	struct transfer_counts c = { .files = 0 };
	prepare(a, p, &r, &opt);
	int code = import_report_begin(&r.report, a->report);
	if (code != 0) {
		json_decref(r.report.list);
		return code;
	}
	(void)umask(0);
	stop_watch();
	count(p, &opt, &r, a->quiet);
	int err = transfer_run(p->src, p->dst, &opt, &c);
	progress_end(&r.progress);
	code = import_report_end(&r.report, &c, err);
	stop_obey();
	return code;
}

/* ---- the verb ---- */

enum { CHECK = 256, DRY_RUN, UPDATE, OVERWRITE, VERIFY_ALL, CROSS_MOUNTS, REPORT, JSON };

static int take(struct import_args *a, int c)
{
	switch (c) {
	case CHECK: a->check = true; break;
	case DRY_RUN: a->dry_run = true; break;
	case UPDATE: a->update = true; break;
	case OVERWRITE: a->overwrite = true; break;
	case VERIFY_ALL: a->verify_all = true; break;
	case CROSS_MOUNTS: a->cross_mounts = true; break;
	case REPORT: a->report = optarg; break;
	case JSON: a->json = true; break;
	case 'q': a->quiet = true; break;
	case 'h': (void)main_help("import"); return -1;
	default: return exit_usage("import", NULL);
	}
	return 0;
}

/* Returns 0, an exit code, or -1 when help was printed. */
static int parse(int argc, char **argv, struct import_args *a)
{
	static const struct option options[] = {
		{ "check", no_argument, NULL, CHECK },
		{ "dry-run", no_argument, NULL, DRY_RUN },
		{ "update", no_argument, NULL, UPDATE },
		{ "overwrite", no_argument, NULL, OVERWRITE },
		{ "verify-all", no_argument, NULL, VERIFY_ALL },
		{ "cross-mounts", no_argument, NULL, CROSS_MOUNTS },
		{ "report", required_argument, NULL, REPORT },
		{ "json", no_argument, NULL, JSON },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c, code = 0;
	*a = (struct import_args){ .src = NULL };
	while (code == 0 && (c = getopt_long(argc, argv, "qh", options, NULL)) != -1)
		code = take(a, c);
	if (code != 0)
		return code;
	if (a->check && (a->dry_run || a->update || a->overwrite))
		return exit_usage("import", "--check changes nothing: it does not go with --dry-run, --update or "
					    "--overwrite");
	if (a->update && a->overwrite)
		return exit_usage("import", "--update and --overwrite exclude each other");
	if (argc - optind != 2)
		return exit_usage("import", "import takes two operands: a directory, and where the vault is mounted");
	a->src = argv[optind];
	a->dst = argv[optind + 1];
	return 0;
}

int cmd_import(int argc, char **argv)
{
	struct import_args a;
	int code = parse(argc, argv, &a);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	_cleanup_(import_place_close) struct import_place p;
	code = import_place_open(&p, a.src, a.dst, !a.check && !a.dry_run);
	return code != 0 ? code : run(&a, &p);
}
