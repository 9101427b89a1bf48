/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Unlocking with settings from a hostile vault. The recipe makes settings with slots as their owner would, then
 * changes them as the adversary would: fields of the structure (with a fitting checksum, as anybody can compute
 * it), bytes of the JSON, or the file itself. It unlocks only if the settings are the owner's, with his master
 * key.
 *
 * Argon2id is replaced by something cheap that keeps the books: no call may ask for more than the format allows,
 * and all calls of one unlocking together neither.
 */
#include <argon2.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/io.h"
#include "fuzz_vault.h"
#include "vault/keyslot.h"

#define SLOTS 6

/* ---- Argon2id ---- */

static uint64_t work_done; /* memory * passes, KiB */

int __wrap_argon2id_ctx(argon2_context *c);

int __wrap_argon2id_ctx(argon2_context *c)
{
	uint8_t in[12];
	FUZZ_PROMISE(c->m_cost >= VAULTFILE_KDF_MEMORY_MIN && c->m_cost <= VAULTFILE_KDF_MEMORY_MAX);
	FUZZ_PROMISE(c->t_cost >= 1 && c->t_cost <= VAULTFILE_KDF_PASSES_MAX);
	FUZZ_PROMISE(c->lanes >= 1 && c->lanes <= VAULTFILE_KDF_LANES_MAX && c->threads <= c->lanes);
	FUZZ_PROMISE((uint64_t)c->m_cost * c->t_cost <= VAULTFILE_KDF_WORK_MAX);
	work_done += (uint64_t)c->m_cost * c->t_cost;
	put_le32(in, c->m_cost);
	put_le32(in + 4, c->t_cost);
	put_le32(in + 8, c->lanes);
	kdf_hash(c->out, c->outlen, c->salt, c->saltlen, c->pwd, c->pwdlen, in, sizeof(in));
	return ARGON2_OK;
}

/* ---- the owner ---- */

struct secrets {
	uint8_t *bytes; /* in the arena: four of 32 bytes, one for each kind */
};

static struct vault_secret secret_of(const struct secrets *s, uint8_t kind)
{
	return (struct vault_secret){ .kind = kind, .bytes = s->bytes + 32 * (kind - 1), .len = 32 };
}

static void add_slot(struct vaultfile *vf, struct recipe *in, const struct secrets *secrets,
		     const struct key32 *master)
{
	struct vaultfile_slot *s = &vf->slots[vf->n_slots];
	uint8_t how = recipe_u8(in);
	memset(s, 0, sizeof(*s));
	s->slot = vf->n_slots * 5u;
	s->kind = (uint8_t)(1 + how % 4);
	s->kdf = s->kind == VAULTFILE_PASSPHRASE || how & 4 ? VAULTFILE_ARGON2ID : VAULTFILE_BLAKE2B;
	if (s->kdf == VAULTFILE_ARGON2ID) {
		s->memory_kib = VAULTFILE_KDF_MEMORY_MIN << (how >> 3) % 10;
		s->passes = 1 + (how >> 5);
		s->lanes = 1 + (how & 1u);
	}
	struct vault_secret secret = secret_of(secrets, s->kind);
	FUZZ_PROMISE(keyslot_seal(s, vf->vault_id, &secret, master) == 0);
	vf->n_slots++;
}

static void sign(struct vaultfile *vf, const struct key32 *master, bool with_key)
{
	static uint8_t record[VAULTFILE_RECORD_MAX];
	struct key32 key;
	size_t n = vaultfile_record(record, vf);
	if (with_key) {
		kdf_derive(master, "cfs-sett", key.b, sizeof(key.b));
		kdf_hash(vf->mac, sizeof(vf->mac), key.b, sizeof(key.b), record, n, NULL, 0);
	}
	kdf_hash(vf->checksum, sizeof(vf->checksum), NULL, 0, record, n, vf->mac, sizeof(vf->mac));
}

