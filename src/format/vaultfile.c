/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/vaultfile.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/codec.h"

#define CREATED_MAX ((uint64_t)1 << 53)
#define MIN_KIB_PER_LANE 8u

static const char *const kinds[] = {
	[VAULTFILE_PASSPHRASE] = "passphrase",
	[VAULTFILE_RECOVERY] = "recovery",
	[VAULTFILE_KEYFILE] = "keyfile",
	[VAULTFILE_KEYRING] = "keyring",
	[VAULTFILE_KEYFILE_PASSPHRASE] = "keyfile+passphrase",
};
static const char *const kdfs[] = {
	[VAULTFILE_ARGON2ID] = "argon2id",
	[VAULTFILE_BLAKE2B] = "blake2b",
};
static const char *const coherencies[] = {
	[VAULTFILE_PRIVATE] = "private",
	[VAULTFILE_SHARED] = "shared",
};
/* In the order in which they are written: sorted. */
static const struct {
	const char *name;
	uint32_t bit;
} features[] = {
	{ "hide-sizes", VAULTFILE_FEATURE_HIDE_SIZES },
};
#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

static const char *name_in(const char *const *names, size_t n, size_t i)
{
	return i < n ? names[i] : NULL;
}

/* Index of a name, or n. */
static size_t index_in(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (names[i] && strcmp(names[i], name) == 0)
			return i;
	}
	return n;
}

const char *vaultfile_kind_name(uint8_t kind)
{
	return name_in(kinds, N_OF(kinds), kind);
}

uint8_t vaultfile_kind_of(const char *name)
{
	size_t i = index_in(kinds, N_OF(kinds), name);
	return i < N_OF(kinds) ? (uint8_t)i : 0;
}

const char *vaultfile_kdf_name(uint8_t kdf)
{
	return name_in(kdfs, N_OF(kdfs), kdf);
}

int vaultfile_check_kdf(uint8_t kind, uint8_t kdf, uint32_t memory_kib, uint32_t passes,
			uint32_t lanes)
{
	if (!vaultfile_kind_name(kind))
		return -EUCLEAN;
	if (kdf == VAULTFILE_BLAKE2B) {
		bool plain = memory_kib == 0 && passes == 0 && lanes == 0;
		bool guessable = kind == VAULTFILE_PASSPHRASE || kind == VAULTFILE_KEYFILE_PASSPHRASE;
		return plain && !guessable ? 0 : -EUCLEAN;
	}
	if (kdf != VAULTFILE_ARGON2ID)
		return -EUCLEAN;
	if (lanes < 1 || lanes > VAULTFILE_KDF_LANES_MAX || passes < 1 ||
	    passes > VAULTFILE_KDF_PASSES_MAX)
		return -EUCLEAN;
	if (memory_kib < VAULTFILE_KDF_MEMORY_MIN || memory_kib > VAULTFILE_KDF_MEMORY_MAX ||
	    memory_kib / lanes < MIN_KIB_PER_LANE)
		return -EUCLEAN;
	return (uint64_t)memory_kib * passes > VAULTFILE_KDF_WORK_MAX ? -EUCLEAN : 0;
}

/* No control characters (C0, DEL, and C1, which UTF-8 writes as c2 80 to c2 9f): it goes to a
 * terminal. */
static bool printable(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		unsigned char next = i + 1 < n ? (unsigned char)s[i + 1] : 0;
		if (c < 0x20 || c == 0x7f || (c == 0xc2 && next >= 0x80 && next < 0xa0))
			return false;
	}
	return true;
}

static void json_cleanup(json_t **j)
{
	json_decref(*j);
}

#define _cleanup_json_ _cleanup_(json_cleanup)

bool vaultfile_label_is_valid(const char *label)
{
	size_t n = strnlen(label, VAULTFILE_LABEL_MAX + 1);
	if (n > VAULTFILE_LABEL_MAX || !printable(label, n))
		return false;
	_cleanup_json_ json_t *j = json_stringn(label, n); /* checks the UTF-8 */
	return j != NULL;
}

/* Parsing: each function returns 0 or -errno and says why. */

static int damaged(const char **why, const char *phrase)
{
	*why = phrase;
	return -EUCLEAN;
}

static int newer(const char **why, const char *phrase)
{
	*why = phrase;
	return -EPROTONOSUPPORT;
}

