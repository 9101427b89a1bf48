/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line: what its files share. Verbs, exit codes, and how text reaches a person.
 */
#ifndef CRYPTFS_CLI_CLI_H
#define CRYPTFS_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

/* Exit codes; the manual page has the same list. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_WRONG_SECRET = 3,
	EXIT_NO_VAULT = 4, /* not a vault, or the mount point is missing */
	EXIT_DAMAGED = 5,  /* settings or contents damaged, tampered with or newer */
	EXIT_IN_USE = 6,
	EXIT_MOUNT_FAILED = 7,
};

/* Verbs. argv[0] is the program's name; each returns an exit code. */
int cmd_init(int argc, char **argv);
int cmd_mount(int argc, char **argv);
int cmd_umount(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_ls(int argc, char **argv);
int cmd_cat(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_check(int argc, char **argv);

/* main.c. Print a verb's help and return EXIT_DONE. */
int main_help(const char *verb);

/* args.c. The arguments of a verb that has only --json and --help, and so many operands, which then come last in
 * argv; usage is a sentence about them. Returns 0, an exit code (said), or -1 when help was printed. */
int args_json(const char *verb, int argc, char **argv, int operands, const char *usage, bool *json);

/* --passfile and --extpass as given to a verb: not both, and a command that can be run. Returns 0 or an exit code. */
struct prompt_source;
int args_source(const char *verb, const struct prompt_source *src);

/* exit.c */

/* One line on stderr, "cryptfs: " before it, control characters escaped. */
void exit_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same, and return code. */
int exit_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Bad usage of a verb: the reason (NULL: getopt has said it), then where help is. Returns EXIT_USAGE. */
int exit_usage(const char *verb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What went wrong, for a person: "No space left on device (...)". err is negative. Static text, or
 * strerror's. */
const char *exit_reason(int err);

/* The vault's directory could not be opened. Says so, returns an exit code. */
int exit_vault_dir(int err, const char *vault);

/* vault_open, vault_unlock or lock_vault failed; why may be NULL. Says so, returns an exit code. */
int exit_vault(int err, const char *vault, const char *why);

/* keymem_init, aead_init, kdf_calibrate or vault_create failed. Says so, returns EXIT_FAILED. */
int exit_crypto(int err, const char *doing);

/* A program that was to tell a passphrase could not be started (err), or has failed (status, as of waitpid). Says so,
 * returns EXIT_FAILED. */
int exit_command(const char *from, int err, int status);

/* A passphrase could not be had. Says so (unless exit_command has), returns EXIT_FAILED. */
int exit_passphrase(int err, const char *from);

/* text.c */

/* s with control characters and what is no UTF-8 as \ooo, so that a file's name cannot play tricks on
 * a terminal. To be freed; NULL without memory. */
char *text_escape(const char *s);

/* s as a word for a shell, in quotes if it needs them. To be freed; NULL without memory. */
char *text_quote(const char *s);

/* One line on stdout, escaped. */
void text_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A JSON string: s itself, or escaped if it is no UTF-8. NULL without memory. */
json_t *text_json(const char *s);

/* ISO 8601 in UTC; room for TEXT_TIME_SIZE. */
#define TEXT_TIME_SIZE 32
void text_time(char out[static TEXT_TIME_SIZE], uint64_t seconds);

/* Print a JSON document on stdout and drop it; NULL means that memory ran out. Returns an exit code. */
int text_print_json(json_t *doc);

/* secrets.c */

/* Get ready for secrets, after the last fork: no core dumps, no debugger (unless debug), the arena, the
 * ciphers. Returns 0, or an exit code with the reason said. */
int secrets_prepare(bool debug);

/* paths.c */

/* The absolute path of something that exists, without symbolic links; also of a mount point whose
 * process is dead. To be freed. Returns 0 or -errno. */
int paths_resolve(const char *path, char **out);

/* 1 if the directory fd has no entries, 0 if it has some, or -errno. */
int paths_is_empty(int fd);

/* Is the directory outer the same as, or above, the directory inner (both open)? By identity, not by
 * name. Returns 1, 0, or -errno. */
int paths_contains(int outer, int inner);

/* Does the directory path hold a vault's settings? */
bool paths_is_vault(const char *path);

#endif
