/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every test runs on each backend that is built in. */
#include "unit.h"

#include "base/bytes.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"

static int setup(void **state)
{
	(void)state;
	return keymem_init() < 0 ? -1 : aead_init();
}

static int teardown(void **state)
{
	(void)state;
	size_t left = keymem_in_use();
	keymem_exit();
	return left == 0 ? 0 : -1;
}

static void cleanup_aead(struct aead **a)
{
	aead_free(*a);
}

#define _cleanup_aead_ _cleanup_(cleanup_aead)

static struct aead *new_counting(unsigned int first)
{
	_cleanup_key_ struct key32 *key = keymem_alloc(sizeof(*key));
	assert_non_null(key);
	count_up(key->b, sizeof(key->b), first);
	struct aead *a = aead_new();
	assert_non_null(a);
	aead_set_key(a, key);
	return a;
}

static void test_draft_vector(void)
{
	static const char text[] =
		"Ladies and Gentlemen of the class of '99: If I could offer you only "
		"one tip for the future, sunscreen would be it.";
	struct aead *a _cleanup_aead_ = new_counting(0x80);
	uint8_t nonce[AEAD_NONCE_LEN], ad[12], out[114], tag[AEAD_TAG_LEN];
	count_up(nonce, sizeof(nonce), 0x40);
	unhex(ad, "50515253c0c1c2c3c4c5c6c7");
	assert_int_equal(aead_seal(a, nonce, ad, sizeof(ad), (const uint8_t *)text, 114, out, tag),
			 0);
	assert_hex(out, "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
			"731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
			"2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
			"21f9664c97637da9768812f615c68b13b52e");
	assert_hex(tag, "c0875924c1c7987947deafd8780acf49");
	assert_int_equal(aead_open(a, nonce, ad, sizeof(ad), out, sizeof(out), out, tag), 0);
	assert_memory_equal(out, text, sizeof(out));
}

/* PyNaCl: key and nonce count up from 0, AD is 32 bytes likewise, byte i of the text is 13 i + 5. */
static const struct {
	const char *name;
	size_t n;
	const char *tag;
	const char *hash; /* BLAKE2b-256 of the ciphertext */
} known[] = {
	{ "empty", 0, "d17c7277fadcb5d5fe0dbc4896dd8271",
	  "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8" },
	{ "one byte", 1, "f1314834164a736fa90086f539d38301",
	  "d7642104ddd3fbfb9159c9b86e2225fd9bbf638c582ce797330910fc1ade9f15" },
	{ "a block", 4032, "709b7bb52d50ac276f3b0a6910003a1e",
	  "18ade28eba8b8e1f7ee38a6453b4ac442fe819d2c4af285eb726cda05bd5a3f1" },
};

static void test_known(void)
{
	struct aead *a _cleanup_aead_ = new_counting(0);
	for (size_t i = 0; i < N_OF(known); i++) {
		static uint8_t in[4032], out[4032];
		uint8_t nonce[AEAD_NONCE_LEN], ad[32], tag[AEAD_TAG_LEN], hash[32];
		for (size_t k = 0; k < known[i].n; k++)
			in[k] = (uint8_t)(k * 13 + 5);
		count_up(nonce, sizeof(nonce), 0);
		count_up(ad, sizeof(ad), 0);
		CHECK_CASE(aead_seal(a, nonce, ad, sizeof(ad), in, known[i].n, out, tag) == 0,
			   known[i].name);
		assert_hex(tag, known[i].tag);
		kdf_hash(hash, sizeof(hash), NULL, 0, out, known[i].n, NULL, 0);
		assert_hex(hash, known[i].hash);
		CHECK_CASE(aead_open(a, nonce, ad, sizeof(ad), out, known[i].n, out, tag) == 0,
			   known[i].name);
		CHECK_CASE(memcmp(in, out, known[i].n) == 0, known[i].name);
	}
}

/* In place gives the same as apart. */
static void test_in_place(void)
{
	struct aead *a _cleanup_aead_ = new_counting(1);
	uint8_t nonce[AEAD_NONCE_LEN] = { 7 }, in[300], out[300], tag[AEAD_TAG_LEN],
		tag2[AEAD_TAG_LEN];
	count_up(in, sizeof(in), 0);
	assert_int_equal(aead_seal(a, nonce, "ad", 2, in, sizeof(in), out, tag), 0);
	assert_int_equal(aead_seal(a, nonce, "ad", 2, in, sizeof(in), in, tag2), 0);
	assert_memory_equal(in, out, sizeof(in));
	assert_memory_equal(tag, tag2, sizeof(tag));
}

