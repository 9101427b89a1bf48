/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/new_secret.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/io.h"
#include "cli/cli.h"
#include "cli/keyfile.h"
#include "cli/newfile.h"
#include "crypto/rng.h"
#include "keyring/keyring.h"
#include "vault/recovery.h"

#define KEYFILE_MODE 0400
#define RECOVERY_MODE 0600

/* ---- options ---- */

int new_secret_take(struct new_secret_args *a, int option)
{
	switch (option) {
	case NEW_SECRET_KIND: a->kind = optarg; return 0;
	case NEW_SECRET_PASSFILE: a->passfile = optarg; return 0;
	case NEW_SECRET_EXTPASS: a->extpass = optarg; return 0;
	case NEW_SECRET_KEYFILE: a->keyfile = optarg; return 0;
	case NEW_SECRET_RECOVERY_FILE: a->recovery_file = optarg; return 0;
	case NEW_SECRET_WITH_PASSPHRASE: a->with_passphrase = true; return 0;
	default: return -1;
	}
}

bool new_secret_given(const struct new_secret_args *a)
{
	return a->kind || a->passfile || a->keyfile || a->recovery_file || a->with_passphrase;
}

/* What the other options say. */
static uint8_t implied_kind(const struct new_secret_args *a, uint8_t fallback)
{
	bool on_top = a->with_passphrase || a->passfile || a->extpass;
	if (a->keyfile)
		return on_top ? VAULTFILE_KEYFILE_PASSPHRASE : VAULTFILE_KEYFILE;
	if (a->recovery_file)
		return VAULTFILE_RECOVERY;
	if (on_top)
		return fallback == VAULTFILE_KEYFILE_PASSPHRASE ? fallback : VAULTFILE_PASSPHRASE;
	return fallback;
}

static int named_kind(const char *verb, const struct new_secret_args *a, uint8_t *kind)
{
	*kind = vaultfile_kind_of(a->kind);
	if (*kind == 0)
		return exit_usage(verb, "there is no kind '%s' of slot: it is passphrase, recovery, keyfile or keyring",
				  a->kind);
	if (*kind == VAULTFILE_KEYFILE && (a->with_passphrase || a->passfile))
		*kind = VAULTFILE_KEYFILE_PASSPHRASE;
	return 0;
}

int new_secret_kind(const char *verb, const struct new_secret_args *a, uint8_t fallback, uint8_t *kind)
{
	const struct prompt_source source = { .passfile = a->passfile, .extpass = a->extpass };
	*kind = implied_kind(a, fallback);
	int code = a->kind ? named_kind(verb, a, kind) : args_source(verb, &source);
	if (code != 0)
		return code;
	bool file = *kind == VAULTFILE_KEYFILE || *kind == VAULTFILE_KEYFILE_PASSPHRASE;
	const char *name = vaultfile_kind_name(*kind);
	if (a->keyfile && !file)
		return exit_usage(verb, "--new-keyfile does not go with a slot of the kind %s", name);
	if (a->with_passphrase && !file)
		return exit_usage(verb, "--with-passphrase goes with --new-keyfile");
	if (a->recovery_file && *kind != VAULTFILE_RECOVERY)
		return exit_usage(verb, "--new-recovery-file does not go with a slot of the kind %s", name);
	if (a->passfile && *kind != VAULTFILE_PASSPHRASE && *kind != VAULTFILE_KEYFILE_PASSPHRASE)
		return exit_usage(verb, "--new-passfile does not go with a slot of the kind %s", name);
	return 0;
}

/* ---- where it comes from ---- */

static bool has_passphrase(const struct new_secret *n)
{
	return n->kind == VAULTFILE_PASSPHRASE || n->kind == VAULTFILE_KEYFILE_PASSPHRASE;
}

static bool has_keyfile(const struct new_secret *n)
{
	return n->kind == VAULTFILE_KEYFILE || n->kind == VAULTFILE_KEYFILE_PASSPHRASE;
}

static bool is_stdout(const char *file)
{
	return strcmp(file, "-") == 0;
}

/* One that is not there is to be made. */
static int open_keyfile(struct new_secret *n)
{
	n->keyfile = keyfile_open(n->args.keyfile);
	return n->keyfile >= 0 || n->keyfile == -ENOENT ? 0 : exit_keyfile(n->keyfile, n->args.keyfile);
}

static int check_recovery_place(const struct new_secret *n, const char *verb)
{
	const char *file = n->args.recovery_file;
	if (!file && isatty(STDOUT_FILENO) != 1)
		return exit_usage(verb, "a recovery code is shown on a terminal only; to have it in a file: "
					"--new-recovery-file FILE (-: standard output)");
	if (file && !is_stdout(file) && access(file, F_OK) == 0)
		return exit_fail(EXIT_FAILED, "'%s' exists already; a recovery code goes into a new file", file);
	return 0;
}

