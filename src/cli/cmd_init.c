/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs init: a new vault, or nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/kdf_args.h"
#include "cli/new_secret.h"
#include "cli/undisturbed.h"
#include "vault/slots.h"

struct init_args {
	const char *path;
	struct new_secret_args secret;
	struct new_secret_args code; /* of the recovery code beside it, if there is to be one */
	bool recovery;
	struct vault_options vault;
	struct kdf_args kdf;
	bool quiet;
};

/* Returns 0, an exit code, or -1 when help was printed. */
static int parse(int argc, char **argv, struct init_args *a)
{
	enum { RECOVERY = 256, SHARED, HIDE_SIZES, LABEL };
	static const struct option options[] = {
		{ "passfile", required_argument, NULL, NEW_SECRET_PASSFILE },
		{ "new-passfile", required_argument, NULL, NEW_SECRET_PASSFILE },
		{ "extpass", required_argument, NULL, NEW_SECRET_EXTPASS },
		{ "keyfile", required_argument, NULL, NEW_SECRET_KEYFILE },
		{ "new-keyfile", required_argument, NULL, NEW_SECRET_KEYFILE },
		{ "with-passphrase", no_argument, NULL, NEW_SECRET_WITH_PASSPHRASE },
		{ "recovery", no_argument, NULL, RECOVERY },
		{ "recovery-file", required_argument, NULL, NEW_SECRET_RECOVERY_FILE },
		{ "new-recovery-file", required_argument, NULL, NEW_SECRET_RECOVERY_FILE },
		KDF_ARGS_OPTIONS,
		{ "shared", no_argument, NULL, SHARED },
		{ "hide-sizes", no_argument, NULL, HIDE_SIZES },
		{ "label", required_argument, NULL, LABEL },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	*a = (struct init_args){ .path = NULL };

	int c, code = 0;
	while (code == 0 && (c = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		switch (c) {
		case RECOVERY: a->recovery = true; break;
		case NEW_SECRET_RECOVERY_FILE: a->code.recovery_file = optarg; break;
		case SHARED: a->vault.coherency = VAULTFILE_SHARED; break;
		case HIDE_SIZES: a->vault.hide_sizes = true; break;
		case LABEL: code = args_label("init", optarg, &a->vault.label); break;
		case 'q': a->quiet = args_quiet(); break;
		case 'h': (void)main_help("init"); return -1;
		case '?': code = exit_usage("init", NULL); break;
		default: code = new_secret_take(&a->secret, c) == 0 ? 0 : kdf_args_take(&a->kdf, "init", c);
		}
	}
	if (code != 0)
		return code;
	if (argc - optind != 1)
		return exit_usage("init", "init takes one operand: the directory for the vault");
	a->path = argv[optind];
	a->recovery |= a->code.recovery_file != NULL;
	return 0;
}

static int check_parent(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	const char *parent = copy ? dirname(copy) : "";
	if (access(parent, W_OK | X_OK) == 0)
		return 0;
	if (errno == ENOENT || errno == ENOTDIR)
		return exit_fail(EXIT_FAILED, "cannot make '%s': the directory '%s' does not exist", path, parent);
	return exit_fail(EXIT_FAILED, "cannot make '%s': %s", path, exit_reason(-errno));
}

static int check_existing(const char *path, int fd)
{
	_cleanup_free_ char *word = text_quote(path);
	if (paths_is_vault(path))
		return exit_fail(EXIT_FAILED, "'%s' is a vault already (to use it: cryptfs mount %s DIRECTORY)", path,
				 word ? word : "VAULT");
	int empty = paths_is_empty(fd);
	if (empty < 0)
		return exit_fail(EXIT_FAILED, "cannot read the directory '%s': %s", path, exit_reason(empty));
	if (empty == 0)
		return exit_fail(EXIT_FAILED,
				 "'%s' is not empty, and a vault holds nothing else; name a new directory, mount it, "
				 "and copy your files into the mount",
				 path);
	return 0;
}

/* Can a vault be made here? Before anything is asked. Returns 0 or an exit code; *fd is the directory,
 * or -1 if it has to be made. */
static int check_place(const char *path, int *fd)
{
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd >= 0)
		return check_existing(path, *fd);
	if (errno == ENOENT)
		return check_parent(path);
	if (errno == ENOTDIR)
		return exit_fail(EXIT_FAILED, "'%s' is in the way: it is not a directory", path);
	return exit_fail(EXIT_FAILED, "cannot open '%s': %s", path, exit_reason(-errno));
}

/* What the vault is to open with. */
struct secrets {
	struct new_secret first;
	struct new_secret code; /* unless its kind is 0 */
};

static void secrets_free(struct secrets *s)
{
	new_secret_free(&s->first);
	new_secret_free(&s->code);
}

static int open_secrets(const struct init_args *a, struct secrets *s)
{
	uint8_t kind;
	int code = new_secret_kind("init", &a->secret, VAULTFILE_PASSPHRASE, &kind);
	if (code == 0)
		code = new_secret_open(&s->first, "init", &a->secret, kind, NULL);
	if (code == 0 && a->recovery)
		code = new_secret_open(&s->code, "init", &a->code, VAULTFILE_RECOVERY, NULL);
	return code;
}

static int make_secrets(struct init_args *a, struct secrets *s)
{
	int code = new_secret_make(&s->first);
	if (code == 0 && s->code.kind != 0)
		code = new_secret_make(&s->code);
	if (code == 0 && !new_secret_is_random(&s->first))
		code = kdf_args_calibrate(&a->kdf, &a->vault.cost);
	return code;
}

/* In the vault that has just been made, and that nobody knows of: no lock, and no copy of the settings before. */
static int add_code(int fd, const struct init_args *a, struct secrets *s)
{
	struct vault *v _cleanup_vault_ = NULL;
	_cleanup_key_ struct key32 *master = keymem_alloc(sizeof(*master));
	const struct slot_choice choice = { .label = NULL };
	const char *why = NULL;
	uint32_t slot;
	int err = master ? vault_open(fd, &v, &why) : -ENOMEM;
	if (err == 0)
		err = vault_master(v, &s->first.secret, master, NULL, &why);
	if (err == 0)
		err = slots_add(&v->settings, master, &s->code.secret, &choice, &slot);
	if (err < 0)
		return exit_crypto(err, "cannot add the recovery code");
	int code = new_secret_hand_over(&s->code, &(struct new_secret_slot){ a->path, &v->settings, slot });
	if (code != 0)
		return code;
	err = vault_save(v, fd, master);
	if (err < 0)
		return exit_save(err, a->path, false);
	(void)unlinkat(fd, NAME_SETTINGS_BACKUP, 0);
	return 0;
}

/* Nothing is left behind if it fails. */
static int make_in(int fd, const struct init_args *a, struct secrets *s)
{
	int code = new_secret_hand_over(&s->first, &(struct new_secret_slot){ .path = a->path });
	if (code != 0)
		return code;
	int err = vault_create(fd, &s->first.secret, &a->vault);
	if (err == -EEXIST)
		code = exit_fail(EXIT_FAILED, "'%s' has become a vault meanwhile", a->path);
	else if (err < 0)
		code = exit_crypto(err, "cannot make the vault");
	else if (s->code.kind != 0)
		code = add_code(fd, a, s);
	if (code == 0)
		return 0;
	new_secret_take_back(&s->first);
	new_secret_take_back(&s->code);
	if (err == 0) {
		(void)unlinkat(fd, NAME_SETTINGS_FILE, 0);
		(void)unlinkat(fd, NAME_SETTINGS_BACKUP, 0);
	}
	return code;
}

/* fd is the directory, or -1: then it is made, and taken away again if the vault can't be. */
static int make(int fd, const struct init_args *a, struct secrets *s)
{
	if (fd >= 0)
		return make_in(fd, a, s);
	if (mkdir(a->path, 0700) < 0)
		return exit_fail(EXIT_FAILED, "cannot make '%s': %s", a->path, exit_reason(-errno));

	_cleanup_fd_ int made = open(a->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code = made < 0 ? exit_fail(EXIT_FAILED, "cannot open '%s': %s", a->path, exit_reason(-errno)) :
			      make_in(made, a, s);
	if (code != 0)
		(void)rmdir(a->path);
	return code;
}

static int make_undisturbed(int fd, const struct init_args *a, struct secrets *s)
{
	SCOPED_UNDISTURBED;
	return make(fd, a, s);
}

static void print_keep(const struct init_args *a, const struct secrets *s, const char *word)
{
	const char *what = s->first.kind == VAULTFILE_PASSPHRASE ? "passphrase" :
			   s->first.kind == VAULTFILE_KEYFILE    ? "key file" :
								   "key file and its passphrase";
	text_line("Keep the %s%s, and a copy of the settings: cryptfs settings backup %s FILE", what,
		  a->recovery ? ", the recovery code" : "", word);
	if (a->recovery) {
		text_line("Whoever loses both %s and recovery code, or the settings, loses the data:", what);
		(void)puts("nobody can get it back.");
		return;
	}
	(void)puts("Whoever loses either of them loses the data: nobody can get it back.");
	text_line("A recovery code opens it as well: cryptfs key add --kind recovery %s", word);
}

static void print_next_steps(const struct init_args *a, const struct secrets *s)
{
	_cleanup_free_ char *word = text_quote(a->path);
	_cleanup_free_ char *file = a->secret.keyfile ? text_quote(a->secret.keyfile) : NULL;
	text_line("The vault is made: %s", a->path);
	(void)puts("");
	(void)puts("Next:");
	(void)puts("  mkdir ~/Private");
	text_line("  cryptfs mount %s%s%s%s ~/Private", file ? "--keyfile " : "", file ? file : "", file ? " " : "",
		  word ? word : a->path);
	(void)puts("  (work in ~/Private)");
	(void)puts("  cryptfs umount ~/Private");
	(void)puts("");
	print_keep(a, s, word ? word : a->path);
}

int cmd_init(int argc, char **argv)
{
	struct init_args a;
	int code = parse(argc, argv, &a);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;

	_cleanup_fd_ int fd = -1;
	_cleanup_(secrets_free) struct secrets s = { NEW_SECRET_NONE, NEW_SECRET_NONE };
	if ((code = check_place(a.path, &fd)) != 0 || (code = open_secrets(&a, &s)) != 0 ||
	    (code = secrets_prepare(false)) != 0 || (code = make_secrets(&a, &s)) != 0 ||
	    (code = make_undisturbed(fd, &a, &s)) != 0)
		return code;
	if (!a.quiet)
		print_next_steps(&a, &s);
	return EXIT_DONE;
}
