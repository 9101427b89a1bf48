/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory for secrets: one arena, locked, between guard pages, kept out of core dumps, wiped piece by
 * piece; where the kernel has memfd_secret(2), memory that the kernel itself cannot read. Everything
 * that is or unlocks a key lives here and nowhere else. A forked child has none of it: there
 * keymem_alloc gives NULL until it has called keymem_init for itself, and touching what the parent
 * allocated is fatal.
 */
#ifndef CRYPTFS_CRYPTO_KEYMEM_H
#define CRYPTFS_CRYPTO_KEYMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/* Initialise libsodium and the arena. Returns 0, -ENOMEM if memory cannot be had or locked
 * (RLIMIT_MEMLOCK), or -EIO if libsodium does not start. Calling it again does nothing. */
int keymem_init(void);

/* A zeroed piece of n bytes, 64-byte aligned, or NULL if the arena is full. Thread-safe. */
void *keymem_alloc(size_t n);

/* Wipe and give back. keymem_free(NULL) does nothing. Thread-safe. */
void keymem_free(void *p);

/* What the arena is, for people. Static text. */
const char *keymem_kind(void);

/* How many bytes are handed out; for tests and leak checks. */
size_t keymem_in_use(void);

/* Wipe memory that is not in the arena (a stack buffer that held a secret for a moment). */
void keymem_wipe(void *p, size_t n);

/* Compare in a time that depends on n alone. */
bool keymem_equal(const void *a, const void *b, size_t n);

/* Wipe and give back everything; the arena is gone. Nothing may be using it. */
void keymem_exit(void);

static inline void keymem_cleanup(void *p)
{
	keymem_free(*(void **)p);
}

#define _cleanup_key_ _cleanup_(keymem_cleanup)

/* A 32-byte key; a type of its own so that it cannot pass for a buffer. Lives in the arena. */
struct key32 {
	uint8_t b[32];
};

#endif