static int exactly(const json_t *obj, const char *const *members, size_t n, const char **why)
{
	if (!json_is_object(obj))
		return damaged(why, "something is not an object");
	for (size_t i = 0; i < n; i++) {
		if (!json_object_get(obj, members[i]))
			return damaged(why, "a member is missing");
	}
	return json_object_size(obj) == n ? 0 : damaged(why, "a member is not known");
}

static int get_uint(const json_t *obj, const char *member, uint64_t max, uint64_t *out,
		    const char **why)
{
	const json_t *j = json_object_get(obj, member);
	if (!json_is_integer(j))
		return damaged(why, "a number is no integer");
	json_int_t v = json_integer_value(j);
	if (v < 0 || (uint64_t)v > max)
		return damaged(why, "a number is out of range");
	*out = (uint64_t)v;
	return 0;
}

static int get_u32(const json_t *obj, const char *member, uint32_t *out, const char **why)
{
	uint64_t v;
	int r = get_uint(obj, member, UINT32_MAX, &v, why);
	if (r == 0)
		*out = (uint32_t)v;
	return r;
}

/* A string without NULs, or NULL. */
static const char *get_string(const json_t *j)
{
	const char *s = json_string_value(j);
	return s && strlen(s) == json_string_length(j) ? s : NULL;
}

static int get_bytes(const json_t *obj, const char *member, uint8_t *out, size_t n,
		     const char **why)
{
	const char *s = get_string(json_object_get(obj, member));
	if (!s || codec_hex_decode(out, n, s) < 0)
		return damaged(why, "a byte string is not so many bytes of lower-case hex");
	return 0;
}

static int get_label(const json_t *obj, char out[static VAULTFILE_LABEL_MAX + 1], const char **why)
{
	const char *s = get_string(json_object_get(obj, "label"));
	if (!s || !vaultfile_label_is_valid(s))
		return damaged(why, "a label is no short printable string");
	memcpy(out, s, strlen(s) + 1);
	return 0;
}

/* One of a list of names; 'unknown' is what another one means. */
static int get_name(const json_t *obj, const char *member, const char *const *names, size_t n,
		    int (*unknown)(const char **, const char *), uint8_t *out, const char **why)
{
	const char *s = get_string(json_object_get(obj, member));
	if (!s)
		return damaged(why, "a name is no string");
	size_t i = index_in(names, n, s);
	if (i == n)
		return unknown(why, "a name is not known");
	*out = (uint8_t)i;
	return 0;
}

static int get_feature(const char *name, uint32_t *out, const char **why)
{
	for (size_t i = 0; i < N_OF(features); i++) {
		if (strcmp(features[i].name, name) == 0) {
			*out |= features[i].bit;
			return 0;
		}
	}
	return newer(why, "a feature is not known");
}

static int get_features(const json_t *list, uint32_t *out, const char **why)
{
	if (!json_is_array(list))
		return damaged(why, "the features are no array");
	const char *last = "";
	*out = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = get_string(json_array_get(list, i));
		if (!s || strcmp(last, s) >= 0)
			return damaged(why, "the features are not a sorted array of strings");
		int r = get_feature(s, out, why);
		if (r < 0)
			return r;
		last = s;
	}
	return 0;
}

static int get_kdf(const json_t *obj, struct vaultfile_slot *s, const char **why)
{
	static const char *const members[] = { "name", "memory_kib", "passes", "lanes", "salt" };
	int r = exactly(obj, members, N_OF(members), why);
	if (r == 0)
		r = get_name(obj, "name", kdfs, N_OF(kdfs), newer, &s->kdf, why);
	if (r == 0)
		r = get_u32(obj, "memory_kib", &s->memory_kib, why);
	if (r == 0)
		r = get_u32(obj, "passes", &s->passes, why);
	if (r == 0)
		r = get_u32(obj, "lanes", &s->lanes, why);
	if (r == 0)
		r = get_bytes(obj, "salt", s->salt, sizeof(s->salt), why);
	if (r < 0)
		return r;
	if (vaultfile_check_kdf(s->kind, s->kdf, s->memory_kib, s->passes, s->lanes) < 0)
		return damaged(why, "a key derivation is out of limits");
	return 0;
}

