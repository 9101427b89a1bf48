/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "crypto/aead.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/log.h"
#include "crypto/aead_backend.h"

#define COMPARE_MAX 4032

static const struct aead_ops *const backends[] = {
	[AEAD_SODIUM] = &aead_sodium_ops,
#ifdef HAVE_LIBCRYPTO
	[AEAD_LIBCRYPTO] = &aead_libcrypto_ops,
#endif
};
#define N_BACKENDS (sizeof(backends) / sizeof(backends[0]))

static bool works[N_BACKENDS];
static const struct aead_ops *chosen = &aead_sodium_ops;

static struct aead *new_with(const struct aead_ops *ops)
{
	_cleanup_key_ struct aead *a = keymem_alloc(sizeof(*a));
	if (!a)
		return NULL;
	a->ops = ops;
	if (ops->begin(a) < 0)
		return NULL;
	return TAKE_PTR(a);
}

struct aead *aead_new(void)
{
	return new_with(chosen);
}

void aead_free(struct aead *a)
{
	if (!a)
		return;
	a->ops->clear(a);
	a->ops->end(a);
	keymem_free(a);
}

static void aead_cleanup(struct aead **a)
{
	aead_free(*a);
}

void aead_set_key(struct aead *a, const struct key32 *key)
{
	a->key = *key;
	a->has_subkey = false;
}

void aead_clear(struct aead *a)
{
	a->ops->clear(a);
	sodium_memzero(&a->key, sizeof(a->key));
	sodium_memzero(&a->subkey, sizeof(a->subkey));
	a->has_subkey = false;
}

/* The blocks of one request count up in the last 8 bytes of the nonce, so they share a subkey. */
static void prepare(struct aead *a, struct aead_job *job,
		    const uint8_t nonce[static AEAD_NONCE_LEN])
{
	memset(job->nonce, 0, 4);
	memcpy(job->nonce + 4, nonce + AEAD_PREFIX_LEN, AEAD_NONCE_LEN - AEAD_PREFIX_LEN);
	if (a->has_subkey && memcmp(a->prefix, nonce, AEAD_PREFIX_LEN) == 0)
		return;
	crypto_core_hchacha20(a->subkey.b, nonce, a->key.b, NULL);
	memcpy(a->prefix, nonce, AEAD_PREFIX_LEN);
	a->has_subkey = true;
	a->subkey_is_new = true;
}

int aead_seal(struct aead *a, const uint8_t nonce[static AEAD_NONCE_LEN], const void *ad,
	      size_t ad_len, const uint8_t *in, size_t n, uint8_t *out,
	      uint8_t tag[static AEAD_TAG_LEN])
{
	struct aead_job job = { .ad = ad, .ad_len = ad_len, .in = in, .n = n, .out = out };
	prepare(a, &job, nonce);
	return a->ops->seal(a, &job, tag);
}

int aead_open(struct aead *a, const uint8_t nonce[static AEAD_NONCE_LEN], const void *ad,
	      size_t ad_len, const uint8_t *in, size_t n, uint8_t *out,
	      const uint8_t tag[static AEAD_TAG_LEN])
{
	struct aead_job job = { .ad = ad, .ad_len = ad_len, .in = in, .n = n, .out = out };
	prepare(a, &job, nonce);
	int r = a->ops->open(a, &job, tag);
	if (r < 0)
		sodium_memzero(out, n);
	return r;
}

/* draft-irtf-cfrg-xchacha-03, A.3.1 */
static const uint8_t kat_text[] =
	"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
	"future, sunscreen would be it.";
#define KAT_LEN (sizeof(kat_text) - 1)
static const uint8_t kat_ad[12] = { 0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1,
				    0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7 };
static const uint8_t kat_cipher[KAT_LEN] = {
	0xbd, 0x6d, 0x17, 0x9d, 0x3e, 0x83, 0xd4, 0x3b, 0x95, 0x76, 0x57, 0x94, 0x93, 0xc0, 0xe9,
	0x39, 0x57, 0x2a, 0x17, 0x00, 0x25, 0x2b, 0xfa, 0xcc, 0xbe, 0xd2, 0x90, 0x2c, 0x21, 0x39,
	0x6c, 0xbb, 0x73, 0x1c, 0x7f, 0x1b, 0x0b, 0x4a, 0xa6, 0x44, 0x0b, 0xf3, 0xa8, 0x2f, 0x4e,
	0xda, 0x7e, 0x39, 0xae, 0x64, 0xc6, 0x70, 0x8c, 0x54, 0xc2, 0x16, 0xcb, 0x96, 0xb7, 0x2e,
	0x12, 0x13, 0xb4, 0x52, 0x2f, 0x8c, 0x9b, 0xa4, 0x0d, 0xb5, 0xd9, 0x45, 0xb1, 0x1b, 0x69,
	0xb9, 0x82, 0xc1, 0xbb, 0x9e, 0x3f, 0x3f, 0xac, 0x2b, 0xc3, 0x69, 0x48, 0x8f, 0x76, 0xb2,
	0x38, 0x35, 0x65, 0xd3, 0xff, 0xf9, 0x21, 0xf9, 0x66, 0x4c, 0x97, 0x63, 0x7d, 0xa9, 0x76,
	0x88, 0x12, 0xf6, 0x15, 0xc6, 0x8b, 0x13, 0xb5, 0x2e,
};
static const uint8_t kat_tag[AEAD_TAG_LEN] = { 0xc0, 0x87, 0x59, 0x24, 0xc1, 0xc7, 0x98, 0x79,
					       0x47, 0xde, 0xaf, 0xd8, 0x78, 0x0a, 0xcf, 0x49 };

