/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The verb table, and nothing else.
 */
#include "cli/verbs.h"

#include "cli/cli.h"
#include "cli/usage.h"

const struct verb verbs[] = {
	{ "init", cmd_init, "make a new vault",
	  "usage: cryptfs init [OPTION]... VAULT\n"
	  "\n"
	  "Make a new vault in the directory VAULT, which is created or must be empty.\n"
	  "The passphrase is asked for twice, or read from standard input if that is no\n"
	  "terminal.\n"
	  "\n"
	  "      --passfile FILE     the passphrase is the first line of FILE (-: standard input)\n"
	  "      --extpass COMMAND   the passphrase is the first line that COMMAND prints\n"
	  "      --keyfile FILE      a key file instead; if it does not exist it is made, and random\n"
	  "      --with-passphrase   both: the key file opens it together with a passphrase only\n"
	  "      --recovery          a recovery code as well: random, shown once, to be written down\n"
	  "      --recovery-file FILE\n"
	  "                          the same, written to the new file FILE (-: standard output)\n"
	  USAGE_KDF
	  "      --shared            others may change the vault while it is mounted: for\n"
	  "                          synced folders and network filesystems\n"
	  "      --hide-sizes        files show sizes in whole 4 KiB pages only\n"
	  "      --label TEXT        a name to show for the vault\n"
	  "  -q, --quiet             print no next steps\n"
	  "  -h, --help              print this\n" },
	{ "mount", cmd_mount, "mount a vault",
	  "usage: cryptfs mount [OPTION]... VAULT MOUNTPOINT\n"
	  "\n"
	  "Show the files of VAULT in the empty directory MOUNTPOINT. Returns when the mount\n"
	  "answers; the process that serves it stays in the background.\n"
	  "\n"
	  USAGE_CREDENTIAL
	  "  -f, --foreground        stay in the foreground, with messages on stderr\n"
	  "  -r, --read-only         nothing can be changed\n"
	  "      --allow-other       other users may use the mount, as far as modes permit\n"
	  "      --shared            others may change the vault meanwhile (slower)\n"
	  "      --idle DURATION     unmount it when it has not been used for so long (15m, 1h) and\n"
	  "                          nothing in it is open\n"
	  "  -o OPTIONS              mount options for FUSE and the kernel, with commas between\n"
	  "      --lock-on EVENTS    unmount it by itself, unless it is in use: sleep (before the\n"
	  "                          system sleeps), screen (when your screen is locked), with\n"
	  "                          commas between; and force: even if it is in use\n"
	  "      --notify            tell on the desktop of damage, and when it ends by itself\n"
	  "      --debug             trace every request on stderr, with names in plain text,\n"
	  "                          and allow core dumps; implies -f\n"
	  "      --no-sandbox        let the process that serves the mount keep all its powers\n"
	  "                          (for debugging)\n"
	  "  -q, --quiet             print errors only\n"
	  "  -h, --help              print this\n" },
	{ "umount", cmd_umount, "unmount, and wait until all is written",
	  "usage: cryptfs umount [OPTION]... MOUNTPOINT...\n"
	  "       cryptfs umount [OPTION]... --all\n"
	  "\n"
	  "Unmount what is mounted on each MOUNTPOINT. Returns when everything has been written\n"
	  "and the processes that served it have ended. If something keeps it busy, says what.\n"
	  "\n"
	  "  -a, --all               all vaults that you have mounted; for root, that anybody has\n"
	  "  -z, --lazy              detach it even if it is in use, and do not wait: the vault\n"
	  "                          stays open until it is no longer\n"
	  "  -q, --quiet             print errors only\n"
	  "  -h, --help              print this\n" },
	{ "status", cmd_status, "show what is mounted",
	  "usage: cryptfs status [OPTION]... [MOUNTPOINT|VAULT]\n"
	  "\n"
	  "Show all vaults that are mounted, or one: where, by which process, in which mode, how\n"
	  "much was read and written, and what damage was met. Exit code 4 says that it is not\n"
	  "mounted, 1 that it is and does not answer.\n"
	  "\n"
	  "      --watch [SECONDS]   again and again, every 2 seconds, with what it is a second;\n"
	  "                          Ctrl-C ends it\n"
	  "      --json              print a JSON object; with --watch one a line\n"
	  "  -q, --quiet             print nothing: the exit code tells whether it is mounted\n"
	  "  -h, --help              print this\n" },
	{ "autostart", cmd_autostart, "mount a vault at login",
	  "usage: cryptfs autostart VERB [OPTION]... [OPERAND]...\n"
	  "\n"
	  "Vaults that are mounted when you log in to a desktop, by what the login keyring keeps,\n"
	  "and unmounted when you log out.\n"
	  "\n"
	  "  add                     mount a vault at login\n"
	  "  list                    show which are, and whether they are mounted now\n"
	  "  remove                  do not mount it at login any more\n"
	  "  run                     what the login runs\n"
	  "  -h, --help              print this; after a verb, its options\n" },
	{ "key", cmd_key, "list, add, change, remove and test its secrets",
	  "usage: cryptfs key VERB [OPTION]... VAULT [SLOT]\n"
	  "\n"
	  "A vault has up to 32 slots, each of which a secret of its own opens.\n"
	  "\n"
	  "  list                    show the slots\n"
	  "  add                     add a passphrase, a recovery code, a key file or the keyring\n"
	  "  change                  put another secret into a slot, or change what a guess costs\n"
	  "  remove                  remove a slot: its secret opens the vault no more\n"
	  "  test                    see which slot a secret opens\n"
	  "  -h, --help              print this; after a verb, its options\n" },
	{ "passwd", cmd_passwd, "change the passphrase",
	  "usage: cryptfs passwd [OPTION]... VAULT\n"
	  "\n"
	  "Change the passphrase of VAULT: the old one is asked for, then the new one twice. Who\n"
	  "has lost it opens the vault with something else, such as --recovery.\n"
	  "\n" USAGE_NEW_PASSFILE USAGE_KDF USAGE_CREDENTIAL USAGE_QUIET_HELP },
	{ "settings", cmd_settings, "keep a copy of its settings, and put it back",
	  "usage: cryptfs settings VERB [OPTION]... VAULT FILE\n"
	  "\n"
	  "Without its settings nothing in a vault can be decrypted, whoever has the passphrase.\n"
	  "\n"
	  "  backup                  copy them to FILE\n"
	  "  restore                 put them back from FILE\n"
	  "  -h, --help              print this; after a verb, its options\n" },
	{ "master", cmd_master, "keep its master key on paper, and use it",
	  "usage: cryptfs master VERB [OPTION]... VAULT\n"
	  "\n"
	  "The master key alone opens a vault, with no settings and no passphrase.\n"
	  "\n"
	  "  export                  show it\n"
	  "  restore                 make lost settings anew with it\n"
	  "  -h, --help              print this; after a verb, its options\n" },
	{ "rekey", cmd_rekey, "give a vault a new master key",
	  "usage: cryptfs rekey [OPTION]... VAULT\n"
	  "\n"
	  "Give VAULT a new master key and seal all of it anew. Afterwards no old copy of the\n"
	  "settings and no removed secret opens anything of it. Only the secret that is given\n"
	  "opens it then; add the others again. Not while the vault is mounted. Can be stopped\n"
	  "or cut off at any time; the vault can then be mounted and used, and the same command\n"
	  "goes on once it is unmounted.\n"
	  "\n"
	  USAGE_CREDENTIAL
	  "      --yes               do not ask whether the other slots may go\n"
	  "  -j, --jobs N            how many threads (as many as there are processors)\n"
	  "      --no-sandbox        keep all powers (for debugging)\n"
	  USAGE_QUIET_HELP },
	{ "check", cmd_check, "verify a vault, and repair what can be",
	  "usage: cryptfs check [OPTION]... VAULT\n"
	  "\n"
	  "Verify every name and every block of VAULT without mounting it. Exit code 0 says that\n"
	  "there is no damage, 5 that there is, 1 that not all could be looked at or repaired.\n"
	  "Without --repair nothing is changed.\n"
	  "\n"
	  USAGE_CREDENTIAL
	  "      --path PATH         only what is at or below this path of the mount\n"
	  "      --quick             names, and of each file the first and the last block only\n"
	  "      --repair            mend what can be mended without losing anything, and move\n"
	  "                          what cannot be opened into the vault's cryptfs.lost; asks\n"
	  "                          before each kind\n"
	  "      --yes               do not ask, and leave out what would put names out of reach\n"
	  "  -j, --jobs N            how many threads (as many as there are processors)\n"
	  "      --json              print the result as a JSON object\n"
	  "      --no-sandbox        keep all powers (for debugging)\n"
	  "  -q, --quiet             print what is found only\n"
	  "  -h, --help              print this\n" },
	{ "ls", cmd_ls, "list files of a vault, without a mount",
	  "usage: cryptfs ls [OPTION]... VAULT [PATH]\n"
	  "\n"
	  "List what is in VAULT, or in its directory PATH, a name a line, without mounting it.\n"
	  "PATH is one of the plaintext, from the root of the vault. What is damaged is said on\n"
	  "standard error, and the rest is listed.\n"
	  "\n"
	  "  -l, --long              with type, mode, links, owner, size and time\n"
	  "  -R, --recursive         with all that is below, as paths\n"
	  "  -0, --print0            names as they are, with a NUL behind each\n"
	  "      --json              print a JSON object\n"
	  USAGE_CREDENTIAL
	  "      --no-sandbox        keep all powers (for debugging)\n"
	  "  -a, -A, -1              nothing: names with dots are listed, and one a line, anyway\n"
	  "  -q, --quiet             print errors only\n"
	  "  -h, --help              print this\n" },
	{ "cat", cmd_cat, "print files of a vault, without a mount",
	  "usage: cryptfs cat [OPTION]... VAULT PATH...\n"
	  "\n"
	  "Write the files PATH of VAULT to standard output, without mounting it.\n"
	  "\n"
	  "      --salvage           of a damaged file write what is intact, and zeros for what is\n"
	  "                          lost; which bytes those are is said on standard error\n"
	  "  -o, --output FILE       write to FILE, which must not exist\n"
	  USAGE_CREDENTIAL
	  "      --no-sandbox        keep all powers (for debugging)\n"
	  "  -q, --quiet             print errors only\n"
	  "  -h, --help              print this\n" },
	{ "export", cmd_export, "copy files out of a vault, without a mount",
	  "usage: cryptfs export [OPTION]... VAULT PATH DEST\n"
	  "\n"
	  "Copy the file or directory PATH of VAULT (/: all of it) to DEST, without mounting it,\n"
	  "with modes, times, extended attributes, hard links and holes, for root with owners as\n"
	  "well. If DEST is a directory it gets PATH under its own name. What is damaged is left\n"
	  "out and said at the end.\n"
	  "\n"
	  "      --overwrite         replace files that are there already\n"
	  "      --salvage           of damaged files copy what is intact, and zeros for the rest\n"
	  "      --privileged        keep set-user-ID and set-group-ID bits, for root devices too\n"
	  USAGE_CREDENTIAL
	  "      --no-sandbox        keep all powers (for debugging)\n"
	  "  -q, --quiet             print errors only\n"
	  "  -h, --help              print this\n" },
	{ "import", cmd_import, "copy a directory into a mounted vault, verified",
	  "usage: cryptfs import [OPTION]... SRC MOUNT\n"
	  "\n"
	  "Copy all that is in the directory SRC (such as a mounted vault of another program)\n"
	  "to MOUNT, a mount point of cryptfs or a directory in it, with modes, times, extended\n"
	  "attributes, ACLs, hard links and holes, for root with owners and devices as well. Each\n"
	  "file is read back from the vault and compared. Nothing that is there is replaced. Can\n"
	  "be stopped or cut off at any time; the same command goes on.\n"
	  "\n"
	  "      --check             only compare SRC and MOUNT, contents as well; exit code 0 says\n"
	  "                          that they are the same\n"
	  "      --dry-run           change nothing, say what would be done\n"
	  "      --update            replace files that are older in MOUNT\n"
	  "      --overwrite         replace all files that differ\n"
	  "      --verify-all        compare the contents of files that are there already, too\n"
	  "      --cross-mounts      take along what is mounted in SRC\n"
	  "      --report FILE       write all problems to the new file FILE, a line each\n"
	  "      --json              print the result as a JSON object\n"
	  USAGE_QUIET_HELP },
	{ "inspect", cmd_inspect, "look into one encrypted file",
	  "usage: cryptfs inspect [OPTION]... FILE\n"
	  "\n"
	  "Show what the encrypted FILE or directory of a vault is: without a key what anybody can\n"
	  "see of it, and with one whose it is and whether all of it opens. The key is used if one\n"
	  "of the options for it is given. Exit code 0 says that no damage was seen, 5 that some was.\n"
	  "\n"
	  "      --verify            ask for the passphrase, and verify FILE with it\n"
	  "      --blocks            tell of each page of the file\n"
	  "      --vault VAULT       FILE lies elsewhere, such as in a backup, and is one of VAULT\n"
	  "      --json              print a JSON object\n"
	  USAGE_CREDENTIAL
	  "      --no-sandbox        keep all powers (for debugging)\n"
	  "  -q, --quiet             print what is wrong only\n"
	  "  -h, --help              print this\n" },
	{ "path", cmd_path, "tell which encrypted file is which",
	  "usage: cryptfs path [OPTION]... VAULT PATH...\n"
	  "\n"
	  "Print under which name in VAULT the file PATH of the plaintext is kept; with --reverse,\n"
	  "or if PATH is an absolute one into the directory VAULT, which file of the plaintext an\n"
	  "encrypted one is. Also while VAULT is mounted. With a PATH of - they are read from\n"
	  "standard input, one a line. What PATH names need not exist any more, but its directory.\n"
	  "\n"
	  "  -r, --reverse           PATH is one of encrypted files, from here or from VAULT\n"
	  "  -0, --print0            paths as they are, with a NUL behind each\n"
	  "      --stdin0            read PATHs from standard input, with a NUL behind each\n"
	  "      --json              print a JSON object\n"
	  USAGE_CREDENTIAL
	  "      --no-sandbox        keep all powers (for debugging)\n"
	  "  -q, --quiet             print errors only\n"
	  "  -h, --help              print this\n" },
	{ "info", cmd_info, "show a vault's settings",
	  "usage: cryptfs info [OPTION]... VAULT\n"
	  "\n"
	  "Show the settings of VAULT. Asks for no passphrase and shows no secret.\n"
	  "\n"
	  "      --json              print them as a JSON object\n"
	  USAGE_QUIET
	  "  -h, --help              print this\n" },
	{ "bench", cmd_bench, "measure how fast it is on this machine",
	  "usage: cryptfs bench [OPTION]... [DIRECTORY]\n"
	  "\n"
	  "Measure the ciphers, how long unlocking takes, and files in a temporary vault beside the\n"
	  "same without one, in DIRECTORY ($TMPDIR, or /tmp). Takes some 15 seconds. Nothing is left\n"
	  "behind.\n"
	  "\n"
	  "      --no-mount          measure the ciphers only\n"
	  "      --seconds N         how long to measure, in all, beside the unlocking (10)\n"
	  "      --json              print a JSON object\n"
	  USAGE_QUIET
	  "  -h, --help              print this\n" },
};
const size_t verbs_count = sizeof(verbs) / sizeof(verbs[0]);
