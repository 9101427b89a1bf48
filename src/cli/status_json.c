/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <time.h>

#include "cli/cli.h"
#include "cli/status_show.h"

static const char *state_name(enum mounts_state state)
{
	switch (state) {
	case MOUNTS_ALIVE: return "alive";
	case MOUNTS_DEAD: return "dead";
	case MOUNTS_SILENT: return "silent";
	default: return "unreadable";
	}
}

static json_t *time_json(uint64_t seconds)
{
	char text[TEXT_TIME_SIZE];
	if (seconds == 0)
		return json_null();
	text_time(text, seconds);
	return json_string(text);
}

static json_t *count_json(int64_t n)
{
	return n >= 0 ? json_integer(n) : json_null();
}

static json_t *word_json(const char *s)
{
	return s[0] ? text_json(s) : json_null();
}

static json_t *sandbox_json(const struct mounts_sandbox *s)
{
	if (!s->known)
		return json_null();
	return json_pack("{s:b, s:b, s:i, s:b}", "no_new_privs", (int)s->no_new_privs, "capabilities",
			 (int)s->capabilities, "landlock", s->landlock, "seccomp", (int)s->seccomp);
}

static json_t *kinds_json(const struct mounts_counts *c)
{
	if (c->requests < 0)
		return json_null();
	json_t *o = json_object();
	for (size_t i = 0; o && i < c->n_kinds; i++)
		(void)json_object_set_new(o, c->kinds[i].name, json_integer(c->kinds[i].n));
	return o;
}

static json_t *caches_json(const struct mounts_counts *c)
{
	if (c->directories < 0)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "directories", count_json(c->directories), "directories_max",
			 count_json(c->directories_max), "listings", count_json(c->listings), "open_files",
			 count_json(c->open_files), "resting_files", count_json(c->resting_files),
			 "unrecorded_files", count_json(c->unrecorded_files));
}

static json_t *damage_json(const struct mounts_damage *d)
{
	if (!d->known)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "time", time_json(d->when), "kind", word_json(d->kind),
			 "block", count_json(d->block), "wrong", word_json(d->wrong), "doing", word_json(d->doing),
			 "inode", count_json(d->inode), "path", word_json(d->path));
}

static json_t *rates_json(const struct status_rates *r)
{
	if (r->requests < 0)
		return json_null();
	return json_pack("{s:f, s:f, s:f, s:f}", "read_bytes", r->read_bytes, "written_bytes", r->written_bytes,
			 "requests", r->requests, "damaged", r->damaged);
}

static json_t *counts_json(const struct mounts_status *st)
{
	const struct mounts_counts *c = &st->counts;
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "inodes", count_json(c->inodes),
			 "read_bytes", count_json(c->read_bytes), "written_bytes", count_json(c->written_bytes),
			 "requests", count_json(c->requests), "requests_by_kind", kinds_json(c), "damaged",
			 count_json(c->damaged), "last_damage", damage_json(&st->damage), "caches", caches_json(c),
			 "threads", count_json(c->threads), "busy_threads", count_json(c->busy_threads));
}

static json_t *mount_json(const struct status_mount *m, bool many)
{
	const struct mounts_status *st = &m->st;
	json_t *o = json_pack("{s:o, s:o, s:s, s:o, s:o, s:b, s:o, s:o, s:o}", "mountpoint", text_json(m->mountpoint),
			      "vault", text_json(m->vault), "state", state_name(st->state), "pid",
			      st->pid > 0 ? json_integer(st->pid) : json_null(), "mode", word_json(st->mode),
			      "read_only", (int)m->read_only, "since", time_json(st->since), "idle",
			      count_json(st->idle), "sandbox", sandbox_json(&st->sandbox));
	json_t *counts = counts_json(st);
	if (o && counts)
		(void)json_object_update(o, counts);
	if (o && many)
		(void)json_object_set_new(o, "rates", rates_json(&m->rates));
	json_decref(counts);
	return o;
}

json_t *status_json(const struct status_list *list, bool many)
{
	json_t *mounts = json_array();
	for (size_t i = 0; i < list->n; i++)
		(void)json_array_append_new(mounts, mount_json(&list->mounts[i], many));
	return many ? json_pack("{s:o, s:o}", "time", time_json((uint64_t)time(NULL)), "mounts", mounts)
		    : json_pack("{s:o}", "mounts", mounts);
}
