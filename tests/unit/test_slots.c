/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes of slots and of the master key: in memory, saved, and while others change them too. */
#include "vaults.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "vault/epoch.h"
#include "vault/lock.h"
#include "vault/slots.h"

static const struct kdf_cost none = { 0, 0, 0 };
#define FIRST "open sesame"

static struct vault *open_ok(const struct scratch *s)
{
	struct vault *v = NULL;
	const char *why = NULL;
	assert_int_equal(vault_open(s->fd, &v, &why), 0);
	return v;
}

/* A vault with one passphrase, its settings read. */
static struct vault *make(const struct scratch *s)
{
	struct vault_secret p = pass(FIRST);
	struct vault_options opt = { .cost = cheap, .slot_label = "first" };
	assert_int_equal(vault_create(s->fd, &p, &opt), 0);
	return open_ok(s);
}

static int master_by(const struct vault *v, struct vault_secret secret, struct key32 *master, uint32_t *slot)
{
	const char *why = NULL;
	int r = vault_master(v, &secret, master, slot, &why);
	assert_true(r == 0 || why);
	return r;
}

static struct key32 *master_of(const struct vault *v)
{
	struct key32 *m = keymem_alloc(sizeof(*m));
	assert_non_null(m);
	assert_int_equal(master_by(v, pass(FIRST), m, NULL), 0);
	return m;
}

/* What a secret gives of the vault as it lies there now. */
static int opens(const struct scratch *s, struct vault_secret secret, uint32_t *slot)
{
	struct vault *v _cleanup_vault_ = open_ok(s);
	const char *why = NULL;
	return vault_unlock(v, &secret, slot, &why);
}

static uint32_t add(struct vault *v, const struct key32 *m, struct vault_secret secret, struct kdf_cost cost)
{
	struct slot_choice c = { .cost = cost };
	uint32_t slot = VAULTFILE_SLOTS;
	assert_int_equal(slots_add(&v->settings, m, &secret, &c, &slot), 0);
	return slot;
}

static void test_add(void **state)
{
	const struct scratch *s = *state;
	struct vault *v _cleanup_vault_ = make(s);
	_cleanup_key_ struct key32 *m = master_of(v);
	uint32_t slot = 99;
	assert_int_equal(add(v, m, pass("second"), cheap), 1);
	assert_int_equal(add(v, m, secret_of(VAULTFILE_RECOVERY, "twenty random bytes!"), none), 2);
	assert_int_equal(add(v, m, secret_of(VAULTFILE_KEYFILE_PASSPHRASE, "second"), cheap), 3);
	assert_int_equal(opens(s, pass("second"), &slot), -EKEYREJECTED); /* not saved yet */
	assert_int_equal(vault_save(v, s->fd, m), 0);
	assert_int_equal(opens(s, pass("second"), &slot), 0);
	assert_int_equal(slot, 1);
	assert_int_equal(opens(s, secret_of(VAULTFILE_RECOVERY, "twenty random bytes!"), &slot), 0);
	assert_int_equal(slot, 2);
	assert_int_equal(opens(s, secret_of(VAULTFILE_KEYFILE_PASSPHRASE, "second"), &slot), 0);
	assert_int_equal(slot, 3);
	assert_int_equal(opens(s, secret_of(VAULTFILE_KEYFILE, "second"), &slot), -EKEYREJECTED);
	assert_int_equal(opens(s, pass(FIRST), &slot), 0);
	assert_int_equal(slot, 0);
}

static void test_all_numbers(void **state)
{
	const struct scratch *s = *state;
	struct vault *v _cleanup_vault_ = make(s);
	_cleanup_key_ struct key32 *m = master_of(v);
	struct vault_secret one_more = secret_of(VAULTFILE_KEYRING, "random");
	struct slot_choice c = { .cost = none };
	uint32_t slot;
	for (uint32_t i = 1; i < VAULTFILE_SLOTS; i++)
		assert_int_equal(add(v, m, one_more, none), i);
	assert_int_equal(slots_add(&v->settings, m, &one_more, &c, &slot), -ENOSPC);
	assert_int_equal(slots_remove(&v->settings, 7), 0);
	assert_int_equal(slots_remove(&v->settings, 31), 0);
	assert_null(slots_find(&v->settings, 7));
	assert_int_equal(v->settings.n_slots, VAULTFILE_SLOTS - 2);
	assert_int_equal(add(v, m, one_more, none), 7);
	assert_int_equal(add(v, m, one_more, none), 31);
	assert_int_equal(vault_save(v, s->fd, m), 0);
	assert_int_equal(opens(s, pass(FIRST), &slot), 0);
}

