/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs inspect: what one encrypted file is, and with the key whether it is sound.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "cli/cli.h"
#include "cli/inspect_file.h"
#include "cli/offline.h"
#include "cli/unlock.h"

struct inspect_args {
	struct offline_args on; /* its vault is the operand */
	const char *vault;	/* that the file belongs to, if it lies elsewhere */
	bool verify, blocks, json;
};

struct inspecting {
	struct inspect_args args;
	struct unlock u;
	struct tree tree;
	struct places places;
	struct place place;
	struct inspection x;
	char *path;	   /* absolute, its directory without symbolic links */
	char *vault;	   /* above it, or as it was given */
	const char *below; /* the path in the vault; NULL: it lies elsewhere */
};

/* ---- where it is ---- */

/* Of what may be a symbolic link only the directory is resolved. */
static int resolve(const char *operand, char **out)
{
	const char *slash = strrchr(operand, '/'), *base = slash ? slash + 1 : operand;
	_cleanup_free_ char *above = NULL, *real = NULL;
	if (*base == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
		return paths_resolve(operand, out);
	above = slash ? strndup(operand, (size_t)(base - operand)) : strdup(".");
	int err = above ? paths_resolve(above, &real) : -ENOMEM;
	if (err < 0)
		return err;
	*out = paths_lexical(real, base);
	return *out ? 0 : -ENOMEM;
}

static bool is_vault(const char *path)
{
	struct stat sb;
	return lstat(path, &sb) == 0 && S_ISDIR(sb.st_mode) && paths_is_vault(path);
}

/* The nearest directory above that has settings. */
static int find_vault(struct inspecting *i)
{
	char *path = strdup(i->path);
	if (!path)
		return exit_fail(EXIT_FAILED, "out of memory");
	for (char *end; path[0] && !is_vault(path);) {
		end = strrchr(path, '/');
		*(end ? end : path) = '\0';
	}
	i->vault = path;
	i->below = path[0] ? paths_below(i->path, path) : NULL;
	if (i->below)
		return 0;
	return exit_fail(EXIT_NO_VAULT,
			 "'%s' lies in no vault: there is no " NAME_SETTINGS_FILE " above it (of which vault it is a "
			 "file can be said with --vault)",
			 i->args.on.vault);
}

static int locate(struct inspecting *i)
{
	int err = resolve(i->args.on.vault, &i->path);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot look at '%s': %s", i->args.on.vault, exit_reason(err));
	if (!i->args.vault)
		return find_vault(i);
	i->vault = strdup(i->args.vault);
	return i->vault ? 0 : exit_fail(EXIT_FAILED, "out of memory");
}

/* ---- opening ---- */

static bool has_credential(const struct credential_args *a)
{
	return a->passfile || a->extpass || a->keyfile || a->recovery || a->recovery_file || a->keyring;
}

/* Without a key damaged settings are no reason to stop. */
static int open_vault(struct inspecting *i)
{
	struct inspect_args *a = &i->args;
	const char *why = NULL;
	if (a->verify || has_credential(&a->on.credential)) {
		int code = unlock_tree(&i->u, i->vault, &a->on.credential, UNLOCK_LOOK, a->on.quiet, &i->tree);
		i->x.tree = code == 0 ? &i->tree : NULL;
		place_begin(&i->tree, &i->places);
		return code;
	}
	i->u.fd = open(i->vault, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (i->u.fd < 0)
		return exit_vault_dir(-errno, i->vault);
	int err = vault_open(i->u.fd, &i->u.vault, &why);
	if (err < 0 && !a->on.quiet)
		exit_note("the settings of '%s' cannot be used: %s", i->vault, why ? why : exit_reason(err));
	return 0;
}

/* Nothing that would wait, or do something when it is opened. */
static int open_file(struct inspecting *i)
{
	struct inspection *x = &i->x;
	if (!S_ISREG(x->sb.st_mode))
		return 0;
	x->fd = openat(x->parent, x->disk, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (x->fd < 0)
		return -errno;
	if (fstat(x->fd, &x->sb) != 0)
		return -errno;
	return S_ISREG(x->sb.st_mode) ? 0 : -ESTALE;
}

static int open_place(struct inspecting *i)
{
	struct inspection *x = &i->x;
	int err = 0;
	if (i->below) {
		err = place_parent(i->u.fd, i->below, &x->parent, &x->disk);
	} else {
		x->parent = AT_FDCWD;
		x->disk = i->path;
	}
	if (err == 0 && fstatat(x->parent, x->disk, &x->sb, AT_SYMLINK_NOFOLLOW) != 0)
		err = -errno;
	if (err == 0)
		err = open_file(i);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot look at '%s': %s", i->args.on.vault, exit_reason(err));
	if (!i->below && !S_ISREG(x->sb.st_mode))
		return exit_fail(EXIT_FAILED, "'%s' is no regular file: only such can be looked at with --vault",
				 i->args.on.vault);
	return 0;
}

/* ---- what is told of all ---- */

static const char *type_text(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return "the content of a file";
	case S_IFDIR: return "a directory";
	case S_IFLNK: return "a symbolic link";
	case S_IFIFO: return "a FIFO, which is stored as itself";
	case S_IFSOCK: return "a socket, which is stored as itself";
	default: return "a device node, which is stored as itself";
	}
}

static const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return "file";
	case S_IFDIR: return "directory";
	case S_IFLNK: return "symlink";
	case S_IFIFO: return "fifo";
	case S_IFSOCK: return "socket";
	default: return "device";
	}
}