/* Blocks of one request share a subkey; each must open alone, in any order, with a fresh context too. */
static void test_counted_nonces(void)
{
	enum { BLOCKS = 8, LEN = 64 };
	struct aead *a _cleanup_aead_ = new_counting(2);
	uint8_t nonce[BLOCKS][AEAD_NONCE_LEN], out[BLOCKS][LEN], tag[BLOCKS][AEAD_TAG_LEN];
	const uint8_t zeros[LEN] = { 0 };
	for (unsigned int i = 0; i < BLOCKS; i++) {
		memset(nonce[i], 0x5a, AEAD_NONCE_LEN);
		put_le64(nonce[i] + 16, 0xfffffffffffffffc + i); /* wraps round */
		assert_int_equal(aead_seal(a, nonce[i], NULL, 0, zeros, LEN, out[i], tag[i]), 0);
	}
	for (unsigned int i = BLOCKS; i-- > 0;) {
		uint8_t back[LEN];
		struct aead *fresh _cleanup_aead_ = new_counting(2);
		assert_int_equal(aead_open(a, nonce[i], NULL, 0, out[i], LEN, back, tag[i]), 0);
		assert_memory_equal(back, zeros, LEN);
		assert_int_equal(aead_open(fresh, nonce[i], NULL, 0, out[i], LEN, back, tag[i]), 0);
		assert_memory_equal(back, zeros, LEN);
		if (i > 0)
			assert_memory_not_equal(out[i], out[i - 1], LEN);
	}
}

/* The same nonce under another key must not meet the cached subkey. */
static void test_key_change(void)
{
	_cleanup_key_ struct key32 *key = keymem_alloc(sizeof(*key));
	struct aead *a _cleanup_aead_ = new_counting(3);
	uint8_t nonce[AEAD_NONCE_LEN] = { 0 }, one[32] = { 0 }, two[32] = { 0 }, again[32] = { 0 };
	uint8_t tag[AEAD_TAG_LEN];
	aead_seal(a, nonce, NULL, 0, one, sizeof(one), one, tag);
	count_up(key->b, sizeof(key->b), 4);
	aead_set_key(a, key);
	assert_int_equal(aead_open(a, nonce, NULL, 0, one, sizeof(one), again, tag), -EBADMSG);
	aead_seal(a, nonce, NULL, 0, two, sizeof(two), two, tag);
	assert_memory_not_equal(one, two, sizeof(one));
	aead_clear(a);
	count_up(key->b, sizeof(key->b), 3);
	aead_set_key(a, key);
	assert_int_equal(aead_seal(a, nonce, NULL, 0, again, sizeof(again), again, tag), 0);
	assert_memory_equal(one, again, sizeof(one));
}

enum { F_CIPHER, F_TAG, F_NONCE_PREFIX, F_NONCE_COUNT, F_AD, F_AD_SHORT, F_SHORT };

static const struct {
	const char *fault;
	int what;
} faults[] = {
	{ "ciphertext", F_CIPHER },
	{ "tag", F_TAG },
	{ "nonce, first part", F_NONCE_PREFIX },
	{ "nonce, counter", F_NONCE_COUNT },
	{ "additional data", F_AD },
	{ "shorter additional data", F_AD_SHORT },
	{ "shorter ciphertext", F_SHORT },
};

static void test_faults(void)
{
	struct aead *a _cleanup_aead_ = new_counting(5);
	for (size_t i = 0; i < N_OF(faults); i++) {
		uint8_t nonce[AEAD_NONCE_LEN] = { 1 }, ad[40] = { 2 }, buf[100] = { 3 },
			tag[AEAD_TAG_LEN];
		size_t ad_len = sizeof(ad), n = sizeof(buf);
		assert_int_equal(aead_seal(a, nonce, ad, ad_len, buf, n, buf, tag), 0);
		buf[99] ^= faults[i].what == F_CIPHER;
		tag[15] ^= (faults[i].what == F_TAG) << 7;
		nonce[0] ^= faults[i].what == F_NONCE_PREFIX;
		nonce[23] ^= faults[i].what == F_NONCE_COUNT;
		ad[39] ^= faults[i].what == F_AD;
		ad_len -= faults[i].what == F_AD_SHORT;
		n -= faults[i].what == F_SHORT;
		CHECK_CASE(aead_open(a, nonce, ad, ad_len, buf, n, buf, tag) == -EBADMSG,
			   faults[i].fault);
		CHECK_CASE(bytes_are_zero(buf, n), faults[i].fault);
	}
}

