/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs key change, and its short form cryptfs passwd: another secret in the same slot, or the same one at another
 * price.
 */
#include <errno.h>

#include "cli/change.h"
#include "cli/cli.h"
#include "cli/key_args.h"
#include "cli/slot_text.h"
#include "cli/undisturbed.h"
#include "vault/slots.h"

/* What is to become of which slot. */
struct plan {
	const struct key_verb *verb;
	struct key_args args;
	bool passphrase; /* passwd: never the same secret */
	bool chosen;	 /* a slot was named */
	uint32_t slot;
	bool same; /* the secret stays */
	struct kdf_cost cost;
};

/* ---- which slot ---- */

/* The only passphrase slot, for who has opened the vault with something else and says passwd. */
static int only_passphrase(const struct vaultfile *vf, uint32_t *slot)
{
	unsigned int n = 0;
	for (uint32_t i = 0; i < vf->n_slots; i++) {
		if (vf->slots[i].kind != VAULTFILE_PASSPHRASE)
			continue;
		*slot = vf->slots[i].slot;
		n++;
	}
	if (n == 1)
		return 0;
	if (n == 0)
		return exit_fail(EXIT_USAGE, "the vault has no passphrase to change; to add one: cryptfs key add");
	for (uint32_t i = 0; i < vf->n_slots; i++) {
		_cleanup_free_ char *name = slot_text_name(&vf->slots[i]);
		if (vf->slots[i].kind == VAULTFILE_PASSPHRASE)
			exit_note("%s", name ? name : "a slot");
	}
	return exit_fail(EXIT_USAGE,
			 "these are several passphrases; to put a new one in the place of one of them, name its slot: "
			 "cryptfs key change, with the same options, VAULT and the number");
}

static int choose_slot(struct plan *p, const struct change *c)
{
	const struct credential *used = &c->u.credential;
	uint8_t kind = used->secret.kind;
	if (p->passphrase && kind != VAULTFILE_PASSPHRASE && kind != VAULTFILE_KEYFILE_PASSPHRASE)
		return only_passphrase(&c->u.vault->settings, &p->slot);
	if (!p->chosen)
		p->slot = used->slot;
	return slots_find(&c->u.vault->settings, p->slot) ? 0 : exit_slot(-ENOENT, p->slot, c->u.path);
}

/* ---- what it is to be ---- */

static int check_kind(const struct plan *p, const struct vaultfile_slot *s, uint8_t kind)
{
	if (kind == VAULTFILE_KEYRING && s->kind == VAULTFILE_KEYRING)
		return exit_usage(p->verb->name, "the secret of slot %u is random, known to the keyring alone: to have "
						 "another, add one and remove this one",
				  (unsigned int)s->slot);
	return 0;
}

/* Without a word about a new secret, options about something else leave it as it is, if we have it. */
static bool keeps_secret(const struct plan *p, const struct change *c)
{
	const struct key_args *a = &p->args;
	return !p->passphrase && !new_secret_given(&a->secret) && (kdf_args_given(&a->kdf) || a->label) &&
	       p->slot == c->u.credential.slot;
}

static int plan_secret(struct plan *p, const struct change *c, struct new_secret *n)
{
	const struct credential *used = &c->u.credential;
	const struct vaultfile_slot *s = slots_find(&c->u.vault->settings, p->slot);
	uint8_t kind;
	p->same = keeps_secret(p, c);
	if (p->same)
		return s->kdf != VAULTFILE_ARGON2ID && kdf_args_given(&p->args.kdf) ? exit_no_price(p->verb->name) : 0;
	int code = new_secret_kind(p->verb->name, &p->args.secret, s->kind, &kind);
	if (code == 0)
		code = check_kind(p, s, kind);
	if (code == 0)
		code = new_secret_open(n, p->verb->name, &p->args.secret, kind,
				       kind == VAULTFILE_KEYFILE_PASSPHRASE && s->slot == used->slot ?
					       used->keyfile_secret :
					       NULL);
	if (code == 0 && new_secret_is_random(n) && kdf_args_given(&p->args.kdf))
		code = exit_no_price(p->verb->name);
	return code;
}

