/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ciphers, in one thread and on what they are used for: blocks of files, names, the unlocking of a passphrase.
 */
#include "cli/bench.h"

#include <errno.h>
#include <string.h>

#include "crypto/aead.h"
#include "crypto/rng.h"
#include "crypto/siv.h"
#include "offline/inspect.h" /* sizes and labels of the format */

#define REQUEST 32u /* blocks: their nonces count up, as in one request of 128 KiB */
#define NAME_BYTES 32u
#define BATCH 256u /* names between two looks at the clock */
#define UNLOCK_SECONDS 1.0 /* the default of init */

static void cleanup_aead(struct aead **a)
{
	aead_free(*a);
}

static void cleanup_siv(struct siv **s)
{
	siv_free(*s);
}

/* ---- blocks ---- */

struct blocks {
	uint8_t plain[CONTENT_PAYLOAD];
	uint8_t sealed[REQUEST][CONTENT_PAYLOAD];
	uint8_t tag[REQUEST][AEAD_TAG_LEN];
	uint8_t ad[CONTENT_META_LEN + 8];
	uint8_t nonce[AEAD_NONCE_LEN];
};

/* One request, sealed or opened. */
static int one_request(struct aead *a, struct blocks *b, bool seal)
{
	int r = 0;
	for (unsigned int i = 0; r == 0 && i < REQUEST; i++) {
		b->nonce[16] = (uint8_t)i;
		uint8_t *sealed = b->sealed[i], *tag = b->tag[i];
		r = seal ? aead_seal(a, b->nonce, b->ad, sizeof(b->ad), b->plain, CONTENT_PAYLOAD, sealed, tag) :
			   aead_open(a, b->nonce, b->ad, sizeof(b->ad), sealed, CONTENT_PAYLOAD, b->plain, tag);
	}
	return r;
}

static int blocks_rate(struct aead *a, struct blocks *b, bool seal, double seconds, double *rate)
{
	double began = bench_now(), took;
	uint64_t bytes = 0;
	int r = 0;
	do {
		if (seal) /* what is opened has to stay what was sealed */
			rng_bytes(b->nonce, sizeof(b->nonce));
		r = one_request(a, b, seal);
		bytes += (uint64_t)REQUEST * CONTENT_PAYLOAD;
		took = bench_now() - began;
	} while (r == 0 && took < seconds);
	*rate = (double)bytes / took;
	return r;
}

static int cipher(enum aead_backend backend, double seconds, struct bench_cipher *out)
{
	struct aead *a _cleanup_(cleanup_aead) = NULL;
	_cleanup_key_ struct key32 *key = keymem_alloc(sizeof(*key));
	_cleanup_free_ struct blocks *b = calloc(1, sizeof(*b));
	int r = aead_use(backend);
	if (r == 0 && (!key || !b || !(a = aead_new())))
		r = -ENOMEM;
	if (r < 0)
		return r;
	rng_bytes(key->b, sizeof(key->b));
	rng_bytes(b->plain, sizeof(b->plain));
	aead_set_key(a, key);
	out->name = aead_backend_name();
	r = blocks_rate(a, b, true, seconds, &out->seal);
	return r == 0 ? blocks_rate(a, b, false, seconds, &out->open) : r;
}

static int ciphers(double seconds, struct bench_crypto *out)
{
	static const enum aead_backend backends[] = { AEAD_LIBCRYPTO, AEAD_SODIUM };
	const char *chosen = aead_backend_name();
	enum aead_backend back = AEAD_SODIUM;
	int r = 0;
	for (size_t i = 0; r == 0 && i < BENCH_CIPHERS; i++) {
		struct bench_cipher *c = &out->cipher[out->n];
		r = cipher(backends[i], seconds, c);
		if (r == -ENOTSUP) {
			r = 0;
			continue;
		}
		if (r == 0 && (c->used = strcmp(c->name, chosen) == 0))
			back = backends[i];
		out->n += r == 0;
	}
	(void)aead_use(back);
	return r;
}

/* ---- names ---- */

static int names(double seconds, struct bench_crypto *out)
{
	struct siv *s _cleanup_(cleanup_siv) = NULL;
	_cleanup_key_ uint8_t *key = keymem_alloc(SIV_KEY_LEN);
	const size_t label = strlen(NAME_LABEL);
	uint8_t id[NAME_DIR_ID_LEN], name[NAME_BYTES], sealed[NAME_BYTES + SIV_TAG_LEN];
	if (!key)
		return -ENOMEM;
	rng_bytes(key, SIV_KEY_LEN);
	rng_bytes(id, sizeof(id));
	rng_bytes(name, sizeof(name));
	if (!(s = siv_new(key)))
		return -ENOMEM;
	for (int way = 0; way < 2; way++) {
		double began = bench_now(), took, n = 0;
		do {
			for (unsigned int i = 0; i < BATCH; i++) {
				if (way == 0)
					siv_seal(s, NAME_LABEL, label, id, sizeof(id), name, sizeof(name), sealed);
				else if (siv_open(s, NAME_LABEL, label, id, sizeof(id), sealed, sizeof(sealed),
						  name) < 0)
					return -EIO;
			}
			n += BATCH;
			took = bench_now() - began;
		} while (took < seconds);
		*(way == 0 ? &out->names_sealed : &out->names_opened) = n / took;
	}
	return 0;
}

/* ---- unlocking ---- */

static int unlocking(struct bench_crypto *out)
{
	static const char secret[] = "a passphrase of some length";
	_cleanup_key_ struct key32 *key = keymem_alloc(sizeof(*key));
	_cleanup_key_ uint8_t *bytes = keymem_alloc(sizeof(secret));
	uint8_t salt[KDF_SALT_LEN];
	if (!key || !bytes)
		return -ENOMEM;
	memcpy(bytes, secret, sizeof(secret));
	rng_bytes(salt, sizeof(salt));
	int r = kdf_calibrate(&out->cost, UNLOCK_SECONDS, 0);
	double began = bench_now();
	if (r == 0)
		r = kdf_argon2id(key, bytes, sizeof(secret) - 1, salt, &out->cost);
	out->unlock = bench_now() - began;
	return r;
}

int bench_crypto(double seconds, struct bench_crypto *out)
{
	*out = (struct bench_crypto){ .n = 0 };
	bench_tell("measuring the cipher of files");
	int r = ciphers(seconds, out);
	bench_tell("measuring the cipher of names");
	if (r == 0)
		r = names(seconds, out);
	bench_tell("measuring how long unlocking takes");
	return r == 0 ? unlocking(out) : r;
}
