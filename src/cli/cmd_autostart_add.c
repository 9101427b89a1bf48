/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs autostart add: all that could go wrong at login is looked at now.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/autostart.h"
#include "cli/cli.h"
#include "cli/mount_args.h"
#include "cli/mountpoint.h"
#include "cli/mounts.h"
#include "cli/unlock.h"
#include "keyring/keyring.h"

static const char verb[] = "autostart add";

struct add {
	struct unlock u;
	struct autostart_entry entry;
	const char *vault; /* operands as given */
	const char *mountpoint;
	const char *method; /* NULL: what suits this session */
	bool quiet;
	bool has_source; /* the options say where the secret comes from */
	bool made;	 /* the mount point, by us */
	bool done;
};

static void add_free(struct add *a)
{
	if (a->made && !a->done)
		(void)rmdir(a->mountpoint);
	unlock_free(&a->u);
	autostart_entry_free(&a->entry);
}

static int no_memory(void)
{
	return exit_fail(EXIT_FAILED, "out of memory");
}

/* ---- the command line ---- */

static int add_option(struct add *a, const char *word)
{
	struct autostart_entry *e = &a->entry;
	char **more = reallocarray(e->options, e->n_options + 1, sizeof(*more));
	if (!more)
		return no_memory();
	e->options = more;
	e->options[e->n_options] = strdup(word);
	return e->options[e->n_options++] ? 0 : no_memory();
}

/* What is behind the two operands is for cryptfs mount. */
static int take_operands(struct add *a, int argc, char **argv)
{
	if (argc - optind < 2)
		return exit_usage(verb, "autostart add takes two operands: the vault and the mount point");
	a->vault = argv[optind];
	a->mountpoint = argv[optind + 1];
	int code = 0;
	for (int i = optind + 2; code == 0 && i < argc; i++)
		code = add_option(a, argv[i]);
	return code;
}

