/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vault/slots.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "vault/keyslot.h"

/* Index of a slot's number, or n_slots. */
static uint32_t index_of(const struct vaultfile *vf, uint32_t slot)
{
	uint32_t i = 0;
	while (i < vf->n_slots && vf->slots[i].slot != slot)
		i++;
	return i;
}

const struct vaultfile_slot *slots_find(const struct vaultfile *vf, uint32_t slot)
{
	uint32_t i = index_of(vf, slot);
	return i < vf->n_slots ? &vf->slots[i] : NULL;
}

bool slots_is_typed(uint8_t kind)
{
	return kind == VAULTFILE_PASSPHRASE || kind == VAULTFILE_RECOVERY;
}

/* What a wrong secret may cost a reader at most; without the slot that is about to be replaced. */
static int check_work(const struct vaultfile *vf, const struct vaultfile_slot *s)
{
	uint64_t work = (uint64_t)s->memory_kib * s->passes;
	for (uint32_t i = 0; i < vf->n_slots; i++)
		if (vf->slots[i].slot != s->slot)
			work += (uint64_t)vf->slots[i].memory_kib * vf->slots[i].passes;
	return work > VAULTFILE_KDF_WORK_ALL ? -E2BIG : 0;
}

int slots_make(struct vaultfile_slot *s, const struct vaultfile *vf, const struct key32 *master,
	       const struct vault_secret *secret, const struct slot_choice *choice)
{
	s->kind = secret->kind;
	s->created = (uint64_t)time(NULL);
	s->kdf = choice->cost.memory_kib > 0 ? VAULTFILE_ARGON2ID : VAULTFILE_BLAKE2B;
	s->memory_kib = choice->cost.memory_kib;
	s->passes = choice->cost.passes;
	s->lanes = choice->cost.lanes;
	if (choice->label && !vaultfile_label_is_valid(choice->label))
		return -EINVAL;
	if (choice->label)
		memcpy(s->label, choice->label, strlen(choice->label) + 1);
	int r = check_work(vf, s);
	return r < 0 ? r : keyslot_seal(s, vf->vault_id, secret, master);
}

int slots_add(struct vaultfile *vf, const struct key32 *master, const struct vault_secret *secret,
	      const struct slot_choice *choice, uint32_t *slot)
{
	if (vf->n_slots >= VAULTFILE_SLOTS)
		return -ENOSPC;
	uint32_t at = 0; /* numbers ascend: the first that is not its own index is missing */
	while (at < vf->n_slots && vf->slots[at].slot == at)
		at++;
	struct vaultfile_slot s = { .slot = at };
	int r = slots_make(&s, vf, master, secret, choice);
	if (r < 0)
		return r;
	memmove(&vf->slots[at + 1], &vf->slots[at], (vf->n_slots - at) * sizeof(s));
	vf->slots[at] = s;
	vf->n_slots++;
	*slot = s.slot;
	return 0;
}

int slots_change(struct vaultfile *vf, const struct key32 *master, uint32_t slot, const struct vault_secret *secret,
		 const struct slot_choice *choice)
{
	uint32_t i = index_of(vf, slot);
	if (i == vf->n_slots)
		return -ENOENT;
	struct vaultfile_slot s = vf->slots[i];
	int r = slots_make(&s, vf, master, secret, choice);
	if (r == 0)
		vf->slots[i] = s;
	return r;
}

enum slots_warning slots_may_remove(const struct vaultfile *vf, uint32_t slot)
{
	const struct vaultfile_slot *s = slots_find(vf, slot);
	if (!s)
		return SLOTS_FINE;
	if (vf->n_slots == 1)
		return SLOTS_LAST;
	if (!slots_is_typed(s->kind))
		return SLOTS_FINE;
	for (uint32_t i = 0; i < vf->n_slots; i++)
		if (vf->slots[i].slot != slot && slots_is_typed(vf->slots[i].kind))
			return SLOTS_FINE;
	return SLOTS_LAST_TYPED;
}

int slots_remove(struct vaultfile *vf, uint32_t slot)
{
	uint32_t i = index_of(vf, slot);
	if (i == vf->n_slots)
		return -ENOENT;
	if (vf->n_slots == 1)
		return -EBUSY;
	memmove(&vf->slots[i], &vf->slots[i + 1], (vf->n_slots - i - 1) * sizeof(vf->slots[0]));
	vf->n_slots--;
	return 0;
}