/* What guessing costs stays as it is, unless asked for. */
static int plan_cost(struct plan *p, const struct change *c, const struct new_secret *n)
{
	const struct vaultfile_slot *s = slots_find(&c->u.vault->settings, p->slot);
	bool random = p->same ? s->kdf != VAULTFILE_ARGON2ID : new_secret_is_random(n);
	p->cost = (struct kdf_cost){ .memory_kib = 0 };
	if (random)
		return 0;
	if (kdf_args_given(&p->args.kdf) || s->kdf != VAULTFILE_ARGON2ID)
		return kdf_args_calibrate(&p->args.kdf, &p->cost);
	p->cost = (struct kdf_cost){ .memory_kib = s->memory_kib, .passes = s->passes, .lanes = s->lanes };
	return 0;
}

/* ---- doing it ---- */

static void tell(const struct plan *p, const struct change *c)
{
	_cleanup_free_ char *name = slot_text_name(slots_find(&c->vault->settings, p->slot));
	if (p->args.quiet)
		return;
	exit_note("%s is changed%s", name ? name : "the slot", p->same ? "; its secret is the same" : "");
	if (!p->same || kdf_args_given(&p->args.kdf))
		exit_old_copies(p->same);
}

static int change(const struct plan *p, struct change *c, struct new_secret *n)
{
	SCOPED_UNDISTURBED;
	const struct slot_choice choice = { .label = p->args.label, .cost = p->cost };
	int code = change_begin(c);
	if (code != 0)
		return code;
	const struct vaultfile_slot *old = slots_find(&c->vault->settings, p->slot);
	bool keyring = old && old->kind == VAULTFILE_KEYRING && !p->same;
	int err = slots_change(&c->vault->settings, c->master, p->slot,
			       p->same ? &c->u.credential.secret : &n->secret, &choice);
	if (err < 0)
		return exit_slot(err, p->slot, c->u.path);
	if ((code = change_save(c, p->same ? NULL : n, p->slot)) != 0)
		return code;
	if (keyring)
		change_forget_item(c, p->slot);
	tell(p, c);
	return code;
}

static int run(struct plan *p)
{
	_cleanup_(change_free) struct change c = CHANGE_NONE;
	_cleanup_(new_secret_free) struct new_secret n = NEW_SECRET_NONE;
	int code = change_open(&c, p->verb->name, p->args.vault, &p->args.credential);
	if (code == 0 && p->chosen && !slots_find(&c.u.vault->settings, p->slot))
		code = exit_slot(-ENOENT, p->slot, c.u.path);
	if (code != 0 || (code = secrets_prepare(false)) != 0 || (code = change_authorise(&c)) != 0 ||
	    (code = choose_slot(p, &c)) != 0 || (code = plan_secret(p, &c, &n)) != 0)
		return code;
	if (!p->same && (code = new_secret_make(&n)) != 0)
		return code;
	if ((code = plan_cost(p, &c, &n)) != 0)
		return code;
	return change(p, &c, &n);
}

int cmd_key_change(int argc, char **argv)
{
	static const struct option options[] = {
		CREDENTIAL_OPTIONS,
		NEW_SECRET_OPTIONS,
		KDF_ARGS_OPTIONS,
		{ "label", required_argument, NULL, KEY_ARGS_LABEL },
		KEY_ARGS_OPTIONS,
	};
	static const struct key_verb verb = {
		.name = "key change",
		.letters = "qh",
		.options = options,
		.max = 1,
		.operands = "key change takes one or two operands: the vault, and the number of a slot",
	};
	struct plan p = { .verb = &verb };
	int code = key_args_parse(&verb, argc, argv, &p.args);
	p.chosen = code == 0 && p.args.n > 0;
	if (p.chosen)
		code = key_args_slot(&verb, &p.args, 0, &p.slot);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	return run(&p);
}

int cmd_passwd(int argc, char **argv)
{
	static const struct option options[] = {
		CREDENTIAL_OPTIONS,
		{ "new-passfile", required_argument, NULL, NEW_SECRET_PASSFILE },
		KDF_ARGS_OPTIONS,
		KEY_ARGS_OPTIONS,
	};
	static const struct key_verb verb = {
		.name = "passwd",
		.letters = "qh",
		.options = options,
		.operands = "passwd takes one operand: the vault",
	};
	struct plan p = { .verb = &verb, .passphrase = true };
	int code = key_args_parse(&verb, argc, argv, &p.args);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	return run(&p);
}