static void make_settings(struct vaultfile *vf, struct recipe *in, const struct secrets *secrets,
			  const struct key32 *master)
{
	uint8_t how = recipe_u8(in);
	memset(vf, 0, sizeof(*vf));
	vf->version = VAULTFILE_VERSION;
	memset(vf->vault_id, 7, sizeof(vf->vault_id));
	vf->coherency = how & 1;
	vf->features = how & 2 ? VAULTFILE_FEATURE_HIDE_SIZES : 0;
	unsigned int n = 1 + how / 4 % SLOTS;
	for (unsigned int i = 0; i < n; i++)
		add_slot(vf, in, secrets, master);
	sign(vf, master, true);
}

/* ---- the adversary ---- */

static void flip(uint8_t *p, size_t n, uint16_t at)
{
	p[at % n] ^= (uint8_t)(1u << (at >> 13));
}

static void change_slot(struct vaultfile *vf, struct vaultfile_slot *s, uint8_t what, uint32_t x)
{
	struct vaultfile_slot other = vf->slots[x % vf->n_slots];
	switch (what) {
	case 0:
		s->slot = x;
		break;
	case 1:
		s->kind = (uint8_t)(x % 6);
		break;
	case 2:
		s->kdf = (uint8_t)(x % 4);
		break;
	case 3:
		s->memory_kib = x;
		break;
	case 4:
		s->passes = x;
		break;
	case 5:
		s->lanes = x;
		break;
	case 6:
		flip(s->salt, sizeof(s->salt), (uint16_t)x);
		break;
	case 7:
		flip(s->commitment, sizeof(s->commitment), (uint16_t)x);
		break;
	case 8:
		flip(s->nonce, sizeof(s->nonce), (uint16_t)x);
		break;
	case 9:
		flip(s->wrapped, sizeof(s->wrapped), (uint16_t)x);
		break;
	case 10: /* the dearest that one may be */
		s->kdf = VAULTFILE_ARGON2ID;
		s->memory_kib = VAULTFILE_KDF_MEMORY_MAX;
		s->passes = 1 + x % 16;
		s->lanes = 1;
		break;
	case 11:
		s->created = x;
		break;
	case 12:
		s->label[0] = (char)(x & 127);
		break;
	case 13: /* one's content under another's number */
		other.slot = s->slot;
		*s = other;
		break;
	case 14: /* removed */
		memmove(s, s + 1, (size_t)((vf->slots + vf->n_slots) - (s + 1)) * sizeof(*s));
		vf->n_slots--;
		break;
	default: /* repeated */
		if (vf->n_slots < VAULTFILE_SLOTS) {
			memmove(s + 1, s, (size_t)((vf->slots + vf->n_slots) - s) * sizeof(*s));
			s[1].slot = s->slot + 1;
			vf->n_slots++;
		}
		break;
	}
}

static void change_settings(struct vaultfile *vf, struct recipe *in)
{
	uint8_t what = recipe_u8(in);
	uint32_t x = recipe_u32(in);
	switch (what % 24) {
	case 0:
		flip(vf->vault_id, sizeof(vf->vault_id), (uint16_t)x);
		break;
	case 1:
		vf->coherency ^= 1;
		break;
	case 2:
		vf->features ^= VAULTFILE_FEATURE_HIDE_SIZES;
		break;
	case 3:
		vf->created = x;
		break;
	case 4:
		flip(vf->mac, sizeof(vf->mac), (uint16_t)x);
		break;
	case 5:
		vf->label[0] = (char)(x & 127);
		break;
	case 6:
		vf->epoch = x & 1;
		break;
	case 7: /* many dear ones */
		while (vf->n_slots > 0 && vf->n_slots < VAULTFILE_SLOTS) {
			vf->slots[vf->n_slots] = vf->slots[0];
			vf->slots[vf->n_slots].slot = vf->slots[vf->n_slots - 1].slot + 1;
			vf->n_slots++;
		}
		break;
	default:
		if (vf->n_slots > 0)
			change_slot(vf, &vf->slots[(x >> 24) % vf->n_slots], what % 24 - 8, x);
		break;
	}
}

