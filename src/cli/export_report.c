/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/export_report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/offline.h"
#include "cli/progress.h"

/* Takes the line, which may be NULL. */
static void keep(struct export_report *r, char *line, int code)
{
	r->code = offline_worse(r->code, code);
	/* Grown at every power of two. */
	if (line && (r->n & (r->n - 1)) == 0) {
		char **more = reallocarray(r->lines, r->n ? 2 * r->n : 1, sizeof(*more));
		if (more)
			r->lines = more;
		else
			free(TAKE_PTR(line));
	}
	if (line)
		r->lines[r->n++] = line;
	else
		r->forgotten = true;
}

static void keep_text(struct export_report *r, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void keep_text(struct export_report *r, int code, const char *fmt, ...)
{
	char *line;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&line, fmt, ap);
	va_end(ap);
	keep(r, n < 0 ? NULL : line, code);
}

static void unread(struct export_report *r, const char *path, const struct export_event *e)
{
	int code = offline_code(e->err);
	if (e->bad)
		keep_text(r, code, "'%s' is not exported: %s, from byte %llu to %llu at least", path,
			  offline_reason(e->err), (unsigned long long)e->bad->from, (unsigned long long)e->bad->to - 1);
	else
		keep_text(r, code, "'%s' is not exported: %s", path, offline_reason(e->err));
}

static void salvaged(struct export_report *r, const char *path, const struct salvage *s)
{
	char lost[PROGRESS_SIZE];
	progress_size(lost, salvage_lost(s));
	if (s->n == 0) /* whole by its pages */
		keep_text(r, EXIT_DAMAGED, "'%s' is salvaged whole", path);
	else
		keep_text(r, EXIT_DAMAGED,
			  "'%s' is salvaged: %s are lost, in %zu place%s, the first from byte %llu to %llu", path, lost,
			  s->n, s->n == 1 ? "" : "s", (unsigned long long)s->lost[0].from,
			  (unsigned long long)s->lost[0].to - 1);
}

static void unwritten(struct export_report *r, const struct export_event *e)
{
	_cleanup_free_ char *path = offline_join(r->dest, e->item->depth > 0 ? e->item->path : "");
	const char *at = path ? path : r->dest;
	if (e->err == -EEXIST)
		keep_text(r, EXIT_FAILED, "'%s' exists already (to replace it: --overwrite)", at);
	else if (e->err == -ENOTUNIQ)
		keep_text(r, EXIT_FAILED,
			  "'%s' is not exported: its name is taken by what was exported before it (are capital and "
			  "small letters the same there?)",
			  at);
	else if (e->err == -EISDIR)
		keep_text(r, EXIT_FAILED, "'%s' cannot be replaced: it is a directory", at);
	else if (e->err == -ENOTDIR || e->err == -ELOOP)
		keep_text(r, EXIT_FAILED, "'%s' is in the way: it is not a directory", at);
	else
		keep_text(r, EXIT_FAILED, "cannot write '%s': %s", at, exit_reason(e->err));
}

/* Where one thing can't be kept for a file it can't for any, as a rule: one line for all. */
static void attrs(struct export_report *r, const char *path, int err)
{
	if (store_is_damage(err)) {
		keep_text(r, EXIT_DAMAGED, "'%s' is exported without some extended attributes: %s", path,
			  offline_reason(err));
		return;
	}
	r->code = offline_worse(r->code, EXIT_FAILED);
	if (r->attrs++ == 0 && asprintf(&r->first_attrs, "'%s': %s", path, exit_reason(err)) < 0)
		r->first_attrs = NULL;
}

/* Nothing has gone wrong: it is as it was asked for. */
static void set_id(struct export_report *r, const char *path)
{
	if (r->set_id++ == 0)
		r->first_set_id = strdup(path);
}

void export_report_event(struct export_report *r, const struct export_event *e)
{
	_cleanup_free_ char *joined = offline_join(r->path, e->item->path);
	const char *path = joined ? joined : e->item->path;
	switch (e->what) {
	case EXPORT_UNREAD: unread(r, path, e); break;
	case EXPORT_SALVAGED: salvaged(r, path, e->salvage); break;
	case EXPORT_UNWRITTEN: unwritten(r, e); break;
	case EXPORT_ATTRS: attrs(r, path, e->err); break;
	case EXPORT_SET_ID: set_id(r, path); break;
	case EXPORT_LEFT_OUT:
		keep_text(r, EXIT_FAILED, "'%s' is left out: it is a device (for root to have it: --privileged)",
			  path);
		break;
	}
}

void export_report_walk(struct export_report *r, const struct walk_item *i, enum walk_trouble what, int err)
{
	keep(r, offline_trouble(r->vault, r->path, i, what, err), offline_code(err));
}

void export_report_sync(struct export_report *r, int err)
{
	keep_text(r, EXIT_FAILED, "what was written to '%s' may not be on its disk: %s", r->dest, exit_reason(err));
}

static void say(struct export_report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		exit_note("%s", r->lines[i]);
		free(r->lines[i]);
	}
	free(r->lines);
	if (r->attrs > 0)
		exit_note("%zu exported without some of their attributes (owner, mode, times, extended), the first %s",
			  r->attrs, r->first_attrs ? r->first_attrs : "");
	free(r->first_attrs);
	if (r->set_id > 0)
		exit_note("%zu exported without set-user-ID or set-group-ID bits (to keep them: --privileged), the "
			  "first '%s'",
			  r->set_id, r->first_set_id ? r->first_set_id : "");
	free(r->first_set_id);
	if (r->forgotten)
		exit_note("and more, for which there was no memory");
}

int export_report_end(struct export_report *r, int err)
{
	say(r);
	if (err == -EINTR)
		return exit_fail(EXIT_FAILED, "interrupted: not all was exported");
	if (err == -ENOMEM)
		return exit_fail(EXIT_FAILED, "out of memory: not all was exported");
	if (err < 0)
		return exit_fail(EXIT_FAILED, "not all was exported");
	return r->code;
}
