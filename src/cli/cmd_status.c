/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs status: what is mounted, from where, by which process, and how.
 */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/mounts.h"

static const char *state_name(enum mounts_state state)
{
	switch (state) {
	case MOUNTS_ALIVE: return "alive";
	case MOUNTS_DEAD: return "dead";
	case MOUNTS_SILENT: return "silent";
	default: return "unreadable";
	}
}

static json_t *since_json(const struct mounts_status *st)
{
	char text[TEXT_TIME_SIZE];
	if (st->since == 0)
		return json_null();
	text_time(text, st->since);
	return json_string(text);
}

static json_t *sandbox_json(const struct mounts_sandbox *s)
{
	if (!s->known)
		return json_null();
	return json_pack("{s:b, s:b, s:i, s:b}", "no_new_privs", (int)s->no_new_privs, "capabilities",
			 (int)s->capabilities, "landlock", s->landlock, "seccomp", (int)s->seccomp);
}

static json_t *mount_json(const struct mountinfo *e)
{
	struct mounts_status st;
	mounts_ask(e->mountpoint, &st);
	return json_pack("{s:o, s:o, s:s, s:o, s:o, s:b, s:o, s:o, s:o}", "mountpoint", text_json(e->mountpoint),
			 "vault", text_json(e->source), "state", state_name(st.state), "pid",
			 st.pid > 0 ? json_integer(st.pid) : json_null(), "mode",
			 st.mode[0] ? text_json(st.mode) : json_null(), "read_only", e->read_only ? 1 : 0,
			 "since", since_json(&st), "inodes",
			 st.inodes >= 0 ? json_integer(st.inodes) : json_null(), "sandbox",
			 sandbox_json(&st.sandbox));
}

static int print_json(const struct mounts *m)
{
	json_t *list = json_array();
	for (size_t i = 0; i < m->n; i++)
		if (m->entries[i].ours)
			(void)json_array_append_new(list, mount_json(&m->entries[i]));
	return text_print_json(json_pack("{s:o}", "mounts", list));
}

static void print_mount(const struct mountinfo *e)
{
	struct mounts_status st;
	mounts_ask(e->mountpoint, &st);
	text_line("%s", e->mountpoint);
	text_line("    vault    %s", e->source);
	text_line("    mode     %s%s%s", st.mode, st.mode[0] ? ", " : "",
		  e->read_only ? "read-only" : "read-write");
	if (st.state == MOUNTS_DEAD)
		text_line("    state    dead: its process is gone (to clear it away: cryptfs umount)");
	else if (st.state == MOUNTS_SILENT)
		text_line("    state    silent: its process does not answer");
	else if (st.state == MOUNTS_UNREADABLE)
		text_line("    state    unreadable: it is another user's");
	if (st.pid > 0)
		text_line("    process  %ld", (long)st.pid);
	if (st.since > 0) {
		char since[TEXT_TIME_SIZE];
		text_time(since, st.since);
		text_line("    since    %s", since);
	}
	if (st.inodes >= 0)
		text_line("    inodes   %lld known to the kernel", (long long)st.inodes);
}

static int print_text(const struct mounts *m)
{
	bool any = false;
	for (size_t i = 0; i < m->n; i++) {
		if (!m->entries[i].ours)
			continue;
		any = true;
		print_mount(&m->entries[i]);
	}
	if (!any)
		(void)puts("nothing is mounted");
	return EXIT_DONE;
}

int cmd_status(int argc, char **argv)
{
	bool json;
	int code = args_json("status", argc, argv, 0, "status takes no operands", &json);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;

	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	int err = mounts_load(&m);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot read the list of mounts: %s", exit_reason(err));
	return json ? print_json(&m) : print_text(&m);
}
