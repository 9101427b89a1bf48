/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/kdf.h"

#include <argon2.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* The limits of doc/format.md section 7, which format/vaultfile.h has for its own room. */
#define MEMORY_MIN_KIB 8192u
#define MEMORY_MAX_KIB 4194304u
#define PASSES_MAX 64u
#define LANES_MAX 16u
#define WORK_MAX_KIB 67108864u
#define KIB_PER_LANE 8u

/* What calibration chooses by itself: RFC 9106's second recommendation is the least. */
#define AUTO_MEMORY_MIN_KIB (64u * 1024u)
#define AUTO_MEMORY_MAX_KIB (1024u * 1024u)
#define AUTO_PASSES_MIN 3u
#define AUTO_LANES 4u

void kdf_derive(const struct key32 *key, const char *ctx, uint8_t *out, size_t n)
{
	_Static_assert(sizeof(key->b) == crypto_kdf_KEYBYTES, "key length");
	if (crypto_kdf_derive_from_key(out, n, 1, ctx, key->b) != 0)
		abort(); /* a length that is not a constant of ours */
}

void kdf_hash(uint8_t *out, size_t n, const uint8_t *key, size_t key_len, const void *a,
	      size_t a_len, const void *b, size_t b_len)
{
	crypto_generichash_state st;
	if (crypto_generichash_init(&st, key, key ? key_len : 0, n) != 0)
		abort();
	crypto_generichash_update(&st, a, a_len);
	crypto_generichash_update(&st, b, b_len);
	crypto_generichash_final(&st, out, n);
	sodium_memzero(&st, sizeof(st));
}

struct kdf_stream {
	crypto_generichash_state st; /* wants 64-byte alignment, which the arena gives */
	size_t n;
};

struct kdf_stream *kdf_stream_new(size_t n, const uint8_t *key, size_t key_len)
{
	struct kdf_stream *s = keymem_alloc(sizeof(*s));
	if (!s)
		return NULL;
	if (crypto_generichash_init(&s->st, key, key ? key_len : 0, n) != 0)
		abort();
	s->n = n;
	return s;
}

void kdf_stream_add(struct kdf_stream *s, const void *p, size_t n)
{
	crypto_generichash_update(&s->st, p, n);
}

void kdf_stream_end(struct kdf_stream *s, uint8_t *out)
{
	if (crypto_generichash_final(&s->st, out, s->n) != 0)
		abort(); /* twice */
}

/* Too big to lock: at least keep it out of core dumps. Big pages, since Argon2 jumps about in it. */
static int map_memory(uint8_t **memory, size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return ARGON2_MEMORY_ALLOCATION_ERROR;
	(void)madvise(p, n, MADV_DONTDUMP);
	(void)madvise(p, n, MADV_HUGEPAGE);
	*memory = p;
	return ARGON2_OK;
}

/* libargon2 has wiped it (FLAG_clear_internal_memory, on by default). */
static void unmap_memory(uint8_t *memory, size_t n)
{
	(void)munmap(memory, n);
}

static uint64_t ram_kib(void)
{
	long pages = sysconf(_SC_PHYS_PAGES);
	long size = sysconf(_SC_PAGESIZE);
	return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size / 1024 : 0;
}

static uint32_t threads_for(uint32_t lanes)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	return cpus < 1 ? 1 : cpus < (long)lanes ? (uint32_t)cpus : lanes;
}

static int check_cost(const struct kdf_cost *c)
{
	if (c->lanes < 1 || c->lanes > LANES_MAX || c->passes < 1 || c->passes > PASSES_MAX)
		return -EINVAL;
	if (c->memory_kib < MEMORY_MIN_KIB || c->memory_kib > MEMORY_MAX_KIB)
		return -EINVAL;
	if (c->memory_kib < KIB_PER_LANE * c->lanes ||
	    (uint64_t)c->memory_kib * c->passes > WORK_MAX_KIB)
		return -EINVAL;
	return c->memory_kib > ram_kib() ? -ENOMEM : 0;
}

static int argon2_error(int r)
{
	switch (r) {
	case ARGON2_OK:
		return 0;
	case ARGON2_MEMORY_ALLOCATION_ERROR:
	case ARGON2_THREAD_FAIL:
		return -ENOMEM;
	default:
		return -EINVAL;
	}
}