static void test_refused(void **state)
{
	const struct scratch *s = *state;
	struct vault *v _cleanup_vault_ = make(s);
	_cleanup_key_ struct key32 *m = master_of(v);
	struct vault_secret p = pass("x"), empty = pass("");
	const struct {
		const char *what;
		struct vault_secret *secret;
		struct slot_choice choice;
		int want;
	} cases[] = {
		{ "a passphrase without Argon2id", &p, { .cost = none }, -EINVAL },
		{ "an empty one", &empty, { .cost = cheap }, -EINVAL },
		{ "below the floor", &p, { .cost = { 8191, 1, 1 } }, -EINVAL },
		{ "too many passes", &p, { .cost = { 8192, 65, 1 } }, -EINVAL },
		{ "a label with a line feed", &p, { .label = "a\nb", .cost = cheap }, -EINVAL },
		{ "a label that is no UTF-8", &p, { .label = "\xff", .cost = cheap }, -EINVAL },
	};
	const struct vaultfile before = v->settings;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t slot = 0;
		CHECK_CASE(slots_add(&v->settings, m, cases[i].secret, &cases[i].choice, &slot) == cases[i].want,
			   cases[i].what);
		CHECK_CASE(slots_change(&v->settings, m, 0, cases[i].secret, &cases[i].choice) == cases[i].want,
			   cases[i].what);
		CHECK_CASE(memcmp(&before, &v->settings, sizeof(before)) == 0, cases[i].what);
	}
	assert_int_equal(slots_change(&v->settings, m, 1, &p, &(struct slot_choice){ .cost = cheap }), -ENOENT);
	assert_int_equal(slots_remove(&v->settings, 1), -ENOENT);
	assert_int_equal(slots_remove(&v->settings, 0), -EBUSY);
}

/* All slots of a vault together may cost a reader only so much; the one that is replaced does not count. */
static void test_work_of_all(void **state)
{
	const struct scratch *s = *state;
	struct vault *v _cleanup_vault_ = make(s);
	_cleanup_key_ struct key32 *m = master_of(v);
	struct vault_secret p = pass("x");
	const struct slot_choice c = { .cost = cheap };
	uint32_t slot;
	v->settings.slots[0].memory_kib = 4194304;
	v->settings.slots[0].passes = 16;
	v->settings.slots[1] = v->settings.slots[0];
	v->settings.slots[1].slot = 1;
	v->settings.n_slots = 2;
	assert_int_equal(slots_add(&v->settings, m, &p, &c, &slot), -E2BIG);
	assert_int_equal(slots_change(&v->settings, m, 1, &p, &c), 0);
}

static void test_change(void **state)
{
	const struct scratch *s = *state;
	struct vault *v _cleanup_vault_ = make(s);
	_cleanup_key_ struct key32 *m = master_of(v);
	struct vault_secret p = pass("changed");
	const struct vaultfile_slot before = v->settings.slots[0];
	const struct slot_choice c = { .cost = { 16384, 2, 1 } };
	uint32_t slot = 99;
	assert_int_equal(slots_change(&v->settings, m, 0, &p, &c), 0);
	assert_string_equal(v->settings.slots[0].label, "first");
	assert_memory_not_equal(v->settings.slots[0].salt, before.salt, sizeof(before.salt));
	assert_memory_not_equal(v->settings.slots[0].nonce, before.nonce, sizeof(before.nonce));
	assert_int_equal(vault_save(v, s->fd, m), 0);
	assert_int_equal(opens(s, pass(FIRST), &slot), -EKEYREJECTED);
	assert_int_equal(opens(s, pass("changed"), &slot), 0);
	assert_int_equal(slot, 0);
	/* An old copy opens with the old secret: nothing can change that but a new master key. */
	struct vault *old _cleanup_vault_ = NULL;
	const char *why;
	struct vault_secret first = pass(FIRST);
	assert_int_equal(vault_read(s->fd, NAME_SETTINGS_BACKUP, &old, &why), 0);
	assert_int_equal(vault_unlock(old, &first, &slot, &why), 0);
}

