/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs settings: a copy of them kept elsewhere, and back.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cli/change.h"
#include "cli/cli.h"
#include "cli/key_args.h"
#include "cli/newfile.h"
#include "cli/rootnames.h"
#include "cli/slot_text.h"
#include "cli/undisturbed.h"
#include "vault/lock.h"
#include "vault/slots.h"

#define BACKUP_MODE 0600

int cmd_settings(int argc, char **argv)
{
	return subverbs_run("settings", argc, argv);
}

/* ---- settings backup ---- */

static int backup(const struct key_args *a)
{
	_cleanup_(unlock_free) struct unlock u = UNLOCK_NONE;
	const char *file = a->operands[0];
	int code = unlock_open(&u, a->vault);
	if (code == EXIT_NO_VAULT)
		unlock_hint(a->vault, "settings backup");
	if (code == 0)
		code = newfile_apart(u.path, file);
	if (code != 0)
		return code;
	/* What has been read and found right, not what is there now. */
	_cleanup_free_ char *text = vaultfile_print(&u.vault->settings);
	if (!text)
		return exit_fail(EXIT_FAILED, "out of memory");
	int err = a->force ? newfile_replace(file, text, strlen(text), BACKUP_MODE) :
			     newfile_make(file, text, strlen(text), BACKUP_MODE);
	if (err == -EEXIST)
		return exit_fail(EXIT_FAILED, "'%s' exists already (--force replaces it)", file);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot write to '%s': %s", file, exit_reason(err));
	if (!a->quiet)
		exit_note("the settings are in '%s'; with that copy every secret that opens the vault now will, also "
			  "one that is removed later (until cryptfs rekey)",
			  file);
	return EXIT_DONE;
}

int cmd_settings_backup(int argc, char **argv)
{
	static const struct option options[] = {
		{ "force", no_argument, NULL, KEY_ARGS_FORCE },
		KEY_ARGS_OPTIONS,
	};
	static const struct key_verb verb = {
		.name = "settings backup",
		.letters = "qh",
		.options = options,
		.min = 1,
		.max = 1,
		.operands = "settings backup takes two operands: the vault, and a file to write to",
	};
	struct key_args a;
	int code = key_args_parse(&verb, argc, argv, &a);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	return backup(&a);
}

/* ---- settings restore ---- */

struct restore {
	struct key_args args;
	const char *file;
	struct unlock u;	/* its settings are those of the file */
	struct vault *present;	/* or NULL: there are none that can be read */
	struct vault *before;	/* then the copy that lies beside them, or NULL */
	bool by_names;		/* whether they are this vault's is told by names only */
	struct key32 *master;
};

static void restore_free(struct restore *r)
{
	keymem_free(r->master);
	vault_free(r->present);
	vault_free(r->before);
	unlock_free(&r->u);
}

static int read_copy(struct restore *r)
{
	const char *why = NULL;
	int err = vault_read(AT_FDCWD, r->file, &r->u.vault, &why);
	if (err == -EUCLEAN)
		return exit_fail(EXIT_DAMAGED, "'%s' is no copy of a vault's settings, or is damaged "
					       "(%s)", r->file, why);
	if (err == -EPROTONOSUPPORT)
		return exit_fail(EXIT_DAMAGED, "'%s' was made by a newer cryptfs (%s); update this one", r->file, why);
	return err < 0 ? exit_fail(EXIT_FAILED, "cannot read '%s': %s", r->file, exit_reason(err)) : 0;
}

/* The settings that are there, as far as they can be read. */
static int read_present(struct restore *r)
{
	const char *why = NULL;
	int err = vault_open(r->u.fd, &r->present, &why);
	if (err == -ENOENT || err == -EUCLEAN)
		(void)vault_read(r->u.fd, NAME_SETTINGS_BACKUP, &r->before, &why);
	return err == 0 || err == -ENOENT || err == -EUCLEAN ? 0 : exit_vault(err, r->args.vault, why);
}

/* Does the copy fit what is there? Older keys would leave what was written since unreadable. */
static int check_fit(struct restore *r)
{
	const struct vaultfile *kept = &r->u.vault->settings;
	const struct vault *known = r->present ? r->present : r->before;
	if (!known)
		return 0;
	const struct vaultfile *now = &known->settings;
	/* Settings that were lost, and made anew by the master key, may have got another ID. */
	r->by_names = memcmp(kept->vault_id, now->vault_id, VAULTFILE_ID_LEN) != 0;
	if (kept->epoch < now->epoch && !r->present)
		return exit_fail(EXIT_FAILED,
				 "'%s' is from before a 'cryptfs rekey', of which '%s/" NAME_SETTINGS_BACKUP
				 "' has the key: restore that instead; nothing was changed",
				 r->file, r->u.path);
	if (kept->epoch < now->epoch || (now->previous.there && !kept->previous.there))
		return exit_fail(EXIT_FAILED,
				 "'%s' is from before a 'cryptfs rekey': its key opens the vault no more; nothing "
				 "was changed",
				 r->file);
	return 0;
}