static int get_slot(const json_t *obj, struct vaultfile_slot *s, const char **why)
{
	static const char *const members[] = { "slot", "kind",	     "label", "created",
					       "kdf",  "commitment", "nonce", "wrapped" };
	uint64_t number = 0;
	int r = exactly(obj, members, N_OF(members), why);
	if (r == 0)
		r = get_uint(obj, "slot", VAULTFILE_SLOTS - 1, &number, why);
	if (r == 0)
		r = get_name(obj, "kind", kinds, N_OF(kinds), newer, &s->kind, why);
	if (r == 0)
		r = get_label(obj, s->label, why);
	if (r == 0)
		r = get_uint(obj, "created", CREATED_MAX, &s->created, why);
	if (r == 0)
		r = get_kdf(json_object_get(obj, "kdf"), s, why);
	if (r == 0)
		r = get_bytes(obj, "commitment", s->commitment, sizeof(s->commitment), why);
	if (r == 0)
		r = get_bytes(obj, "nonce", s->nonce, sizeof(s->nonce), why);
	if (r == 0)
		r = get_bytes(obj, "wrapped", s->wrapped, sizeof(s->wrapped), why);
	s->slot = (uint32_t)number;
	return r;
}

static int get_slots(const json_t *list, struct vaultfile *vf, const char **why)
{
	size_t n = json_array_size(list); /* 0 if it is no array */
	if (n < 1 || n > VAULTFILE_SLOTS)
		return damaged(why, "the slots are not an array of 1 to 32");
	uint64_t work = 0;
	for (size_t i = 0; i < n; i++) {
		int r = get_slot(json_array_get(list, i), &vf->slots[i], why);
		if (r < 0)
			return r;
		if (i > 0 && vf->slots[i].slot <= vf->slots[i - 1].slot)
			return damaged(why, "the slots are not in ascending order");
		work += (uint64_t)vf->slots[i].memory_kib * vf->slots[i].passes;
	}
	/* A wrong secret is tried on them all. */
	if (work > VAULTFILE_KDF_WORK_ALL)
		return damaged(why, "the key derivations together are out of limits");
	vf->n_slots = (uint32_t)n;
	return 0;
}

/* Before all else: of a newer format we know nothing but this. */
static int get_version(const json_t *root, struct vaultfile *vf, const char **why)
{
	const json_t *j = json_object_get(root, "cryptfs");
	if (!json_is_integer(j) || json_integer_value(j) < 1)
		return damaged(why, "there is no format version");
	if (json_integer_value(j) > (json_int_t)VAULTFILE_VERSION)
		return newer(why, "the format is newer than this program");
	vf->version = VAULTFILE_VERSION;
	return 0;
}

static int get_epoch(const json_t *root, struct vaultfile *vf, const char **why)
{
	uint64_t epoch = 0;
	int r = get_uint(root, "epoch", VAULTFILE_EPOCH_MAX, &epoch, why);
	vf->epoch = (uint32_t)epoch;
	return r;
}

/* The one member that need not be there. */
static int get_previous(const json_t *root, struct vaultfile *vf, const char **why)
{
	static const char *const members[] = { "nonce", "wrapped" };
	const json_t *obj = json_object_get(root, "previous");
	if (!obj)
		return 0;
	int r = exactly(obj, members, N_OF(members), why);
	if (r == 0 && vf->epoch == 0)
		return damaged(why, "there is no key epoch before the first");
	if (r == 0)
		r = get_bytes(obj, "nonce", vf->previous.nonce, sizeof(vf->previous.nonce), why);
	if (r == 0)
		r = get_bytes(obj, "wrapped", vf->previous.wrapped, sizeof(vf->previous.wrapped), why);
	vf->previous.there = true;
	return r;
}

static int get_root(const json_t *root, struct vaultfile *vf, const char **why)
{
	static const char *const members[] = { "cryptfs",   "vault_id", "created", "epoch",
					       "coherency", "features", "label",   "slots",
					       "mac",	    "checksum", "previous" };
	size_t n = N_OF(members) - (json_object_get(root, "previous") == NULL);
	int r = get_version(root, vf, why);
	if (r == 0)
		r = exactly(root, members, n, why);
	if (r == 0)
		r = get_bytes(root, "vault_id", vf->vault_id, sizeof(vf->vault_id), why);
	if (r == 0)
		r = get_uint(root, "created", CREATED_MAX, &vf->created, why);
	if (r == 0)
		r = get_epoch(root, vf, why);
	if (r == 0)
		r = get_previous(root, vf, why);
	if (r == 0)
		r = get_name(root, "coherency", coherencies, N_OF(coherencies), damaged,
			     &vf->coherency, why);
	if (r == 0)
		r = get_features(json_object_get(root, "features"), &vf->features, why);
	if (r == 0)
		r = get_label(root, vf->label, why);
	if (r == 0)
		r = get_slots(json_object_get(root, "slots"), vf, why);
	if (r == 0)
		r = get_bytes(root, "mac", vf->mac, sizeof(vf->mac), why);
	if (r == 0)
		r = get_bytes(root, "checksum", vf->checksum, sizeof(vf->checksum), why);
	return r;
}