static void test_warnings(void **state)
{
	const struct scratch *s = *state;
	struct vault *v _cleanup_vault_ = make(s);
	_cleanup_key_ struct key32 *m = master_of(v);
	assert_int_equal(slots_may_remove(&v->settings, 0), SLOTS_LAST);
	add(v, m, secret_of(VAULTFILE_KEYFILE, "k"), cheap);
	assert_int_equal(slots_may_remove(&v->settings, 0), SLOTS_LAST_TYPED);
	assert_int_equal(slots_may_remove(&v->settings, 1), SLOTS_FINE);
	add(v, m, secret_of(VAULTFILE_KEYFILE_PASSPHRASE, "k"), cheap);
	assert_int_equal(slots_may_remove(&v->settings, 0), SLOTS_LAST_TYPED);
	add(v, m, secret_of(VAULTFILE_RECOVERY, "r"), none);
	assert_int_equal(slots_may_remove(&v->settings, 0), SLOTS_FINE);
	assert_int_equal(slots_may_remove(&v->settings, 9), SLOTS_FINE);
}

static void test_wrong_master(void **state)
{
	const struct scratch *s = *state;
	struct vault *v _cleanup_vault_ = make(s);
	_cleanup_key_ struct key32 *m = keymem_alloc(sizeof(*m));
	memset(m, 0xee, sizeof(*m));
	assert_int_equal(master_by(v, pass("wrong"), m, NULL), -EKEYREJECTED);
	v->settings.coherency = VAULTFILE_SHARED;
	assert_int_equal(master_by(v, pass(FIRST), m, NULL), -EBADMSG);
	static const struct key32 zeros;
	assert_memory_equal(m, &zeros, sizeof(zeros)); /* what is not to be used is not handed out */
}

/* ---- a new master key ---- */

static void begin(struct vault *v, const struct scratch *s, struct key32 *fresh)
{
	_cleanup_key_ struct key32 *m = master_of(v);
	struct vault_secret new = pass("new");
	assert_int_equal(add(v, m, new, cheap), 1);
	assert_int_equal(epoch_begin(v, m, &new, 2, fresh), -ENOENT);
	assert_int_equal(v->settings.n_slots, 2);
	assert_int_equal(epoch_begin(v, m, &new, 1, fresh), 0);
	assert_memory_not_equal(m, fresh, sizeof(*m));
	assert_int_equal(v->settings.n_slots, 1);
	assert_int_equal(v->settings.slots[0].slot, 1);
	assert_int_equal(epoch_save(v, s->fd, fresh), 0);
}

