/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of verbs that come in two words.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/usage.h"

struct subverb {
	const char *verb;
	const char *name; /* both words */
	int (*func)(int argc, char **argv);
	const char *usage;
};

static const struct subverb subverbs[] = {
	{ "key", "key list", cmd_key_list,
	  "usage: cryptfs key list [OPTION]... VAULT\n"
	  "\n"
	  "Show the slots of VAULT: what kind of secret opens each, since when, and what a guess\n"
	  "costs. Asks for no secret and shows none.\n"
	  "\n"
	  "      --json              print a JSON object\n"
	  USAGE_QUIET
	  "  -h, --help              print this\n" },
	{ "key", "key add", cmd_key_add,
	  "usage: cryptfs key add [OPTION]... VAULT\n"
	  "\n"
	  "Add a secret that opens VAULT, beside those that do; one of these is asked for first.\n"
	  "The vault may be mounted meanwhile.\n"
	  "\n"
	  "      --kind KIND         passphrase (if nothing else is said), recovery (a random\n"
	  "                          code, to be written down), keyfile or keyring\n" USAGE_NEW_SECRET USAGE_KDF
	  "      --label TEXT        a name to show for the slot\n"
	  "\n"
	  "What it is opened with (else the passphrase is asked for):\n"
	  "\n" USAGE_CREDENTIAL "\n" USAGE_QUIET_HELP },
	{ "key", "key change", cmd_key_change,
	  "usage: cryptfs key change [OPTION]... VAULT [SLOT]\n"
	  "\n"
	  "Put another secret into a slot of VAULT: SLOT, or the one that is opened. With nothing\n"
	  "but a label or a cost given for the slot that is opened, its secret stays.\n"
	  "\n"
	  "      --kind KIND         passphrase, recovery, keyfile or keyring (as it was)\n" USAGE_NEW_SECRET USAGE_KDF
	  "      --label TEXT        a name to show for the slot\n"
	  "\n"
	  "What it is opened with (else the passphrase is asked for):\n"
	  "\n" USAGE_CREDENTIAL "\n" USAGE_QUIET_HELP },
	{ "key", "key remove", cmd_key_remove,
	  "usage: cryptfs key remove [OPTION]... VAULT SLOT\n"
	  "\n"
	  "Remove a slot of VAULT, whose secret then opens it no more; any of the vault's secrets\n"
	  "is asked for first. Copies of the settings that were made before still open with it.\n"
	  "\n"
	  "      --force             also the last slot whose secret a person can type\n" USAGE_CREDENTIAL
		  USAGE_QUIET_HELP },
	{ "key", "key test", cmd_key_test,
	  "usage: cryptfs key test [OPTION]... VAULT\n"
	  "\n"
	  "Does this secret open VAULT? Says which slot it opens; exit code 3 if none.\n"
	  "\n" USAGE_CREDENTIAL USAGE_QUIET_HELP },
	{ "settings", "settings backup", cmd_settings_backup,
	  "usage: cryptfs settings backup [OPTION]... VAULT FILE\n"
	  "\n"
	  "Copy the settings of VAULT, without which nothing can be decrypted, to the new FILE,\n"
	  "after verifying that they are whole. Asks for no secret, and the copy shows none; but\n"
	  "with it every secret that opens the vault now keeps doing so.\n"
	  "\n"
	  "      --force             replace FILE if it exists\n" USAGE_QUIET_HELP },
	{ "settings", "settings restore", cmd_settings_restore,
	  "usage: cryptfs settings restore [OPTION]... VAULT FILE\n"
	  "\n"
	  "Put the settings in FILE in the place of those that VAULT has, or has lost. A secret\n"
	  "that opens them is asked for; that they are this vault's is verified. Slots that come\n"
	  "back or go by it are named, and a question asked first. The present settings stay as\n"
	  "cryptfs.json.bak.\n"
	  "\n"
	  "      --force             do not ask\n" USAGE_CREDENTIAL USAGE_QUIET_HELP },
	{ "master", "master export", cmd_master_export,
	  "usage: cryptfs master export [OPTION]... VAULT\n"
	  "\n"
	  "Show the master key of VAULT as groups of characters, to be kept on paper: with it the\n"
	  "vault opens although its settings, or all its secrets, are lost. Whoever has it can read\n"
	  "all of the vault.\n"
	  "\n"
	  "  -o, --output FILE       write it to the new file FILE instead of the terminal (-:\n"
	  "                          standard output)\n" USAGE_CREDENTIAL USAGE_QUIET_HELP },
	{ "master", "master restore", cmd_master_restore,
	  "usage: cryptfs master restore [OPTION]... VAULT\n"
	  "\n"
	  "Make the settings of VAULT anew, which are damaged or lost, from its master key, with\n"
	  "one slot for a new secret. That it is this vault's key is verified. Settings that are\n"
	  "there stay as cryptfs.json.bak.\n"
	  "\n"
	  "      --master-file FILE  the master key is the first line of FILE (-: standard input)\n"
	  "      --kind KIND         of the new secret: passphrase or keyfile\n" USAGE_NEW_PASSFILE
	  "      --new-keyfile FILE  the key file; if it does not exist it is made, and random\n"
	  "      --with-passphrase   the key file is to open it together with a passphrase only\n" USAGE_KDF
	  "      --label TEXT        a name to show for the vault\n"
	  "      --force             also if the settings there are whole\n" USAGE_QUIET_HELP },
	{ "autostart", "autostart add", cmd_autostart_add,
	  "usage: cryptfs autostart add [OPTION]... VAULT MOUNTPOINT [-- MOUNT-OPTION...]\n"
	  "\n"
	  "Mount VAULT on MOUNTPOINT whenever you log in to a desktop: opened by the login\n"
	  "keyring, or by the passphrase, which is asked for in a window. MOUNTPOINT is made if it\n"
	  "does not exist. What is mounted now stays as it is. Behind -- come options of cryptfs\n"
	  "mount. To change them, add it again.\n"
	  "\n"
	  "  -r, --read-only         nothing can be changed\n"
	  "      --shared            others may change the vault meanwhile (slower)\n"
	  "      --method METHOD     systemd (a unit of your service manager) or xdg (a desktop\n"
	  "                          entry); else systemd if it runs this session\n" USAGE_QUIET_HELP },
	{ "autostart", "autostart list", cmd_autostart_list,
	  "usage: cryptfs autostart list [OPTION]...\n"
	  "\n"
	  "Show which vaults are mounted when you log in, where and by what, and whether they are\n"
	  "mounted now.\n"
	  "\n"
	  "      --json              print a JSON object\n" USAGE_QUIET
	  "  -h, --help              print this\n" },
	{ "autostart", "autostart remove", cmd_autostart_remove,
	  "usage: cryptfs autostart remove [OPTION]... MOUNTPOINT|VAULT\n"
	  "\n"
	  "Do not mount it at login any more. What is mounted now stays so.\n"
	  "\n" USAGE_QUIET_HELP },
	{ "autostart", "autostart run", cmd_autostart_run,
	  "usage: cryptfs autostart run NAME\n"
	  "\n"
	  "Mount what was added under NAME, and stay in the foreground. This is what the unit and\n"
	  "the desktop entry run.\n"
	  "\n"
	  "  -h, --help              print this\n" },
};
#define N_SUBVERBS (sizeof(subverbs) / sizeof(subverbs[0]))

