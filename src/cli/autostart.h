/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Vaults that are mounted at login: one small file for each in the user's configuration, and what has it read at the
 * right moment: an instance of the unit cryptfs@.service, or a desktop entry. Both know no more than the name of the
 * file, which is made from the mount point.
 */
#ifndef CRYPTFS_CLI_AUTOSTART_H
#define CRYPTFS_CLI_AUTOSTART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "cli/mount_args.h"

enum autostart_method { AUTOSTART_SYSTEMD, AUTOSTART_XDG };

struct autostart_entry {
	char *name;
	char *vault;	  /* both absolute, without symbolic links when they were added */
	char *mountpoint;
	enum autostart_method method;
	char **options;	  /* more words for cryptfs mount */
	size_t n_options;
};

void autostart_entry_free(struct autostart_entry *e);
#define _cleanup_autostart_ _cleanup_(autostart_entry_free)

/* ---- autostart_name.c ---- */

/* The longest name: with a prefix and a suffix it still is one of a unit, and of a file. */
#define AUTOSTART_NAME_MAX 230u

/* The name of an absolute path, as systemd-escape(1) --path makes it. To be freed; NULL without memory. */
char *autostart_name(const char *path);

/* Is it one that autostart_name makes? */
bool autostart_name_is_valid(const char *name);

/* ---- autostart_files.c ---- */

/* A path below the user's configuration ($XDG_CONFIG_HOME, else ~/.config), from a format. To be freed; NULL without
 * memory or without a home. */
char *autostart_config(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Make a directory below it, and those above that are missing (0700). Returns a descriptor or -errno. */
int autostart_make_dir(const char *path);

/* Read a file of at most so many bytes, which others must not be able to change. Returns 0 with its text (to be
 * freed), -EACCES if they are, -EFBIG, or -errno. */
int autostart_read(const char *path, char **text);

/* All names, in order. Returns 0 or -errno; autostart_names_free in any case. */
struct autostart_names {
	char **names;
	size_t n;
};
int autostart_names_load(struct autostart_names *list);
void autostart_names_free(struct autostart_names *list);

/* ---- autostart_entry.c ---- */

/* Read what was saved. Returns 0, -ENOENT, -EUCLEAN if it is none of ours, or as autostart_read. */
int autostart_load(const char *name, struct autostart_entry *out);

/* Write it, atomically, in the place of one that was there. Returns 0, -EILSEQ (a path that is no UTF-8) or -errno. */
int autostart_save(const struct autostart_entry *e);

/* Remove it, and the directories if they are empty then. Returns 0 or -errno. */
int autostart_forget(const char *name);

/* ---- autostart_words.c ---- */

/* The words of "cryptfs mount --foreground ..."; with keyring the one that says "or not at all". Vault and mount point
 * may be missing yet. The array is to be freed; NULL without memory. */
char **autostart_words(const struct autostart_entry *e, bool keyring, int *argc);

/* Have them parsed; *has_source says whether the options tell where the secret comes from. mount_args_free in any
 * case, while e lasts. Returns 0, or an exit code with the reason said. */
int autostart_parse(const struct autostart_entry *e, struct mount_args *args, bool *has_source);

/* ---- autostart_systemd.c: by cryptfs@NAME.service of the user's service manager ---- */

/* Is there one that starts units with a graphical session? Asks systemctl. */
bool autostart_systemd_is_there(void);

/* Is the unit enabled? By the links in the user's configuration, so that nobody need be asked. */
bool autostart_systemd_is_enabled(const char *name);

/* Returns 0, or an exit code with the reason said. */
int autostart_systemd_enable(const char *name);

/* Also where the service manager is not at hand. Returns 0 or -errno. */
int autostart_systemd_disable(const char *name);

/* ---- autostart_desktop.c: by ~/.config/autostart/cryptfs-NAME.desktop ---- */

/* Is it there, and not switched off by the desktop's own settings? */
bool autostart_desktop_is_enabled(const char *name);

/* Returns 0, or an exit code with the reason said. */
int autostart_desktop_enable(const struct autostart_entry *e);

/* Returns 0 or -errno. */
int autostart_desktop_disable(const char *name);

/* s as a quoted argument of Exec=, or as the value of another key. To be freed; NULL without memory. */
char *autostart_desktop_quote(const char *s);
char *autostart_desktop_value(const char *s);

/* ---- autostart_ask.c ---- */

/* See to it that a question can be asked in a window, by a program that is commonly installed if none is set. Returns
 * NULL, or why nobody can be asked. */
const char *autostart_ask(void);

#endif
