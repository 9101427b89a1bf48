/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the process behind a mount has answered. Anybody may have written it: what is not as it should be is not known.
 */
#include <jansson.h>
#include <string.h>

#include "cli/mounts.h"

static const struct mounts_counts nothing = {
	.read_bytes = -1,
	.written_bytes = -1,
	.requests = -1,
	.damaged = -1,
	.threads = -1,
	.busy_threads = -1,
	.inodes = -1,
	.directories = -1,
	.directories_max = -1,
	.listings = -1,
	.open_files = -1,
	.resting_files = -1,
	.unrecorded_files = -1,
};

void mounts_unknown(struct mounts_status *out, enum mounts_state state)
{
	memset(out, 0, sizeof(*out));
	out->state = state;
	out->idle = -1;
	out->counts = nothing;
}

/* -1 if it is no count. */
static int64_t parse_count(const json_t *j, const char *name)
{
	const json_t *v = json_object_get(j, name);
	return json_is_integer(v) && json_integer_value(v) >= 0 ? json_integer_value(v) : -1;
}

/* "" if it is no string that fits. */
static void parse_string(const json_t *j, const char *name, char *out, size_t size)
{
	const char *s = json_string_value(json_object_get(j, name));
	out[0] = '\0';
	if (s && strlen(s) < size)
		memcpy(out, s, strlen(s) + 1);
}

static void parse_sandbox(const json_t *j, struct mounts_sandbox *out)
{
	json_int_t landlock = json_integer_value(json_object_get(j, "landlock"));
	*out = (struct mounts_sandbox){
		.known = json_is_object(j),
		.no_new_privs = json_is_true(json_object_get(j, "no_new_privs")),
		.capabilities = json_is_true(json_object_get(j, "capabilities")),
		.seccomp = json_is_true(json_object_get(j, "seccomp")),
		.landlock = landlock > 0 && landlock <= INT16_MAX ? (int)landlock : 0,
	};
}

static void parse_kinds(json_t *j, struct mounts_counts *out)
{
	const char *name;
	json_t *v;
	json_object_foreach (j, name, v) {
		struct mounts_kind *k = &out->kinds[out->n_kinds];
		if (out->n_kinds == MOUNTS_KINDS)
			break;
		if (strlen(name) >= sizeof(k->name) || !json_is_integer(v) || json_integer_value(v) < 0)
			continue;
		strcpy(k->name, name);
		k->n = json_integer_value(v);
		out->n_kinds++;
	}
}

static void parse_counts(const json_t *j, struct mounts_counts *out)
{
	const json_t *caches = json_object_get(j, "caches");
	out->read_bytes = parse_count(j, "read_bytes");
	out->written_bytes = parse_count(j, "written_bytes");
	out->requests = parse_count(j, "requests");
	out->damaged = parse_count(j, "damaged");
	out->threads = parse_count(j, "threads");
	out->busy_threads = parse_count(j, "busy_threads");
	out->inodes = parse_count(j, "inodes");
	out->directories = parse_count(caches, "directories");
	out->directories_max = parse_count(caches, "directories_max");
	out->listings = parse_count(caches, "listings");
	out->open_files = parse_count(caches, "open_files");
	out->resting_files = parse_count(caches, "resting_files");
	out->unrecorded_files = parse_count(caches, "unrecorded_files");
	parse_kinds(json_object_get(j, "requests_by_kind"), out);
}

static void parse_damage(const json_t *j, struct mounts_damage *out)
{
	int64_t when = parse_count(j, "when");
	out->known = json_is_object(j);
	out->when = when > 0 ? (uint64_t)when : 0;
	out->block = parse_count(j, "block");
	out->inode = parse_count(j, "inode");
	parse_string(j, "kind", out->kind, sizeof(out->kind));
	parse_string(j, "wrong", out->wrong, sizeof(out->wrong));
	parse_string(j, "doing", out->doing, sizeof(out->doing));
	parse_string(j, "path", out->path, sizeof(out->path));
}

void mounts_parse(const char *text, size_t n, struct mounts_status *out)
{
	json_t *j = json_loadb(text, n, 0, NULL);
	int64_t pid = parse_count(j, "pid"), since = parse_count(j, "since");
	if (pid > 0 && pid <= INT32_MAX)
		out->pid = (pid_t)pid;
	if (since > 0)
		out->since = (uint64_t)since;
	out->idle = parse_count(j, "idle");
	parse_string(j, "mode", out->mode, sizeof(out->mode));
	parse_sandbox(json_object_get(j, "sandbox"), &out->sandbox);
	parse_counts(j, &out->counts);
	parse_damage(json_object_get(j, "last_damage"), &out->damage);
	if (out->pid > 0)
		out->state = MOUNTS_ALIVE;
	json_decref(j);
}
