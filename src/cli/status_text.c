/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/status_show.h"

#define TOP_KINDS 5 /* of requests are named */
#define LINE 256

/* One line, escaped; with 'name' one about that, else as it is. */
static void line(FILE *out, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void line(FILE *out, const char *name, const char *fmt, ...)
{
	char *raw = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&raw, fmt, ap);
	va_end(ap);
	_cleanup_free_ char *text = n < 0 ? NULL : text_escape(raw);
	if (n >= 0)
		free(raw);
	(void)fprintf(out, name ? "    %-8s %s\n" : "%s%s\n", name ? name : "", text ? text : "out of memory");
}

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

/* "2 days", "3 h 20 min", "12 s". */
static void age(char *out, size_t size, int64_t seconds)
{
	if (seconds >= 2 * 86400)
		(void)snprintf(out, size, "%" PRId64 " days", seconds / 86400);
	else if (seconds >= 3600)
		(void)snprintf(out, size, "%" PRId64 " h %02" PRId64 " min", seconds / 3600, seconds / 60 % 60);
	else if (seconds >= 60)
		(void)snprintf(out, size, "%" PRId64 " min", seconds / 60);
	else
		(void)snprintf(out, size, "%" PRId64 " s", seconds);
}

static void show_since(FILE *out, uint64_t since)
{
	char text[TEXT_TIME_SIZE], old[40];
	int64_t now = (int64_t)time(NULL);
	text_time(text, since);
	if (since > INT64_MAX || (int64_t)since > now)
		line(out, "since", "%s", text);
	else {
		age(old, sizeof(old), now - (int64_t)since);
		line(out, "since", "%s, %s ago", text, old);
	}
}

/* As --idle takes it: "1h30m". */
static void show_idle(FILE *out, int64_t seconds)
{
	static const int64_t units[] = { 86400, 3600, 60, 1 };
	char limit[80] = "";
	size_t at = 0;
	for (size_t i = 0; i < 4 && seconds > 0; seconds %= units[i++])
		if (seconds >= units[i])
			at += (size_t)snprintf(limit + at, sizeof(limit) - at, "%" PRId64 "%c", seconds / units[i],
					       "dhms"[i]);
	if (at > 0)
		line(out, "idle", "unmounted by itself when it has not been used for %s", limit);
}

static void show_state(FILE *out, enum mounts_state state)
{
	if (state == MOUNTS_DEAD)
		line(out, "state", "dead: its process is gone (to clear it away: cryptfs umount)");
	else if (state == MOUNTS_SILENT)
		line(out, "state", "silent: its process does not answer");
	else if (state == MOUNTS_UNREADABLE)
		line(out, "state", "unreadable: it is another user's");
}

static void show_process(FILE *out, const struct mounts_status *st)
{
	const struct mounts_counts *c = &st->counts;
	if (st->pid > 0 && c->threads >= 0)
		line(out, "process", "%ld, %" PRId64 " thread%s, %" PRId64 " of them busy", (long)st->pid, c->threads,
		     plural(c->threads), c->busy_threads > 0 ? c->busy_threads : 0);
	else if (st->pid > 0)
		line(out, "process", "%ld", (long)st->pid);
}

static void show_bytes(FILE *out, const char *name, int64_t bytes, double rate)
{
	char text[PROGRESS_SIZE], speed[PROGRESS_SIZE];
	if (bytes < 0)
		return;
	progress_size(text, (uint64_t)bytes);
	progress_size(speed, rate > 0 ? (uint64_t)rate : 0);
	if (rate >= 0)
		line(out, name, "%-12s %s/s", text, speed);
	else
		line(out, name, "%s", text);
}

static int more_first(const void *a, const void *b)
{
	const struct mounts_kind *x = a, *y = b;
	return x->n < y->n ? 1 : x->n > y->n ? -1 : strcmp(x->name, y->name);
}

