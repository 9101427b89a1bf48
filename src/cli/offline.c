/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/offline.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "sandbox/sandbox.h"

int offline_parse(const struct offline_verb *v, int argc, char **argv, struct offline_args *a, void *arg)
{
	int c;
	while ((c = getopt_long(argc, argv, v->letters, v->options, NULL)) != -1) {
		switch (c) {
		case OFFLINE_NO_SANDBOX: a->no_sandbox = true; break;
		case 'q': a->quiet = args_quiet(); break;
		case 'h': (void)main_help(v->name); return -1;
		case '?': return exit_usage(v->name, NULL);
		default:
			if (credential_take(&a->credential, c) < 0)
				v->take(arg, c);
		}
	}
	a->n = argc - optind - 1;
	if (a->n < v->min || a->n > v->max)
		return exit_usage(v->name, "%s", v->operands);
	int code = credential_check(v->name, &a->credential);
	a->vault = argv[optind];
	a->operands = argv + optind + 1;
	return code;
}

void offline_confine(const struct offline_args *a, const struct unlock *u)
{
	struct sandbox_state state;
	if (!a->no_sandbox)
		sandbox_enter(&(struct sandbox_options){ .use = SANDBOX_READ, .vault_fd = u->fd }, &state);
}

const char *offline_reason(int err)
{
	switch (-err) {
	case EBADMSG:
	case EUCLEAN:
		return "it is damaged or has been tampered with";
	case EPROTONOSUPPORT:
		return "it was made by a newer cryptfs (update this one)";
	case ENOENT:
		return "there is no such file or directory in the vault";
	case ENOTDIR:
		return "something on the way is not a directory";
	case ELOOP:
		return "too many symbolic links, or one that is not followed";
	case EXDEV:
		return "it leads out of the vault (a link to an absolute path, or something else mounted inside)";
	case EACCES:
	case EPERM:
		return "you are not permitted to read it (look at the owner and mode of its encrypted file)";
	default:
		return exit_reason(err);
	}
}

int offline_code(int err)
{
	return store_is_damage(err) || err == -EPROTONOSUPPORT ? EXIT_DAMAGED : EXIT_FAILED;
}

int offline_worse(int a, int b)
{
	if (a == EXIT_DAMAGED || b == EXIT_DAMAGED)
		return EXIT_DAMAGED;
	return a != EXIT_DONE ? a : b;
}

int offline_find(const struct tree *t, const char *vault, const char *path, unsigned int follow,
		 struct tree_entry *e)
{
	int err = tree_resolve(t, path, follow, e);
	if (err == 0)
		return 0;
	return exit_fail(offline_code(err), "cannot read '%s' in '%s': %s", *path ? path : "/", vault,
			 offline_reason(err));
}

char *offline_join(const char *above, const char *below)
{
	char *path;
	size_t n = strlen(above);
	if (n == 0 || below[0] == '\0')
		return strdup(n == 0 ? below : above);
	return asprintf(&path, "%s%s%s", above, above[n - 1] == '/' ? "" : "/", below) < 0 ? NULL : path;
}

char *offline_trouble(const char *vault, const char *from, const struct walk_item *i, enum walk_trouble what, int err)
{
	_cleanup_free_ char *path = offline_join(from, i->path);
	char *text = NULL;
	int n = -1;
	if (!path)
		return NULL;
	if (what == WALK_NAME && err == -EUCLEAN)
		n = asprintf(&text,
			     "in '%s' there is a name that does not open: damaged, moved there, or not the vault's: "
			     "'%s/%s'",
			     *path ? path : "/", vault, i->cipher);
	else if (what == WALK_DIR && err == -EUCLEAN)
		n = asprintf(&text,
			     "the directory '%s' cannot be listed: its ID (" NAME_DIR_FILE
			     ") is missing or damaged: '%s/%s'",
			     *path ? path : "/", vault, i->cipher);
	else
		n = asprintf(&text, "cannot read '%s': %s: '%s/%s'", *path ? path : "/", offline_reason(err), vault,
			     i->cipher);
	return n < 0 ? NULL : text;
}
