/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * AES-256-SIV against vectors that others have published and that are not in this tree:
 * Wycheproof's aead_aes_siv_cmac_test.json, named by CRYPTFS_WYCHEPROOF, and miscreant's, where its
 * Debian package (golang-github-miscreant-miscreant.go-dev) is installed. A test without its file
 * is left out: cmocka 1.1.5 prints "not ok" for skip(), which automake takes for a failure.
 */
#include "vectors.h"

#include "crypto/keymem.h"
#include "crypto/siv.h"

#define MISCREANT \
	"/usr/share/gocode/src/github.com/miscreant/miscreant.go/vectors/aes_siv_aead.tjson"

static void cleanup_siv(struct siv **s)
{
	siv_free(*s);
}

#define _cleanup_siv_ _cleanup_(cleanup_siv)

struct siv_case {
	struct vec key, ad, nonce, plain, sealed;
	bool valid;
};

static void siv_case_free(struct siv_case *c)
{
	vec_free(&c->key);
	vec_free(&c->ad);
	vec_free(&c->nonce);
	vec_free(&c->plain);
	vec_free(&c->sealed);
}

/* crypto/siv.h takes 64-byte keys and a nonce that is not empty. An empty AD is no use to the format
 * either, but it is what shows that an implementation takes three strings, always. */
static bool is_ours(const struct siv_case *c)
{
	return c->key.n == SIV_KEY_LEN && c->nonce.n > 0;
}

static void check_open(const json_t *v, const struct siv *s, const struct siv_case *c)
{
	_cleanup_free_ uint8_t *out = vec_alloc(c->sealed.n);
	int r = siv_open(s, c->ad.p, c->ad.n, c->nonce.p, c->nonce.n, c->sealed.p, c->sealed.n,
			 out);
	CHECK(v, r == (c->valid ? 0 : -EBADMSG));
	if (r == 0)
		CHECK(v, vec_equal(c->plain, out, c->sealed.n - SIV_TAG_LEN));
}

static void check_seal(const json_t *v, const struct siv *s, const struct siv_case *c)
{
	_cleanup_free_ uint8_t *out = vec_alloc(SIV_TAG_LEN + c->plain.n);
	siv_seal(s, c->ad.p, c->ad.n, c->nonce.p, c->nonce.n, c->plain.p, c->plain.n, out);
	CHECK(v, c->valid == vec_equal(c->sealed, out, SIV_TAG_LEN + c->plain.n));
}

static void run_case(const json_t *v, const struct siv_case *c)
{
	_cleanup_siv_ struct siv *s = siv_new(c->key.p);
	assert_non_null(s);
	check_open(v, s, c);
	check_seal(v, s, c);
}

static struct vec concat(struct vec a, struct vec b)
{
	struct vec out = { vec_alloc(a.n + b.n), a.n + b.n };
	memcpy(out.p, a.p, a.n);
	memcpy(out.p + a.n, b.p, b.n);
	return out;
}

static struct siv_case wycheproof_case(const json_t *v)
{
	_cleanup_vec_ struct vec ct = vec_hex(v, "ct"), tag = vec_hex(v, "tag");
	return (struct siv_case){
		.key = vec_hex(v, "key"),
		.ad = vec_hex(v, "aad"),
		.nonce = vec_hex(v, "iv"),
		.plain = vec_hex(v, "msg"),
		.sealed = concat(tag, ct),
		.valid = strcmp(vec_str(v, "result"), "invalid") != 0,
	};
}

static void wycheproof_group(const json_t *group, size_t *ran, size_t *left)
{
	size_t i;
	json_t *v;
	json_array_foreach(json_object_get(group, "tests"), i, v)
	{
		_cleanup_(siv_case_free) struct siv_case c = wycheproof_case(v);
		unsigned before = vec_failures;
		if (is_ours(&c))
			run_case(v, &c);
		*(is_ours(&c) ? ran : left) += 1;
		if (vec_failures != before)
			print_message("# that was tcId %llu\n",
				      (unsigned long long)vec_int(v, "tcId"));
	}
}

static const char *wycheproof_path(void)
{
	const char *path = getenv("CRYPTFS_WYCHEPROOF");
	return path && *path ? path : NULL;
}

static void test_wycheproof(void **state)
{
	(void)state;
	_cleanup_json_ json_t *top = json_load_file(wycheproof_path(), 0, NULL);
	assert_non_null(top);
	size_t i, ran = 0, left = 0;
	json_t *group;
	json_array_foreach(json_object_get(top, "testGroups"), i, group)
		wycheproof_group(group, &ran, &left);
	print_message("# wycheproof: %zu cases, %zu with other key or nonce sizes left out\n", ran,
		      left);
	assert_true(ran > 0);
	assert_int_equal(vec_failures, 0);
}

static struct siv_case miscreant_case(const json_t *v)
{
	return (struct siv_case){
		.key = vec_hex(v, "key:d16"),
		.ad = vec_hex(v, "ad:d16"),
		.nonce = vec_hex(v, "nonce:d16"),
		.plain = vec_hex(v, "plaintext:d16"),
		.sealed = vec_hex(v, "ciphertext:d16"),
		.valid = true,
	};
}

/* Its AEAD file has the three-string form; PMAC and 32-byte keys are not ours. */
static void test_miscreant(void **state)
{
	(void)state;
	_cleanup_json_ json_t *top = json_load_file(MISCREANT, 0, NULL);
	assert_non_null(top);
	size_t i, ran = 0;
	json_t *v;
	json_array_foreach(json_object_get(top, "examples:A<O>"), i, v)
	{
		_cleanup_(siv_case_free) struct siv_case c = miscreant_case(v);
		if (strcmp(vec_str(v, "alg:s"), "AES-SIV") != 0 || !is_ours(&c))
			continue;
		run_case(v, &c);
		ran++;
	}
	print_message("# miscreant: %zu cases\n", ran);
	assert_true(ran > 0);
	assert_int_equal(vec_failures, 0);
}

static int setup(void **state)
{
	(void)state;
	vec_failures = 0;
	return keymem_init();
}

int main(void)
{
	struct CMUnitTest tests[2];
	size_t n = 0;
	if (wycheproof_path())
		tests[n++] = (struct CMUnitTest)cmocka_unit_test_setup(test_wycheproof, setup);
	if (access(MISCREANT, R_OK) == 0)
		tests[n++] = (struct CMUnitTest)cmocka_unit_test_setup(test_miscreant, setup);
	if (n == 0) {
		puts("1..0 # SKIP no published vectors here");
		return 0;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("siv, published vectors", tests, n, NULL, NULL);
}