/* After a failure the context goes on as before. */
static void test_after_failure(void)
{
	struct aead *a _cleanup_aead_ = new_counting(6);
	uint8_t nonce[AEAD_NONCE_LEN] = { 0 }, text[50] = { 9 }, out[50], back[50],
		tag[AEAD_TAG_LEN];
	aead_seal(a, nonce, NULL, 0, text, sizeof(text), out, tag);
	tag[0] ^= 1;
	assert_int_equal(aead_open(a, nonce, NULL, 0, out, sizeof(out), back, tag), -EBADMSG);
	tag[0] ^= 1;
	assert_int_equal(aead_open(a, nonce, NULL, 0, out, sizeof(out), back, tag), 0);
	assert_memory_equal(back, text, sizeof(text));
}

static void test_no_leak(void)
{
	size_t before = keymem_in_use();
	aead_free(new_counting(7));
	aead_free(aead_new());
	aead_free(NULL);
	assert_int_equal(keymem_in_use(), before);
}

static void test_arena_full(void)
{
	static void *p[65536];
	size_t n = 0;
	while (n < N_OF(p) && (p[n] = keymem_alloc(64)))
		n++;
	assert_null(aead_new());
	while (n > 0)
		keymem_free(p[--n]);
}

static void test_backends(void **state)
{
	(void)state;
	assert_int_equal(aead_use((enum aead_backend)7), -ENOTSUP);
	assert_int_equal(aead_use(AEAD_SODIUM), 0);
	assert_int_equal(aead_init(), 0); /* chooses the fastest again */
	const char *name = aead_backend_name();
	bool crypto = aead_use(AEAD_LIBCRYPTO) == 0;
	assert_string_equal(name, crypto ? "libcrypto" : "libsodium");
}

static void test_backends_agree(void **state)
{
	(void)state;
	SKIP_IF(aead_use(AEAD_LIBCRYPTO) < 0, "one backend only");
	struct aead *x _cleanup_aead_ = new_counting(8);
	aead_use(AEAD_SODIUM);
	struct aead *y _cleanup_aead_ = new_counting(8);
	static uint8_t in[4100], out_x[4100], out_y[4100];
	count_up(in, sizeof(in), 11);
	for (size_t n = 0; n <= sizeof(in); n += n < 300 ? 1 : 95) {
		uint8_t nonce[AEAD_NONCE_LEN] = { 0 }, tag_x[AEAD_TAG_LEN], tag_y[AEAD_TAG_LEN];
		put_le64(nonce + (n % 3) * 8, n);
		aead_seal(x, nonce, in, n % 97, in, n, out_x, tag_x);
		aead_seal(y, nonce, in, n % 97, in, n, out_y, tag_y);
		assert_memory_equal(tag_x, tag_y, sizeof(tag_x));
		assert_memory_equal(out_x, out_y, n);
		assert_int_equal(aead_open(x, nonce, in, n % 97, out_y, n, out_y, tag_y), 0);
		assert_memory_equal(in, out_y, n);
	}
}

static void with(enum aead_backend b, void (*fn)(void))
{
	SKIP_IF(aead_use(b) == -ENOTSUP, "not built in");
	assert_string_equal(aead_backend_name(), b == AEAD_SODIUM ? "libsodium" : "libcrypto");
	fn();
}

#define BOTH(fn)                                 \
	static void fn##_sodium(void **state)    \
	{                                        \
		(void)state;                     \
		with(AEAD_SODIUM, fn);           \
	}                                        \
	static void fn##_libcrypto(void **state) \
	{                                        \
		(void)state;                     \
		with(AEAD_LIBCRYPTO, fn);        \
	}

BOTH(test_draft_vector)
BOTH(test_known)
BOTH(test_in_place)
BOTH(test_counted_nonces)
BOTH(test_key_change)
BOTH(test_faults)
BOTH(test_after_failure)
BOTH(test_no_leak)
BOTH(test_arena_full)

#define T(fn) cmocka_unit_test(fn##_sodium), cmocka_unit_test(fn##_libcrypto)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_draft_vector),
		T(test_known),
		T(test_in_place),
		T(test_counted_nonces),
		T(test_key_change),
		T(test_faults),
		T(test_after_failure),
		T(test_no_leak),
		T(test_arena_full),
		cmocka_unit_test(test_backends),
		cmocka_unit_test(test_backends_agree),
	};
	return RUN_TAP(tests, setup, teardown);
}