static int parse(int argc, char **argv, struct add *a)
{
	enum { SHARED = 256, METHOD };
	static const struct option options[] = {
		{ "read-only", no_argument, NULL, 'r' }, { "shared", no_argument, NULL, SHARED },
		{ "method", required_argument, NULL, METHOD }, { "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' }, { 0 },
	};
	int c, code = 0;
	while (code == 0 && (c = getopt_long(argc, argv, "rqh", options, NULL)) != -1) {
		switch (c) {
		case 'r': code = add_option(a, "--read-only"); break;
		case SHARED: code = add_option(a, "--shared"); break;
		case METHOD: a->method = optarg; break;
		case 'q': a->quiet = args_quiet(); break;
		case 'h': (void)main_help(verb); return -1;
		default: code = exit_usage(verb, NULL);
		}
	}
	if (code == 0 && a->method && strcmp(a->method, "systemd") != 0 && strcmp(a->method, "xdg") != 0)
		return exit_usage(verb, "--method takes systemd or xdg, not '%s'", a->method);
	return code != 0 ? code : take_operands(a, argc, argv);
}

/* ---- options of the mount ---- */

/* At login there is no standard input, and the current directory is another. */
static int check_file(const char *option, const char *file)
{
	if (!file || file[0] == '/')
		return 0;
	return exit_usage(verb, "%s takes a path from the root on here, not '%s': at login it is read from elsewhere",
			  option, file);
}

static int check_credential(const struct credential_args *c)
{
	int code = check_file("--passfile", c->passfile);
	if (code == 0)
		code = check_file("--keyfile", c->keyfile);
	return code == 0 ? check_file("--recovery-file", c->recovery_file) : code;
}

/* By who will read them. */
static int check_options(struct add *a)
{
	_cleanup_(mount_args_free) struct mount_args args = { .vault = NULL };
	int code = autostart_parse(&a->entry, &args, &a->has_source);
	if (code == 0)
		code = check_credential(&args.credential);
	if (code == 0 && args.session.debug)
		code = exit_usage(verb, "--debug is not for a mount that is made at login");
	return code;
}

/* ---- vault and mount point ---- */

static int open_vault(struct add *a)
{
	if (paths_is_vault(a->mountpoint) && !paths_is_vault(a->vault))
		return exit_fail(EXIT_NO_VAULT, "'%s' is not a vault, but '%s' is: name the vault first", a->vault,
				 a->mountpoint);
	int code = unlock_open(&a->u, a->vault);
	if (code == 0 && !(a->entry.vault = strdup(a->u.path)))
		return no_memory();
	return code;
}

static int make_mountpoint(struct add *a)
{
	a->made = mkdir(a->mountpoint, 0700) == 0;
	if (a->made || errno == EEXIST)
		return 0;
	return exit_fail(EXIT_NO_VAULT, "there is no mount point '%s', and it cannot be made: %s", a->mountpoint,
			 exit_reason(-errno));
}

/* Is the vault mounted there now? That is what will be so at every login. */
static bool is_mounted_there(const struct add *a, const char *real)
{
	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	const struct mountinfo *e = mounts_load(&m) == 0 ? mounts_at(&m, real) : NULL;
	return e && e->ours && strcmp(e->source, a->entry.vault) == 0 && !mounts_is_dead(real);
}

static int check_mountpoint(struct add *a)
{
	struct autostart_entry *e = &a->entry;
	int code = make_mountpoint(a);
	if (code != 0)
		return code;
	int err = paths_resolve(a->mountpoint, &e->mountpoint);
	if (err < 0)
		return exit_fail(EXIT_NO_VAULT, "cannot use the mount point '%s': %s", a->mountpoint, exit_reason(err));
	if (!is_mounted_there(a, e->mountpoint)) {
		_cleanup_free_ char *real = NULL;
		code = mountpoint_check(e->mountpoint, a->u.fd, a->quiet, &real);
	}
	if (code == 0 && !(e->name = autostart_name(e->mountpoint)))
		return no_memory();
	if (code == 0 && !autostart_name_is_valid(e->name))
		return exit_fail(EXIT_FAILED, "the path '%s' is too long to be mounted at login", e->mountpoint);
	return code;
}

/* Two vaults on one mount point would be in each other's way. The same one may get other options. */
static int check_other(const struct add *a)
{
	_cleanup_autostart_ struct autostart_entry other = { .name = NULL };
	int err = autostart_load(a->entry.name, &other);
	if (err < 0 || strcmp(other.vault, a->entry.vault) == 0)
		return 0;
	_cleanup_free_ char *word = text_quote(a->entry.mountpoint);
	return exit_fail(EXIT_IN_USE,
			 "another vault is mounted on '%s' at login: '%s' (to end that: cryptfs autostart remove %s)",
			 a->entry.mountpoint, other.vault, word ? word : "MOUNTPOINT");
}

/* ---- the keyring ---- */

static bool has_keyring(const struct vaultfile *vf)
{
	for (uint32_t i = 0; i < vf->n_slots; i++)
		if (vf->slots[i].kind == VAULTFILE_KEYRING)
			return true;
	return false;
}

static int add_keyring(const struct add *a)
{
	char program[] = "cryptfs", kind[] = "--kind=keyring", end[] = "--";
	char *argv[] = { program, kind, end, a->u.path, NULL };
	optind = 0;
	return cmd_key_add(4, argv);
}

/* It works without, if not as well. */
static int check_keyring(const struct add *a)
{
	if (a->quiet || a->has_source || has_keyring(&a->u.vault->settings))
		return 0;
	_cleanup_free_ char *word = text_quote(a->u.path);
	exit_note("'%s' has no slot for the login keyring: its passphrase will be asked for in a window at every login",
		  a->u.path);
	if (!keyring_is_built())
		return 0;
	if (isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 &&
	    args_ask("Shall the keyring keep a key for it?"))
		return add_keyring(a);
	exit_note("to have the keyring open it: cryptfs key add --kind keyring %s", word ? word : "VAULT");
	return 0;
}

/* ---- saving ---- */

/* The other way may have been chosen before; it ends when this one is there. */
static int enable(const struct autostart_entry *e)
{
	bool systemd = e->method == AUTOSTART_SYSTEMD;
	int code = systemd ? autostart_systemd_enable(e->name) : autostart_desktop_enable(e);
	if (code == 0)
		(void)(systemd ? autostart_desktop_disable(e->name) : autostart_systemd_disable(e->name));
	return code;
}

/* What was there before is as it was. */
static void take_back(const struct autostart_entry *e, const struct autostart_entry *before)
{
	if (before->name)
		(void)autostart_save(before);
	else
		(void)autostart_forget(e->name);
}

static int save(struct add *a)
{
	struct autostart_entry *e = &a->entry;
	_cleanup_autostart_ struct autostart_entry before = { .name = NULL };
	(void)autostart_load(e->name, &before);
	bool systemd = a->method ? strcmp(a->method, "systemd") == 0 : autostart_systemd_is_there();
	e->method = systemd ? AUTOSTART_SYSTEMD : AUTOSTART_XDG;
	int err = autostart_save(e);
	if (err == -EILSEQ)
		return exit_fail(EXIT_FAILED, "only paths and options in UTF-8 can be kept for the login");
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot write down what is to be mounted at login: %s", exit_reason(err));
	int code = enable(e);
	if (code != 0)
		take_back(e, &before);
	return code;
}

static void tell(const struct add *a)
{
	const struct autostart_entry *e = &a->entry;
	if (a->made)
		exit_note("'%s' was not there, and has been made", a->mountpoint);
	exit_note("'%s' will be mounted on '%s' when you log in to a desktop", e->vault, e->mountpoint);
	if (e->method == AUTOSTART_SYSTEMD)
		exit_note("to do so now: systemctl --user start 'cryptfs@%s.service'", e->name);
}

int cmd_autostart_add(int argc, char **argv)
{
	_cleanup_(add_free) struct add a = { .u = UNLOCK_NONE };
	int code = parse(argc, argv, &a);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	if ((code = check_options(&a)) != 0 || (code = open_vault(&a)) != 0 || (code = check_mountpoint(&a)) != 0 ||
	    (code = check_other(&a)) != 0 || (code = check_keyring(&a)) != 0 || (code = save(&a)) != 0)
		return code;
	a.done = true;
	if (!a.quiet)
		tell(&a);
	return EXIT_DONE;
}
