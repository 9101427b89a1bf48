/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs autostart: vaults that are mounted at login. Listing them, removing one, and what the login runs.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/autostart.h"
#include "cli/cli.h"
#include "cli/mounts.h"

int cmd_autostart(int argc, char **argv)
{
	return subverbs_run("autostart", argc, argv);
}

/* Why an entry cannot be read. */
static const char *reason(int err)
{
	switch (-err) {
	case EUCLEAN: return "it is damaged, or of another version of cryptfs";
	case EACCES: return "it belongs to somebody else, or others can change it";
	default: return exit_reason(err);
	}
}

static int load_names(struct autostart_names *list)
{
	int err = autostart_names_load(list);
	return err < 0 ? exit_fail(EXIT_FAILED, "cannot read which vaults are mounted at login: %s", exit_reason(err)) :
			 0;
}

/* ---- list ---- */

static bool is_enabled(const struct autostart_entry *e)
{
	return e->method == AUTOSTART_SYSTEMD ? autostart_systemd_is_enabled(e->name) :
						autostart_desktop_is_enabled(e->name);
}

/* By that vault, or by another? */
static bool is_mounted(const struct autostart_entry *e, const struct mounts *m)
{
	const struct mountinfo *at = mounts_at(m, e->mountpoint);
	return at && at->ours && strcmp(at->source, e->vault) == 0;
}

static json_t *entry_json(const struct autostart_entry *e, const struct mounts *m)
{
	json_t *options = json_array();
	for (size_t i = 0; i < e->n_options; i++)
		(void)json_array_append_new(options, json_string(e->options[i]));
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:o}", "name", e->name, "mountpoint", e->mountpoint, "vault",
			 e->vault, "method", e->method == AUTOSTART_SYSTEMD ? "systemd" : "xdg", "enabled",
			 (int)is_enabled(e), "mounted", (int)is_mounted(e, m), "options", options);
}

static char *options_text(const struct autostart_entry *e)
{
	char *text = strdup("");
	for (size_t i = 0; text && i < e->n_options; i++) {
		_cleanup_free_ char *word = text_quote(e->options[i]);
		char *more;
		if (!word || asprintf(&more, "%s%s%s", text, *text ? " " : "", word) < 0)
			more = NULL;
		free(text);
		text = more;
	}
	return text;
}

static void print_entry(const struct autostart_entry *e, const struct mounts *m)
{
	bool systemd = e->method == AUTOSTART_SYSTEMD;
	_cleanup_free_ char *options = options_text(e);
	text_line("%s", e->mountpoint);
	text_line("    vault    %s", e->vault);
	text_line("    by       cryptfs%s%s.%s", systemd ? "@" : "-", e->name, systemd ? "service" : "desktop");
	if (!is_enabled(e))
		text_line("    enabled  no: switched off elsewhere (to have it again: cryptfs autostart add)");
	if (options && *options)
		text_line("    options  %s", options);
	text_line("    mounted  %s", is_mounted(e, m) ? "yes" : "no");
}

/* With list NULL as text. What cannot be read does not keep the others from being shown. Returns 0 or an exit code. */
static int show(const struct autostart_names *names, const struct mounts *m, json_t *list)
{
	int code = EXIT_DONE;
	for (size_t i = 0; i < names->n; i++) {
		_cleanup_autostart_ struct autostart_entry e = { .name = NULL };
		int err = autostart_load(names->names[i], &e);
		if (err < 0)
			code = exit_fail(EXIT_FAILED, "cannot read '%s': %s (to be rid of it: cryptfs autostart remove "
					 "'%s')", names->names[i], reason(err), names->names[i]);
		else if (list)
			(void)json_array_append_new(list, entry_json(&e, m));
		else
			print_entry(&e, m);
	}
	return code;
}

int cmd_autostart_list(int argc, char **argv)
{
	bool json;
	_cleanup_(autostart_names_free) struct autostart_names names = { NULL, 0 };
	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	int code = args_json("autostart list", argc, argv, 0, "autostart list takes no operands", &json);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	int err = mounts_load(&m);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot read the list of mounts: %s", exit_reason(err));
	if ((code = load_names(&names)) != 0)
		return code;
	if (!json && names.n == 0)
		(void)puts("no vault is mounted at login");
	json_t *list = json ? json_array() : NULL;
	code = show(&names, &m, list);
	int printed = json ? text_print_json(json_pack("{s:o}", "entries", list)) : EXIT_DONE;
	return code != 0 ? code : printed;
}

