/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vaults.h"

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "vault/keyslot.h"
#include "vault/lock.h"

static void create(const struct scratch *s)
{
	struct vault_secret p = pass("open sesame");
	struct vault_options opt = { .cost = cheap, .label = "test", .slot_label = "first" };
	assert_int_equal(vault_create(s->fd, &p, &opt), 0);
}

static struct vault *open_ok(const struct scratch *s)
{
	struct vault *v = NULL;
	const char *why = NULL;
	assert_int_equal(vault_open(s->fd, &v, &why), 0);
	assert_non_null(v);
	return v;
}

static int open_result(const struct scratch *s)
{
	struct vault *v _cleanup_vault_ = NULL;
	const char *why = NULL;
	int r = vault_open(s->fd, &v, &why);
	assert_true((r == 0) == (v != NULL));
	assert_true(r == 0 || (why && why[0]));
	return r;
}

/* Parse the settings without checking anything. */
static void load(const struct scratch *s, struct vaultfile *vf)
{
	static char text[VAULTFILE_MAX];
	const char *why;
	ssize_t n = io_read_file(s->fd, NAME_SETTINGS_FILE, text, sizeof(text));
	assert_true(n > 0);
	assert_int_equal(vaultfile_parse(vf, text, (size_t)n, &why), 0);
}

static void store_text(const struct scratch *s, const char *text, size_t n)
{
	assert_int_equal(io_replace_file(s->fd, NAME_SETTINGS_FILE, NULL, text, n, 0600), 0);
}

static void store(const struct scratch *s, const struct vaultfile *vf)
{
	_cleanup_free_ char *text = vaultfile_print(vf);
	assert_non_null(text);
	store_text(s, text, strlen(text));
}

/* What anybody can do, without a key. */
static void fix_checksum(struct vaultfile *vf)
{
	uint8_t record[VAULTFILE_RECORD_MAX];
	size_t n = vaultfile_record(record, vf);
	kdf_hash(vf->checksum, sizeof(vf->checksum), NULL, 0, record, n, vf->mac, sizeof(vf->mac));
}

