/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs path: which encrypted file is which, in both directions.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/mounts.h"
#include "cli/offline.h"
#include "cli/unlock.h"
#include "offline/place.h"

struct path_args {
	struct offline_args on;
	bool reverse;
	bool json;
	bool zero;     /* NUL, not a line end, after each path */
	bool lines;    /* operands come from standard input: lines, */
	bool in_zero;  /* or with a NUL behind each */
};

struct mapping {
	const struct path_args *args;
	const struct tree *tree;
	struct places places;
	char *cwd;
	char *vault;	  /* absolute, as it was named */
	const char *real; /* and without symbolic links */
	char *mountpoint; /* where it is mounted, or NULL */
	bool escape;
	json_t *list;
	int code;
};

/* ---- what is printed ---- */

static void print_path(const struct mapping *m, const char *above, const char *path)
{
	_cleanup_free_ char *whole = strcmp(path, ".") == 0 ? strdup(above) : offline_join(above, path);
	_cleanup_free_ char *text = whole && m->escape ? text_escape(whole) : NULL;
	(void)fputs(text ? text : whole ? whole : "out of memory", stdout);
	(void)putchar(m->args->zero ? '\0' : '\n');
}

static void add_json(struct mapping *m, const char *operand, json_t *o)
{
	if (o)
		text_json_name(o, "operand", operand);
	if (!o || json_array_append_new(m->list, o) != 0)
		m->code = exit_fail(EXIT_FAILED, "out of memory");
}

/* It cannot be told. 'what' is a sentence. */
static void fail(struct mapping *m, const char *operand, int code, const char *what)
{
	m->code = offline_worse(m->code, code);
	exit_note("'%s': %s", operand, what);
	if (m->list)
		add_json(m, operand, json_pack("{s:o}", "error", text_json(what)));
}

/* ---- from plain to sealed ---- */

static json_t *plain_json(const char *path, const char *cipher, bool exists)
{
	_cleanup_free_ char *plain = paths_lexical("", path);
	json_t *o = json_pack("{s:o, s:s, s:b, s:n}", "ciphertext", text_json(cipher), "kind", "entry", "exists",
			      exists,
			      "copy");
	if (o && plain)
		text_json_name(o, "plaintext", plain);
	return o;
}

static void map_plain(struct mapping *m, const char *operand, const char *path)
{
	_cleanup_tree_entry_ struct tree_entry e = { .dir = NULL };
	int err = tree_resolve(m->tree, path, TREE_FOLLOW_WAY | TREE_NAME, &e);
	if (err < 0) {
		fail(m, operand, offline_code(err), offline_reason(err));
		return;
	}
	bool exists = e.sb.st_mode != 0;
	if (!exists && !m->args->on.quiet)
		exit_note("'%s': there is nothing of that name in the vault now; this is where it would be", operand);
	if (m->list)
		add_json(m, operand, plain_json(path, e.cipher, exists));
	else
		print_path(m, m->args->on.vault, e.cipher);
}

/* ---- from sealed to plain ---- */

static const char *sealed_reason(const struct place *at)
{
	switch (-at->err) {
	case EUCLEAN:
	case EBADMSG: return at->kind == PLACE_FOREIGN ? "it is nothing that belongs into a vault" :
							 "a name on the way, or its own, does not open: it is damaged, "
							 "or was moved there";
	case ENOENT: return at->kind == PLACE_LINK_TARGET ? "no symbolic link has its target there" :
							    "a directory on the way does not exist";
	case EINVAL: return "it leads out of the vault";
	default: return offline_reason(at->err);
	}
}

/* Has it a plaintext path, or belongs to what has one? */
static bool has_path(enum place_kind kind)
{
	switch (kind) {
	case PLACE_ROOT:
	case PLACE_ENTRY:
	case PLACE_COPY:
	case PLACE_DIR_ID:
	case PLACE_LONG_NAME:
	case PLACE_LINK_TARGET: return true;
	default: return false;
	}
}

static void note_kind(const struct mapping *m, const char *operand, const struct place *at)
{
	if (m->args->on.quiet)
		return;
	if (at->copy)
		exit_note("'%s' is, or lies in, a copy: '%s' was put behind a name", operand, at->copy);
	else if (at->kind != PLACE_ENTRY && at->kind != PLACE_ROOT)
		exit_note("'%s' is %s", operand, place_kind_text(at->kind));
}

static json_t *place_json(const struct place *at)
{
	struct stat sb;
	bool exists = at->dir && dir_stat(at->dir, at->disk, &sb) == 0;
	json_t *o = json_pack("{s:o, s:s, s:b, s:o, s:n}", "ciphertext", text_json(at->below), "kind",
			      place_kind_name(at->kind), "exists", exists, "copy",
			      at->copy ? text_json(at->copy) : json_null(), "plaintext");
	if (o && has_path(at->kind))
		text_json_name(o, "plaintext", at->plain);
	return o;
}

static void map_sealed(struct mapping *m, const char *operand, const char *below)
{
	_cleanup_place_ struct place at = { .kind = PLACE_ROOT };
	int err = place_find(&m->places, below, &at);
	if (err < 0 || at.err < 0) {
		fail(m, operand, err < 0 ? EXIT_FAILED : offline_code(at.err),
		     err < 0 ? exit_reason(err) : sealed_reason(&at));
		return;
	}
	if (!has_path(at.kind) && !m->list) {
		if (!m->args->on.quiet)
			exit_note("'%s' has no plaintext path: it is %s", operand, place_kind_text(at.kind));
		return;
	}
	note_kind(m, operand, &at);
	if (m->list)
		add_json(m, operand, place_json(&at));
	else
		print_path(m, "", at.plain);
}

/* ---- operands ---- */