static int open_both(struct restore *r)
{
	r->u.fd = open(r->args.vault, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->u.fd < 0)
		return exit_vault_dir(-errno, r->args.vault);
	int err = paths_resolve(r->args.vault, &r->u.path);
	if (err < 0)
		return exit_vault_dir(err, r->args.vault);
	int code = read_copy(r);
	if (code == 0)
		code = read_present(r);
	return code != 0 ? code : check_fit(r);
}

static bool is_same_slot(const struct vaultfile_slot *a, const struct vaultfile_slot *b)
{
	return a && b && memcmp(a->commitment, b->commitment, sizeof(a->commitment)) == 0;
}

/* Slots of a that b has not, or has otherwise. Returns how many, and says of each what becomes of it. */
static unsigned int tell_differences(const struct vaultfile *a, const struct vaultfile *b, const char *what)
{
	unsigned int n = 0;
	for (uint32_t i = 0; i < a->n_slots; i++) {
		const struct vaultfile_slot *s = &a->slots[i];
		if (is_same_slot(s, slots_find(b, s->slot)))
			continue;
		_cleanup_free_ char *name = slot_text_name(s);
		exit_note("%s %s", name ? name : "a slot", what);
		n++;
	}
	return n;
}

/* Secrets that were taken away must not come back unseen, nor those in use be lost. */
static int confirm(const struct restore *r)
{
	if (!r->present)
		return 0;
	const struct vaultfile *kept = &r->u.vault->settings, *now = &r->present->settings;
	unsigned int n = tell_differences(kept, now, "comes back: its secret opens the vault again");
	n += tell_differences(now, kept, "goes: its secret opens the vault no more");
	if (n == 0 || r->args.force)
		return 0;
	if (isatty(STDIN_FILENO) != 1)
		return exit_fail(EXIT_FAILED,
				 "nothing has been changed: there is no terminal to ask at (--force does without)");
	return args_ask("Shall these settings replace the present ones?") ?
		       0 :
		       exit_fail(EXIT_FAILED, "nothing has been changed");
}

/* Authorised by a secret of the copy, whose MAC is right by it then. */
static int authorise(struct restore *r)
{
	int code = secrets_prepare(false);
	if (code != 0)
		return code;
	r->master = keymem_alloc(sizeof(*r->master));
	if (!r->master)
		return exit_crypto(-ENOMEM, "cannot keep the master key");
	if ((code = unlock_master(&r->u, r->master)) != 0 || (r->present && !r->by_names))
		return code;
	int err = vault_unlock_with(r->u.vault, r->master);
	return err < 0 ? exit_vault(err, r->u.path, NULL) :
			 rootnames_check(r->u.vault, r->u.fd, "these settings", r->u.path, NULL);
}

/* Has nobody changed them while we asked? Under the lock, if there is anything to lock. */
static int check_unchanged(const struct restore *r)
{
	_cleanup_vault_ struct vault *v = NULL;
	const char *why = NULL;
	(void)vault_open(r->u.fd, &v, &why);
	if (!v == !r->present &&
	    (!v || memcmp(v->settings.mac, r->present->settings.mac, VAULTFILE_MAC_LEN) == 0))
		return 0;
	return exit_fail(EXIT_IN_USE, "the settings of '%s' have been changed meanwhile; try again", r->u.path);
}

static int put_back(struct restore *r)
{
	SCOPED_UNDISTURBED;
	_cleanup_fd_ int lock = -1;
	int err = lock_settings(r->u.fd, &lock);
	if (err == -EBUSY)
		return exit_settings_busy(r->u.path);
	int code = unlock_exclude(r->u.fd, r->u.path);
	if (code == 0)
		code = check_unchanged(r);
	if (code != 0)
		return code;
	err = vault_save(r->u.vault, r->u.fd, r->master);
	if (err < 0)
		return exit_save(err, r->u.path, change_is_there(r->u.fd, r->u.vault));
	if (!r->args.quiet)
		exit_note("the settings of '%s' are those of '%s' again", r->u.path, r->file);
	return EXIT_DONE;
}

int cmd_settings_restore(int argc, char **argv)
{
	static const struct option options[] = {
		CREDENTIAL_OPTIONS,
		{ "force", no_argument, NULL, KEY_ARGS_FORCE },
		KEY_ARGS_OPTIONS,
	};
	static const struct key_verb verb = {
		.name = "settings restore",
		.letters = "qh",
		.options = options,
		.min = 1,
		.max = 1,
		.operands = "settings restore takes two operands: the vault, and a copy of its settings",
	};
	_cleanup_(restore_free) struct restore r = { .u = UNLOCK_NONE };
	int code = key_args_parse(&verb, argc, argv, &r.args);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	r.file = r.args.operands[0];
	if ((code = open_both(&r)) != 0 || (code = unlock_source(&r.u, &r.args.credential)) != 0 ||
	    (code = authorise(&r)) != 0 || (code = confirm(&r)) != 0)
		return code;
	return put_back(&r);
}