int new_secret_open(struct new_secret *n, const char *verb, const struct new_secret_args *a, uint8_t kind,
		    const uint8_t *kept)
{
	int code = 0;
	n->args = *a;
	n->kind = kind;
	if (has_keyfile(n) && !a->keyfile && !kept)
		return exit_usage(verb, "a slot of the kind keyfile needs --new-keyfile FILE (a FILE that does not "
					"exist is made, with a random key)");
	if (has_keyfile(n) && !a->keyfile) {
		n->keyfile_secret = keymem_alloc(KEYFILE_SECRET_LEN);
		if (!n->keyfile_secret)
			return exit_crypto(-ENOMEM, "cannot keep the key file");
		memcpy(n->keyfile_secret, kept, KEYFILE_SECRET_LEN);
	} else if (has_keyfile(n)) {
		code = open_keyfile(n);
	}
	if (kind == VAULTFILE_KEYRING && !keyring_is_built())
		return exit_fail(EXIT_FAILED, "this cryptfs was built without the login keyring (libsecret)");
	if (code == 0 && kind == VAULTFILE_RECOVERY)
		code = check_recovery_place(n, verb);
	const struct prompt_source source = { .passfile = a->passfile, .extpass = a->extpass };
	int err = code == 0 && has_passphrase(n) ? prompt_open_from(&n->prompt, &source) : 0;
	return err < 0 ? exit_passphrase(err, n->prompt.from) : code;
}

bool new_secret_is_random(const struct new_secret *n)
{
	bool drawn = n->kind == VAULTFILE_KEYFILE && n->keyfile < 0;
	return drawn || n->kind == VAULTFILE_RECOVERY || n->kind == VAULTFILE_KEYRING;
}

/* ---- having it ---- */

/* Bytes for the secret, of the arena. */
static int make_room(struct new_secret *n, size_t len)
{
	n->bytes = keymem_alloc(len);
	n->secret = (struct vault_secret){ n->kind, n->bytes, len };
	return n->bytes ? 0 : exit_crypto(-ENOMEM, "cannot keep the secret");
}

/* The secret of the key file, which is read or drawn. */
static int have_keyfile(struct new_secret *n, uint8_t *secret)
{
	if (n->keyfile >= 0) {
		int err = keyfile_read(n->keyfile, secret);
		return err < 0 ? exit_keyfile(err, n->args.keyfile) : 0;
	}
	n->drawn = keymem_alloc(KEYFILE_NEW_LEN);
	if (!n->drawn)
		return exit_crypto(-ENOMEM, "cannot make a key file");
	rng_bytes(n->drawn, KEYFILE_NEW_LEN);
	keyfile_secret(secret, n->drawn, KEYFILE_NEW_LEN);
	return 0;
}

static int make_combined(struct new_secret *n)
{
	_cleanup_(prompt_forget) struct prompt_secret typed = { NULL, 0 };
	int code = 0;
	if (!n->keyfile_secret) {
		n->keyfile_secret = keymem_alloc(KEYFILE_SECRET_LEN);
		code = n->keyfile_secret ? have_keyfile(n, n->keyfile_secret) :
					   exit_crypto(-ENOMEM, "cannot keep the key file");
	}
	if (code != 0)
		return code;
	int err = prompt_new(&n->prompt, &typed);
	if (err < 0)
		return exit_passphrase(err, n->prompt.from);
	if ((code = make_room(n, KEYFILE_SECRET_LEN)) == 0)
		keyfile_combine(n->bytes, n->keyfile_secret, typed.bytes, typed.len);
	return code;
}

static int make_passphrase(struct new_secret *n)
{
	struct prompt_secret typed = { NULL, 0 };
	int err = prompt_new(&n->prompt, &typed);
	if (err < 0)
		return exit_passphrase(err, n->prompt.from);
	n->bytes = typed.bytes;
	n->secret = (struct vault_secret){ n->kind, typed.bytes, typed.len };
	return 0;
}

int new_secret_make(struct new_secret *n)
{
	int code;
	switch (n->kind) {
	case VAULTFILE_PASSPHRASE:
		return make_passphrase(n);
	case VAULTFILE_KEYFILE_PASSPHRASE:
		return make_combined(n);
	case VAULTFILE_KEYFILE:
		code = make_room(n, KEYFILE_SECRET_LEN);
		return code != 0 ? code : have_keyfile(n, n->bytes);
	default:
		code = make_room(n, n->kind == VAULTFILE_RECOVERY ? RECOVERY_LEN : KEYRING_SECRET_LEN);
		if (code == 0)
			rng_bytes(n->bytes, n->secret.len);
		return code;
	}
}

