/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of src/store share: an unlocked vault under a fixed key on a scratch directory. */
#ifndef CRYPTFS_TESTS_STORE_H
#define CRYPTFS_TESTS_STORE_H

/* src/store has a struct scratch of its own. */
#define scratch unit_dir
#include "unit.h"
#undef scratch

#include <ftw.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "store/scratch.h"
#include "store/store.h"

struct fixture {
	struct unit_dir *dir;
	struct vault vault;
	struct store *st;
	struct aead *aead; /* the tests' own */
	struct key32 *key;
};

static inline int fixture_group_setup(void **state)
{
	(void)state;
	return keymem_init() < 0 ? -1 : aead_init();
}

static inline int fixture_group_teardown(void **state)
{
	(void)state;
	keymem_exit();
	return 0;
}

/* The keys of doc/format.md section 2, of the master key of its worked example: 0, 1 .. 31. */
static inline int fixture_unlock(struct vault *v)
{
	uint8_t siv_key[SIV_KEY_LEN];
	_cleanup_key_ struct key32 *master = keymem_alloc(sizeof(*master));
	v->keys = keymem_alloc(sizeof(*v->keys));
	if (!master || !v->keys)
		return -1;
	count_up(master->b, sizeof(master->b), 0);
	kdf_derive(master, "cfs-cont", v->keys->content.b, 32);
	kdf_derive(master, "cfs-xavl", v->keys->xattr_values.b, 32);
	kdf_derive(master, "cfs-link", v->keys->links.b, 32);
	kdf_derive(master, "cfs-dmac", v->keys->dir_mac.b, 32);
	kdf_derive(master, "cfs-root", v->keys->root_id, 16);
	kdf_derive(master, "cfs-name", siv_key, sizeof(siv_key));
	v->names = siv_new(siv_key);
	kdf_derive(master, "cfs-xanm", siv_key, sizeof(siv_key));
	v->xattr_names = siv_new(siv_key);
	return v->names && v->xattr_names ? 0 : -1;
}

static inline int fixture_setup(void **state)
{
	void *dir = NULL;
	struct fixture *x = calloc(1, sizeof(*x));
	if (!x || scratch_setup(&dir) != 0)
		return -1;
	x->dir = dir;
	x->aead = aead_new();
	x->key = keymem_alloc(sizeof(*x->key));
	if (!x->aead || !x->key || fixture_unlock(&x->vault) != 0 ||
	    store_open(&x->vault, x->dir->fd, false, &x->st) != 0)
		return -1;
	/* There was no earlier process whose side files must go to the disk with all that is on it. */
	x->st->side.overflow = false;
	*state = x;
	return 0;
}

static inline int fixture_remove(const char *path, const struct stat *sb, int type, struct FTW *at)
{
	(void)sb;
	(void)type;
	return at->level == 0 ? 0 : remove(path);
}

/* Nothing of a test's may stay in the arena. */
static inline int fixture_teardown(void **state)
{
	struct fixture *x = *state;
	store_free(x->st);
	scratch_drop();
	siv_free(x->vault.names);
	siv_free(x->vault.xattr_names);
	keymem_free(x->vault.keys);
	aead_free(x->aead);
	keymem_free(x->key);
	size_t left = keymem_in_use();
	(void)nftw(x->dir->path, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
	void *dir = x->dir;
	int r = scratch_teardown(&dir);
	free(x);
	return left == 0 ? r : -1;
}

#define FIXTURE_TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

/* A small generator of numbers, the same on every machine. */
struct dice {
	uint64_t s;
};

static inline uint64_t dice_below(struct dice *d, uint64_t n)
{
	d->s ^= d->s << 13;
	d->s ^= d->s >> 7;
	d->s ^= d->s << 17;
	return d->s % n;
}

static inline void dice_fill(struct dice *d, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)dice_below(d, 256);
}

#endif
