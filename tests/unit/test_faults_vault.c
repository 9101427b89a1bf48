/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every call that making, opening and changing a vault's settings makes fails once: they are the old or the new. */
#include "base/io.h"
#include "faults.h"
#include "vault/vault.h"

#define OLD "the old settings\n"
#define NEW "the new settings, which are longer\n"
#define BACKUP "backup"

/* A secret that is random needs no Argon2id. */
static const uint8_t key[] = "a key of 32 bytes, all of it here";
static const struct vault_secret secret = { VAULTFILE_KEYFILE, key, 32 };
static const struct vault_options options = { .label = "label" };

static size_t names_in(const struct faults *z)
{
	return scratch_count(z->x->dir);
}

static void begin_nothing(struct faults *z)
{
	(void)z;
}

/* ---- making ---- */

static int run_create(struct faults *z)
{
	return vault_create(z->x->dir->fd, &secret, &options);
}

/* Does it open? */
static int vault_opens(const struct faults *z)
{
	struct vault *v _cleanup_vault_ = NULL;
	const char *why;
	int r = vault_open(z->x->dir->fd, &v, &why);
	return r < 0 ? r : vault_unlock(v, &secret, NULL, &why);
}

static void judge_create(struct faults *z)
{
	/* It is there, but the directory could not be synced. */
	bool there = z->result < 0 && z->fault.kind == INJECT_SYNC && names_in(z) == 1;
	if (z->fault.kind < 0)
		FAULTS_EQUAL(z->result, 0);
	if (z->result == 0 || there) {
		FAULTS_EQUAL(vault_opens(z), 0);
		FAULTS_EQUAL(names_in(z), 1);
		return;
	}
	FAULTS_EQUAL(-z->result, fault_errno(&z->fault));
	FAULTS_EQUAL(vault_opens(z), -ENOENT);
	if (z->fault.kind != INJECT_UNLINK)
		FAULTS_EQUAL(names_in(z), 0);
	FAULTS_EQUAL(run_create(z), 0);
	FAULTS_EQUAL(vault_opens(z), 0);
}

/* ---- opening ---- */

static void begin_made(struct faults *z)
{
	assert_int_equal(run_create(z), 0);
}

static int run_open(struct faults *z)
{
	return vault_opens(z);
}

static void judge_open(struct faults *z)
{
	if (z->fault.kind < 0)
		FAULTS_EQUAL(z->result, 0);
	if (z->result < 0)
		FAULTS_EQUAL(-z->result, fault_errno(&z->fault));
	FAULTS_EQUAL(vault_opens(z), 0);
}

/* ---- changing ---- */

static void begin_old(struct faults *z)
{
	assert_int_equal(io_create_file(z->x->dir->fd, "settings", OLD, strlen(OLD), 0600, NULL), 0);
}

static int run_replace(struct faults *z)
{
	return io_replace_file(z->x->dir->fd, "settings", z->op->arg, NEW, strlen(NEW), 0600);
}

static bool holds(const struct faults *z, const char *name, const char *text)
{
	char there[128];
	ssize_t n = io_read_file(z->x->dir->fd, name, there, sizeof(there));
	return n == (ssize_t)strlen(text) && memcmp(there, text, (size_t)n) == 0;
}

static void judge_replace(struct faults *z)
{
	bool is_new = holds(z, "settings", NEW);
	if (z->fault.kind < 0)
		FAULTS_EQUAL(z->result, 0);
	if (z->result < 0 && !(is_new && z->fault.kind == INJECT_SYNC))
		FAULTS_CHECK(holds(z, "settings", OLD));
	if (z->result == 0)
		FAULTS_CHECK(is_new && (!z->op->arg || holds(z, BACKUP, OLD)));
	if (z->fault.kind != INJECT_UNLINK)
		FAULTS_CHECK(names_in(z) <= (z->op->arg ? 2 : 1));
	FAULTS_EQUAL(run_replace(z), 0);
	FAULTS_CHECK(holds(z, "settings", NEW));
}

static void test_vault(void **state)
{
	static const struct faults_op ops[] = {
		{ "create", begin_nothing, run_create, judge_create, begin_nothing, NULL, true },
		{ "open", begin_made, run_open, judge_open, begin_nothing, NULL, true },
		{ "replace", begin_old, run_replace, judge_replace, begin_nothing, NULL, true },
		{ "replace, keeping the old", begin_old, run_replace, judge_replace, begin_nothing, BACKUP, true },
	};
	(void)state;
	for (size_t i = 0; i < N_OF(ops); i++)
		faults_all(&ops[i]);
	faults_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vault),
	};
	return RUN_TAP(tests, faults_group_setup, faults_group_teardown);
}
