/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs master: the master key on paper, for the day on which the settings are gone. With it goes what else the
 * contents depend on: the key's epoch, and whether sizes are hidden (doc/format.md 7.2).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/io.h"
#include "cli/change.h"
#include "cli/cli.h"
#include "cli/key_args.h"
#include "cli/newfile.h"
#include "cli/rootnames.h"
#include "cli/slot_text.h"
#include "cli/undisturbed.h"
#include "vault/lock.h"
#include "vault/recovery.h"
#include "vault/slots.h"

#define MASTER_MODE 0600

/* What the groups hold. */
#define CODE_VERSION 1u
#define CODE_EPOCH 1 /* u16 */
#define CODE_FLAGS 3
#define CODE_KEY 4
#define CODE_LEN 36u
#define FLAG_HIDE_SIZES 1u
#define FLAG_SHARED 2u

_Static_assert(CODE_KEY + sizeof(struct key32) == CODE_LEN, "master key code");

int cmd_master(int argc, char **argv)
{
	return subverbs_run("master", argc, argv);
}

/* ---- master export ---- */

static bool is_stdout(const char *file)
{
	return strcmp(file, "-") == 0;
}

static int check_place(const char *file)
{
	if (!file && isatty(STDOUT_FILENO) != 1)
		return exit_usage("master export", "a master key is shown on a terminal only; to have it in a file: "
						   "--output FILE (-: standard output)");
	if (file && !is_stdout(file) && access(file, F_OK) == 0)
		return exit_fail(EXIT_FAILED, "'%s' exists already; a master key goes into a new file", file);
	return 0;
}

/* Past stdio, which would keep a copy. */
static int write_code(const char *file, const char *text, size_t n)
{
	int err = 0;
	if (file && !is_stdout(file))
		err = newfile_make(file, text, n, MASTER_MODE);
	else if (fflush(stdout) != 0)
		err = -EIO;
	else
		err = io_write_full(STDOUT_FILENO, text, n);
	return err < 0 ? exit_fail(EXIT_FAILED, "cannot write the master key: %s", exit_reason(err)) : 0;
}

static int export(const struct key_args *a, const struct vaultfile *vf, const struct key32 *master)
{
	enum { LEN = RECOVERY_TEXT_SIZE(CODE_LEN) }; /* with a line end for the NUL */
	_cleanup_key_ uint8_t *code = keymem_alloc(CODE_LEN);
	_cleanup_key_ char *text = keymem_alloc(LEN);
	if (!code || !text)
		return exit_crypto(-ENOMEM, "cannot show the master key");
	code[0] = CODE_VERSION;
	put_le16(code + CODE_EPOCH, (uint16_t)vf->epoch);
	code[CODE_FLAGS] = (vf->features & VAULTFILE_FEATURE_HIDE_SIZES ? FLAG_HIDE_SIZES : 0) |
			   (vf->coherency == VAULTFILE_SHARED ? FLAG_SHARED : 0);
	memcpy(code + CODE_KEY, master->b, sizeof(master->b));
	recovery_encode(text, code, CODE_LEN);
	text[LEN - 1] = '\n';
	int exit = write_code(a->output, text, LEN);
	if (exit == 0 && !a->quiet)
		exit_note("whoever has this key can read all of the vault, now and later, with no passphrase; only "
			  "'cryptfs rekey' makes it worthless. Keep it on paper, apart from the vault");
	return exit;
}

int cmd_master_export(int argc, char **argv)
{
	static const struct option options[] = {
		CREDENTIAL_OPTIONS,
		{ "output", required_argument, NULL, 'o' },
		KEY_ARGS_OPTIONS,
	};
	static const struct key_verb verb = {
		.name = "master export",
		.letters = "o:qh",
		.options = options,
		.operands = "master export takes one operand: the vault",
	};
	struct key_args a;
	_cleanup_(change_free) struct change c = CHANGE_NONE;
	int code = key_args_parse(&verb, argc, argv, &a);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	if ((code = check_place(a.output)) != 0 || (code = change_open(&c, verb.name, a.vault, &a.credential)) != 0)
		return code;
	if (a.output && !is_stdout(a.output) && (code = newfile_apart(c.u.path, a.output)) != 0)
		return code;
	if (c.u.vault->settings.previous.there)
		return exit_fail(EXIT_FAILED, "'%s' is being given a new master key: finish that first (cryptfs rekey)",
				 c.u.path);
	if ((code = secrets_prepare(false)) != 0 || (code = change_authorise(&c)) != 0)
		return code;
	return export(&a, &c.u.vault->settings, c.master);
}

/* ---- master restore ---- */

struct restore {
	struct key_args args;
	int fd;
	char *path;
	struct prompt prompt; /* of the master key */
	struct new_secret secret;
	struct kdf_cost cost;
	uint8_t *code; /* CODE_LEN, in the arena */
	struct vault *vault;
};

