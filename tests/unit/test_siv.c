/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit.h"

#include "base/bytes.h"
#include "crypto/keymem.h"
#include "crypto/siv.h"

static int setup(void **state)
{
	(void)state;
	return keymem_init();
}

static int teardown(void **state)
{
	(void)state;
	size_t left = keymem_in_use();
	keymem_exit();
	return left == 0 ? 0 : -1;
}

static void cleanup_siv(struct siv **s)
{
	siv_free(*s);
}

#define _cleanup_siv_ _cleanup_(cleanup_siv)

static struct siv *new_counting(void)
{
	uint8_t key[SIV_KEY_LEN];
	count_up(key, sizeof(key), 0);
	struct siv *s = siv_new(key);
	assert_non_null(s);
	return s;
}

/* python3-cryptography: AESSIV(0..63).encrypt(text, [ad, nonce]); nonces count up from nonce_first, or
 * are zeros. */
static const struct {
	const char *name;
	const char *ad;
	int nonce_first;
	const char *text;
	size_t n;
	const char *want;
} known[] = {
	{ "name", "cryptfs name v1", 0, "hello.txt\0\0\0\0\0\0", 16,
	  "9d4a006e1f16ad8e6e32657dbe12faeb4c398316b67052a026684bf1cd06d30d" },
	{ "name in another directory", "cryptfs name v1", 1, "hello.txt\0\0\0\0\0\0", 16,
	  "d936963b2bb9e0f4d9aea1b74f0fe3e744a3cf3046056deba27f2e5244bfcf63" },
	{ "attribute, no whole block", "cryptfs xattr v1", -1, "mime_type", 9,
	  "b49c51d56c029bb54eb6e3e61433267039d532d1e9961d9321" },
};

static void test_known(void **state)
{
	(void)state;
	struct siv *s _cleanup_siv_ = new_counting();
	for (size_t i = 0; i < N_OF(known); i++) {
		uint8_t nonce[16] = { 0 }, in[16], out[32];
		size_t ad_len = strlen(known[i].ad), n = known[i].n;
		if (known[i].nonce_first >= 0)
			count_up(nonce, sizeof(nonce), (unsigned int)known[i].nonce_first);
		memcpy(in, known[i].text, n);
		siv_seal(s, known[i].ad, ad_len, nonce, sizeof(nonce), in, n, out);
		assert_hex(out, known[i].want);
		memset(in, 0xee, sizeof(in));
		CHECK_CASE(siv_open(s, known[i].ad, ad_len, nonce, sizeof(nonce), out,
				    n + SIV_TAG_LEN, in) == 0,
			   known[i].name);
		CHECK_CASE(memcmp(in, known[i].text, n) == 0, known[i].name);
	}
}

static void test_known_longest(void **state)
{
	(void)state;
	struct siv *s _cleanup_siv_ = new_counting();
	uint8_t nonce[16], in[256], out[272];
	count_up(nonce, sizeof(nonce), 0);
	count_up(in, 200, 0x30);
	memset(in + 200, 'Z', 56);
	siv_seal(s, "cryptfs name v1", 15, nonce, sizeof(nonce), in, sizeof(in), out);
	assert_hex(out, "3ea67afccf710e2bd277eb0abe428c744b059a33aa3329352e7d4a7a2f78828d"
			"cc6df242bc506642a6bcde53b49c36a0f33be403bd5b3eaf56fba7505883fdaa"
			"5915b6c4786aa770605a39857551d056d65b1fa6ef5e0a871e9f8b7c5bf99a0e"
			"52775fbcfbeb41128942173a4d0378b6a8fd956ea7df6749f23fdeba13d18e19"
			"1ecdbf7f2a5d6db7f9571813b59fb380f28d2f2d816ea368312cc09e1413b981"
			"5c8660dcacb0548d9fc069c1d3d10fc3be82796bbb8b1787d10a6ad1ef5e6a68"
			"db5f4995a0987b6eb3184e4bae4db99d9a1c0c471d1f7f8fe874680713910d22"
			"88d647f308ffd738fcbc9ce791639a2cbd57002b3a1e48a8809daab4c07f0ef1"
			"b255333bf6163300f0ef5052593c09c4");
}

