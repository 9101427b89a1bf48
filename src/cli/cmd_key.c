/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs key: what can be asked of a vault's slots. Those that change them are in cmd_key_*.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "cli/change.h"
#include "cli/cli.h"
#include "cli/key_args.h"
#include "cli/slot_text.h"
#include "vault/slots.h"

int cmd_key(int argc, char **argv)
{
	return subverbs_run("key", argc, argv);
}

/* ---- key list ---- */

static void print_row(const struct vaultfile_slot *s)
{
	char created[TEXT_TIME_SIZE], cost[SLOT_TEXT_COST_SIZE];
	text_time(created, s->created);
	slot_text_cost(cost, s);
	if (s->kdf == VAULTFILE_BLAKE2B)
		(void)snprintf(cost, sizeof(cost), "nothing to guess: random");
	text_line("%-4u  %-18s  %-20s  %-38s  %s", (unsigned int)s->slot, vaultfile_kind_name(s->kind), created, cost,
		  s->label[0] ? s->label : "-");
}

static int print_list(const struct vaultfile *vf)
{
	text_line("%-4s  %-18s  %-20s  %-38s  %s", "SLOT", "KIND", "MADE", "COST OF A GUESS", "LABEL");
	for (uint32_t i = 0; i < vf->n_slots; i++)
		print_row(&vf->slots[i]);
	return EXIT_DONE;
}

int cmd_key_list(int argc, char **argv)
{
	bool json;
	_cleanup_(unlock_free) struct unlock u = UNLOCK_NONE;
	int code = args_json("key list", argc, argv, 1, "key list takes one operand: the vault", &json);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	const char *operand = argv[argc - 1];
	if ((code = unlock_open(&u, operand)) == EXIT_NO_VAULT)
		unlock_hint(operand, "key list");
	if (code != 0)
		return code;
	const struct vaultfile *vf = &u.vault->settings;
	return json ? text_print_json(json_pack("{s:o}", "slots", slot_text_json(vf))) : print_list(vf);
}

/* ---- key test ---- */

int cmd_key_test(int argc, char **argv)
{
	static const struct option options[] = { CREDENTIAL_OPTIONS, KEY_ARGS_OPTIONS };
	static const struct key_verb verb = {
		.name = "key test",
		.letters = "qh",
		.options = options,
		.operands = "key test takes one operand: the vault",
	};
	struct key_args a;
	_cleanup_(change_free) struct change c = CHANGE_NONE;
	int code = key_args_parse(&verb, argc, argv, &a);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	if ((code = change_open(&c, verb.name, a.vault, &a.credential)) != 0 || (code = secrets_prepare(false)) != 0 ||
	    (code = change_authorise(&c)) != 0)
		return code;
	const struct vaultfile_slot *s = slots_find(&c.u.vault->settings, c.u.credential.slot);
	_cleanup_free_ char *name = s ? slot_text_name(s) : NULL;
	if (!a.quiet)
		text_line("It opens %s.", name ? name : "the vault");
	return EXIT_DONE;
}
