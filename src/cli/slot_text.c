/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/slot_text.h"

#include <stdio.h>

#include "cli/cli.h"

static json_t *time_json(uint64_t seconds)
{
	char text[TEXT_TIME_SIZE];
	text_time(text, seconds);
	return json_string(text);
}

static json_t *one_json(const struct vaultfile_slot *s)
{
	return json_pack("{s:i, s:s, s:o, s:o, s:{s:s, s:I, s:I, s:I}}", "slot", (int)s->slot, "kind",
			 vaultfile_kind_name(s->kind), "label", text_json(s->label), "created",
			 time_json(s->created), "kdf", "name", vaultfile_kdf_name(s->kdf), "memory_kib",
			 (json_int_t)s->memory_kib, "passes", (json_int_t)s->passes, "lanes",
			 (json_int_t)s->lanes);
}

json_t *slot_text_json(const struct vaultfile *vf)
{
	json_t *slots = json_array();
	for (uint32_t i = 0; i < vf->n_slots; i++)
		(void)json_array_append_new(slots, one_json(&vf->slots[i]));
	return slots;
}

void slot_text_cost(char out[static SLOT_TEXT_COST_SIZE], const struct vaultfile_slot *s)
{
	if (s->kdf == VAULTFILE_ARGON2ID)
		(void)snprintf(out, SLOT_TEXT_COST_SIZE, "%s, %.4g MiB, %u passes, %u lanes",
			       vaultfile_kdf_name(s->kdf), s->memory_kib / 1024.0, (unsigned int)s->passes,
			       (unsigned int)s->lanes);
	else
		(void)snprintf(out, SLOT_TEXT_COST_SIZE, "%s", vaultfile_kdf_name(s->kdf));
}

char *slot_text_name(const struct vaultfile_slot *s)
{
	char *name;
	int n = s->label[0] ? asprintf(&name, "slot %u (%s '%s')", (unsigned int)s->slot,
				       vaultfile_kind_name(s->kind), s->label) :
			      asprintf(&name, "slot %u (%s)", (unsigned int)s->slot, vaultfile_kind_name(s->kind));
	return n < 0 ? NULL : name;
}