static void test_every_length(void **state)
{
	(void)state;
	struct siv *s _cleanup_siv_ = new_counting();
	uint8_t in[300], out[316], back[300];
	count_up(in, sizeof(in), 1);
	for (size_t n = 0; n <= sizeof(in); n++) {
		siv_seal(s, "a", 1, "n", 1, in, n, out);
		assert_int_equal(siv_open(s, "a", 1, "n", 1, out, n + SIV_TAG_LEN, back), 0);
		assert_memory_equal(in, back, n);
	}
}

static void test_too_short(void **state)
{
	(void)state;
	struct siv *s _cleanup_siv_ = new_counting();
	uint8_t in[16] = { 0 }, out[16];
	for (size_t n = 0; n < SIV_TAG_LEN; n++)
		assert_int_equal(siv_open(s, "a", 1, "n", 1, in, n, out), -EBADMSG);
}

/* Each bit of the sealed name counts, and what failed to open is wiped. */
static void test_bit_flips(void **state)
{
	(void)state;
	struct siv *s _cleanup_siv_ = new_counting();
	uint8_t in[16] = "name", sealed[32], out[16];
	siv_seal(s, "label", 5, "0123456789abcdef", 16, in, sizeof(in), sealed);
	for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		memset(out, 0xcc, sizeof(out));
		assert_int_equal(siv_open(s, "label", 5, "0123456789abcdef", 16, sealed,
					  sizeof(sealed), out),
				 -EBADMSG);
		assert_true(bytes_are_zero(out, sizeof(out)));
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void test_bound_to_ad_and_nonce(void **state)
{
	(void)state;
	struct siv *s _cleanup_siv_ = new_counting();
	uint8_t in[16] = "name", sealed[32], out[16];
	siv_seal(s, "ab", 2, "cd", 2, in, sizeof(in), sealed);
	assert_int_equal(siv_open(s, "ab", 2, "cd", 2, sealed, sizeof(sealed), out), 0);
	assert_int_equal(siv_open(s, "aB", 2, "cd", 2, sealed, sizeof(sealed), out), -EBADMSG);
	assert_int_equal(siv_open(s, "ab", 2, "cD", 2, sealed, sizeof(sealed), out), -EBADMSG);
	/* The border between the two is part of it. */
	assert_int_equal(siv_open(s, "abc", 3, "d", 1, sealed, sizeof(sealed), out), -EBADMSG);
	assert_int_equal(siv_open(s, "cd", 2, "ab", 2, sealed, sizeof(sealed), out), -EBADMSG);
}

static void test_other_key(void **state)
{
	(void)state;
	struct siv *s _cleanup_siv_ = new_counting();
	uint8_t key[SIV_KEY_LEN], in[16] = "name", sealed[32], out[16];
	siv_seal(s, "a", 1, "n", 1, in, sizeof(in), sealed);
	for (size_t i = 0; i < sizeof(key); i += 31) { /* both halves */
		count_up(key, sizeof(key), 0);
		key[i] ^= 0x80;
		struct siv *other _cleanup_siv_ = siv_new(key);
		assert_int_equal(siv_open(other, "a", 1, "n", 1, sealed, sizeof(sealed), out),
				 -EBADMSG);
	}
}

static void test_arena_full(void **state)
{
	(void)state;
	static void *p[65536];
	const uint8_t key[SIV_KEY_LEN] = { 0 };
	size_t n = 0;
	while (n < N_OF(p) && (p[n] = keymem_alloc(64)))
		n++;
	assert_null(siv_new(key));
	while (n > 0)
		keymem_free(p[--n]);
	siv_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),	     cmocka_unit_test(test_known_longest),
		cmocka_unit_test(test_every_length), cmocka_unit_test(test_too_short),
		cmocka_unit_test(test_bit_flips),    cmocka_unit_test(test_bound_to_ad_and_nonce),
		cmocka_unit_test(test_other_key),    cmocka_unit_test(test_arena_full),
	};
	return RUN_TAP(tests, setup, teardown);
}