static void test_create(void **state)
{
	struct scratch *s = *state;
	struct stat st;
	create(s);
	assert_int_equal(scratch_count(s), 1);
	assert_int_equal(fstatat(s->fd, NAME_SETTINGS_FILE, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	struct vault *v _cleanup_vault_ = open_ok(s);
	assert_null(v->keys);
	assert_null(v->names);
	assert_string_equal(v->settings.label, "test");
	assert_int_equal(v->settings.coherency, VAULTFILE_PRIVATE);
	assert_int_equal(v->settings.features, 0);
	assert_int_equal(v->settings.n_slots, 1);
	assert_string_equal(v->settings.slots[0].label, "first");
	assert_int_equal(v->settings.slots[0].memory_kib, 8192);
}

static void test_create_options(void **state)
{
	struct scratch *s = *state;
	struct vault_secret p = pass("x");
	struct vault_options opt = { .coherency = VAULTFILE_SHARED,
				     .hide_sizes = true,
				     .cost = cheap };
	assert_int_equal(vault_create(s->fd, &p, &opt), 0);
	struct vault *v _cleanup_vault_ = open_ok(s);
	assert_int_equal(v->settings.coherency, VAULTFILE_SHARED);
	assert_int_equal(v->settings.features, VAULTFILE_FEATURE_HIDE_SIZES);
	assert_string_equal(v->settings.label, "");
}

static void test_create_refuses(void **state)
{
	struct scratch *s = *state;
	char big[1025];
	memset(big, 'p', sizeof(big));
	big[1024] = '\0';
	struct vault_secret p = pass("x"), none = pass(""), long_one = pass(big);
	const struct vault_options bad[] = {
		{ .cost = { 0, 0, 0 } },
		{ .cost = { 8191, 1, 1 } },
		{ .cost = { 8192, 0, 1 } },
		{ .cost = { 8192, 1, 17 } },
		{ .cost = cheap, .coherency = 2 },
		{ .cost = cheap, .label = "two\nlines" },
		{ .cost = cheap, .slot_label = "\xff" },
		{ .cost = cheap, .label = big },
	};
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_int_equal(vault_create(s->fd, &p, &bad[i]), -EINVAL);
	const struct vault_options good = { .cost = cheap };
	assert_int_equal(vault_create(s->fd, &none, &good), -EINVAL);
	assert_int_equal(vault_create(s->fd, &long_one, &good), -EINVAL);
	assert_int_equal(scratch_count(s), 0);
	long_one.len = 1023;
	assert_int_equal(vault_create(s->fd, &long_one, &good), 0);
}

static void test_create_exists(void **state)
{
	struct scratch *s = *state;
	struct vault_secret p = pass("another");
	struct vault_options opt = { .cost = cheap };
	create(s);
	assert_int_equal(vault_create(s->fd, &p, &opt), -EEXIST);
	struct vault *v _cleanup_vault_ = open_ok(s);
	assert_string_equal(v->settings.label, "test");
	assert_int_equal(unlinkat(s->fd, NAME_SETTINGS_FILE, 0), 0);
	assert_int_equal(symlinkat("nowhere", s->fd, NAME_SETTINGS_FILE), 0);
	assert_int_equal(vault_create(s->fd, &p, &opt), -EEXIST);
}

static void test_unlock(void **state)
{
	struct scratch *s = *state;
	create(s);
	struct vault *v _cleanup_vault_ = open_ok(s);
	struct vault_secret p = pass("open sesame");
	const char *why;
	uint32_t slot = 99;
	assert_int_equal(vault_unlock(v, &p, &slot, &why), 0);
	assert_int_equal(slot, 0);
	assert_non_null(v->keys);
	assert_non_null(v->names);
	assert_non_null(v->xattr_names);
	assert_int_equal(vault_unlock(v, &p, &slot, &why), -EALREADY);
}

/* The keys of two vaults have nothing in common, those of one vault are the same each time. */
static void test_subkeys(void **state)
{
	struct scratch *s = *state;
	const char *why;
	struct vault_secret p = pass("open sesame");
	create(s);
	struct vault *a _cleanup_vault_ = open_ok(s);
	struct vault *b _cleanup_vault_ = open_ok(s);
	assert_int_equal(unlinkat(s->fd, NAME_SETTINGS_FILE, 0), 0);
	create(s);
	struct vault *c _cleanup_vault_ = open_ok(s);
	assert_int_equal(vault_unlock(a, &p, NULL, &why), 0);
	assert_int_equal(vault_unlock(b, &p, NULL, &why), 0);
	assert_int_equal(vault_unlock(c, &p, NULL, &why), 0);
	assert_memory_equal(a->keys, b->keys, sizeof(*a->keys));
	assert_memory_not_equal(&a->keys->content, &c->keys->content, sizeof(struct key32));
	assert_memory_not_equal(a->keys->root_id, c->keys->root_id, NAME_DIR_ID_LEN);
	assert_memory_not_equal(&a->keys->content, &a->keys->links, sizeof(struct key32));
	assert_memory_not_equal(&a->keys->dir_mac, &a->keys->xattr_values, sizeof(struct key32));
	uint8_t x[32], y[32];
	siv_seal(a->names, "l", 1, "n", 1, (const uint8_t *)"0123456789abcdef", 16, x);
	siv_seal(b->names, "l", 1, "n", 1, (const uint8_t *)"0123456789abcdef", 16, y);
	assert_memory_equal(x, y, sizeof(x));
	siv_seal(a->xattr_names, "l", 1, "n", 1, (const uint8_t *)"0123456789abcdef", 16, y);
	assert_memory_not_equal(x, y, sizeof(x));
}

static void test_wrong_secret(void **state)
{
	struct scratch *s = *state;
	create(s);
	struct vault *v _cleanup_vault_ = open_ok(s);
	const struct vault_secret wrong[] = {
		pass("open sesam"),
		pass("open sesame "),
		pass("Open sesame"),
		pass(""),
		secret_of(VAULTFILE_RECOVERY, "open sesame"),
		secret_of(VAULTFILE_KEYFILE, "open sesame"),
	};
	for (size_t i = 0; i < N_OF(wrong); i++) {
		const char *why = NULL;
		uint32_t slot = 99;
		assert_int_equal(vault_unlock(v, &wrong[i], &slot, &why), -EKEYREJECTED);
		assert_non_null(why);
		assert_int_equal(slot, 99);
		assert_null(v->keys);
	}
}

static void test_random_secret_kinds(void **state)
{
	struct scratch *s = *state;
	for (uint8_t kind = VAULTFILE_RECOVERY; kind <= VAULTFILE_KEYRING; kind++) {
		struct vault_secret p = secret_of(kind, "0123456789abcdef0123456789abcdef");
		struct vault_options opt = { .cost = { 0, 0, 0 } }; /* BLAKE2b */
		const char *why;
		assert_int_equal(vault_create(s->fd, &p, &opt), 0);
		struct vault *v _cleanup_vault_ = open_ok(s);
		assert_int_equal(v->settings.slots[0].kdf, VAULTFILE_BLAKE2B);
		assert_int_equal(vault_unlock(v, &p, NULL, &why), 0);
		assert_int_equal(unlinkat(s->fd, NAME_SETTINGS_FILE, 0), 0);
	}
}

/* Changes to the settings, and what an unlock makes of each once the checksum is right again. */

static void e_vault_id(struct vaultfile *vf)
{
	vf->vault_id[0] ^= 1;
}

static void e_created(struct vaultfile *vf)
{
	vf->created++;
}

static void e_coherency(struct vaultfile *vf)
{
	vf->coherency ^= 1;
}

static void e_features(struct vaultfile *vf)
{
	vf->features ^= VAULTFILE_FEATURE_HIDE_SIZES;
}

static void e_label(struct vaultfile *vf)
{
	vf->label[0] ^= 1;
}

static void e_mac(struct vaultfile *vf)
{
	vf->mac[31] ^= 0x80;
}

static void e_slot_added(struct vaultfile *vf)
{
	vf->slots[1] = vf->slots[0];
	vf->slots[1].slot = 5;
	vf->n_slots = 2;
}

static void e_slot_number(struct vaultfile *vf)
{
	vf->slots[0].slot = 3;
}

static void e_slot_kind(struct vaultfile *vf)
{
	vf->slots[0].kind = VAULTFILE_KEYFILE;
}

static void e_slot_label(struct vaultfile *vf)
{
	vf->slots[0].label[0] = 'F';
}

static void e_slot_created(struct vaultfile *vf)
{
	vf->slots[0].created ^= 1;
}

static void e_slot_memory(struct vaultfile *vf)
{
	vf->slots[0].memory_kib = 9000;
}

static void e_slot_passes(struct vaultfile *vf)
{
	vf->slots[0].passes = 2;
}

static void e_slot_lanes(struct vaultfile *vf)
{
	vf->slots[0].lanes = 2;
}

static void e_slot_salt(struct vaultfile *vf)
{
	vf->slots[0].salt[7] ^= 1;
}

static void e_slot_commitment(struct vaultfile *vf)
{
	vf->slots[0].commitment[0] ^= 1;
}

static void e_slot_nonce(struct vaultfile *vf)
{
	vf->slots[0].nonce[23] ^= 1;
}

static void e_slot_tag(struct vaultfile *vf)
{
	vf->slots[0].wrapped[0] ^= 1;
}

static void e_slot_wrapped(struct vaultfile *vf)
{
	vf->slots[0].wrapped[47] ^= 1;
}

static const struct {
	const char *what;
	void (*edit)(struct vaultfile *vf);
	int want;
} edits[] = {
	{ "vault ID", e_vault_id, -EBADMSG },
	{ "created", e_created, -EBADMSG },
	{ "coherency", e_coherency, -EBADMSG },
	{ "features", e_features, -EBADMSG },
	{ "label", e_label, -EBADMSG },
	{ "mac", e_mac, -EBADMSG },
	{ "slot added", e_slot_added, -EBADMSG },
	{ "slot's number", e_slot_number, -EBADMSG },
	{ "slot's kind", e_slot_kind, -EKEYREJECTED },
	{ "slot's label", e_slot_label, -EBADMSG },
	{ "slot's created", e_slot_created, -EBADMSG },
	{ "slot's memory", e_slot_memory, -EKEYREJECTED },
	{ "slot's passes", e_slot_passes, -EKEYREJECTED },
	{ "slot's lanes", e_slot_lanes, -EKEYREJECTED },
	{ "slot's salt", e_slot_salt, -EKEYREJECTED },
	{ "slot's commitment", e_slot_commitment, -EKEYREJECTED },
	{ "slot's nonce", e_slot_nonce, -EBADMSG },
	{ "slot's tag", e_slot_tag, -EBADMSG },
	{ "slot's wrapped key", e_slot_wrapped, -EBADMSG },
};

static int unlock_result(const struct scratch *s)
{
	struct vault *v _cleanup_vault_ = open_ok(s);
	struct vault_secret p = pass("open sesame");
	const char *why = NULL;
	int r = vault_unlock(v, &p, NULL, &why);
	assert_true(r == 0 || (why && why[0]));
	assert_true((r == 0) == (v->keys != NULL));
	return r;
}

static void test_edited(void **state)
{
	struct scratch *s = *state;
	create(s);
	struct vaultfile original, vf;
	load(s, &original);
	for (size_t i = 0; i < N_OF(edits); i++) {
		vf = original;
		edits[i].edit(&vf);
		store(s, &vf);
		CHECK_CASE(open_result(s) == -EUCLEAN, edits[i].what);
		fix_checksum(&vf);
		store(s, &vf);
		CHECK_CASE(unlock_result(s) == edits[i].want, edits[i].what);
	}
	store(s, &original);
	assert_int_equal(unlock_result(s), 0);
}

static void test_checksum_edited(void **state)
{
	struct scratch *s = *state;
	create(s);
	struct vaultfile vf;
	load(s, &vf);
	vf.checksum[5] ^= 4;
	store(s, &vf);
	assert_int_equal(open_result(s), -EUCLEAN);
}

/* A slot of another vault, whose secret is the same, must not open this one. */
static void test_foreign_slot(void **state)
{
	struct scratch *s = *state;
	struct vaultfile one, two;
	create(s);
	load(s, &one);
	assert_int_equal(unlinkat(s->fd, NAME_SETTINGS_FILE, 0), 0);
	create(s);
	load(s, &two);
	two.slots[0] = one.slots[0];
	fix_checksum(&two);
	store(s, &two);
	assert_int_equal(unlock_result(s), -EBADMSG);
}

static void test_newer(void **state)
{
	struct scratch *s = *state;
	static const char text[] = "{\"cryptfs\": 2, \"anything\": [\"else\"]}";
	store_text(s, text, strlen(text));
	assert_int_equal(open_result(s), -EPROTONOSUPPORT);
}

static void test_truncated(void **state)
{
	struct scratch *s = *state;
	static char text[VAULTFILE_MAX];
	create(s);
	ssize_t n = io_read_file(s->fd, NAME_SETTINGS_FILE, text, sizeof(text));
	assert_true(n > 0);
	_cleanup_fd_ int fd = openat(s->fd, NAME_SETTINGS_FILE, O_RDWR | O_CLOEXEC);
	for (ssize_t i = n - 2; i >= 0; i--) {
		assert_int_equal(ftruncate(fd, i), 0);
		assert_int_equal(open_result(s), -EUCLEAN);
	}
}

static void test_not_a_vault(void **state)
{
	struct scratch *s = *state;
	assert_int_equal(open_result(s), -ENOENT);
	assert_int_equal(mkfifoat(s->fd, NAME_SETTINGS_FILE, 0600), 0);
	assert_int_equal(open_result(s), -EUCLEAN);
	assert_int_equal(unlinkat(s->fd, NAME_SETTINGS_FILE, 0), 0);
	assert_int_equal(symlinkat("/dev/zero", s->fd, NAME_SETTINGS_FILE), 0);
	assert_int_equal(open_result(s), -EUCLEAN);
	assert_int_equal(unlinkat(s->fd, NAME_SETTINGS_FILE, 0), 0);
	assert_int_equal(mkdirat(s->fd, NAME_SETTINGS_FILE, 0700), 0);
	assert_int_equal(open_result(s), -EUCLEAN);
}

static void as_backup(const struct scratch *s, const struct vaultfile *vf)
{
	_cleanup_free_ char *text = vaultfile_print(vf);
	assert_non_null(text);
	assert_int_equal(io_replace_file(s->fd, NAME_SETTINGS_BACKUP, NULL, text, strlen(text), 0600), 0);
}

static void test_backup(void **state)
{
	struct scratch *s = *state;
	struct vaultfile vf;
	static const char newer[] = "{\"cryptfs\": 2}";
	create(s);
	struct vault *v _cleanup_vault_ = open_ok(s);
	assert_int_equal(vault_check_backup(v, s->fd), -ENOENT);
	load(s, &vf);
	as_backup(s, &vf);
	assert_int_equal(vault_check_backup(v, s->fd), 0);
	vf.slots[0].wrapped[3] ^= 1;
	as_backup(s, &vf);
	assert_int_equal(vault_check_backup(v, s->fd), -EUCLEAN);
	vf.slots[0].wrapped[3] ^= 1;
	vf.vault_id[0] ^= 1; /* whole, and of another vault */
	fix_checksum(&vf);
	as_backup(s, &vf);
	assert_int_equal(vault_check_backup(v, s->fd), -EUCLEAN);
	assert_int_equal(io_replace_file(s->fd, NAME_SETTINGS_BACKUP, NULL, newer, strlen(newer), 0600), 0);
	assert_int_equal(vault_check_backup(v, s->fd), -EPROTONOSUPPORT);
	assert_int_equal(unlinkat(s->fd, NAME_SETTINGS_BACKUP, 0), 0);
	assert_int_equal(mkdirat(s->fd, NAME_SETTINGS_BACKUP, 0700), 0);
	assert_int_equal(vault_check_backup(v, s->fd), -EUCLEAN);
}

static void test_giant(void **state)
{
	struct scratch *s = *state;
	create(s);
	_cleanup_fd_ int fd = openat(s->fd, NAME_SETTINGS_FILE, O_RDWR | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	assert_int_equal(open_result(s), -EUCLEAN);
}

/* Two secrets, one master key. Only a vault with its key can make this; the test knows how. */
static void add_slot(struct vaultfile *vf, const struct vault_secret *old,
		     const struct vault_secret *new)
{
	_cleanup_key_ struct key32 *master = keymem_alloc(sizeof(*master));
	_cleanup_key_ struct key32 *key = keymem_alloc(sizeof(*key));
	assert_int_equal(keyslot_open(&vf->slots[0], vf->vault_id, old, master), 0);
	struct vaultfile_slot *slot = &vf->slots[vf->n_slots++];
	*slot = vf->slots[0];
	slot->slot = 7;
	slot->kind = new->kind;
	assert_int_equal(keyslot_seal(slot, vf->vault_id, new, master), 0);
	uint8_t record[VAULTFILE_RECORD_MAX];
	kdf_derive(master, "cfs-sett", key->b, sizeof(key->b));
	kdf_hash(vf->mac, sizeof(vf->mac), key->b, sizeof(key->b), record,
		 vaultfile_record(record, vf), NULL, 0);
	fix_checksum(vf);
}

static void test_two_slots(void **state)
{
	struct scratch *s = *state;
	struct vault_secret first = pass("open sesame"), second = pass("second"),
			    third = pass("third");
	struct vaultfile vf;
	create(s);
	load(s, &vf);
	add_slot(&vf, &first, &second);
	store(s, &vf);
	const char *why;
	uint32_t slot = 99;
	struct vault *a _cleanup_vault_ = open_ok(s);
	struct vault *b _cleanup_vault_ = open_ok(s);
	assert_int_equal(vault_unlock(a, &third, &slot, &why), -EKEYREJECTED);
	assert_int_equal(vault_unlock(a, &second, &slot, &why), 0);
	assert_int_equal(slot, 7);
	assert_int_equal(vault_unlock(b, &first, &slot, &why), 0);
	assert_int_equal(slot, 0);
	assert_memory_equal(a->keys, b->keys, sizeof(*a->keys));
	/* The same secret, taken out of its slot. */
	vf.slots[0] = vf.slots[1];
	vf.n_slots = 1;
	fix_checksum(&vf);
	store(s, &vf);
	assert_int_equal(unlock_result(s), -EKEYREJECTED);
}

static void test_keyslot_refuses(void **state)
{
	(void)state;
	const uint8_t id[VAULTFILE_ID_LEN] = { 0 };
	struct vaultfile_slot slot = { .kind = VAULTFILE_PASSPHRASE,
				       .kdf = VAULTFILE_ARGON2ID,
				       .memory_kib = 8192,
				       .passes = 1,
				       .lanes = 1 };
	_cleanup_key_ struct key32 *master = keymem_alloc(sizeof(*master));
	struct vault_secret p = pass("x"), none = pass(""),
			    other = secret_of(VAULTFILE_KEYFILE, "x");
	assert_int_equal(keyslot_seal(&slot, id, &none, master), -EINVAL);
	assert_int_equal(keyslot_seal(&slot, id, &other, master), -EINVAL);
	slot.memory_kib = UINT32_MAX;
	assert_int_equal(keyslot_seal(&slot, id, &p, master), -EINVAL);
	assert_int_equal(keyslot_open(&slot, id, &p, master), -EKEYREJECTED);
	slot.memory_kib = 8192;
	assert_int_equal(keyslot_seal(&slot, id, &p, master), 0);
	assert_int_equal(keyslot_open(&slot, id, &p, master), 0);
}

/* The arena is full: an error, and what was taken is given back. */
static void test_arena_full(void **state)
{
	struct scratch *s = *state;
	static void *p[65536];
	create(s);
	struct vault *v _cleanup_vault_ = open_ok(s);
	struct vault_secret secret = pass("open sesame");
	const char *why;
	size_t n = 0;
	while (n < N_OF(p) && (p[n] = keymem_alloc(64)))
		n++;
	size_t used = keymem_in_use();
	for (size_t room = 0; room < 24; room++) {
		int r = vault_unlock(v, &secret, NULL, &why);
		if (r == 0)
			break;
		assert_int_equal(r, -ENOMEM);
		assert_null(v->keys);
		assert_int_equal(keymem_in_use(), used);
		keymem_free(p[--n]);
		used -= 64;
	}
	assert_non_null(v->keys);
	while (n > 0)
		keymem_free(p[--n]);
}

/* flock is of the open file, so another open of the directory is another user. */
static void test_lock(void **state)
{
	struct scratch *s = *state;
	_cleanup_fd_ int other = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int third = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(lock_vault(s->fd, false), 0);
	assert_int_equal(lock_vault(other, false), 0);
	assert_int_equal(lock_vault(third, true), -EBUSY);
	assert_int_equal(lock_vault(third, false), 0);
	close(third);
	assert_int_equal(lock_vault(other, true), -EBUSY);
	cleanup_fd(&other);
	other = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(lock_vault(s->fd, true), 0);
	assert_int_equal(lock_vault(other, false), -EBUSY);
	assert_int_equal(lock_vault(-1, true), -EBADF);
	assert_int_equal(scratch_count(s), 0);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, scratch_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_create),
		T(test_create_options),
		T(test_create_refuses),
		T(test_create_exists),
		T(test_unlock),
		T(test_subkeys),
		T(test_wrong_secret),
		T(test_random_secret_kinds),
		T(test_edited),
		T(test_checksum_edited),
		T(test_foreign_slot),
		T(test_newer),
		T(test_truncated),
		T(test_not_a_vault),
		T(test_backup),
		T(test_giant),
		T(test_two_slots),
		T(test_keyslot_refuses),
		T(test_arena_full),
		T(test_lock),
	};
	return RUN_TAP(tests, group_setup, group_teardown);
}