/* ---- handing it over ---- */

/* Past stdio, which would keep a copy. */
static int show_code(const char *code, size_t n, const struct new_secret_slot *slot)
{
	text_line("Recovery code of %s, slot %u:", slot->path, (unsigned int)slot->slot);
	(void)puts("");
	(void)fputs("    ", stdout);
	if (fflush(stdout) != 0 || io_write_full(STDOUT_FILENO, code, n) < 0)
		return -EIO;
	(void)puts("");
	(void)puts("Write it down, and keep it apart from the vault: it opens the vault without the");
	(void)puts("passphrase, and is never shown again.");
	(void)puts("");
	return fflush(stdout) != 0 ? -EIO : 0;
}

static int hand_over_code(struct new_secret *n, const struct new_secret_slot *slot)
{
	enum { LEN = RECOVERY_TEXT_SIZE(RECOVERY_LEN) }; /* with a line end for the NUL */
	const char *file = n->args.recovery_file;
	_cleanup_key_ char *code = keymem_alloc(LEN);
	if (!code)
		return exit_crypto(-ENOMEM, "cannot show the recovery code");
	recovery_encode(code, n->bytes, RECOVERY_LEN);
	code[LEN - 1] = '\n';
	int err;
	if (!file)
		err = show_code(code, LEN, slot);
	else if (is_stdout(file))
		err = fflush(stdout) != 0 ? -EIO : io_write_full(STDOUT_FILENO, code, LEN);
	else if ((err = newfile_apart(slot->path, file)) != 0)
		return err;
	else
		err = newfile_make(file, code, LEN, RECOVERY_MODE);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot write the recovery code%s%s%s: %s; nothing was changed",
				 file ? " to '" : "", file ? file : "", file ? "'" : "", exit_reason(err));
	return 0;
}

static int hand_over_keyring(struct new_secret *n, const struct new_secret_slot *slot)
{
	_cleanup_free_ char *label = NULL;
	const char *name = slot->settings->label[0] ? slot->settings->label : slot->path;
	if (asprintf(&label, "cryptfs: %s", name) < 0) {
		label = NULL;
		return exit_fail(EXIT_FAILED, "out of memory");
	}
	codec_hex_encode(n->item, slot->settings->vault_id, VAULTFILE_ID_LEN);
	n->slot = slot->slot;
	int err = keyring_store(&(struct keyring_item){ n->item, n->slot }, label, n->bytes);
	return err < 0 ? exit_fail(EXIT_FAILED, "the login keyring does not take the secret: %s; nothing was changed",
				   exit_keyring_reason(err)) :
			 0;
}

static int hand_over(struct new_secret *n, const struct new_secret_slot *slot)
{
	if (n->kind == VAULTFILE_KEYRING)
		return hand_over_keyring(n, slot);
	if (n->kind == VAULTFILE_RECOVERY)
		return hand_over_code(n, slot);
	if (!n->drawn)
		return 0;
	int code = newfile_apart(slot->path, n->args.keyfile);
	if (code != 0)
		return code;
	int err = newfile_make(n->args.keyfile, n->drawn, KEYFILE_NEW_LEN, KEYFILE_MODE);
	return err < 0 ? exit_keyfile(err, n->args.keyfile) : 0;
}

int new_secret_hand_over(struct new_secret *n, const struct new_secret_slot *slot)
{
	int code = hand_over(n, slot);
	n->handed_over = code == 0;
	return code;
}

void new_secret_take_back(struct new_secret *n)
{
	const char *file = n->kind == VAULTFILE_RECOVERY ? n->args.recovery_file : n->args.keyfile;
	if (!n->handed_over)
		return;
	if (n->kind == VAULTFILE_KEYRING)
		(void)keyring_remove(&(struct keyring_item){ n->item, n->slot });
	else if (n->kind == VAULTFILE_RECOVERY && (!file || is_stdout(file)))
		exit_note("the recovery code shown opens nothing");
	else if (n->kind == VAULTFILE_RECOVERY || n->drawn)
		(void)unlink(file);
	n->handed_over = false;
}

void new_secret_free(struct new_secret *n)
{
	keymem_free(n->bytes);
	keymem_free(n->drawn);
	keymem_free(n->keyfile_secret);
	prompt_cleanup(&n->prompt);
	cleanup_fd(&n->keyfile);
	*n = (struct new_secret)NEW_SECRET_NONE;
}