int vaultfile_parse(struct vaultfile *vf, const char *json, size_t len, const char **why)
{
	memset(vf, 0, sizeof(*vf));
	if (len > VAULTFILE_MAX)
		return damaged(why, "it is too long");
	json_error_t err;
	_cleanup_json_ json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &err);
	if (!root)
		return damaged(why, "it is not valid JSON");
	if (!json_is_object(root))
		return damaged(why, "it is no JSON object");
	return get_root(root, vf, why);
}

/* Printing. 'bad' gathers failures, all of them of memory; json_object_set_new takes a NULL for one. */

static json_t *hex(const uint8_t *p, size_t n)
{
	char text[2 * VAULTFILE_WRAPPED_LEN + 1];
	codec_hex_encode(text, p, n);
	return json_string(text);
}

static int put_kdf(json_t *slot, const struct vaultfile_slot *s)
{
	json_t *obj = json_object();
	int bad = json_object_set_new(slot, "kdf", obj);
	if (bad)
		return bad;
	bad |= json_object_set_new(obj, "name", json_string(vaultfile_kdf_name(s->kdf)));
	bad |= json_object_set_new(obj, "memory_kib", json_integer(s->memory_kib));
	bad |= json_object_set_new(obj, "passes", json_integer(s->passes));
	bad |= json_object_set_new(obj, "lanes", json_integer(s->lanes));
	bad |= json_object_set_new(obj, "salt", hex(s->salt, sizeof(s->salt)));
	return bad;
}

static int put_slot(json_t *list, const struct vaultfile_slot *s)
{
	json_t *obj = json_object();
	int bad = json_array_append_new(list, obj);
	if (bad)
		return bad;
	bad |= json_object_set_new(obj, "slot", json_integer(s->slot));
	bad |= json_object_set_new(obj, "kind", json_string(vaultfile_kind_name(s->kind)));
	bad |= json_object_set_new(obj, "label", json_string(s->label));
	bad |= json_object_set_new(obj, "created", json_integer((json_int_t)s->created));
	bad |= put_kdf(obj, s);
	bad |= json_object_set_new(obj, "commitment", hex(s->commitment, sizeof(s->commitment)));
	bad |= json_object_set_new(obj, "nonce", hex(s->nonce, sizeof(s->nonce)));
	bad |= json_object_set_new(obj, "wrapped", hex(s->wrapped, sizeof(s->wrapped)));
	return bad;
}

static int put_lists(json_t *root, const struct vaultfile *vf)
{
	json_t *feats = json_array();
	json_t *slots = json_array();
	int bad = json_object_set_new(root, "features", feats);
	bad |= json_object_set_new(root, "label", json_string(vf->label));
	bad |= json_object_set_new(root, "slots", slots);
	if (bad)
		return bad;
	for (size_t i = 0; i < N_OF(features); i++) {
		if (vf->features & features[i].bit)
			bad |= json_array_append_new(feats, json_string(features[i].name));
	}
	for (uint32_t i = 0; i < vf->n_slots; i++)
		bad |= put_slot(slots, &vf->slots[i]);
	return bad;
}

static int put_previous(json_t *root, const struct vaultfile_previous *p)
{
	json_t *obj = json_object();
	int bad = json_object_set_new(root, "previous", obj);
	if (bad)
		return bad;
	bad |= json_object_set_new(obj, "nonce", hex(p->nonce, sizeof(p->nonce)));
	bad |= json_object_set_new(obj, "wrapped", hex(p->wrapped, sizeof(p->wrapped)));
	return bad;
}

static int put_root(json_t *root, const struct vaultfile *vf)
{
	const char *coherency = name_in(coherencies, N_OF(coherencies), vf->coherency);
	int bad = json_object_set_new(root, "cryptfs", json_integer(vf->version));
	bad |= json_object_set_new(root, "vault_id", hex(vf->vault_id, sizeof(vf->vault_id)));
	bad |= json_object_set_new(root, "created", json_integer((json_int_t)vf->created));
	bad |= json_object_set_new(root, "epoch", json_integer(vf->epoch));
	if (vf->previous.there)
		bad |= put_previous(root, &vf->previous);
	bad |= json_object_set_new(root, "coherency", json_string(coherency));
	bad |= put_lists(root, vf);
	bad |= json_object_set_new(root, "mac", hex(vf->mac, sizeof(vf->mac)));
	bad |= json_object_set_new(root, "checksum", hex(vf->checksum, sizeof(vf->checksum)));
	return bad;
}