int kdf_argon2id(struct key32 *out, const uint8_t *secret, size_t n,
		 const uint8_t salt[static KDF_SALT_LEN], const struct kdf_cost *cost)
{
	int r = check_cost(cost);
	if (r < 0)
		return r;
	if (n > UINT32_MAX)
		return -EINVAL;
	/* libargon2 wipes its copy as soon as it is hashed; the caller's is left alone. */
	_cleanup_key_ uint8_t *pwd = keymem_alloc(n);
	if (!pwd)
		return -ENOMEM;
	if (n > 0)
		memcpy(pwd, secret, n);
	uint8_t salt_copy[KDF_SALT_LEN];
	memcpy(salt_copy, salt, KDF_SALT_LEN);

	argon2_context ctx = {
		.out = out->b,
		.outlen = sizeof(out->b),
		.pwd = pwd,
		.pwdlen = (uint32_t)n,
		.salt = salt_copy,
		.saltlen = sizeof(salt_copy),
		.t_cost = cost->passes,
		.m_cost = cost->memory_kib,
		.lanes = cost->lanes,
		.threads = threads_for(cost->lanes), /* the result depends on lanes only */
		.version = ARGON2_VERSION_13,
		.allocate_cbk = map_memory,
		.free_cbk = unmap_memory,
		.flags = ARGON2_FLAG_CLEAR_PASSWORD,
	};
	return argon2_error(argon2id_ctx(&ctx));
}

static double now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int time_cost(const struct kdf_cost *cost, double *seconds)
{
	static const uint8_t secret[16] = "calibration";
	static const uint8_t salt[KDF_SALT_LEN] = "calibration";
	_cleanup_key_ struct key32 *out = keymem_alloc(sizeof(*out));
	if (!out)
		return -ENOMEM;
	double start = now();
	int r = kdf_argon2id(out, secret, sizeof(secret), salt, cost);
	double t = now() - start;
	*seconds = t > 1e-6 ? t : 1e-6; /* a divisor */
	return r;
}

static uint32_t clamp(double v, uint32_t lo, uint32_t hi)
{
	if (!(v > (double)lo))
		return lo;
	return v < (double)hi ? (uint32_t)v : hi;
}

static uint32_t auto_memory_max(void)
{
	uint64_t quarter = ram_kib() / 4;
	if (quarter < MEMORY_MIN_KIB)
		return MEMORY_MIN_KIB;
	return quarter < AUTO_MEMORY_MAX_KIB ? (uint32_t)quarter : AUTO_MEMORY_MAX_KIB;
}

/* Take the time of c, and spend what 'seconds' allow on memory first, up to most_kib, then on passes. */
static int adapt(struct kdf_cost *c, double seconds, const struct kdf_cost *least,
		 uint32_t most_kib)
{
	double t;
	int r = time_cost(c, &t);
	if (r < 0)
		return r;
	double work = seconds / t * (double)c->memory_kib * (double)c->passes;
	c->memory_kib = clamp(work / least->passes, least->memory_kib, most_kib);
	uint32_t passes_max = WORK_MAX_KIB / c->memory_kib;
	c->passes = clamp(work / c->memory_kib, least->passes,
			  passes_max < PASSES_MAX ? passes_max : PASSES_MAX);
	return 0;
}

int kdf_calibrate(struct kdf_cost *out, double seconds, uint32_t memory_kib)
{
	struct kdf_cost least = { .memory_kib = memory_kib, .passes = 1, .lanes = AUTO_LANES };
	uint32_t most_kib = memory_kib;
	if (!(seconds > 0))
		return -EINVAL;
	if (memory_kib == 0) {
		most_kib = auto_memory_max();
		least.memory_kib = most_kib < AUTO_MEMORY_MIN_KIB ? most_kib : AUTO_MEMORY_MIN_KIB;
		least.passes = AUTO_PASSES_MIN;
	}
	/* Once where it is cheap, once near the goal: the first touch of memory costs extra. */
	struct kdf_cost c = least;
	int r = adapt(&c, seconds, &least, most_kib);
	if (r == 0)
		r = adapt(&c, seconds, &least, most_kib);
	if (r < 0)
		return r;
	if (memory_kib == 0)
		c.memory_kib -= c.memory_kib % 1024;
	*out = c;
	return 0;
}
