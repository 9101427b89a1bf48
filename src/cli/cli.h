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
int cmd_import(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_key(int argc, char **argv);
int cmd_passwd(int argc, char **argv);
int cmd_rekey(int argc, char **argv);
int cmd_settings(int argc, char **argv);
int cmd_master(int argc, char **argv);
int cmd_autostart(int argc, char **argv);
int cmd_path(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_bench(int argc, char **argv);

/* Their sub-verbs, as verbs. */
int cmd_key_list(int argc, char **argv);
int cmd_key_add(int argc, char **argv);
int cmd_key_change(int argc, char **argv);
int cmd_key_remove(int argc, char **argv);
int cmd_key_test(int argc, char **argv);
int cmd_settings_backup(int argc, char **argv);
int cmd_settings_restore(int argc, char **argv);
int cmd_master_export(int argc, char **argv);
int cmd_master_restore(int argc, char **argv);
int cmd_autostart_add(int argc, char **argv);
int cmd_autostart_list(int argc, char **argv);
int cmd_autostart_remove(int argc, char **argv);
int cmd_autostart_run(int argc, char **argv);

/* main.c. Print the help of a verb ("mount", "key add") and return EXIT_DONE. */
int main_help(const char *verb);

/* Is b what was meant by a, but for a slip of a finger? */
bool main_is_slip(const char *a, const char *b);

/* subverbs.c. Verbs that consist of others, which are argv[1]: run that one. argv[0] stays the program's name. */
int subverbs_run(const char *verb, int argc, char **argv);

/* The usage of "key add" and the like, or NULL. */
const char *subverbs_usage(const char *name);

/* args.c. The arguments of a verb that has only --json and --help, and so many operands, which then come last in
 * argv; usage is a sentence about them. Returns 0, an exit code (said), or -1 when help was printed. */
int args_json(const char *verb, int argc, char **argv, int operands, const char *usage, bool *json);

/* --jobs of a verb, 1 to ARGS_JOBS_MAX: returns 0, or EXIT_USAGE with the reason said; and how many without it. */
#define ARGS_JOBS_MAX 64u
int args_jobs(const char *verb, const char *text, unsigned int *jobs);
unsigned int args_default_jobs(void);

/* --quiet has been given: returns true. */
bool args_quiet(void);

/* Ask at the terminal; a yes is said in full, or with a y. */
bool args_ask(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A label for a vault or a slot. Returns 0, or EXIT_USAGE with the reason said. */
int args_label(const char *verb, const char *text, const char **label);

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

/* A secret of this kind (enum vaultfile_kind) opens no slot. Says so, returns EXIT_WRONG_SECRET. */
int exit_wrong_secret(uint8_t kind, const char *vault);

/* recovery_decode of something ("recovery code") of n bytes failed. Says what is mistyped, returns
 * EXIT_WRONG_SECRET. */
int exit_recovery(int err, const char *what, unsigned int n, unsigned int group);

/* What went wrong with the login keyring, for a person. Static text, or strerror's. */
const char *exit_keyring_reason(int err);

/* A key file cannot be read, or made. Says so, returns EXIT_FAILED. */
int exit_keyfile(int err, const char *file);

/* A slot cannot be made, or found. Says so, returns EXIT_FAILED. */
int exit_slot(int err, unsigned int slot, const char *vault);

/* KDF options for a secret that is random. Says so, returns EXIT_USAGE. */
int exit_no_price(const char *verb);

/* lock_settings gave -EBUSY. Says so, returns EXIT_IN_USE. */
int exit_settings_busy(const char *vault);

/* vault_save failed, and has (or has not) put the new settings in place. Says so, returns EXIT_FAILED. */
int exit_save(int err, const char *vault, bool in_place);

/* A slot was changed in the vault, not in copies of its settings: say so. */
void exit_old_copies(bool same_secret);

/* text.c */

/* s with control characters and what is no UTF-8 as \ooo, so that a file's name cannot play tricks on
 * a terminal. To be freed; NULL without memory. */
char *text_escape(const char *s);

/* s as a word for a shell, in quotes if it needs them. To be freed; NULL without memory. */
char *text_quote(const char *s);

/* One line on stdout, escaped. */
void text_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same, with what stands before the first colon in colour. */
enum colour;
void text_head(enum colour c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A JSON string: s itself, or escaped if it is no UTF-8. NULL without memory. */
json_t *text_json(const char *s);

/* Set a member of o to a name; of one that is no UTF-8 the bytes as well, in another with "_hex" behind its key. */
void text_json_name(json_t *o, const char *key, const char *name);

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

/* path as an absolute one, by its text alone: from the directory cwd, without ".", ".." and slashes too many. To be
 * freed; NULL without memory. */
char *paths_lexical(const char *cwd, const char *path);

/* Of two such paths: if path is base or lies below it, what follows base, without a slash ("" for base); else NULL. */
const char *paths_below(const char *path, const char *base);

/* Does the directory path hold a vault's settings? */
bool paths_is_vault(const char *path);

#endif
