/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the fuzzers that have keys share: an unlocked vault under a fixed master key on a scratch directory, random
 * numbers that are the same in every run, and a reader of recipes. The fuzzer holds the keys, so that its inputs need
 * not be ciphertext: they are recipes from which ciphertext is made, properly sealed or not.
 */
#ifndef CRYPTFS_TESTS_FUZZ_VAULT_H
#define CRYPTFS_TESTS_FUZZ_VAULT_H

#include <limits.h>
#include <stdbool.h>

#include "crypto/aead.h"
#include "fuzz.h"
#include "store/store.h"

struct fuzz_vault {
	struct vault vault;
	struct key32 *master; /* 0, 1 .. 31 */
	struct aead *aead;    /* the fuzzer's own */
	struct store *st;
	int root_fd;
	char root[PATH_MAX]; /* a new directory in TMPDIR or /dev/shm, removed at exit */
};

/* Made at the first call, the same ever after; aborts if it cannot be had. Nothing is logged from then on. */
struct fuzz_vault *fuzz_vault(void);

/* Begin the sequence of random numbers again: the same input has the same nonces. */
void fuzz_random_restart(void);

/* Remove everything below the scratch directory. */
void fuzz_clear_root(const struct fuzz_vault *v);

/* Is it one of the errors that damage, or what is not permitted on a damaged file, may give? */
bool fuzz_is_damage(int r);

/* A recipe. Behind its end everything is zero. */
struct recipe {
	const uint8_t *p;
	size_t n;
};

uint64_t recipe_uint(struct recipe *r, size_t bytes); /* little-endian, 1..8 bytes */

static inline uint8_t recipe_u8(struct recipe *r)
{
	return (uint8_t)recipe_uint(r, 1);
}

static inline uint16_t recipe_u16(struct recipe *r)
{
	return (uint16_t)recipe_uint(r, 2);
}

static inline uint32_t recipe_u32(struct recipe *r)
{
	return (uint32_t)recipe_uint(r, 4);
}

static inline uint64_t recipe_u64(struct recipe *r)
{
	return recipe_uint(r, 8);
}

/* Up to n bytes as they stand; *got tells how many. */
const uint8_t *recipe_bytes(struct recipe *r, size_t n, size_t *got);

#endif