/* The part of a path that lies in the vault's directory, or NULL. */
static const char *in_vault(const struct mapping *m, const char *path)
{
	const char *below = paths_below(path, m->vault);
	return below ? below : paths_below(path, m->real);
}

static void map(struct mapping *m, const char *operand)
{
	_cleanup_free_ char *path = paths_lexical(m->cwd, operand);
	const char *below = path ? in_vault(m, path) : NULL;
	if (!path)
		fail(m, operand, EXIT_FAILED, exit_reason(-ENOMEM));
	else if (operand[0] == '\0')
		fail(m, operand, EXIT_FAILED, "a path is needed");
	else if (m->args->reverse && !below && operand[0] == '/')
		fail(m, operand, EXIT_FAILED, "it does not lie in the vault's directory");
	else if (m->args->reverse)
		map_sealed(m, operand, below ? below : operand);
	else if (below && operand[0] == '/')
		map_sealed(m, operand, below);
	else if (operand[0] == '/' && m->mountpoint && (below = paths_below(path, m->mountpoint)))
		map_plain(m, operand, below);
	else
		map_plain(m, operand, operand);
}

static int map_input(struct mapping *m)
{
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int end = m->args->in_zero ? '\0' : '\n';
	while ((n = getdelim(&line, &cap, end, stdin)) > 0) {
		if (line[n - 1] == end)
			line[--n] = '\0';
		if (strlen(line) != (size_t)n)
			fail(m, line, EXIT_FAILED, "a path has no NUL (--stdin0 reads paths with one behind each)");
		else if (n > 0)
			map(m, line);
	}
	return ferror(stdin) ? exit_fail(EXIT_FAILED, "cannot read standard input: %s", exit_reason(-errno)) : 0;
}

static int map_all(struct mapping *m)
{
	const struct path_args *a = m->args;
	int code = 0;
	for (int i = 0; i < a->on.n; i++)
		if (!a->lines || strcmp(a->on.operands[i], "-") != 0)
			map(m, a->on.operands[i]);
	if (a->lines || a->in_zero)
		code = map_input(m);
	if (m->list) {
		int printed = text_print_json(json_pack("{s:o, s:O}", "vault", text_json(m->real), "paths", m->list));
		code = code != 0 ? code : printed;
	}
	return m->code != EXIT_DONE ? m->code : code;
}

/* ---- the verb ---- */

enum { JSON = OFFLINE_OWN, STDIN0 };

static void take(void *arg, int option)
{
	struct path_args *a = arg;
	switch (option) {
	case 'r': a->reverse = true; break;
	case '0': a->zero = true; break;
	case STDIN0: a->in_zero = true; break;
	default: a->json = true; break;
	}
}

/* Returns 0, an exit code, or -1 when help was printed. */
static int parse(int argc, char **argv, struct path_args *a)
{
	static const struct option options[] = {
		{ "reverse", no_argument, NULL, 'r' },
		{ "print0", no_argument, NULL, '0' },
		{ "stdin0", no_argument, NULL, STDIN0 },
		{ "json", no_argument, NULL, JSON },
		OFFLINE_OPTIONS,
	};
	static const struct offline_verb verb = {
		.name = "path",
		.letters = "r0qh",
		.options = options,
		.take = take,
		.min = 0,
		.max = INT_MAX,
		.operands = "path takes a vault, and paths in it",
	};
	*a = (struct path_args){ .on = { .vault = NULL } };
	int code = offline_parse(&verb, argc, argv, &a->on, a);
	if (code != 0)
		return code;
	for (int i = 0; i < a->on.n; i++)
		a->lines = a->lines || strcmp(a->on.operands[i], "-") == 0;
	if (a->on.n == 0 && !a->in_zero)
		return exit_usage("path", "path takes a vault, and paths in it (-: they come from standard input)");
	return a->lines && a->in_zero ? exit_usage("path", "- and --stdin0 exclude each other") : 0;
}

static void find_mount(struct mapping *m, const struct unlock *u)
{
	_cleanup_mounts_ struct mounts mounts = { NULL, 0 };
	const struct mountinfo *e = mounts_load(&mounts) < 0 ? NULL : mounts_of_vault(&mounts, u->fd);
	m->mountpoint = e ? strdup(e->mountpoint) : NULL;
}

static void mapping_end(struct mapping *m)
{
	place_end(&m->places);
	json_decref(m->list);
	free(m->cwd);
	free(m->vault);
	free(m->mountpoint);
}

static int mapping_begin(struct mapping *m, const struct unlock *u)
{
	const struct path_args *a = m->args;
	m->cwd = get_current_dir_name();
	m->vault = m->cwd ? paths_lexical(m->cwd, a->on.vault) : NULL;
	m->real = u->path;
	m->escape = !a->zero && isatty(STDOUT_FILENO) == 1;
	m->list = a->json ? json_array() : NULL;
	find_mount(m, u);
	place_begin(m->tree, &m->places);
	return m->vault && (m->list || !a->json) ? 0 : exit_fail(EXIT_FAILED, "out of memory");
}

int cmd_path(int argc, char **argv)
{
	struct path_args a;
	int code = parse(argc, argv, &a);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;

	_cleanup_(unlock_free) struct unlock u = UNLOCK_NONE;
	_cleanup_tree_ struct tree t = { NULL, NULL };
	_cleanup_(mapping_end) struct mapping m = { .args = &a, .tree = &t };
	code = unlock_tree(&u, a.on.vault, &a.on.credential, UNLOCK_LOOK, a.on.quiet, &t);
	if (code == 0)
		code = mapping_begin(&m, &u);
	if (code != 0)
		return code;
	offline_confine(&a.on, &u);
	return map_all(&m);
}
