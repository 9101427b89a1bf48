/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs init: a new vault, or nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/prompt.h"
#include "crypto/kdf.h"
#include "vault/vault.h"

#define KDF_TIME_DEFAULT 1.0
#define KDF_TIME_MAX 60.0

struct init_args {
	const char *path;
	struct prompt_source source;
	struct vault_options vault;
	double seconds;
	uint32_t memory_kib; /* 0: as calibrated */
	bool quiet;
};

static int parse_memory(const char *text, uint32_t *kib)
{
	char *end;
	errno = 0;
	long mib = strtol(text, &end, 10);
	if (errno || end == text || *end || mib < (long)(VAULTFILE_KDF_MEMORY_MIN / 1024) ||
	    mib > (long)(VAULTFILE_KDF_MEMORY_MAX / 1024))
		return exit_usage("init", "--kdf-memory takes a number of MiB from 8 to 4096, not '%s'", text);
	*kib = (uint32_t)mib * 1024;
	return 0;
}

static int parse_time(const char *text, double *seconds)
{
	char *end;
	*seconds = strtod(text, &end);
	if (end == text || *end || !isfinite(*seconds) || *seconds <= 0 || *seconds > KDF_TIME_MAX)
		return exit_usage("init", "--kdf-time takes a number of seconds up to 60, not '%s'", text);
	return 0;
}

static int parse_label(const char *text, const char **label)
{
	json_t *j = json_string(text);
	json_decref(j);
	if (!j || strlen(text) > VAULTFILE_LABEL_MAX)
		return exit_usage("init", "--label takes up to 128 bytes of UTF-8, not '%s'", text);
	*label = text;
	return 0;
}

/* Returns 0, an exit code, or -1 when help was printed. */
static int parse(int argc, char **argv, struct init_args *a)
{
	enum { PASSFILE = 256, EXTPASS, KDF_MEMORY, KDF_TIME, SHARED, HIDE_SIZES, LABEL };
	static const struct option options[] = {
		{ "passfile", required_argument, NULL, PASSFILE },
		{ "extpass", required_argument, NULL, EXTPASS },
		{ "kdf-memory", required_argument, NULL, KDF_MEMORY },
		{ "kdf-time", required_argument, NULL, KDF_TIME },
		{ "shared", no_argument, NULL, SHARED },
		{ "hide-sizes", no_argument, NULL, HIDE_SIZES },
		{ "label", required_argument, NULL, LABEL },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	*a = (struct init_args){ .seconds = KDF_TIME_DEFAULT };

	int c, code = 0;
	while (code == 0 && (c = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		switch (c) {
		case PASSFILE: a->source.passfile = optarg; break;
		case EXTPASS: a->source.extpass = optarg; break;
		case KDF_MEMORY: code = parse_memory(optarg, &a->memory_kib); break;
		case KDF_TIME: code = parse_time(optarg, &a->seconds); break;
		case SHARED: a->vault.coherency = VAULTFILE_SHARED; break;
		case HIDE_SIZES: a->vault.hide_sizes = true; break;
		case LABEL: code = parse_label(optarg, &a->vault.label); break;
		case 'q': a->quiet = true; break;
		case 'h': (void)main_help("init"); return -1;
		default: code = exit_usage("init", NULL);
		}
	}
	if (code == 0)
		code = args_source("init", &a->source);
	if (code != 0)
		return code;
	if (argc - optind != 1)
		return exit_usage("init", "init takes one operand: the directory for the vault");
	a->path = argv[optind];
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
	if (paths_is_vault(path))
		return exit_fail(EXIT_FAILED, "'%s' is a vault already (to use it: cryptfs mount)", path);
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

static int calibrate(struct init_args *a)
{
	int err = kdf_calibrate(&a->vault.cost, a->seconds, a->memory_kib);
	return err < 0 ? exit_crypto(err, "cannot measure how fast this machine is") : 0;
}

static int make_in(int fd, const struct init_args *a, const struct prompt_secret *pass)
{
	const struct vault_secret secret = { VAULTFILE_PASSPHRASE, pass->bytes, pass->len };
	int err = vault_create(fd, &secret, &a->vault);
	if (err == -EEXIST)
		return exit_fail(EXIT_FAILED, "'%s' has become a vault meanwhile", a->path);
	return err < 0 ? exit_crypto(err, "cannot make the vault") : 0;
}

/* fd is the directory, or -1: then it is made, and taken away again if the vault can't be. */
static int make(int fd, const struct init_args *a, const struct prompt_secret *pass)
{
	if (fd >= 0)
		return make_in(fd, a, pass);
	if (mkdir(a->path, 0700) < 0)
		return exit_fail(EXIT_FAILED, "cannot make '%s': %s", a->path, exit_reason(-errno));

	_cleanup_fd_ int made = open(a->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code = made < 0 ? exit_fail(EXIT_FAILED, "cannot open '%s': %s", a->path, exit_reason(-errno)) :
			      make_in(made, a, pass);
	if (code != 0)
		(void)rmdir(a->path);
	return code;
}

/* Nothing half-made: a signal has to wait until all is there. */
static int make_undisturbed(int fd, const struct init_args *a, const struct prompt_secret *pass)
{
	sigset_t block, old;
	(void)sigemptyset(&block);
	(void)sigaddset(&block, SIGINT);
	(void)sigaddset(&block, SIGTERM);
	(void)sigaddset(&block, SIGHUP);
	(void)sigaddset(&block, SIGQUIT);
	(void)sigprocmask(SIG_BLOCK, &block, &old);
	int code = make(fd, a, pass);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return code;
}

static void print_next_steps(const char *path)
{
	_cleanup_free_ char *word = text_quote(path);
	text_line("The vault is made: %s", path);
	(void)puts("");
	(void)puts("Next:");
	(void)puts("  mkdir ~/Private");
	text_line("  cryptfs mount %s ~/Private", word ? word : path);
	(void)puts("  (work in ~/Private)");
	(void)puts("  cryptfs umount ~/Private");
	(void)puts("");
	text_line("Keep the passphrase, and a copy of %s/" NAME_SETTINGS_FILE ".", path);
	(void)puts("Whoever loses either of them loses the data: nobody can get it back.");
}

int cmd_init(int argc, char **argv)
{
	struct init_args a;
	int code = parse(argc, argv, &a);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;

	_cleanup_fd_ int fd = -1;
	_cleanup_(prompt_cleanup) struct prompt prompt = { .fd = -1 };
	_cleanup_(prompt_forget) struct prompt_secret pass = { NULL, 0 };
	if ((code = check_place(a.path, &fd)) != 0)
		return code;
	int err = prompt_open_from(&prompt, &a.source);
	if (err < 0)
		return exit_passphrase(err, prompt.from);
	if ((code = secrets_prepare(false)) != 0)
		return code;
	err = prompt_new(&prompt, &pass);
	if (err < 0)
		return exit_passphrase(err, prompt.from);
	if ((code = calibrate(&a)) != 0 || (code = make_undisturbed(fd, &a, &pass)) != 0)
		return code;
	if (!a.quiet)
		print_next_steps(a.path);
	return EXIT_DONE;
}