static void restore_free(struct restore *r)
{
	keymem_free(r->code);
	vault_free(r->vault);
	new_secret_free(&r->secret);
	prompt_cleanup(&r->prompt);
	cleanup_fd(&r->fd);
	free(r->path);
}

/* A key from before a rekey opens what was there then, and makes the rest unreadable. */
static int check_epoch(const struct restore *r, uint32_t epoch)
{
	static const char *const names[] = { NAME_SETTINGS_FILE, NAME_SETTINGS_BACKUP };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		_cleanup_vault_ struct vault *v = NULL;
		const char *why = NULL;
		if (vault_read(r->fd, names[i], &v, &why) == 0 && v->settings.epoch > epoch)
			return exit_fail(EXIT_FAILED,
					 "that master key is from before a 'cryptfs rekey', and '%s/%s' is not: "
					 "nothing was changed",
					 r->path, names[i]);
	}
	return 0;
}

/* The copy beside them has all their slots. */
static int check_copy(const struct restore *r)
{
	_cleanup_vault_ struct vault *v = NULL;
	_cleanup_free_ char *word = text_quote(r->path);
	const char *why = NULL, *path = word ? word : "VAULT";
	if (vault_read(r->fd, NAME_SETTINGS_BACKUP, &v, &why) < 0)
		return 0;
	return exit_fail(EXIT_FAILED,
			 "the copy of the settings beside them is whole, with their slots; to use it: cryptfs settings "
			 "restore %s %s/" NAME_SETTINGS_BACKUP " (if no secret opens it: --force)",
			 path, path);
}

/* The vault stays the one that copies of its settings know. */
static void keep_id(struct restore *r)
{
	static const char *const names[] = { NAME_SETTINGS_FILE, NAME_SETTINGS_BACKUP };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		_cleanup_vault_ struct vault *v = NULL;
		const char *why = NULL;
		if (vault_read(r->fd, names[i], &v, &why) < 0)
			continue;
		memcpy(r->vault->settings.vault_id, v->settings.vault_id, VAULTFILE_ID_LEN);
		return;
	}
}

/* Settings that are whole are not thrown away by mistake. */
static int check_lost(const struct restore *r)
{
	_cleanup_vault_ struct vault *v = NULL;
	const char *why = NULL;
	int err = vault_open(r->fd, &v, &why);
	if (r->args.force && (err == 0 || err == -ENOENT || err == -EUCLEAN))
		return 0;
	if (err == -ENOENT || err == -EUCLEAN)
		return check_copy(r);
	if (err < 0)
		return exit_vault(err, r->args.vault, why);
	return exit_fail(EXIT_FAILED, "the settings of '%s' are whole: there is nothing to restore (if no secret opens "
				      "them any more: --force)",
			 r->path);
}

static int open_place(struct restore *r)
{
	r->fd = open(r->args.vault, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->fd < 0)
		return exit_vault_dir(-errno, r->args.vault);
	int err = paths_resolve(r->args.vault, &r->path);
	return err < 0 ? exit_vault_dir(err, r->args.vault) : check_lost(r);
}

static int choose_kind(const struct restore *r, uint8_t *kind)
{
	int code = new_secret_kind("master restore", &r->args.secret, VAULTFILE_PASSPHRASE, kind);
	if (code != 0 || *kind == VAULTFILE_PASSPHRASE || *kind == VAULTFILE_KEYFILE ||
	    *kind == VAULTFILE_KEYFILE_PASSPHRASE)
		return code;
	return exit_usage("master restore", "the first secret is a passphrase or a key file; more can be added then "
					    "(cryptfs key add)");
}

static int open_sources(struct restore *r, uint8_t kind)
{
	int code = new_secret_open(&r->secret, "master restore", &r->args.secret, kind, NULL);
	if (code == 0 && new_secret_is_random(&r->secret) && kdf_args_given(&r->args.kdf))
		code = exit_no_price("master restore");
	int err = code == 0 ? prompt_open(&r->prompt, r->args.master_file) : 0;
	return err < 0 ? exit_passphrase(err, r->prompt.from) : code;
}

/* One try. Returns 0 or -errno; *code is the exit code, and the reason has been said. */
static int read_once(struct restore *r, int *code)
{
	_cleanup_(prompt_forget) struct prompt_secret typed = { NULL, 0 };
	unsigned int group = 0;
	int err = prompt_read(&r->prompt, "Master key: ", &typed);
	if (err < 0) {
		*code = exit_passphrase(err, r->prompt.from);
		return err;
	}
	err = recovery_decode(r->code, CODE_LEN, (const char *)typed.bytes, typed.len, &group);
	*code = err < 0 ? exit_recovery(err, "master key", CODE_LEN, group) : 0;
	return err;
}

