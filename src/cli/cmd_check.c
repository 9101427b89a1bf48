/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs check: verify a vault without mounting it, and mend what can be mended without losing anything.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/check_report.h"
#include "cli/cli.h"
#include "cli/unlock.h"
#include "offline/repair.h"
#include "sandbox/sandbox.h"

struct check_args {
	const char *vault;
	struct credential_args credential;
	const char *path;
	unsigned int jobs;
	bool quick, json, quiet, repair, yes, no_sandbox;
};

struct job {
	struct check_args args;
	struct unlock u;
	struct tree tree;
	struct progress progress;
	struct check_report report;
	uint64_t files, bytes; /* that progress knows of */
	bool failed; /* something could not be repaired for another reason than what it is */
	bool undone; /* a rebuild was not allowed, or failed: something may still be needed for it */
};

_Static_assert(ARGS_JOBS_MAX <= CHECK_JOBS_MAX, "threads");

/* Returns 0, an exit code, or -1 when help was printed. */
static int parse(int argc, char **argv, struct check_args *a)
{
	enum { PATH = 256, QUICK, JSON, REPAIR, YES, NO_SANDBOX };
	static const struct option options[] = {
		CREDENTIAL_OPTIONS,
		{ "jobs", required_argument, NULL, 'j' },
		{ "path", required_argument, NULL, PATH },
		{ "quick", no_argument, NULL, QUICK },
		{ "json", no_argument, NULL, JSON },
		{ "repair", no_argument, NULL, REPAIR },
		{ "yes", no_argument, NULL, YES },
		{ "no-sandbox", no_argument, NULL, NO_SANDBOX },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	*a = (struct check_args){ .jobs = args_default_jobs() };

	int c, code = 0;
	while (code == 0 && (c = getopt_long(argc, argv, "j:qh", options, NULL)) != -1) {
		switch (c) {
		case 'j': code = args_jobs("check", optarg, &a->jobs); break;
		case PATH: a->path = optarg; break;
		case QUICK: a->quick = true; break;
		case JSON: a->json = true; break;
		case REPAIR: a->repair = true; break;
		case YES: a->yes = true; break;
		case NO_SANDBOX: a->no_sandbox = true; break;
		case 'q': a->quiet = args_quiet(); break;
		case 'h': (void)main_help("check"); return -1;
		default: code = credential_take(&a->credential, c) == 0 ? 0 : exit_usage("check", NULL);
		}
	}
	if (code != 0)
		return code;
	if ((code = credential_check("check", &a->credential)) != 0)
		return code;
	if (a->yes && !a->repair)
		return exit_usage("check", "--yes goes with --repair");
	if (argc - optind != 1)
		return exit_usage("check", "check takes one operand: the vault");
	a->vault = argv[optind];
	return 0;
}

/* ---- checking ---- */

static void tick(void *arg, const struct check_counts *c)
{
	struct job *j = arg;
	uint64_t files = c->files, bytes = c->bytes;
	progress_add(&j->progress, files - j->files, bytes - j->bytes);
	j->files = files;
	j->bytes = bytes;
}

static void found(void *arg, const struct check_finding *f)
{
	struct job *j = arg;
	check_report_found(&j->report, f);
}

static int no_such_path(const struct job *j, int err)
{
	if (err == -ENOENT || err == -ENOTDIR || err == -ENAMETOOLONG || err == -EINVAL)
		return exit_fail(EXIT_FAILED, "there is no '%s' in the vault (a path is from the vault's root, and "
					      "without links)",
				 j->args.path ? j->args.path : "/");
	return exit_fail(EXIT_FAILED, "the check could not be finished: %s", exit_reason(err));
}

static int run_check(struct job *j, struct check_counts *counts)
{
	struct check_options opt = {
		.jobs = j->args.jobs,
		.quick = j->args.quick,
		.path = j->args.path,
		.found = found,
		.arg = j,
	};
	/* A bar needs to know how much there is. */
	if (j->progress.style == PROGRESS_BAR && !j->args.quick) {
		opt.measure = true;
		int err = check_run(j->tree.st, &opt, counts);
		if (err < 0)
			return no_such_path(j, err);
		progress_totals(&j->progress, counts->files, counts->bytes);
		opt.measure = false;
	}
	opt.tick = tick;
	int err = check_run(j->tree.st, &opt, counts);
	if (err < 0)
		return no_such_path(j, err);
	return j->report.no_memory ? exit_fail(EXIT_FAILED, "out of memory") : 0;
}

/* ---- repairing ---- */

static bool may_do(const struct job *j, const struct repair_step *s, size_t n)
{
	if (!s->question)
		return true;
	if (j->args.yes && s->asked)
		exit_note("not done by --yes, only at a terminal: %s", s->question);
	if (j->args.yes)
		return !s->asked;
	return args_ask("%zu found. Shall I %s?", n, s->question);
}

/* What was moved away with something else is found by the next check. */
static void mend(struct job *j, struct repair *r, const struct repair_step *s, struct check_report_item *i)
{
	int err = s->mend(r, i->cipher);
	if (err == 0 || err == REPAIR_KEPT)
		check_report_mended(&j->report, i, err == 0 ? s->done : s->kept, err == REPAIR_KEPT);
	i->hopeless = i->hopeless || err == REPAIR_CANNOT;
	if (err >= 0)
		return;
	j->failed = true;
	j->undone = j->undone || s->when == REPAIR_REBUILD;
	exit_note("cannot repair '%s' (ciphertext '%s', %s): %s", i->path, i->cipher, check_kind_name(i->kind),
		  exit_reason(err));
}

static bool wants(const struct repair_step *s, const struct check_report_item *i)
{
	return i->kind == s->kind && !i->mended && (s->when != REPAIR_REST || i->hopeless);
}

/* Is there a name that is not known? What tells of it may be among the leftovers. */
static bool names_missing(const struct check_report *rep)
{
	for (size_t i = 0; i < rep->n_items; i++) {
		enum check_kind k = rep->item[i].kind;
		bool name = k == CHECK_DIR_ID || k == CHECK_OTHER_ID || k == CHECK_LONG_NAME || k == CHECK_NAME;
		if (name && !rep->item[i].mended)
			return true;
	}
	return false;
}

/* Steps that take away what another may need wait until it has had its turn. */
static bool is_early(const struct job *j, const struct repair_step *s)
{
	if (s->when != REPAIR_CLEAR)
		return false;
	if (!j->undone && j->report.n[CHECK_UNREADABLE] == 0 && j->report.n[CHECK_DISK] == 0)
		return false;
	exit_note("not done, since something that could not be read or rebuilt may need them: %s", s->question);
	return true;
}

/* Backwards: what lies in a directory goes before it. */
static void do_step(struct job *j, struct repair *r, const struct repair_step *s)
{
	struct check_report *rep = &j->report;
	size_t n = 0;
	for (size_t i = 0; i < rep->n_items; i++)
		n += wants(s, &rep->item[i]);
	if (n == 0 || is_early(j, s))
		return;
	if (!may_do(j, s, n)) {
		j->undone = j->undone || s->when == REPAIR_REBUILD;
		return;
	}
	r->keep = names_missing(rep);
	for (size_t i = rep->n_items; i > 0; i--)
		if (wants(s, &rep->item[i - 1]))
			mend(j, r, s, &rep->item[i - 1]);
}

static int run_repair(struct job *j)
{
	struct repair r;
	if (j->report.n_items == 0)
		return 0;
	if (!j->args.yes && isatty(STDIN_FILENO) != 1) {
		exit_note("nothing has been changed: there is no terminal to ask at (--yes does without)");
		return 0;
	}
	check_report_sort(&j->report);
	int err = repair_open(j->u.vault, j->u.fd, &r);
	for (size_t i = 0; err == 0 && i < repair_n_steps; i++)
		do_step(j, &r, &repair_steps[i]);
	if (err == 0)
		err = repair_close(&r);
	return err < 0 ? exit_fail(EXIT_FAILED, "cannot repair the vault: %s", exit_reason(err)) : 0;
}

/* ---- all of it ---- */

/* Before there are threads. */
static void confine(const struct job *j)
{
	const struct sandbox_options opt = {
		.use = j->args.repair ? SANDBOX_REPAIR : SANDBOX_READ,
		.vault_fd = j->u.fd,
	};
	struct sandbox_state state;
	if (!j->args.no_sandbox)
		sandbox_enter(&opt, &state);
}

static int check(struct job *j)
{
	struct check_counts counts;
	int code = unlock_tree(&j->u, j->args.vault, &j->args.credential, j->args.repair ? UNLOCK_CHANGE : UNLOCK_READ,
			       j->args.quiet, &j->tree);
	if (code != 0)
		return code;
	confine(j);
	progress_begin(&j->progress, "checking", j->args.quiet);
	code = run_check(j, &counts);
	progress_end(&j->progress);
	if (code == 0 && j->args.repair)
		code = run_repair(j);
	if (code != 0)
		return code;
	code = check_report_print(&j->report, j->u.path, &counts, repair_lost_count(j->tree.st), j->args.quiet);
	if (code != 0)
		return code;
	if (check_report_count(&j->report, CHECK_DAMAGE) > 0)
		return EXIT_DAMAGED;
	if (check_report_count(&j->report, CHECK_UNCHECKED) > 0)
		return exit_fail(EXIT_FAILED, "not all of the vault could be checked");
	return j->failed ? EXIT_FAILED : EXIT_DONE;
}

int cmd_check(int argc, char **argv)
{
	struct job j = { .u = UNLOCK_NONE };
	int code = parse(argc, argv, &j.args);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	if (check_report_begin(&j.report, j.args.json, j.args.repair, &j.progress) < 0)
		code = exit_fail(EXIT_FAILED, "out of memory");
	else
		code = check(&j);
	check_report_free(&j.report);
	tree_close(&j.tree);
	unlock_free(&j.u);
	return code;
}
