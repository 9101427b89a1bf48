/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/credential.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "cli/cli.h"
#include "cli/keyfile.h"
#include "cli/patience.h"
#include "keyring/keyring.h"
#include "vault/recovery.h"

/* ---- options ---- */

int credential_take(struct credential_args *a, int option)
{
	switch (option) {
	case CREDENTIAL_PASSFILE: a->passfile = optarg; return 0;
	case CREDENTIAL_EXTPASS: a->extpass = optarg; return 0;
	case CREDENTIAL_KEYFILE: a->keyfile = optarg; return 0;
	case CREDENTIAL_RECOVERY: a->recovery = true; return 0;
	case CREDENTIAL_RECOVERY_FILE: a->recovery_file = optarg; return 0;
	case CREDENTIAL_KEYRING: a->keyring = true; return 0;
	default: return -1;
	}
}

static bool is_stdin(const char *file)
{
	return file && strcmp(file, "-") == 0;
}

/* Does a passphrase come from a place that was named? */
static bool names_passphrase(const struct credential_args *a)
{
	return a->passfile || a->extpass;
}

int credential_check(const char *verb, const struct credential_args *a)
{
	const struct prompt_source source = { .passfile = a->passfile, .extpass = a->extpass };
	bool passphrase = names_passphrase(a) && !a->keyfile, recovery = a->recovery || a->recovery_file;
	if (passphrase + (a->keyfile != NULL) + recovery + a->keyring > 1)
		return exit_usage(verb, "one way to open the vault is enough: --passfile or --extpass, --keyfile "
					"(with one of those, if a passphrase belongs to it), --recovery, "
					"--recovery-file or --keyring");
	if (is_stdin(a->keyfile) && is_stdin(a->passfile))
		return exit_usage(verb, "key file and passphrase cannot both be read from standard input");
	return args_source(verb, &source);
}

/* ---- what the vault has slots for ---- */

static bool has_kind(const struct vaultfile *vf, uint8_t kind)
{
	for (uint32_t i = 0; i < vf->n_slots; i++)
		if (vf->slots[i].kind == kind)
			return true;
	return false;
}

/* The kinds of its slots, each once and with the option for it. To be freed. */
static char *list_kinds(const struct vaultfile *vf)
{
	static const struct {
		uint8_t kind;
		const char *text;
	} kinds[] = {
		{ VAULTFILE_PASSPHRASE, "a passphrase" },
		{ VAULTFILE_RECOVERY, "a recovery code (--recovery)" },
		{ VAULTFILE_KEYFILE, "a key file (--keyfile)" },
		{ VAULTFILE_KEYFILE_PASSPHRASE, "a key file and a passphrase (--keyfile)" },
		{ VAULTFILE_KEYRING, "the login keyring (--keyring)" },
	};
	char *list = strdup("");
	for (size_t i = 0; list && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char *more;
		if (!has_kind(vf, kinds[i].kind))
			continue;
		if (asprintf(&more, "%s%s%s", list, *list ? ", or " : "", kinds[i].text) < 0)
			more = NULL;
		free(list);
		list = more;
	}
	return list;
}

static int no_such_slot(const struct vaultfile *vf, const char *what, const char *vault)
{
	_cleanup_free_ char *kinds = list_kinds(vf);
	return exit_fail(EXIT_WRONG_SECRET, "no slot of '%s' opens with %s, but with %s", vault, what,
			 kinds ? kinds : "something else");
}

/* Without a word about it the login keyring is asked first. */
static bool is_automatic(const struct credential_args *a, const struct vaultfile *vf)
{
	return !a->said && !names_passphrase(a) && !a->keyfile && !a->recovery && !a->keyring &&
	       has_kind(vf, VAULTFILE_KEYRING) && keyring_is_built();
}

/* For what is typed, or told by a program or file. */
static int check_typed(struct credential *c, const struct vaultfile *vf, const char *vault)
{
	if (has_kind(vf, VAULTFILE_PASSPHRASE))
		return 0;
	if (prompt_tries(&c->prompt) > 1 && has_kind(vf, VAULTFILE_RECOVERY)) {
		c->args.recovery = true; /* what else can be typed */
		return 0;
	}
	return no_such_slot(vf, "a passphrase", vault);
}