/* ---- remove ---- */

/* Is the entry meant, by its name, its mount point or its vault? Those may be gone meanwhile. */
static bool is_meant(const char *name, const char *operand, const char *real)
{
	_cleanup_autostart_ struct autostart_entry e = { .name = NULL };
	_cleanup_free_ char *by_path = autostart_name(real);
	if (strcmp(name, operand) == 0 || (by_path && real[0] == '/' && strcmp(name, by_path) == 0))
		return true;
	return autostart_load(name, &e) == 0 && strcmp(e.vault, real) == 0;
}

static int remove_one(const char *name, bool quiet)
{
	_cleanup_autostart_ struct autostart_entry e = { .name = NULL };
	bool known = autostart_load(name, &e) == 0;
	int err = autostart_systemd_disable(name);
	if (err == 0)
		err = autostart_desktop_disable(name);
	if (err == 0)
		err = autostart_forget(name);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot remove '%s': %s", name, exit_reason(err));
	if (!quiet)
		exit_note("'%s' will not be mounted at login any more", known ? e.mountpoint : name);
	return 0;
}

/* As far as there is something of it, without links and dots. To be freed. */
static char *resolve(const char *operand)
{
	_cleanup_free_ char *here = NULL;
	char *real = NULL;
	if (paths_resolve(operand, &real) == 0)
		return real;
	if (operand[0] == '/' || !(here = realpath(".", NULL)))
		return strdup(operand);
	return asprintf(&real, "%s/%s", here, operand) < 0 ? NULL : real;
}

static int remove_meant(const char *operand, bool quiet)
{
	_cleanup_(autostart_names_free) struct autostart_names names = { NULL, 0 };
	_cleanup_free_ char *real = resolve(operand);
	int code = load_names(&names);
	size_t n = 0;
	for (size_t i = 0; code == 0 && real && i < names.n; i++) {
		if (!is_meant(names.names[i], operand, real))
			continue;
		n++;
		code = remove_one(names.names[i], quiet);
	}
	if (code == 0 && n == 0)
		return exit_fail(EXIT_FAILED, "nothing of '%s' is mounted at login (what is: cryptfs autostart list)",
				 operand);
	return code;
}

int cmd_autostart_remove(int argc, char **argv)
{
	static const struct option options[] = {
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	bool quiet = false;
	int c;
	while ((c = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		if (c == 'h')
			return main_help("autostart remove");
		if (c != 'q')
			return exit_usage("autostart remove", NULL);
		quiet = args_quiet();
	}
	if (argc - optind != 1)
		return exit_usage("autostart remove", "autostart remove takes one operand: mount point or vault");
	return remove_meant(argv[optind], quiet);
}

/* ---- run ---- */

/* With the keyring or not at all, where nobody can be asked. */
static int mount_entry(const struct autostart_entry *e, bool keyring)
{
	int argc;
	_cleanup_free_ char **argv = autostart_words(e, keyring, &argc);
	if (!argv)
		return exit_fail(EXIT_FAILED, "out of memory");
	optind = 0;
	return cmd_mount(argc, argv);
}

/* Is there a credential of systemd's? */
static bool has_credentials(void)
{
	const char *dir = secure_getenv("CREDENTIALS_DIRECTORY");
	return dir && *dir;
}

static int mount_for(const struct autostart_entry *e)
{
	_cleanup_(mount_args_free) struct mount_args args = { .vault = NULL };
	bool has_source;
	int code = autostart_parse(e, &args, &has_source);
	if (code != 0)
		return code;
	const char *nobody = autostart_ask();
	code = mount_entry(e, nobody && !has_source && !has_credentials());
	if (nobody && code == EXIT_WRONG_SECRET)
		exit_note("nobody can be asked for the passphrase of '%s': %s", e->vault, nobody);
	return code;
}

static int run(const char *name)
{
	_cleanup_autostart_ struct autostart_entry e = { .name = NULL };
	int err = autostart_load(name, &e);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot read what is to be mounted as '%s': %s", name, reason(err));
	return mount_for(&e);
}

int cmd_autostart_run(int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	int c;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1)
		return c == 'h' ? main_help("autostart run") : exit_usage("autostart run", NULL);
	if (argc - optind != 1)
		return exit_usage("autostart run", "autostart run takes one operand: a name");
	return run(argv[optind]);
}