static int read_code(struct restore *r)
{
	int code, tries = prompt_tries(&r->prompt);
	r->code = keymem_alloc(CODE_LEN);
	if (!r->code)
		return exit_crypto(-ENOMEM, "cannot keep the master key");
	while (read_once(r, &code) < 0)
		if (--tries == 0)
			return code;
	if (r->code[0] == CODE_VERSION && (r->code[CODE_FLAGS] & ~(FLAG_HIDE_SIZES | FLAG_SHARED)) == 0)
		return 0;
	return exit_fail(EXIT_DAMAGED, "that master key was shown by a newer cryptfs; update this one");
}

static int build(struct restore *r, struct key32 *master)
{
	const uint8_t flags = r->code[CODE_FLAGS];
	const struct vault_options opt = {
		.coherency = flags & FLAG_SHARED ? VAULTFILE_SHARED : VAULTFILE_PRIVATE,
		.hide_sizes = flags & FLAG_HIDE_SIZES,
		.label = r->args.label,
	};
	int code = check_epoch(r, get_le16(r->code + CODE_EPOCH));
	if (code != 0)
		return code;
	memcpy(master->b, r->code + CODE_KEY, sizeof(master->b));
	int err = vault_remake(master, get_le16(r->code + CODE_EPOCH), &opt, &r->vault);
	if (err < 0)
		return exit_crypto(err, "cannot make the settings");
	keep_id(r);
	bool empty = false;
	code = rootnames_check(r->vault, r->fd, "settings with this master key would", r->path, &empty);
	if (code != 0 || !empty)
		return code;
	return exit_fail(EXIT_FAILED,
			 "'%s' holds no files: nothing tells whether this is its key, and nothing is lost. Make a "
			 "vault anew: remove its " NAME_SETTINGS_FILE " and " NAME_SETTINGS_BACKUP ", and cryptfs init",
			 r->path);
}

static int put_back(struct restore *r, const struct key32 *master)
{
	SCOPED_UNDISTURBED;
	const struct slot_choice choice = { .cost = r->cost };
	_cleanup_fd_ int lock = -1;
	uint32_t slot;
	int err = slots_add(&r->vault->settings, master, &r->secret.secret, &choice, &slot);
	if (err < 0)
		return exit_slot(err, 0, r->path);
	if (lock_settings(r->fd, &lock) == -EBUSY)
		return exit_settings_busy(r->path);
	const struct new_secret_slot whose = { r->path, &r->vault->settings, slot };
	int code = unlock_exclude(r->fd, r->path);
	if (code == 0)
		code = check_lost(r);
	if (code == 0)
		code = new_secret_hand_over(&r->secret, &whose);
	if (code != 0)
		return code;
	err = vault_save(r->vault, r->fd, master);
	if (err < 0) {
		bool there = change_is_there(r->fd, r->vault);
		if (!there)
			new_secret_take_back(&r->secret);
		return exit_save(err, r->path, there);
	}
	if (!r->args.quiet)
		exit_note("'%s' has settings again, with one slot for the new secret (to add more: cryptfs key add). "
			  "Copies of older settings still open with the secrets of their time; cryptfs rekey makes "
			  "them worthless",
			  r->path);
	return EXIT_DONE;
}

static int restore(struct restore *r)
{
	_cleanup_key_ struct key32 *master = NULL;
	uint8_t kind;
	int code = choose_kind(r, &kind);
	if (code != 0 || (code = open_place(r)) != 0 || (code = open_sources(r, kind)) != 0)
		return code;
	if ((code = secrets_prepare(false)) != 0 || (code = read_code(r)) != 0)
		return code;
	master = keymem_alloc(sizeof(*master));
	if (!master)
		return exit_crypto(-ENOMEM, "cannot keep the master key");
	if ((code = build(r, master)) != 0 || (code = new_secret_make(&r->secret)) != 0)
		return code;
	if (!new_secret_is_random(&r->secret) && (code = kdf_args_calibrate(&r->args.kdf, &r->cost)) != 0)
		return code;
	return put_back(r, master);
}

int cmd_master_restore(int argc, char **argv)
{
	static const struct option options[] = {
		{ "master-file", required_argument, NULL, KEY_ARGS_MASTER_FILE },
		{ "kind", required_argument, NULL, NEW_SECRET_KIND },
		{ "new-passfile", required_argument, NULL, NEW_SECRET_PASSFILE },
		{ "new-keyfile", required_argument, NULL, NEW_SECRET_KEYFILE },
		{ "with-passphrase", no_argument, NULL, NEW_SECRET_WITH_PASSPHRASE },
		KDF_ARGS_OPTIONS,
		{ "label", required_argument, NULL, KEY_ARGS_LABEL },
		{ "force", no_argument, NULL, KEY_ARGS_FORCE },
		KEY_ARGS_OPTIONS,
	};
	static const struct key_verb verb = {
		.name = "master restore",
		.letters = "qh",
		.options = options,
		.operands = "master restore takes one operand: the vault",
	};
	_cleanup_(restore_free) struct restore r = { .fd = -1, .prompt.fd = -1, .secret = NEW_SECRET_NONE };
	int code = key_args_parse(&verb, argc, argv, &r.args);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	return restore(&r);
}