static void say_place(struct inspecting *i)
{
	struct inspect_report *r = &i->x.report;
	const struct vault *v = i->u.vault;
	const char *type = type_text(i->x.sb.st_mode);
	char id[2 * VAULTFILE_ID_LEN + 1] = "";
	bool entry = i->x.kind == PLACE_ENTRY;
	if (v)
		codec_hex_encode(id, v->settings.vault_id, VAULTFILE_ID_LEN);
	inspect_fact(r, "vault", text_json(i->vault), "vault", "%s%s%s%s", i->vault,
		     v && v->settings.label[0] ? " (" : "",
		     v ? v->settings.label : "", v && v->settings.label[0] ? ")" : "");
	inspect_fact(r, "vault_id", v ? json_string(id) : json_null(), v ? "vault ID" : NULL, "%s", id);
	inspect_fact(r, "ciphertext", i->below ? text_json(*i->below ? i->below : ".") : json_null(), "encrypted",
		     "%s", i->below ? *i->below ? i->below : "." : i->path);
	inspect_fact(r, "kind", json_string(place_kind_name(i->x.kind)), NULL, "%s", "");
	inspect_fact(r, "type", json_string(type_name(i->x.sb.st_mode)), "what it is", "%s",
		     entry ? type : place_kind_text(i->x.kind));
}

/* The length of the name, as far as that is in the clear. */
static int say_name(struct inspecting *i)
{
	struct inspect_name n;
	if (i->x.kind != PLACE_ENTRY || !i->below)
		return 0;
	int err = inspect_name(i->x.parent, i->x.disk, &n);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot read it: %s", exit_reason(err));
	if (!n.right)
		inspect_finding(&i->x.report, CHECK_DAMAGE, check_kind_name(CHECK_LONG_NAME),
				check_kind_text(CHECK_LONG_NAME), 0, 0);
	else
		inspect_fact(&i->x.report, "name_length", json_pack("[i, i]", (int)n.least, (int)n.most), "name",
			     "%u to %u bytes%s", (unsigned int)n.least, (unsigned int)n.most,
			     n.is_long ? ", in a side file" : "");
	return 0;
}