static void test_epoch(void **state)
{
	const struct scratch *s = *state;
	struct vault *v _cleanup_vault_ = make(s), *before _cleanup_vault_ = open_ok(s), *both _cleanup_vault_ = NULL;
	_cleanup_key_ struct key32 *fresh = keymem_alloc(sizeof(*fresh));
	const char *why;
	struct vault_secret first = pass(FIRST), new = pass("new");
	assert_int_equal(vault_unlock(before, &first, NULL, &why), 0);
	begin(v, s, fresh);
	assert_int_equal(epoch_begin(v, fresh, &new, 1, fresh), -EALREADY);
	assert_int_equal(opens(s, pass(FIRST), NULL), -EKEYREJECTED);

	both = open_ok(s);
	assert_int_equal(both->settings.epoch, 1);
	assert_int_equal(vault_unlock(both, &new, NULL, &why), 0);
	assert_non_null(both->past);
	assert_int_equal(both->past->settings.epoch, 0);
	assert_memory_equal(both->past->keys, before->keys, sizeof(*before->keys));
	assert_memory_not_equal(both->keys->content.b, before->keys->content.b, 32);
	assert_memory_not_equal(both->keys->root_id, before->keys->root_id, sizeof(before->keys->root_id));

	both->settings.previous.there = false;
	assert_int_equal(epoch_save(both, s->fd, fresh), 0);
	struct vault *after _cleanup_vault_ = open_ok(s), *bak _cleanup_vault_ = NULL;
	assert_int_equal(vault_unlock(after, &new, NULL, &why), 0);
	assert_null(after->past);
	/* An older state would not open what has been sealed meanwhile: no copy of it lies there. */
	assert_int_equal(vault_read(s->fd, NAME_SETTINGS_BACKUP, &bak, &why), 0);
	assert_int_equal(bak->settings.epoch, 1);
	assert_false(bak->settings.previous.there);
}

static void test_epoch_damaged(void **state)
{
	const struct scratch *s = *state;
	struct vault *v _cleanup_vault_ = make(s);
	_cleanup_key_ struct key32 *fresh = keymem_alloc(sizeof(*fresh));
	begin(v, s, fresh);
	v->settings.previous.wrapped[20] ^= 1;
	assert_int_equal(vault_save(v, s->fd, fresh), -EIO); /* the MAC would be right */
	v->settings.previous.wrapped[20] ^= 1;
	v->settings.epoch = 2; /* which the wrapping is bound to */
	assert_int_equal(vault_save(v, s->fd, fresh), -EIO);
	assert_int_equal(opens(s, pass("new"), NULL), 0);
}

static void test_last_epoch(void **state)
{
	const struct scratch *s = *state;
	struct vault *v _cleanup_vault_ = make(s);
	_cleanup_key_ struct key32 *m = master_of(v), *fresh = keymem_alloc(sizeof(*fresh));
	v->settings.epoch = VAULTFILE_EPOCH_MAX;
	struct vault_secret p = pass(FIRST);
	assert_int_equal(epoch_begin(v, m, &p, 0, fresh), -EOVERFLOW);
	assert_int_equal(v->settings.n_slots, 1);
}

/* ---- who else changes them ---- */

static void *let_go(void *arg)
{
	const struct timespec moment = { 0, 300 * 1000000L };
	(void)nanosleep(&moment, NULL);
	(void)close(*(int *)arg);
	return NULL;
}

static void test_lock(void **state)
{
	const struct scratch *s = *state;
	struct vault *v _cleanup_vault_ = make(s);
	_cleanup_key_ struct key32 *m = master_of(v);
	int fd = -1, again = -1;
	pthread_t t;
	assert_int_equal(lock_settings(s->fd, &fd), 0);
	/* Whoever waits gets the lock of what has been put in its place meanwhile. */
	assert_int_equal(vault_save(v, s->fd, m), 0);
	int other = -1;
	assert_int_equal(lock_settings(s->fd, &other), 0);
	close(fd);
	assert_int_equal(pthread_create(&t, NULL, let_go, &other), 0);
	assert_int_equal(lock_settings(s->fd, &again), 0);
	pthread_join(t, NULL);
	close(again);
	assert_int_equal(unlinkat(s->fd, NAME_SETTINGS_FILE, 0), 0);
	assert_int_equal(lock_settings(s->fd, &again), -ENOENT);
}

#define SCRATCH_TEST(fn) cmocka_unit_test_setup_teardown(fn, scratch_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(test_add),		 SCRATCH_TEST(test_all_numbers),   SCRATCH_TEST(test_refused),
		SCRATCH_TEST(test_work_of_all),	 SCRATCH_TEST(test_change),	   SCRATCH_TEST(test_warnings),
		SCRATCH_TEST(test_wrong_master), SCRATCH_TEST(test_epoch),	   SCRATCH_TEST(test_epoch_damaged),
		SCRATCH_TEST(test_last_epoch),	 SCRATCH_TEST(test_lock),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
