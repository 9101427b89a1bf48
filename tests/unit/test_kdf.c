/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit.h"

#include <sys/resource.h>

#include "crypto/kdf.h"

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

/* RFC 7693 appendix A. */
static void test_hash_rfc7693(void **state)
{
	(void)state;
	uint8_t out[64];
	kdf_hash(out, 64, NULL, 0, "abc", 3, NULL, 0);
	assert_hex(out, "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
			"7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
}

/* Python's hashlib.blake2b. */
static void test_hash_lengths_and_key(void **state)
{
	(void)state;
	uint8_t out[64], key[64], msg[100];
	kdf_hash(out, 32, NULL, 0, "abc", 3, NULL, 0);
	assert_hex(out, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
	kdf_hash(out, 32, NULL, 0, NULL, 0, NULL, 0);
	assert_hex(out, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
	count_up(key, sizeof(key), 0);
	count_up(msg, sizeof(msg), 0);
	kdf_hash(out, 16, key, sizeof(key), msg, sizeof(msg), NULL, 0);
	assert_hex(out, "589430a2ee2c313fde5588d4762f24a5");
}

static void test_hash_concatenates(void **state)
{
	(void)state;
	uint8_t whole[32], parts[32], msg[100];
	count_up(msg, sizeof(msg), 3);
	kdf_hash(whole, sizeof(whole), msg, 16, msg, sizeof(msg), NULL, 0);
	for (size_t i = 0; i <= sizeof(msg); i += 25) {
		kdf_hash(parts, sizeof(parts), msg, 16, msg, i, msg + i, sizeof(msg) - i);
		assert_memory_equal(whole, parts, sizeof(whole));
	}
}

/* A message in pieces of the same length, and what kdf_hash makes of it. */
static void stream_in_pieces(const uint8_t *msg, size_t len, size_t piece, size_t n, size_t key_len)
{
	uint8_t want[64], got[65];
	const uint8_t *key = key_len > 0 ? msg : NULL;
	_cleanup_key_ struct kdf_stream *s = kdf_stream_new(n, key, key_len);
	assert_non_null(s);
	for (size_t at = 0; at < len; at += piece)
		kdf_stream_add(s, msg + at, len - at < piece ? len - at : piece);
	got[n] = 0x5a;
	kdf_stream_end(s, got);
	kdf_hash(want, n, key, key_len, msg, len, NULL, 0);
	assert_memory_equal(got, want, n);
	assert_int_equal(got[n], 0x5a);
}

/* Lengths about BLAKE2b's blocks of 128 bytes. */
static void test_stream(void **state)
{
	(void)state;
	static const size_t lengths[] = { 0, 1, 127, 128, 129, 255, 256, 257, 1000 };
	static const size_t pieces[] = { 1, 3, 127, 128, 129, 1000 };
	static const size_t hashes[] = { 16, 32, 64 };
	uint8_t msg[1000];
	count_up(msg, sizeof(msg), 5);
	for (size_t l = 0; l < N_OF(lengths); l++) {
		for (size_t p = 0; p < N_OF(pieces); p++) {
			for (size_t h = 0; h < N_OF(hashes); h++) {
				stream_in_pieces(msg, lengths[l], pieces[p], hashes[h], 0);
				stream_in_pieces(msg, lengths[l], pieces[p], hashes[h], 16);
				stream_in_pieces(msg, lengths[l], pieces[p], hashes[h], 64);
			}
		}
	}
}

/* RFC 7693 appendix A, a key that is gone, and pieces that are empty. */
static void test_stream_known(void **state)
{
	(void)state;
	uint8_t out[64], key[64], msg[100];
	_cleanup_key_ struct kdf_stream *abc = kdf_stream_new(64, NULL, 0);
	kdf_stream_add(abc, NULL, 0);
	kdf_stream_add(abc, "ab", 2);
	kdf_stream_add(abc, "", 0);
	kdf_stream_add(abc, "c", 1);
	kdf_stream_end(abc, out);
	assert_hex(out, "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
			"7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
	count_up(key, sizeof(key), 0);
	count_up(msg, sizeof(msg), 0);
	_cleanup_key_ struct kdf_stream *keyed = kdf_stream_new(16, key, sizeof(key));
	memset(key, 0, sizeof(key));
	kdf_stream_add(keyed, msg, sizeof(msg));
	kdf_stream_end(keyed, out);
	assert_hex(out, "589430a2ee2c313fde5588d4762f24a5"); /* as test_hash_lengths_and_key */
}

/* It gives back what it takes; and a full arena is told. */
static void test_stream_arena(void **state)
{
	(void)state;
	struct kdf_stream *s, *all[4096]; /* more than 1 MiB holds */
	size_t n = 0, before = keymem_in_use();
	while (n < N_OF(all) && (s = kdf_stream_new(32, NULL, 0)))
		all[n++] = s;
	assert_in_range(n, 1, N_OF(all) - 1);
	while (n > 0)
		keymem_free(all[--n]);
	assert_int_equal(keymem_in_use(), before);
}

/* Python's hashlib.blake2b with salt and person, as doc/format.md section 1 has it. */
static void test_derive(void **state)
{
	(void)state;
	_cleanup_key_ struct key32 *key = keymem_alloc(sizeof(*key));
	uint8_t out[64];
	count_up(key->b, sizeof(key->b), 0);
	kdf_derive(key, "cfs-cont", out, 32);
	assert_hex(out, "8124a70b6ee9cc444c5824a858ec6aee27b4c869cad57cb39d29ea2b11875a8d");
	kdf_derive(key, "cfs-name", out, 64);
	assert_hex(out, "1cc8af4f6767b92329687dba5fc6ef5d95a9fac59a02a203270c32d12dfc3ba8"
			"b01ca1a8c4b094ec88a226a0cd0c96961e6329a97629c78c55c0024d2c2b3f8a");
	kdf_derive(key, "cfs-root", out, 16);
	assert_hex(out, "4c834daf175902bf6172a6c5ec76860b");
}

/* argon2-cffi's hash_secret_raw, type ID, version 19. */
static const struct {
	const char *name;
	const char *secret;
	size_t len;
	uint8_t salt_first, salt_step;
	struct kdf_cost cost;
	const char *want;
} known[] = {
	/* clang-format off */
	{ "least", "correct horse battery staple", 28, 0, 1, { 8192, 1, 1 },
	  "9aeef75313e585f492c33c5e12d82e9ad253b7dd78632d537e899cd4eddd789c" },
	{ "passes and lanes", "correct horse battery staple", 28, 0, 1, { 8192, 3, 4 },
	  "a694a8bd40f6bd51da52510029df9734081fd3eceb2a981bd98f3a81f71950e2" },
	{ "one byte", "x", 1, 0xff, 0, { 16384, 2, 2 },
	  "06165a3b574774ed362e6e508a9ff8548e4e19cb5ac322af10df50ebe4304f5f" },
	{ "empty", "", 0, 0, 0, { 8192, 1, 1 },
	  "84eaad96ccdaa015b4bf9ac7bd48a571c32b63d721c2173a45148d9910e933c8" },
	/* clang-format on */
};

static void test_argon2id_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(known); i++) {
		_cleanup_key_ struct key32 *out = keymem_alloc(sizeof(*out));
		_cleanup_key_ uint8_t *secret = keymem_alloc(64);
		uint8_t salt[KDF_SALT_LEN], want[32];
		for (size_t k = 0; k < sizeof(salt); k++)
			salt[k] = (uint8_t)(known[i].salt_first + k * known[i].salt_step);
		memcpy(secret, known[i].secret, known[i].len);
		CHECK_CASE(kdf_argon2id(out, secret, known[i].len, salt, &known[i].cost) == 0,
			   known[i].name);
		unhex(want, known[i].want);
		CHECK_CASE(memcmp(out->b, want, sizeof(want)) == 0, known[i].name);
		/* The caller's copy is still there. */
		CHECK_CASE(memcmp(secret, known[i].secret, known[i].len) == 0, known[i].name);
	}
}

/* Longest passphrase, a NUL in front, memory that is no multiple of 4 * lanes. */
static void test_argon2id_long_secret(void **state)
{
	(void)state;
	_cleanup_key_ struct key32 *out = keymem_alloc(sizeof(*out));
	_cleanup_key_ uint8_t *secret = keymem_alloc(1023);
	uint8_t salt[KDF_SALT_LEN] = { 0 };
	struct kdf_cost cost = { 8200, 2, 3 };
	memset(secret + 3, 0xff, 1020);
	assert_int_equal(kdf_argon2id(out, secret, 1023, salt, &cost), 0);
	assert_hex(out->b, "820096ebf7a9f544a79352bedca3549c65d26932c080311af7ccee7064437bf0");
}

static const struct {
	const char *fault;
	struct kdf_cost cost;
} bad_costs[] = {
	{ "no memory", { 0, 1, 1 } },
	{ "memory below the floor", { 8191, 1, 1 } },
	{ "memory above the ceiling", { 4194305, 1, 1 } },
	{ "all the memory there is", { UINT32_MAX, 1, 1 } },
	{ "no passes", { 8192, 0, 1 } },
	{ "too many passes", { 8192, 65, 1 } },
	{ "passes without end", { 8192, UINT32_MAX, 1 } },
	{ "no lanes", { 8192, 1, 0 } },
	{ "too many lanes", { 8192, 1, 17 } },
	{ "lanes without end", { 8192, 1, UINT32_MAX } },
	{ "too much work", { 4194304, 17, 1 } },
};

static void test_argon2id_refuses(void **state)
{
	(void)state;
	_cleanup_key_ struct key32 *out = keymem_alloc(sizeof(*out));
	const uint8_t salt[KDF_SALT_LEN] = { 0 };
	for (size_t i = 0; i < N_OF(bad_costs); i++)
		CHECK_CASE(kdf_argon2id(out, salt, 4, salt, &bad_costs[i].cost) == -EINVAL,
			   bad_costs[i].fault);
}

/* Nothing is left behind when the mapping can't be had. */
static void test_argon2id_no_memory(void **state)
{
	(void)state;
	_cleanup_key_ struct key32 *out = keymem_alloc(sizeof(*out));
	const uint8_t salt[KDF_SALT_LEN] = { 0 };
	struct kdf_cost cost = { 1024 * 1024, 1, 1 };
	struct rlimit old, small;
	SKIP_IF(UNIT_SANITIZED, "sanitizers need address space");
	assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
	small = old;
	small.rlim_cur = 256 * 1024 * 1024;
	assert_int_equal(setrlimit(RLIMIT_AS, &small), 0);
	int r = kdf_argon2id(out, salt, 4, salt, &cost);
	assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
	assert_int_equal(r, -ENOMEM);
}

static void test_calibrate_given_memory(void **state)
{
	(void)state;
	struct kdf_cost c;
	assert_int_equal(kdf_calibrate(&c, 0.05, 8192), 0);
	assert_int_equal(c.memory_kib, 8192);
	assert_in_range(c.passes, 1, 64);
	assert_int_equal(c.lanes, 4);
	assert_int_equal(kdf_calibrate(&c, 1e-9, 16384), 0);
	assert_int_equal(c.memory_kib, 16384);
	assert_int_equal(c.passes, 1);
	assert_int_equal(kdf_calibrate(&c, 1e9, 8192), 0);
	assert_int_equal(c.passes, 64);
}

static void test_calibrate_auto(void **state)
{
	(void)state;
	struct kdf_cost c;
	assert_int_equal(kdf_calibrate(&c, 0.1, 0), 0);
	assert_in_range(c.memory_kib, 8192, 1024 * 1024);
	assert_int_equal(c.memory_kib % 1024, 0);
	assert_in_range(c.passes, 3, 64);
	assert_int_equal(c.lanes, 4);
}

static void test_calibrate_refuses(void **state)
{
	(void)state;
	struct kdf_cost c;
	assert_int_equal(kdf_calibrate(&c, 0.1, 8191), -EINVAL);
	assert_int_equal(kdf_calibrate(&c, 0.1, 4194305), -EINVAL);
	assert_int_equal(kdf_calibrate(&c, 0, 8192), -EINVAL);
	assert_int_equal(kdf_calibrate(&c, -1, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash_rfc7693),
		cmocka_unit_test(test_hash_lengths_and_key),
		cmocka_unit_test(test_hash_concatenates),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_stream_known),
		cmocka_unit_test(test_stream_arena),
		cmocka_unit_test(test_derive),
		cmocka_unit_test(test_argon2id_known),
		cmocka_unit_test(test_argon2id_long_secret),
		cmocka_unit_test(test_argon2id_refuses),
		cmocka_unit_test(test_argon2id_no_memory),
		cmocka_unit_test(test_calibrate_given_memory),
		cmocka_unit_test(test_calibrate_auto),
		cmocka_unit_test(test_calibrate_refuses),
	};
	return RUN_TAP(tests, setup, teardown);
}
