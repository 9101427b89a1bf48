/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs key remove: a secret that shall open the vault no more.
 */
#include <errno.h>

#include "cli/change.h"
#include "cli/cli.h"
#include "cli/key_args.h"
#include "cli/slot_text.h"
#include "cli/undisturbed.h"
#include "vault/slots.h"

static const struct option options[] = {
	CREDENTIAL_OPTIONS,
	{ "force", no_argument, NULL, KEY_ARGS_FORCE },
	KEY_ARGS_OPTIONS,
};

static const struct key_verb verb = {
	.name = "key remove",
	.letters = "qh",
	.options = options,
	.min = 1,
	.max = 1,
	.operands = "key remove takes two operands: the vault and the number of a slot",
};

static int may_remove(const struct vaultfile *vf, uint32_t slot, const char *path, bool force)
{
	if (!slots_find(vf, slot))
		return exit_slot(-ENOENT, slot, path);
	switch (slots_may_remove(vf, slot)) {
	case SLOTS_LAST:
		return exit_fail(EXIT_FAILED,
				 "slot %u is the last one of '%s': without it nobody could ever open the vault "
				 "again; add another first (cryptfs key add), or to destroy the vault delete it and "
				 "its backups",
				 (unsigned int)slot, path);
	case SLOTS_LAST_TYPED:
		if (force)
			return 0;
		return exit_fail(EXIT_FAILED,
				 "slot %u is the last one of '%s' whose secret a person can type: the others hang on "
				 "a file or a keyring; add a passphrase or a recovery code first (cryptfs key add), "
				 "or use --force",
				 (unsigned int)slot, path);
	default:
		return 0;
	}
}

static int drop(const struct key_args *a, struct change *c, uint32_t slot)
{
	SCOPED_UNDISTURBED;
	int code = change_begin(c);
	struct vaultfile *vf = code == 0 ? &c->vault->settings : NULL;
	if (code == 0)
		code = may_remove(vf, slot, c->u.path, a->force);
	if (code != 0)
		return code;
	_cleanup_free_ char *name = slot_text_name(slots_find(vf, slot));
	bool keyring = slots_find(vf, slot)->kind == VAULTFILE_KEYRING;
	int err = slots_remove(vf, slot);
	if (err < 0)
		return exit_slot(err, slot, c->u.path);
	code = change_save(c, NULL, slot);
	if (code == 0 && keyring)
		change_forget_item(c, slot);
	if (code != 0 || a->quiet)
		return code;
	exit_note("%s is removed", name ? name : "the slot");
	exit_old_copies(false);
	return 0;
}

int cmd_key_remove(int argc, char **argv)
{
	struct key_args a;
	uint32_t slot;
	_cleanup_(change_free) struct change c = CHANGE_NONE;
	int code = key_args_parse(&verb, argc, argv, &a);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	if ((code = key_args_slot(&verb, &a, 0, &slot)) != 0 ||
	    (code = change_open(&c, verb.name, a.vault, &a.credential)) != 0 ||
	    (code = may_remove(&c.u.vault->settings, slot, c.u.path, a.force)) != 0 ||
	    (code = secrets_prepare(false)) != 0 || (code = change_authorise(&c)) != 0)
		return code;
	return drop(&a, &c, slot);
}
