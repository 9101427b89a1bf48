/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs key add: one more secret that opens the vault.
 */
#include <errno.h>
#include <string.h>

#include "cli/change.h"
#include "cli/cli.h"
#include "cli/key_args.h"
#include "cli/slot_text.h"
#include "cli/undisturbed.h"
#include "vault/slots.h"

static const struct option options[] = {
	CREDENTIAL_OPTIONS,
	NEW_SECRET_OPTIONS,
	KDF_ARGS_OPTIONS,
	{ "label", required_argument, NULL, KEY_ARGS_LABEL },
	KEY_ARGS_OPTIONS,
};

static const struct key_verb verb = {
	.name = "key add",
	.letters = "qh",
	.options = options,
	.operands = "key add takes one operand: the vault",
};

/* All that can be refused without a secret. */
static int prepare(const struct key_args *a, struct change *c, struct new_secret *n)
{
	uint8_t kind;
	int code = new_secret_kind(verb.name, &a->secret, VAULTFILE_PASSPHRASE, &kind);
	if (code == 0)
		code = change_open(c, verb.name, a->vault, &a->credential);
	if (code == 0 && c->u.vault->settings.n_slots >= VAULTFILE_SLOTS)
		code = exit_slot(-ENOSPC, 0, c->u.path);
	if (code == 0)
		code = new_secret_open(n, verb.name, &a->secret, kind, NULL);
	if (code == 0 && new_secret_is_random(n) && kdf_args_given(&a->kdf))
		code = exit_no_price(verb.name);
	return code;
}

/* Two slots for one secret would let it in after one of them has been removed. */
static int check_new(const struct change *c, const struct new_secret *n)
{
	const struct credential *used = &c->u.credential;
	if (used->secret.kind != n->secret.kind || used->secret.len != n->secret.len ||
	    memcmp(used->secret.bytes, n->secret.bytes, n->secret.len) != 0)
		return 0;
	return exit_fail(EXIT_FAILED, "that secret opens slot %u already; nothing was changed",
			 (unsigned int)used->slot);
}

static int add(const struct key_args *a, struct change *c, struct new_secret *n, const struct kdf_cost *cost)
{
	SCOPED_UNDISTURBED;
	const struct slot_choice choice = { .label = a->label, .cost = *cost };
	uint32_t slot;
	int code = change_begin(c);
	if (code != 0)
		return code;
	int err = slots_add(&c->vault->settings, c->master, &n->secret, &choice, &slot);
	if (err < 0)
		return exit_slot(err, 0, c->u.path);
	if ((code = change_save(c, n, slot)) != 0)
		return code;
	_cleanup_free_ char *name = slot_text_name(slots_find(&c->vault->settings, slot));
	if (!a->quiet)
		exit_note("%s is added, and opens the vault from now on", name ? name : "the slot");
	return 0;
}

int cmd_key_add(int argc, char **argv)
{
	struct key_args a;
	_cleanup_(change_free) struct change c = CHANGE_NONE;
	_cleanup_(new_secret_free) struct new_secret n = NEW_SECRET_NONE;
	struct kdf_cost cost = { .memory_kib = 0 };
	int code = key_args_parse(&verb, argc, argv, &a);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	if ((code = prepare(&a, &c, &n)) != 0 || (code = secrets_prepare(false)) != 0 ||
	    (code = change_authorise(&c)) != 0 || (code = new_secret_make(&n)) != 0 || (code = check_new(&c, &n)) != 0)
		return code;
	if (!new_secret_is_random(&n) && (code = kdf_args_calibrate(&a.kdf, &cost)) != 0)
		return code;
	return add(&a, &c, &n, &cost);
}