static int say_plain(struct inspecting *i)
{
	const struct place *at = &i->place;
	if (!i->x.tree || !i->below)
		return 0;
	int err = place_find(&i->places, i->below, &i->place);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot read it: %s", exit_reason(err));
	i->x.dir = at->dir;
	i->x.kind = at->kind != PLACE_ROOT ? at->kind : i->x.kind;
	if (at->err == -EUCLEAN && at->kind != PLACE_FOREIGN) {
		inspect_fact(&i->x.report, "plaintext", json_null(), "plaintext", "below %s", at->plain);
		inspect_finding(&i->x.report, CHECK_DAMAGE, check_kind_name(CHECK_NAME),
				"its name, or one on the way, does not open here: changed, or moved", 0, 0);
	} else if (at->err == -ENOENT && at->kind == PLACE_LINK_TARGET) {
		inspect_finding(&i->x.report, CHECK_LEFTOVER, check_kind_name(CHECK_ORPHAN),
				check_kind_text(CHECK_ORPHAN), 0, 0);
	} else if (at->err < 0 && at->kind != PLACE_FOREIGN) {
		return exit_fail(EXIT_FAILED, "cannot read it: %s", offline_reason(at->err));
	} else if (at->kind == PLACE_ENTRY || at->kind == PLACE_COPY || at->kind == PLACE_ROOT ||
		   at->kind == PLACE_DIR_ID || at->kind == PLACE_LONG_NAME || at->kind == PLACE_LINK_TARGET) {
		inspect_fact(&i->x.report, "plaintext", text_json(at->plain), "plaintext", "%s%s", at->plain,
			     at->kind == PLACE_COPY ? ", of which it is a copy" : "");
	}
	return 0;
}

/* ---- all of it ---- */

static int inspect(struct inspecting *i)
{
	struct inspection *x = &i->x;
	int code = locate(i);
	if (code == 0)
		code = open_vault(i);
	if (code == 0)
		code = open_place(i);
	if (code != 0)
		return code;
	offline_confine(&i->args.on, &i->u);
	bool root = i->below && !strchr(i->below, '/');
	x->kind = i->below ? place_kind_of(*i->below ? x->disk : ".", root) : PLACE_ENTRY;
	if (i->below && paths_below(i->below, NAME_LOST_DIR))
		x->kind = PLACE_LOST;
	say_place(i);
	code = say_name(i);
	if (code == 0)
		code = say_plain(i);
	if (code == 0 && S_ISREG(x->sb.st_mode) &&
	    (x->kind == PLACE_ENTRY || x->kind == PLACE_COPY || x->kind == PLACE_LOST))
		code = inspect_file_content(x);
	else if (code == 0)
		code = inspect_other(x);
	if (code == 0)
		code = inspect_report_end(&x->report);
	if (code == 0 && x->report.damaged && i->u.in_use)
		exit_note("the vault is in use: what is being written meanwhile may seem damaged; look again "
			  "when it is not");
	return code != 0 ? code : x->report.damaged ? EXIT_DAMAGED : EXIT_DONE;
}

enum { JSON = OFFLINE_OWN, VERIFY, BLOCKS, VAULT };

static void take(void *arg, int option)
{
	struct inspect_args *a = arg;
	switch (option) {
	case VERIFY: a->verify = true; break;
	case BLOCKS: a->blocks = true; break;
	case VAULT: a->vault = optarg; break;
	default: a->json = true; break;
	}
}

int cmd_inspect(int argc, char **argv)
{
	static const struct option options[] = {
		{ "verify", no_argument, NULL, VERIFY },
		{ "blocks", no_argument, NULL, BLOCKS },
		{ "vault", required_argument, NULL, VAULT },
		{ "json", no_argument, NULL, JSON },
		OFFLINE_OPTIONS,
	};
	static const struct offline_verb verb = {
		.name = "inspect",
		.letters = "qh",
		.options = options,
		.take = take,
		.min = 0,
		.max = 0,
		.operands = "inspect takes one operand: a file or directory in a vault",
	};
	struct inspecting i = { .u = UNLOCK_NONE, .x = { .parent = -1, .fd = -1 } };
	int code = offline_parse(&verb, argc, argv, &i.args.on, &i.args);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	if (inspect_report_begin(&i.x.report, i.args.json, i.args.on.quiet) < 0)
		return exit_fail(EXIT_FAILED, "out of memory");
	i.x.blocks = i.args.blocks;
	code = inspect(&i);
	inspect_report_free(&i.x.report);
	place_free(&i.place);
	if (i.x.tree)
		place_end(&i.places);
	tree_close(&i.tree);
	cleanup_fd(&i.x.fd);
	cleanup_fd(&i.x.parent);
	unlock_free(&i.u);
	free(i.path);
	free(i.vault);
	return code;
}