static void kat_key(struct aead *a, uint8_t nonce[static AEAD_NONCE_LEN])
{
	struct key32 key;
	for (unsigned int i = 0; i < sizeof(key.b); i++)
		key.b[i] = (uint8_t)(0x80 + i);
	for (unsigned int i = 0; i < AEAD_NONCE_LEN; i++)
		nonce[i] = (uint8_t)(0x40 + i);
	aead_set_key(a, &key);
}

static bool known_answer(const struct aead_ops *ops)
{
	struct aead *a _cleanup_(aead_cleanup) = new_with(ops);
	uint8_t nonce[AEAD_NONCE_LEN], tag[AEAD_TAG_LEN], out[KAT_LEN];
	if (!a)
		return false;
	kat_key(a, nonce);
	if (aead_seal(a, nonce, kat_ad, sizeof(kat_ad), kat_text, KAT_LEN, out, tag) < 0 ||
	    memcmp(out, kat_cipher, KAT_LEN) != 0 || memcmp(tag, kat_tag, sizeof(tag)) != 0)
		return false;
	if (aead_open(a, nonce, kat_ad, sizeof(kat_ad), kat_cipher, KAT_LEN, out, kat_tag) < 0 ||
	    memcmp(out, kat_text, KAT_LEN) != 0)
		return false;
	tag[0] ^= 1;
	return aead_open(a, nonce, kat_ad, sizeof(kat_ad), kat_cipher, KAT_LEN, out, tag) ==
	       -EBADMSG;
}

/* What one seals the other opens, to the same tag; n bytes and, but for n = 1, up to 96 of AD. */
static bool agree_on(struct aead *x, struct aead *y, size_t n)
{
	static uint8_t in[COMPARE_MAX], out[COMPARE_MAX];
	uint8_t nonce[AEAD_NONCE_LEN], tag_x[AEAD_TAG_LEN], tag_y[AEAD_TAG_LEN];
	size_t ad_len = n == 1 ? 0 : n < 96 ? n : 96;
	for (size_t i = 0; i < n; i++)
		in[i] = (uint8_t)(i * 7 + n);
	kat_key(x, nonce);
	kat_key(y, nonce);
	if (aead_seal(x, nonce, in, ad_len, in, n, out, tag_x) < 0 ||
	    aead_open(y, nonce, in, ad_len, out, n, out, tag_x) < 0 || memcmp(in, out, n) != 0)
		return false;
	nonce[AEAD_NONCE_LEN - 1]++; /* now with the subkey it has */
	return aead_seal(x, nonce, in, ad_len, in, n, out, tag_x) == 0 &&
	       aead_seal(y, nonce, in, ad_len, in, n, out, tag_y) == 0 &&
	       memcmp(tag_x, tag_y, sizeof(tag_x)) == 0;
}

static bool agree(const struct aead_ops *one, const struct aead_ops *other)
{
	static const size_t lengths[] = { 0,  1,   15,	16,   63,   64,
					  65, 255, 511, 1025, 3968, COMPARE_MAX };
	struct aead *x _cleanup_(aead_cleanup) = new_with(one);
	struct aead *y _cleanup_(aead_cleanup) = new_with(other);
	if (!x || !y)
		return false;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		if (!agree_on(x, y, lengths[i]) || !agree_on(y, x, lengths[i]))
			return false;
	}
	return true;
}

int aead_init(void)
{
	for (size_t i = 0; i < N_BACKENDS; i++) {
		if (backends[i]->init() < 0)
			continue; /* a libcrypto that was built without ChaCha20, say */
		if (!known_answer(backends[i]) || !agree(backends[i], backends[AEAD_SODIUM])) {
			log_error("%s encrypts wrongly on this machine", backends[i]->name);
			return -EIO;
		}
		works[i] = true;
		chosen = backends[i]; /* the last, which is the fastest */
	}
	return works[AEAD_SODIUM] ? 0 : -EIO;
}

int aead_use(enum aead_backend backend)
{
	if ((size_t)backend >= N_BACKENDS || !works[backend])
		return -ENOTSUP;
	chosen = backends[backend];
	return 0;
}

const char *aead_backend_name(void)
{
	return chosen->name;
}
