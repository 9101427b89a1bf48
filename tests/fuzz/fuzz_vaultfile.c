/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings from a hostile vault. What parses must print to JSON that parses to the same, within all
 * limits, and must fit its binary record.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/vaultfile.h"
#include "fuzz.h"

static void fuzz_limits(const struct vaultfile *vf)
{
	FUZZ_PROMISE(vf->version == VAULTFILE_VERSION && vf->epoch <= VAULTFILE_EPOCH_MAX);
	FUZZ_PROMISE(!vf->previous.there || vf->epoch > 0);
	FUZZ_PROMISE(vf->coherency <= VAULTFILE_SHARED);
	FUZZ_PROMISE(strlen(vf->label) <= VAULTFILE_LABEL_MAX);
	FUZZ_PROMISE(vf->n_slots >= 1 && vf->n_slots <= VAULTFILE_SLOTS);
	for (uint32_t i = 0; i < vf->n_slots; i++) {
		const struct vaultfile_slot *s = &vf->slots[i];
		FUZZ_PROMISE(s->slot < VAULTFILE_SLOTS);
		FUZZ_PROMISE(i == 0 || s->slot > vf->slots[i - 1].slot);
		FUZZ_PROMISE(vaultfile_kind_name(s->kind) && vaultfile_kdf_name(s->kdf));
		FUZZ_PROMISE(vaultfile_check_kdf(s->kind, s->kdf, s->memory_kib, s->passes,
						 s->lanes) == 0);
	}
}

static void fuzz_records(const struct vaultfile *a, const struct vaultfile *b)
{
	static uint8_t ra[VAULTFILE_RECORD_MAX], rb[VAULTFILE_RECORD_MAX];
	uint8_t pa[VAULTFILE_PARAMS_MAX], pb[VAULTFILE_PARAMS_MAX];

	size_t n = vaultfile_record(ra, a);
	FUZZ_PROMISE(n <= sizeof(ra) && vaultfile_record(rb, b) == n && memcmp(ra, rb, n) == 0);
	for (uint32_t i = 0; i < a->n_slots; i++) {
		n = vaultfile_slot_ad(pa, a->vault_id, &a->slots[i]);
		FUZZ_PROMISE(n <= sizeof(pa));
		FUZZ_PROMISE(vaultfile_slot_ad(pb, b->vault_id, &b->slots[i]) == n);
		FUZZ_PROMISE(memcmp(pa, pb, n) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vaultfile vf, again;
	const char *why = NULL;

	int r = vaultfile_parse(&vf, (const char *)data, size, &why);
	if (r < 0) {
		FUZZ_PROMISE(r == -EUCLEAN || r == -EPROTONOSUPPORT || r == -ENOMEM);
		FUZZ_PROMISE(why != NULL);
		return 0;
	}
	FUZZ_PROMISE(r == 0);
	fuzz_limits(&vf);

	_cleanup_free_ char *json = vaultfile_print(&vf);
	FUZZ_PROMISE(json != NULL);
	FUZZ_PROMISE(vaultfile_parse(&again, json, strlen(json), &why) == 0);
	fuzz_records(&vf, &again);
	FUZZ_PROMISE(memcmp(vf.mac, again.mac, sizeof(vf.mac)) == 0);
	FUZZ_PROMISE(memcmp(vf.checksum, again.checksum, sizeof(vf.checksum)) == 0);
	return 0;
}
