/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finding the verb, and what is meant by a word that is none.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/mount_helper.h"
#include "cli/verbs.h"
#include "crypto/aead.h"
#include "crypto/keymem.h"
#include "desktop/desktop.h"
#include "keyring/keyring.h"
#include "sandbox/sandbox.h"

/* What people call them elsewhere. */
static const char *const synonyms[][2] = {
	{ "unmount", "umount" }, { "create", "init" },	  { "list", "ls" },
	{ "show", "info" },	 { "lock", "umount" },	  { "unlock", "mount" },
	{ "dir", "ls" },	 { "extract", "export" }, { "restore", "export" },
	{ "cp", "export" },	 { "copy", "export" },	  { "decrypt", "export" },
	{ "salvage", "cat" },	 { "mounts", "status" },
	{ "backup", "settings backup" }, { "luksHeaderBackup", "settings backup" },
	{ "luksHeaderRestore", "settings restore" },
	{ "keys", "key list" },	 { "slots", "key list" },
	{ "addkey", "key add" }, { "luksAddKey", "key add" },
	{ "enroll", "key add" }, { "luksKillSlot", "key remove" },
	{ "rmkey", "key remove" }, { "luksRemoveKey", "key remove" },
	{ "luksChangeKey", "key change" }, { "luksDump", "info" },
	{ "changepw", "passwd" }, { "password", "passwd" },
	{ "chpasswd", "passwd" }, { "open", "mount" },
	{ "mnt", "mount" },	 { "new", "init" },
	{ "verify", "check" },	 { "fsck", "check" },
	{ "repair", "check --repair" }, { "header", "info" },
	{ "close", "umount" },	 { "format", "init" },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < verbs_count; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

int main_help(const char *verb)
{
	const struct verb *v = find_verb(verb);
	const char *usage = v ? v->usage : subverbs_usage(verb);
	if (usage)
		(void)printf("%s\nMore: man cryptfs-%.*s\n", usage, (int)strcspn(verb, " "), verb);
	return EXIT_DONE;
}

static void print_help(FILE *f)
{
	(void)fputs("usage: cryptfs VERB [OPTION]... [OPERAND]...\n"
		    "\n"
		    "Keeps a directory tree encrypted in a vault and shows it through a mount.\n"
		    "\n",
		    f);
	for (size_t i = 0; i < verbs_count; i++)
		(void)fprintf(f, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
	(void)fputs("\n"
		    "  cryptfs VERB --help   a verb's options\n"
		    "  cryptfs --version     the version, and what it was built with\n"
		    "  man cryptfs           all of it\n",
		    f);
}

static int print_version(void)
{
	(void)puts("cryptfs " PACKAGE_VERSION);
	bool works = keymem_init() == 0 && aead_init() == 0;
	(void)printf("cipher backend: %s\n", works ? aead_backend_name() : "none: the self-test failed");
	(void)printf("memory for keys: %s\n", keymem_kind());
	(void)printf("sandbox: %s\n", sandbox_build());
	(void)printf("keyring: %s\n", keyring_is_built() ? "libsecret" : "none");
	(void)printf("desktop: %s\n", desktop_is_built() ? "libsystemd" : "none");
	return works ? EXIT_DONE : EXIT_FAILED;
}

/* At most one letter wrong, missing, too much or, of two, exchanged? */
bool main_is_slip(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a && *b && a[0] == b[1] && a[1] == b[0] && strcmp(a + 2, b + 2) == 0)
		return true;
	return (*a && strcmp(a + 1, b) == 0) || (*b && strcmp(a, b + 1) == 0) ||
	       (*a && *b && strcmp(a + 1, b + 1) == 0);
}

static const char *suggest(const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++)
		if (strcmp(synonyms[i][0], name) == 0)
			return synonyms[i][1];
	for (size_t i = 0; i < verbs_count; i++)
		if (main_is_slip(name, verbs[i].name) || (n > 0 && strncmp(name, verbs[i].name, n) == 0))
			return verbs[i].name;
	return NULL;
}

static int unknown_verb(const char *name)
{
	const char *meant = suggest(name);
	if (meant)
		return exit_fail(EXIT_USAGE, "there is no verb '%s'; did you mean 'cryptfs %s'?", name, meant);
	return exit_fail(EXIT_USAGE, "there is no %s '%s'; try 'cryptfs --help'",
			 name[0] == '-' ? "option" : "verb", name);
}

/* Exit codes promise that the output is there. */
static int finish(int code)
{
	bool bad = ferror(stdout) != 0;
	if ((fflush(stdout) != 0 || bad) && code == EXIT_DONE)
		return exit_fail(EXIT_FAILED, "cannot write to standard output");
	return code;
}

/* A standard descriptor that the caller has closed would be the next file that we open, and get what is meant for the
 * standard one. For reading only: what cannot be written has to give an error. */
static void fill_standard_descriptors(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

int main(int argc, char **argv)
{
	static char name[] = "cryptfs";
	fill_standard_descriptors();
	mount_helper_fn *helper = mount_helper_of(argc, argv);
	if (helper)
		return finish(helper(argc, argv));
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return finish(EXIT_DONE);
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
		return finish(print_version());

	const struct verb *v = find_verb(argv[1]);
	if (!v)
		return unknown_verb(argv[1]);
	argv[1] = name; /* for getopt's messages */
	return finish(v->func(argc - 1, argv + 1));
}
