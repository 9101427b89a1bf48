/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs ls: what is in a vault, without a mount.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/offline.h"
#include "cli/owners.h"
#include "cli/unlock.h"
#include "store/symlink.h"

struct ls_args {
	struct offline_args on;
	const char *path;
	bool details;
	bool recursive;
	bool json;
	bool zero; /* NUL, not a line end, after each name */
};

/* A listing under way. */
struct listing {
	const struct ls_args *args;
	struct owners *owners;
	bool escape;
	json_t *entries;  /* if in JSON */
	json_t *trouble;
	int code;
};

/* ---- one entry ---- */

static const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return "file";
	case S_IFDIR: return "directory";
	case S_IFLNK: return "symlink";
	case S_IFIFO: return "fifo";
	case S_IFSOCK: return "socket";
	case S_IFCHR: return "character device";
	default: return "block device";
	}
}

static char type_letter(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR: return 'd';
	case S_IFLNK: return 'l';
	case S_IFIFO: return 'p';
	case S_IFSOCK: return 's';
	case S_IFCHR: return 'c';
	case S_IFBLK: return 'b';
	default: return '-';
	}
}

/* "drwxr-sr-t" */
static void mode_text(char out[static 11], mode_t mode)
{
	static const char letters[] = "rwxrwxrwx";
	out[0] = type_letter(mode);
	for (int i = 0; i < 9; i++)
		out[i + 1] = mode & (0400u >> i) ? letters[i] : '-';
	if (mode & S_ISUID)
		out[3] = mode & S_IXUSR ? 's' : 'S';
	if (mode & S_ISGID)
		out[6] = mode & S_IXGRP ? 's' : 'S';
	if (mode & S_ISVTX)
		out[9] = mode & S_IXOTH ? 't' : 'T';
	out[10] = '\0';
}

static void print_details(const struct listing *l, const struct stat *sb)
{
	char mode[11], when[32] = "?", size[32];
	struct tm tm;
	mode_text(mode, sb->st_mode);
	if (localtime_r(&sb->st_mtime, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	if (S_ISCHR(sb->st_mode) || S_ISBLK(sb->st_mode))
		(void)snprintf(size, sizeof(size), "%u, %u", major(sb->st_rdev), minor(sb->st_rdev));
	else
		(void)snprintf(size, sizeof(size), "%lld", (long long)sb->st_size);
	(void)printf("%s %3lu %-8s %-8s %11s %s ", mode, (unsigned long)sb->st_nlink,
		     owners_user(l->owners, sb->st_uid), owners_group(l->owners, sb->st_gid), size, when);
}

static void print_name(const struct listing *l, const char *name)
{
	_cleanup_free_ char *text = l->escape ? text_escape(name) : NULL;
	(void)fputs(text ? text : name, stdout);
}

static void print_text(const struct listing *l, const struct stat *sb, const char *path, const char *target)
{
	if (l->args->details)
		print_details(l, sb);
	print_name(l, path);
	if (target) {
		(void)fputs(" -> ", stdout);
		print_name(l, target);
	}
	(void)putchar(l->args->zero ? '\0' : '\n');
}

static void add_json(const struct listing *l, const struct stat *sb, const char *path, const char *target)
{
	char mode[8], when[TEXT_TIME_SIZE] = "unknown";
	(void)snprintf(mode, sizeof(mode), "%04o", (unsigned int)(sb->st_mode & 07777));
	if (sb->st_mtime >= 0)
		text_time(when, (uint64_t)sb->st_mtime);
	json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:s}", "type", type_name(sb->st_mode), "mode", mode,
			      "links", (json_int_t)sb->st_nlink, "uid", (json_int_t)sb->st_uid, "gid",
			      (json_int_t)sb->st_gid, "size", (json_int_t)sb->st_size, "modified", when);
	text_json_name(o, "path", path);
	if (target)
		text_json_name(o, "target", target);
	(void)json_array_append_new(l->entries, o);
}

/* ---- the walk ---- */

static void complain(struct listing *l, const struct walk_item *i, enum walk_trouble what, int err)
{
	_cleanup_free_ char *text = offline_trouble(l->args->on.vault, l->args->path, i, what, err);
	l->code = offline_worse(l->code, offline_code(err));
	exit_note("%s", text ? text : "out of memory");
	if (l->trouble)
		(void)json_array_append_new(l->trouble, json_pack("{s:o, s:o}", "ciphertext", text_json(i->cipher),
								  "reason", text_json(offline_reason(err))));
}

