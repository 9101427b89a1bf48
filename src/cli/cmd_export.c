/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs export: a file or a tree out of a vault, without a mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/export_report.h"
#include "cli/offline.h"
#include "cli/progress.h"
#include "cli/stop.h"
#include "cli/unlock.h"
#include "offline/export.h"
#include "sandbox/sandbox.h"

struct export_args {
	struct offline_args on;
	const char *path;
	const char *dest;
	bool overwrite;
	bool salvage;
	bool privileged;
};

/* Where it goes: name in the directory fd; "" is the directory itself. */
struct place {
	int fd;
	bool is_dest; /* fd is what was named, so the name is that of what is exported */
	char name[NAME_MAX_LEN + 1];
	char *path; /* for messages */
};

static void place_free(struct place *p)
{
	cleanup_fd(&p->fd);
	free(p->path);
}

/* ---- the place ---- */

static int bad_dest(const char *dest, int err)
{
	if (err == -ENOENT)
		return exit_fail(EXIT_FAILED, "cannot write to '%s': the directory it is to be in does not exist",
				 dest);
	return exit_fail(EXIT_FAILED, "cannot write to '%s': %s", dest, exit_reason(err));
}

/* Nothing is called so yet, or no directory: it is for its parent to have. */
static int place_in_parent(const char *dest, struct place *p)
{
	_cleanup_free_ char *copy_dir = strdup(dest);
	_cleanup_free_ char *copy_base = strdup(dest);
	if (!copy_dir || !copy_base)
		return bad_dest(dest, -ENOMEM);
	const char *base = basename(copy_base);
	if (strlen(base) >= sizeof(p->name))
		return bad_dest(dest, -ENAMETOOLONG);
	strcpy(p->name, base);
	p->fd = open(dirname(copy_dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return p->fd < 0 ? bad_dest(dest, -errno) : 0;
}

static int find_place(const struct export_args *a, int vault_fd, struct place *p)
{
	int code = 0;
	p->fd = open(a->dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->is_dest = p->fd >= 0;
	if (!p->is_dest)
		code = errno == ENOENT || errno == ENOTDIR ? place_in_parent(a->dest, p) : bad_dest(a->dest, -errno);
	if (code == 0 && paths_contains(vault_fd, p->fd) != 0)
		return exit_fail(EXIT_FAILED, "'%s' is inside the vault: name a place outside it", a->dest);
	return code;
}

static int name_place(const struct export_args *a, const struct tree_entry *e, struct place *p)
{
	if (p->is_dest)
		strcpy(p->name, e->plain);
	p->path = offline_join(a->dest, p->is_dest ? e->plain : "");
	return p->path ? 0 : bad_dest(a->dest, -ENOMEM);
}

/* As offline_confine. */
static void confine(const struct export_args *a, int vault_fd, const struct place *p, struct sandbox_state *state)
{
	const struct sandbox_options opt = {
		.use = SANDBOX_EXPORT,
		.vault_fd = vault_fd,
		.dest_fd = p->fd,
		.devices = a->privileged,
	};
	if (!a->on.no_sandbox)
		sandbox_enter(&opt, state);
}

/* ---- the run ---- */

static int count_entry(void *arg, const struct walk_item *i)
{
	struct progress_state *s = arg;
	s->files += !S_ISDIR(i->sb.st_mode);
	s->bytes += S_ISREG(i->sb.st_mode) ? (uint64_t)i->sb.st_size : 0;
	return stop_asked() ? -EINTR : WALK_ON;
}

static int count_trouble(void *arg, const struct walk_item *i, enum walk_trouble what, int err)
{
	(void)arg;
	(void)i;
	(void)what;
	(void)err;
	return 0;
}

/* For who watches: how much there is to do. Where sizes are hidden each file would have to be opened to know. */
static void count(const struct tree_entry *e, struct progress *p)
{
	static const struct walk_ops ops = { count_entry, NULL, count_trouble };
	struct progress_state s = { .files = 0 };
	if (p->style == PROGRESS_BAR && !e->dir->st->hide_sizes && walk_tree(e, &ops, &s) == 0)
		progress_totals(p, s.files, s.bytes);
}

struct run {
	const struct sandbox_state *sandbox;
	const struct tree_entry *entry;
	struct export_report report;
	struct progress progress;
};

static int on_done(void *arg, uint64_t files, uint64_t bytes)
{
	struct run *r = arg;
	progress_add(&r->progress, files, bytes);
	return stop_asked() ? -EINTR : 0;
}

static int on_inside(void *arg, int fd)
{
	struct run *r = arg;
	int err = sandbox_narrow(r->sandbox, r->entry->dir->st->root_fd, fd);
	if (err == 0)
		count(r->entry, &r->progress);
	return err;
}

static void on_trouble(void *arg, const struct export_event *e)
{
	struct run *r = arg;
	export_report_event(&r->report, e);
}

static int on_walk_trouble(void *arg, const struct walk_item *i, enum walk_trouble what, int err)
{
	struct run *r = arg;
	export_report_walk(&r->report, i, what, err);
	return 0;
}

static int run(const struct export_args *a, const struct tree_entry *e, const struct place *p,
	       const struct sandbox_state *sandbox)
{
	struct run r = {
		.sandbox = sandbox,
		.entry = e,
		.report = { .vault = a->on.vault, .path = a->path, .dest = p->path },
	};
	const struct export_options opt = {
		.overwrite = a->overwrite,
		.salvage = a->salvage,
		.owners = geteuid() == 0,
		.privileged = a->privileged,
		.done = on_done,
		.inside = on_inside,
		.trouble = on_trouble,
		.walk_trouble = on_walk_trouble,
		.arg = &r,
	};
	(void)umask(0);
	stop_watch();
	progress_begin(&r.progress, "exporting", a->on.quiet);
	if (!p->name[0] || !S_ISDIR(e->sb.st_mode)) /* else when it is made */
		count(e, &r.progress);
	int err = export_tree(e, p->fd, p->name, &opt);
	if (err == 0 && syncfs(p->fd) != 0)
		export_report_sync(&r.report, -errno);
	progress_hide(&r.progress);
	int code = export_report_end(&r.report, err);
	if (!a->on.quiet && err == 0) {
		char size[PROGRESS_SIZE];
		progress_size(size, r.progress.bytes);
		text_line("exported: %llu file%s, %s", (unsigned long long)r.progress.files,
			  r.progress.files == 1 ? "" : "s", size);
	}
	progress_end(&r.progress);
	stop_obey();
	return code;
}

/* ---- the verb ---- */

enum { OVERWRITE = OFFLINE_OWN, SALVAGE, PRIVILEGED };

static void take(void *arg, int option)
{
	struct export_args *a = arg;
	switch (option) {
	case OVERWRITE: a->overwrite = true; break;
	case SALVAGE: a->salvage = true; break;
	case PRIVILEGED: a->privileged = true; break;
	}
}

/* Returns 0, an exit code, or -1 when help was printed. */
static int parse(int argc, char **argv, struct export_args *a)
{
	static const struct option options[] = {
		{ "overwrite", no_argument, NULL, OVERWRITE },
		{ "salvage", no_argument, NULL, SALVAGE },
		{ "privileged", no_argument, NULL, PRIVILEGED },
		OFFLINE_OPTIONS,
	};
	static const struct offline_verb verb = {
		.name = "export",
		.letters = "qh",
		.options = options,
		.take = take,
		.min = 2,
		.max = 2,
		.operands = "export takes three operands: the vault, a path in it (/: all), and where to",
	};
	*a = (struct export_args){ .on = { .vault = NULL } };
	int code = offline_parse(&verb, argc, argv, &a->on, a);
	if (code != 0)
		return code;
	a->path = a->on.operands[0];
	a->dest = a->on.operands[1];
	return code;
}

int cmd_export(int argc, char **argv)
{
	struct export_args a;
	int code = parse(argc, argv, &a);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;

	_cleanup_(unlock_free) struct unlock u = UNLOCK_NONE;
	_cleanup_tree_ struct tree t = { NULL, NULL };
	_cleanup_tree_entry_ struct tree_entry e = { .dir = NULL };
	_cleanup_(place_free) struct place p = { .fd = -1 };
	struct sandbox_state sandbox = { .landlock = 0 };
	code = unlock_tree(&u, a.on.vault, &a.on.credential, UNLOCK_READ, a.on.quiet, &t);
	if (code == 0)
		code = find_place(&a, u.fd, &p);
	if (code != 0)
		return code;
	confine(&a, u.fd, &p, &sandbox);
	code = offline_find(&t, a.on.vault, a.path, TREE_FOLLOW_WAY, &e);
	if (code == 0)
		code = name_place(&a, &e, &p);
	return code != 0 ? code : run(&a, &e, &p, &sandbox);
}