static int check_slots(struct credential *c, const struct vaultfile *vf, const char *vault)
{
	const struct credential_args *a = &c->args;
	if (a->keyring)
		return has_kind(vf, VAULTFILE_KEYRING) ? 0 : no_such_slot(vf, "the login keyring", vault);
	if (a->recovery)
		return has_kind(vf, VAULTFILE_RECOVERY) ? 0 : no_such_slot(vf, "a recovery code", vault);
	if (a->keyfile && names_passphrase(a))
		return has_kind(vf, VAULTFILE_KEYFILE_PASSPHRASE) ?
			       0 :
			       no_such_slot(vf, "a key file and a passphrase together", vault);
	if (a->keyfile)
		return has_kind(vf, VAULTFILE_KEYFILE) || has_kind(vf, VAULTFILE_KEYFILE_PASSPHRASE) ?
			       0 :
			       no_such_slot(vf, "a key file", vault);
	return is_automatic(a, vf) ? 0 : check_typed(c, vf, vault);
}

/* ---- where it comes from ---- */

static int open_prompt(struct credential *c)
{
	const struct credential_args *a = &c->args;
	const struct prompt_source source = {
		.passfile = a->recovery_file ? a->recovery_file : a->passfile,
		.extpass = a->extpass,
		.unlocks = !a->recovery,
	};
	int err = prompt_open_from(&c->prompt, &source);
	return err < 0 ? exit_passphrase(err, c->prompt.from) : 0;
}

static int open_keyfile(struct credential *c)
{
	c->keyfile = keyfile_open(c->args.keyfile);
	return c->keyfile < 0 ? exit_keyfile(c->keyfile, c->args.keyfile) : 0;
}

int credential_open(struct credential *c, const struct credential_args *a, const struct vaultfile *vf,
		    const char *vault)
{
	c->args = *a;
	c->args.recovery |= a->recovery_file != NULL;
	int code = 0;
	if (a->keyfile)
		code = open_keyfile(c);
	if (code == 0 && !a->keyring && !is_stdin(a->keyfile))
		code = open_prompt(c);
	return code != 0 ? code : check_slots(c, vf, vault);
}

/* ---- asking ---- */

struct asking {
	struct credential *c;
	const struct vaultfile *vf;
	const char *vault;
	credential_fn *try;
	void *arg;
};

/* Returns 0, with the secret kept, or -errno; says nothing. */
static int try_secret(const struct asking *a, uint8_t kind, const uint8_t *bytes, size_t len, const char **why)
{
	const struct vault_secret secret = { kind, bytes, len };
	_cleanup_key_ uint8_t *copy = keymem_alloc(len);
	if (!copy)
		return -ENOMEM;
	patience_begin("deriving the key, which this vault makes slow for whoever guesses");
	int err = a->try(a->arg, &secret, &a->c->slot, why);
	patience_end();
	if (err < 0)
		return err;
	memcpy(copy, bytes, len);
	keymem_free(a->c->bytes);
	a->c->bytes = TAKE_PTR(copy);
	a->c->secret = (struct vault_secret){ kind, a->c->bytes, len };
	return 0;
}

static int complain(const struct asking *a, int err, uint8_t kind, const char *why)
{
	if (err == 0)
		return 0;
	return err == -EKEYREJECTED ? exit_wrong_secret(kind, a->vault) : exit_vault(err, a->vault, why);
}

/* Returns as try_secret; -EINVAL and the like if it is no recovery code, with *group as recovery_decode. */
static int try_recovery(const struct asking *a, const struct prompt_secret *typed, const char **why,
			unsigned int *group)
{
	_cleanup_key_ uint8_t *code = keymem_alloc(RECOVERY_LEN);
	if (!code)
		return -ENOMEM;
	int err = recovery_decode(code, RECOVERY_LEN, (const char *)typed->bytes, typed->len, group);
	return err < 0 ? err : try_secret(a, VAULTFILE_RECOVERY, code, RECOVERY_LEN, why);
}