static int on_entry(void *arg, const struct walk_item *i)
{
	struct listing *l = arg;
	char buf[NAME_LINK_TARGET_MAX + 1];
	const char *target = NULL;
	if (i->depth == 0 && S_ISDIR(i->sb.st_mode))
		return WALK_ON;
	if (S_ISLNK(i->sb.st_mode) && (l->args->details || l->args->json)) {
		ssize_t n = symlink_read(i->parent, i->disk, buf);
		if (n < 0)
			complain(l, i, WALK_STATUS, (int)n);
		else
			target = buf;
	}
	const char *path = i->depth == 0 ? l->args->path : i->path;
	if (l->entries)
		add_json(l, &i->sb, path, target);
	else
		print_text(l, &i->sb, path, l->args->details ? target : NULL);
	return l->args->recursive ? WALK_ON : WALK_SKIP;
}

static int on_trouble(void *arg, const struct walk_item *i, enum walk_trouble what, int err)
{
	complain(arg, i, what, err);
	return 0;
}

static int list(const struct ls_args *a, struct owners *owners, const struct tree_entry *e)
{
	static const struct walk_ops ops = { on_entry, NULL, on_trouble };
	struct listing l = { .args = a, .owners = owners, .escape = !a->zero && isatty(STDOUT_FILENO) == 1 };
	if (a->json) {
		l.entries = json_array();
		l.trouble = json_array();
	}
	int err = walk_tree(e, &ops, &l);
	if (err < 0)
		l.code = exit_fail(EXIT_FAILED, "cannot list '%s': %s", a->path, exit_reason(err));
	if (!a->json)
		return l.code;
	int code = text_print_json(json_pack("{s:o, s:o}", "entries", l.entries, "damaged", l.trouble));
	return l.code != EXIT_DONE ? l.code : code;
}

/* ---- the verb ---- */

enum { JSON = OFFLINE_OWN };

static void take(void *arg, int option)
{
	struct ls_args *a = arg;
	switch (option) {
	case 'l': a->details = true; break;
	case 'R': a->recursive = true; break;
	case '0': a->zero = true; break;
	case JSON: a->json = true; break;
	default: break; /* -a, -A, -1: it is always so */
	}
}

/* Returns 0, an exit code, or -1 when help was printed. */
static int parse(int argc, char **argv, struct ls_args *a)
{
	static const struct option options[] = {
		{ "long", no_argument, NULL, 'l' },
		{ "recursive", no_argument, NULL, 'R' },
		{ "print0", no_argument, NULL, '0' },
		{ "all", no_argument, NULL, 'a' },
		{ "json", no_argument, NULL, JSON },
		OFFLINE_OPTIONS,
	};
	static const struct offline_verb verb = {
		.name = "ls",
		.letters = "lR0aA1qh",
		.options = options,
		.take = take,
		.min = 0,
		.max = 1,
		.operands = "ls takes one or two operands: the vault, and a path in it",
	};
	*a = (struct ls_args){ .on = { .vault = NULL } };
	int code = offline_parse(&verb, argc, argv, &a->on, a);
	if (code == 0)
		a->path = a->on.n > 0 ? a->on.operands[0] : "";
	return code;
}

int cmd_ls(int argc, char **argv)
{
	struct ls_args a;
	int code = parse(argc, argv, &a);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;

	_cleanup_(owners_end) struct owners owners = { .errand = ERRAND_NONE };
	_cleanup_(unlock_free) struct unlock u = UNLOCK_NONE;
	_cleanup_tree_ struct tree t = { NULL, NULL };
	_cleanup_tree_entry_ struct tree_entry e = { .dir = NULL };
	unsigned int follow = TREE_FOLLOW_WAY | (a.details || a.json ? 0 : TREE_FOLLOW_LAST);
	if (a.details && !a.json)
		owners_begin(&owners);
	code = unlock_tree(&u, a.on.vault, &a.on.credential, UNLOCK_READ, a.on.quiet, &t);
	if (code != 0)
		return code;
	offline_confine(&a.on, &u);
	code = offline_find(&t, a.on.vault, a.path, follow, &e);
	return code != 0 ? code : list(&a, &owners, &e);
}