static const char *const synonyms[][2] = {
	{ "rm", "key remove" },	  { "del", "key remove" },    { "delete", "key remove" }, { "wipe", "key remove" },
	{ "revoke", "key remove" }, { "kill", "key remove" }, { "ls", "key list" },	  { "show", "key list" },
	{ "dump", "key list" },	  { "new", "key add" },	      { "enroll", "key add" },	  { "create", "key add" },
	{ "show", "master export" },	  { "dump", "master export" }, { "import", "master restore" },
	{ "save", "settings backup" }, { "export", "settings backup" }, { "copy", "settings backup" },
	{ "import", "settings restore" }, { "put", "settings restore" },
	{ "passwd", "key change" }, { "edit", "key change" }, { "check", "key test" },	  { "verify", "key test" },
	{ "rm", "autostart remove" }, { "del", "autostart remove" }, { "delete", "autostart remove" },
	{ "disable", "autostart remove" }, { "ls", "autostart list" }, { "show", "autostart list" },
	{ "status", "autostart list" }, { "enable", "autostart add" }, { "new", "autostart add" },
};

/* The second word. */
static const char *own_name(const struct subverb *s)
{
	return s->name + strlen(s->verb) + 1;
}

const char *subverbs_usage(const char *name)
{
	for (size_t i = 0; i < N_SUBVERBS; i++)
		if (strcmp(subverbs[i].name, name) == 0)
			return subverbs[i].usage;
	return NULL;
}

static const char *suggest(const char *verb, const char *name)
{
	for (size_t i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++)
		if (strcmp(synonyms[i][0], name) == 0 && strncmp(synonyms[i][1], verb, strlen(verb)) == 0)
			return synonyms[i][1];
	for (size_t i = 0; i < N_SUBVERBS; i++) {
		if (strcmp(subverbs[i].verb, verb) != 0)
			continue;
		const char *own = own_name(&subverbs[i]);
		if (main_is_slip(name, own) || (*name && strncmp(name, own, strlen(name)) == 0))
			return subverbs[i].name;
	}
	return NULL;
}

static int unknown(const char *verb, const char *name)
{
	const char *meant = suggest(verb, name);
	if (meant)
		return exit_fail(EXIT_USAGE, "there is no verb '%s %s'; did you mean 'cryptfs %s'?", verb, name, meant);
	return exit_usage(verb, "there is no %s '%s %s'", name[0] == '-' ? "option" : "verb", verb, name);
}

int subverbs_run(const char *verb, int argc, char **argv)
{
	if (argc < 2)
		return exit_usage(verb, "%s takes another verb, and then what that takes", verb);
	const char *name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
		return main_help(verb);
	for (size_t i = 0; i < N_SUBVERBS; i++) {
		if (strcmp(subverbs[i].verb, verb) != 0 || strcmp(own_name(&subverbs[i]), name) != 0)
			continue;
		argv[1] = argv[0];
		return subverbs[i].func(argc - 1, argv + 1);
	}
	return unknown(verb, name);
}
