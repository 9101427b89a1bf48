/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "fs/status.h"

#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/loop.h"
#include "fs/tender.h"

static json_t *status_sandbox(const struct sandbox_state *s)
{
	return json_pack("{s:b, s:b, s:i, s:b}", "no_new_privs", (int)s->no_new_privs, "capabilities",
			 (int)s->capabilities, "landlock", s->landlock, "seccomp", (int)s->seccomp);
}

/* How many of something are there whose lock that is? */
static size_t status_count(pthread_mutex_t *lock, const size_t *n)
{
	SCOPED_LOCK(lock);
	return *n;
}

static json_t *status_caches(struct fs *fs)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "directories",
			 (json_int_t)status_count(&fs->dirs.lock, &fs->dirs.n), "directories_max",
			 (json_int_t)fs->dirs.max, "listings",
			 (json_int_t)status_count(&fs->listings.lock, &fs->listings.n), "open_files",
			 (json_int_t)atomic_load(&fs->open_files), "resting_files",
			 (json_int_t)status_count(&fs->rest.lock, &fs->rest.n), "unrecorded_files",
			 (json_int_t)tender_waiting(fs->tender));
}

static json_t *status_kinds(const struct tally_sums *sums)
{
	json_t *o = json_object();
	for (size_t k = 0; o && k < TALLY_KINDS; k++)
		if (sums->requests[k] > 0)
			(void)json_object_set_new(o, tally_name((enum tally_kind)k),
						  json_integer((json_int_t)sums->requests[k]));
	return o;
}

static json_t *status_damage(const struct damage_found *f)
{
	return json_pack("{s:I, s:s, s:o, s:s, s:s, s:I, s:o}", "when", (json_int_t)f->when, "kind",
			 damage_kind_name(f->kind), "block",
			 f->block_known ? json_integer((json_int_t)f->block) : json_null(), "wrong", damage_wrong(f),
			 "doing", f->doing, "inode", (json_int_t)f->ino, "path",
			 f->path[0] ? json_string(f->path) : json_null());
}

/* What has happened, and what there is, into o. Returns 0 or -1. */
static int status_add(struct fs *fs, json_t *o)
{
	struct tally_sums sums;
	struct damage_found last;
	unsigned int threads, busy;
	tally_sum(&fs->tally, &sums);
	loop_count(fs->loop, &threads, &busy);
	uint64_t damaged = damage_get(&fs->damage, &last);
	json_t *more = json_pack("{s:I, s:I, s:I, s:o, s:I, s:o, s:I, s:o, s:i, s:i}", "read_bytes",
				 (json_int_t)sums.bytes[TALLY_BYTES_READ], "written_bytes",
				 (json_int_t)sums.bytes[TALLY_BYTES_WRITTEN], "requests", (json_int_t)sums.all,
				 "requests_by_kind", status_kinds(&sums), "damaged", (json_int_t)damaged,
				 "last_damage", damaged > 0 ? status_damage(&last) : json_null(), "inodes",
				 (json_int_t)atomic_load(&fs->inodes.live), "caches", status_caches(fs), "threads",
				 (int)threads, "busy_threads", (int)busy);
	int r = more ? json_object_update(o, more) : -1;
	json_decref(more);
	return r;
}

static json_t *status_json(struct fs *fs)
{
	/* The path may be no UTF-8, and then is left out: mountinfo has it. */
	json_t *o = json_pack("{s:s, s:i, s:o*, s:s, s:b, s:I, s:o}", "version", PACKAGE_VERSION, "pid",
			      (int)getpid(), "vault", json_string(fs->opt->vault_path), "mode",
			      fs->shared ? "shared" : "private", "read_only", (int)fs->read_only, "since",
			      (json_int_t)fs->since, "sandbox", status_sandbox(&fs->sandbox));
	if (o && fs->opt->idle > 0)
		(void)json_object_set_new(o, "idle", json_integer(fs->opt->idle));
	if (!o || status_add(fs, o) == 0)
		return o;
	json_decref(o);
	return NULL;
}

/* As text; NULL without memory. */
static char *status_text(struct fs *fs)
{
	json_t *o = status_json(fs);
	char *text = json_dumps(o, JSON_COMPACT);
	if (text && strlen(text) > SESSION_STATUS_MAX) {
		free(text);
		(void)json_object_del(o, "vault"); /* nothing else is of any length */
		text = json_dumps(o, JSON_COMPACT);
	}
	json_decref(o);
	return text;
}

ssize_t status_get(struct fs *fs, char *buf, size_t size)
{
	_cleanup_free_ char *text = status_text(fs);
	if (!text)
		return -ENOMEM;
	size_t n = strlen(text);
	if (size > 0 && n > size)
		return -ERANGE;
	if (size > 0)
		memcpy(buf, text, n);
	return (ssize_t)n;
}