char *vaultfile_print(const struct vaultfile *vf)
{
	_cleanup_json_ json_t *root = json_object();
	if (!root || put_root(root, vf) != 0)
		return NULL;
	_cleanup_free_ char *text = json_dumps(root, JSON_INDENT(2));
	if (!text)
		return NULL;
	size_t n = strlen(text);
	char *out = malloc(n + 2);
	if (!out)
		return NULL;
	memcpy(out, text, n);
	memcpy(out + n, "\n", 2);
	return out;
}

/* Binary encodings. */

static void put_str(struct bytes_writer *w, const char *s)
{
	size_t n = strlen(s);
	bytes_put_le16(w, (uint16_t)n);
	bytes_put(w, s, n);
}

static void put_params(struct bytes_writer *w, const struct vaultfile_slot *s)
{
	bytes_put_le32(w, s->slot);
	bytes_put_u8(w, s->kind);
	bytes_put_le64(w, s->created);
	put_str(w, s->label);
	bytes_put_u8(w, s->kdf);
	bytes_put_le32(w, s->memory_kib);
	bytes_put_le32(w, s->passes);
	bytes_put_le32(w, s->lanes);
	bytes_put(w, s->salt, sizeof(s->salt));
}

static void put_features(struct bytes_writer *w, uint32_t set)
{
	uint16_t n = 0;
	for (size_t i = 0; i < N_OF(features); i++)
		n = (uint16_t)(n + ((set & features[i].bit) != 0));
	bytes_put_le16(w, n);
	for (size_t i = 0; i < N_OF(features); i++) {
		if (set & features[i].bit)
			put_str(w, features[i].name);
	}
}

size_t vaultfile_record(uint8_t *out, const struct vaultfile *vf)
{
	struct bytes_writer w = { .p = out, .cap = VAULTFILE_RECORD_MAX };
	bytes_put(&w, VAULTFILE_SETTINGS_LABEL, strlen(VAULTFILE_SETTINGS_LABEL));
	bytes_put_le32(&w, vf->version);
	bytes_put(&w, vf->vault_id, sizeof(vf->vault_id));
	bytes_put_le64(&w, vf->created);
	bytes_put_le32(&w, vf->epoch);
	bytes_put_u8(&w, vf->coherency);
	put_features(&w, vf->features);
	put_str(&w, vf->label);
	bytes_put_le16(&w, (uint16_t)vf->n_slots);
	for (uint32_t i = 0; i < vf->n_slots; i++) {
		const struct vaultfile_slot *s = &vf->slots[i];
		put_params(&w, s);
		bytes_put(&w, s->commitment, sizeof(s->commitment));
		bytes_put(&w, s->nonce, sizeof(s->nonce));
		bytes_put(&w, s->wrapped, sizeof(s->wrapped));
	}
	if (vf->previous.there) {
		bytes_put_u8(&w, 1);
		bytes_put(&w, vf->previous.nonce, sizeof(vf->previous.nonce));
		bytes_put(&w, vf->previous.wrapped, sizeof(vf->previous.wrapped));
	}
	return w.len; /* labels are bounded, so everything fits */
}

size_t vaultfile_slot_ad(uint8_t *out, const uint8_t vault_id[static VAULTFILE_ID_LEN],
			 const struct vaultfile_slot *s)
{
	struct bytes_writer w = { .p = out, .cap = VAULTFILE_PARAMS_MAX };
	bytes_put(&w, VAULTFILE_SLOT_LABEL, strlen(VAULTFILE_SLOT_LABEL));
	bytes_put(&w, vault_id, VAULTFILE_ID_LEN);
	put_params(&w, s);
	return w.len;
}

size_t vaultfile_previous_ad(uint8_t *out, const struct vaultfile *vf)
{
	struct bytes_writer w = { .p = out, .cap = VAULTFILE_PARAMS_MAX };
	bytes_put(&w, VAULTFILE_PREVIOUS_LABEL, strlen(VAULTFILE_PREVIOUS_LABEL));
	bytes_put(&w, vf->vault_id, VAULTFILE_ID_LEN);
	bytes_put_le32(&w, vf->epoch);
	return w.len;
}