static int take_recovery(const struct asking *a, const struct prompt_secret *typed, int *code)
{
	const char *why = NULL;
	unsigned int group = 0;
	int err = try_recovery(a, typed, &why, &group);
	if (err == -EINVAL || err == -EILSEQ || err == -E2BIG || err == -ENODATA) {
		*code = exit_recovery(err, "recovery code", RECOVERY_LEN, group);
		return -EKEYREJECTED;
	}
	*code = complain(a, err, VAULTFILE_RECOVERY, why);
	return err;
}

/* Who is asked for a passphrase may type a recovery code: it is taken for one. */
static int take_passphrase(const struct asking *a, const struct prompt_secret *typed, int *code)
{
	const char *why = NULL;
	unsigned int group;
	int err = try_secret(a, VAULTFILE_PASSPHRASE, typed->bytes, typed->len, &why);
	if (err == -EKEYREJECTED && prompt_tries(&a->c->prompt) > 1 && has_kind(a->vf, VAULTFILE_RECOVERY) &&
	    try_recovery(a, typed, &why, &group) == 0)
		err = 0;
	*code = complain(a, err, VAULTFILE_PASSPHRASE, why);
	return err;
}

static int take_combined(const struct asking *a, const struct prompt_secret *typed, int *code)
{
	const char *why = NULL;
	_cleanup_key_ uint8_t *both = keymem_alloc(KEYFILE_SECRET_LEN);
	if (both)
		keyfile_combine(both, a->c->keyfile_secret, typed->bytes, typed->len);
	int err = both ? try_secret(a, VAULTFILE_KEYFILE_PASSPHRASE, both, KEYFILE_SECRET_LEN, &why) : -ENOMEM;
	*code = complain(a, err, VAULTFILE_KEYFILE_PASSPHRASE, why);
	return err;
}

static const char *prompt_for(uint8_t kind)
{
	switch (kind) {
	case VAULTFILE_RECOVERY:
		return "Recovery code";
	case VAULTFILE_KEYFILE_PASSPHRASE:
		return "Passphrase beside the key file";
	default:
		return "Passphrase";
	}
}

/* Who is asked in a window may not see what is said on standard error. */
static const char *said_before(const struct asking *a, uint8_t kind, int before)
{
	if (!a->c->prompt.window || before == 0)
		return "";
	if (kind == VAULTFILE_RECOVERY)
		return "Wrong recovery code. ";
	return before == -EKEYREJECTED ? "Wrong passphrase. " : "That cannot be a passphrase. ";
}

/* One try, after one that gave 'before' or 0. Returns 0 or -errno; *code is the exit code, and the reason has been
 * said. */
static int ask_once(const struct asking *a, uint8_t kind, int before, int *code)
{
	_cleanup_(prompt_forget) struct prompt_secret typed = { NULL, 0 };
	_cleanup_free_ char *name = text_escape(a->vault);
	_cleanup_free_ char *text = NULL;
	if (!name || asprintf(&text, "%s%s for %s: ", said_before(a, kind, before), prompt_for(kind), name) < 0) {
		text = NULL;
		*code = exit_fail(EXIT_FAILED, "out of memory");
		return -ENOMEM;
	}
	int err = prompt_read(&a->c->prompt, text, &typed);
	if (err < 0) {
		*code = exit_passphrase(err, a->c->prompt.from);
		return err;
	}
	switch (kind) {
	case VAULTFILE_RECOVERY:
		return take_recovery(a, &typed, code);
	case VAULTFILE_KEYFILE_PASSPHRASE:
		return take_combined(a, &typed, code);
	default:
		return take_passphrase(a, &typed, code);
	}
}

static int ask_typed(const struct asking *a, uint8_t kind)
{
	int code, err = 0, tries = prompt_tries(&a->c->prompt);
	do
		err = ask_once(a, kind, err, &code);
	while (prompt_may_retry(err) && --tries > 0);
	return code;
}