/* " (12 lookup, 3 read, ...)": those that there were most of. */
static void top_kinds(char *out, size_t size, const struct mounts_counts *c)
{
	struct mounts_kind kinds[MOUNTS_KINDS];
	size_t at = 0;
	memcpy(kinds, c->kinds, sizeof(kinds));
	qsort(kinds, c->n_kinds, sizeof(kinds[0]), more_first);
	out[0] = '\0';
	for (size_t i = 0; i < c->n_kinds && i < TOP_KINDS && at < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%" PRId64 " %s", i == 0 ? " (" : ", ", kinds[i].n,
				       kinds[i].name);
	if (at > 0 && at < size)
		(void)snprintf(out + at, size - at, "%s)", c->n_kinds > TOP_KINDS ? ", ..." : "");
}

static void show_requests(FILE *out, const struct mounts_counts *c, double rate)
{
	char kinds[LINE], speed[40] = "";
	if (c->requests < 0)
		return;
	top_kinds(kinds, sizeof(kinds), c);
	if (rate >= 0)
		(void)snprintf(speed, sizeof(speed), " %.0f/s", rate);
	line(out, "requests", rate >= 0 ? "%-12" PRId64 "%s%s" : "%" PRId64 "%s%s", c->requests, speed, kinds);
}

static void show_kept(FILE *out, const struct mounts_counts *c)
{
	char more[LINE] = "";
	if (c->inodes < 0)
		return;
	if (c->directories >= 0)
		(void)snprintf(more, sizeof(more), ", %" PRId64 " of %" PRId64 " directories, %" PRId64 " open file%s",
			       c->directories, c->directories_max, c->open_files, plural(c->open_files));
	line(out, "kept", "%" PRId64 " inode%s%s", c->inodes, plural(c->inodes), more);
	if (c->unrecorded_files > 0)
		line(out, "to do", "%" PRId64 " file%s whose new length is not recorded as durable yet",
		     c->unrecorded_files, plural(c->unrecorded_files));
}

static void show_last_damage(FILE *out, const struct mounts_damage *d)
{
	char what[64];
	if (d->block >= 0)
		(void)snprintf(what, sizeof(what), "block %" PRId64, d->block);
	else
		(void)snprintf(what, sizeof(what), "%s", d->kind);
	line(out, "", "%s: %s %s", d->path[0] ? d->path : "without a name", what, d->wrong);
}

static void show_damage(FILE *out, const struct status_mount *m)
{
	const struct mounts_status *st = &m->st;
	char when[TEXT_TIME_SIZE];
	int64_t n = st->counts.damaged;
	if (n == 0)
		line(out, "damage", "none was met");
	if (n <= 0)
		return;
	text_time(when, st->damage.when);
	line(out, "damage", "met %" PRId64 " time%s, the last %s:", n, plural(n), when);
	show_last_damage(out, &st->damage);
	_cleanup_free_ char *vault = text_quote(m->vault);
	line(out, "", "(to find all of it: cryptfs umount, then cryptfs check %s)", vault ? vault : "");
}

static void show_mount(FILE *out, const struct status_mount *m)
{
	const struct mounts_status *st = &m->st;
	line(out, NULL, "%s", m->mountpoint);
	line(out, "vault", "%s", m->vault);
	line(out, "mode", "%s%s%s", st->mode, st->mode[0] ? ", " : "", m->read_only ? "read-only" : "read-write");
	show_state(out, st->state);
	show_process(out, st);
	if (st->since > 0)
		show_since(out, st->since);
	show_idle(out, st->idle);
	show_bytes(out, "read", st->counts.read_bytes, m->rates.read_bytes);
	show_bytes(out, "written", st->counts.written_bytes, m->rates.written_bytes);
	show_requests(out, &st->counts, m->rates.requests);
	show_kept(out, &st->counts);
	show_damage(out, m);
}

void status_text(FILE *out, const struct status_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		show_mount(out, &list->mounts[i]);
	if (list->n == 0)
		(void)fputs("nothing is mounted\n", out);
}