/* What lies there as cryptfs.json. */
static void put_settings(const struct fuzz_vault *v, struct recipe *in, char *text, size_t n)
{
	uint8_t how = recipe_u8(in);
	uint32_t x = recipe_u32(in);
	const uint8_t *more;
	size_t got = 0;
	switch (how % 16) {
	case 1:
		n = x % (n + 1);
		break;
	case 2:
		(void)mkfifoat(v->root_fd, NAME_SETTINGS_FILE, 0600);
		return;
	case 3:
		fuzz_tried(symlinkat(NAME_SETTINGS_BACKUP, v->root_fd, NAME_SETTINGS_FILE));
		return;
	case 4:
		(void)mkdirat(v->root_fd, NAME_SETTINGS_FILE, 0700);
		return;
	case 5:
		return;
	case 6:
	case 7: /* bytes over it */
		more = recipe_bytes(in, 32, &got);
		if (x % n + got <= n)
			memcpy(text + x % n, more, got);
		break;
	case 8: /* as the recipe has it */
		more = recipe_bytes(in, n, &got);
		memcpy(text, more, got);
		n = got;
		break;
	default:
		break;
	}
	int fd = -1;
	FUZZ_PROMISE(io_create_file(v->root_fd, NAME_SETTINGS_FILE, text, n, 0600, &fd) == 0);
	if (how % 16 == 9)
		FUZZ_PROMISE(ftruncate(fd, (off_t)x) == 0);
	close(fd);
}

/* ---- judging ---- */

static bool same_settings(const struct vaultfile *a, const struct vaultfile *b)
{
	static uint8_t ra[VAULTFILE_RECORD_MAX], rb[VAULTFILE_RECORD_MAX];
	size_t n = vaultfile_record(ra, a);
	return n == vaultfile_record(rb, b) && memcmp(ra, rb, n) == 0 && memcmp(a->mac, b->mac, sizeof(a->mac)) == 0;
}

static void try_unlock(const struct fuzz_vault *v, const struct vaultfile *owners, const struct vault_secret *secret)
{
	struct vault *opened _cleanup_vault_ = NULL;
	const char *why = NULL;
	uint32_t slot = VAULTFILE_SLOTS;
	size_t in_use = keymem_in_use();
	int r = vault_open(v->root_fd, &opened, &why);
	FUZZ_PROMISE(r == 0 || r == -EUCLEAN || r == -EPROTONOSUPPORT || r == -ENOENT);
	FUZZ_PROMISE(r == 0 || (why && !opened));
	if (r < 0)
		return;
	bool same = same_settings(&opened->settings, owners), has = false;
	for (uint32_t i = 0; i < owners->n_slots; i++)
		has = has || owners->slots[i].kind == secret->kind;
	work_done = 0;
	r = vault_unlock(opened, secret, &slot, &why);
	FUZZ_PROMISE(work_done <= VAULTFILE_KDF_WORK_ALL);
	/* More memory than this machine has is not asked for. */
	FUZZ_PROMISE(r == 0 || r == -EKEYREJECTED || r == -EBADMSG || (r == -ENOMEM && !same));
	FUZZ_PROMISE((r == 0) == (same && has));
	if (r == 0) {
		FUZZ_PROMISE(memcmp(opened->keys->root_id, v->vault.keys->root_id, NAME_DIR_ID_LEN) == 0);
		FUZZ_PROMISE(slot < VAULTFILE_SLOTS);
	} else {
		FUZZ_PROMISE(!opened->keys && !opened->names && keymem_in_use() == in_use);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vaultfile owners, vf;
	struct recipe in = { data, size };
	const struct fuzz_vault *v = fuzz_vault();
	struct secrets secrets = { keymem_alloc(4 * 32) };
	FUZZ_PROMISE(secrets.bytes);
	memset(secrets.bytes, 's', 4 * 32);
	for (int i = 0; i < 4; i++)
		secrets.bytes[32 * i] = (uint8_t)i;
	fuzz_random_restart();
	make_settings(&owners, &in, &secrets, v->master);
	vf = owners;
	uint8_t how = recipe_u8(&in);
	for (int i = 0; i < how % 4; i++)
		change_settings(&vf, &in);
	if (how & 4)
		sign(&vf, v->master, false);
	char *text = vaultfile_print(&vf);
	if (text) { /* NULL: a kind that has no name */
		put_settings(v, &in, text, strlen(text));
		struct vault_secret secret = secret_of(&secrets, (uint8_t)(1 + how / 8 % 4));
		try_unlock(v, &owners, &secret);
	}
	free(text);
	keymem_free(secrets.bytes);
	fuzz_clear_root(v);
	return 0;
}