/* The file alone opens a slot, or with a passphrase. */
static int ask_keyfile(const struct asking *a)
{
	struct credential *c = a->c;
	const char *why = NULL;
	c->keyfile_secret = keymem_alloc(KEYFILE_SECRET_LEN);
	int err = c->keyfile_secret ? keyfile_read(c->keyfile, c->keyfile_secret) : -ENOMEM;
	if (err < 0)
		return exit_keyfile(err, c->args.keyfile);
	err = -EKEYREJECTED;
	if (!names_passphrase(&c->args) && has_kind(a->vf, VAULTFILE_KEYFILE))
		err = try_secret(a, VAULTFILE_KEYFILE, c->keyfile_secret, KEYFILE_SECRET_LEN, &why);
	bool can_ask = c->prompt.fd >= 0 || c->prompt.argv;
	if (err == -EKEYREJECTED && can_ask && has_kind(a->vf, VAULTFILE_KEYFILE_PASSPHRASE))
		return ask_typed(a, VAULTFILE_KEYFILE_PASSPHRASE);
	return complain(a, err, VAULTFILE_KEYFILE, why);
}

/* Try what the keyring has for one slot. Returns as try_secret. */
static int try_keyring(const struct asking *a, const struct vaultfile_slot *s)
{
	char id[2 * VAULTFILE_ID_LEN + 1];
	const char *why = NULL;
	_cleanup_key_ uint8_t *secret = keymem_alloc(KEYRING_SECRET_LEN);
	if (!secret)
		return -ENOMEM;
	codec_hex_encode(id, a->vf->vault_id, VAULTFILE_ID_LEN);
	int err = keyring_lookup(&(struct keyring_item){ id, s->slot }, secret);
	return err < 0 ? err : try_secret(a, VAULTFILE_KEYRING, secret, KEYRING_SECRET_LEN, &why);
}

/* Another slot may do better: the item of this one was another machine's. */
static bool is_hopeless(int err)
{
	return err != -ENOKEY && err != -EBADMSG && err != -EKEYREJECTED;
}

static int ask_keyring(const struct asking *a)
{
	int err = -ENOKEY;
	for (uint32_t i = 0; i < a->vf->n_slots; i++) {
		if (a->vf->slots[i].kind != VAULTFILE_KEYRING)
			continue;
		int r = try_keyring(a, &a->vf->slots[i]);
		if (r == 0)
			return 0;
		err = r == -ENOKEY ? err : r;
		if (is_hopeless(r))
			break;
	}
	return exit_fail(EXIT_WRONG_SECRET, "the login keyring does not open '%s': %s", a->vault,
			 exit_keyring_reason(err));
}

static int ask_rest(const struct asking *a)
{
	struct credential *c = a->c;
	if (c->args.keyfile)
		return ask_keyfile(a);
	return ask_typed(a, c->args.recovery ? VAULTFILE_RECOVERY : VAULTFILE_PASSPHRASE);
}

int credential_ask(struct credential *c, const struct vaultfile *vf, const char *vault, credential_fn *try, void *arg)
{
	const struct asking a = { c, vf, vault, try, arg };
	bool automatic = is_automatic(&c->args, vf);
	int code = automatic || c->args.keyring ? ask_keyring(&a) : ask_rest(&a);
	if (code != 0 && automatic && (code = check_typed(c, vf, vault)) == 0)
		code = ask_rest(&a);
	prompt_cleanup(&c->prompt);
	cleanup_fd(&c->keyfile);
	c->keyfile = -1;
	return code;
}

void credential_forget(struct credential *c)
{
	keymem_free(c->bytes);
	keymem_free(c->keyfile_secret);
	c->bytes = NULL;
	c->keyfile_secret = NULL;
	c->secret = (struct vault_secret){ 0, NULL, 0 };
}

void credential_free(struct credential *c)
{
	credential_forget(c);
	prompt_cleanup(&c->prompt);
	cleanup_fd(&c->keyfile);
	c->keyfile = -1;
}
