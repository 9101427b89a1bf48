/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit.h"

#include "base/codec.h"
#include "format/name.h"

#define HASH43 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct {
	const char *name;
	const char *text;
	size_t len;
	bool valid;
} names[] = {
	{ "empty", "", 0, false },
	{ "dot", ".", 1, false },
	{ "dot dot", "..", 2, false },
	{ "three dots", "...", 3, true },
	{ "hidden", ".x", 2, true },
	{ "dot and something", ". ", 2, true },
	{ "slash", "a/b", 3, false },
	{ "slash alone", "/", 1, false },
	{ "NUL inside", "a\0b", 3, false },
	{ "NUL behind", "a\0", 2, false },
	{ "newline", "a\nb", 3, true },
	{ "not UTF-8", "\xff\xfe", 2, true },
	{ "like ours", "cryptfs.json", 12, true },
};

static void test_valid(void **state)
{
	(void)state;
	char big[256];
	memset(big, 'a', sizeof(big));
	for (size_t i = 0; i < N_OF(names); i++)
		CHECK_CASE(name_is_valid(names[i].text, names[i].len) == names[i].valid,
			   names[i].name);
	assert_true(name_is_valid(big, 255));
	assert_false(name_is_valid(big, 256));
}

static void test_pad(void **state)
{
	(void)state;
	char name[255];
	memset(name, 'n', sizeof(name));
	for (size_t len = 1; len <= 255; len++) {
		uint8_t out[NAME_PADDED_MAX];
		memset(out, 0xff, sizeof(out));
		size_t n = name_pad(out, name, len);
		assert_int_equal(n % 16, 0);
		assert_in_range(n, len, len + 15);
		assert_memory_equal(out, name, len);
		for (size_t i = len; i < n; i++)
			assert_int_equal(out[i], 0);
		assert_int_equal(name_unpad(out, n), len);
	}
}

static const struct {
	const char *fault;
	const char *padded;
	size_t n;
} bad_padding[] = {
	{ "nothing", "", 0 },
	{ "no multiple of 16", "abcdefghijklmno", 15 },
	{ "17 bytes", "abcdefghijklmnopq", 17 },
	{ "all padding", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16 },
	{ "a block too much, full name", "abcdefghijklmnop\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32 },
	{ "a block too much, short name",
	  "abc\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32 },
	{ "NUL inside", "abc\0d\0\0\0\0\0\0\0\0\0\0\0", 16 },
	{ "begins with NUL", "\0bc\0\0\0\0\0\0\0\0\0\0\0\0\0", 16 },
	{ "slash", "a/b\0\0\0\0\0\0\0\0\0\0\0\0\0", 16 },
	{ "dot", ".\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16 },
	{ "dot dot", "..\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16 },
};

static void test_unpad_malformed(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(bad_padding); i++)
		CHECK_CASE(name_unpad((const uint8_t *)bad_padding[i].padded, bad_padding[i].n) ==
				   -EUCLEAN,
			   bad_padding[i].fault);
	uint8_t big[272];
	memset(big, 'a', sizeof(big));
	assert_int_equal(name_unpad(big, 256), -EUCLEAN); /* a name of 256 bytes */
	assert_int_equal(name_unpad(big, 272), -EUCLEAN);
	big[255] = 0;
	assert_int_equal(name_unpad(big, 256), 255);
}

static const struct {
	const char *disk;
	enum name_kind want;
} kinds[] = {
	{ "cryptfs.json", NAME_OURS },
	{ "cryptfs.json.bak", NAME_OURS },
	{ "cryptfs.dir", NAME_OURS },
	{ "cryptfs.tmp.00ff", NAME_OURS },
	{ "cryptfs.", NAME_OURS },
	{ "cryptfs.of.a.later.version", NAME_OURS },
	{ "cryptfs.long." HASH43, NAME_LONG },
	{ "cryptfs.long." HASH43 ".name", NAME_OURS },
	{ "cryptfs.long." HASH43 "A", NAME_OURS },
	{ "cryptfs.long.", NAME_OURS },
	/* 42 characters, a foreign one, trailing bits */
	{ "cryptfs.long.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NAME_OURS },
	{ "cryptfs.long.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+A", NAME_OURS },
	{ "cryptfs.long.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB", NAME_OURS },
	{ "cryptfs.slink." HASH43, NAME_OURS },
	{ HASH43, NAME_SEALED },
	{ "", NAME_FOREIGN },
	{ ".", NAME_FOREIGN },
	{ "..", NAME_FOREIGN },
	{ "lost+found", NAME_FOREIGN },
	{ "AAAA", NAME_FOREIGN },
	{ "cryptfs", NAME_FOREIGN },
	{ "Cryptfs.json", NAME_FOREIGN },
	/* 31, 33 and 47 bytes; trailing bits; padding */
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NAME_FOREIGN },
	{ HASH43 "A", NAME_FOREIGN },
	{ HASH43 "AAAAAAAAAAAAAAAAAAAA", NAME_FOREIGN },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB", NAME_FOREIGN },
	{ HASH43 "=", NAME_FOREIGN },
	{ HASH43 "AAAAAAAAAAAAAAAAAAAAA", NAME_SEALED },
};

static void test_classify(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(kinds); i++)
		CHECK_CASE(name_classify(kinds[i].disk) == kinds[i].want, kinds[i].disk);
}

/* Names of 1 to 160 bytes are stored short, of 161 and more long. */
static void test_short_or_hashed(void **state)
{
	(void)state;
	uint8_t sealed[NAME_SEALED_MAX], back[NAME_SEALED_MAX];
	count_up(sealed, sizeof(sealed), 0);
	for (size_t len = 1; len <= NAME_MAX_LEN; len++) {
		size_t n = (len + 15) / 16 * 16 + NAME_SIV_TAG;
		char disk[NAME_DISK_SIZE];
		assert_int_equal(name_needs_hash(n), len > 160);
		if (name_needs_hash(n))
			continue;
		name_encode_short(disk, sealed, n);
		assert_true(strlen(disk) <= NAME_MAX_LEN);
		assert_int_equal(name_classify(disk), NAME_SEALED);
		assert_int_equal(name_decode_short(back, disk), n);
		assert_memory_equal(back, sealed, n);
	}
}

static void test_decode_short_malformed(void **state)
{
	(void)state;
	uint8_t sealed[NAME_SEALED_MAX] = { 0 }, out[NAME_SEALED_MAX];
	char text[CODEC_B64_LEN(NAME_SEALED_MAX) + 1];
	assert_int_equal(name_decode_short(out, ""), -EUCLEAN);
	(void)codec_b64_encode(text, sealed, 16); /* a tag alone */
	assert_int_equal(name_decode_short(out, text), -EUCLEAN);
	(void)codec_b64_encode(text, sealed, 40);
	assert_int_equal(name_decode_short(out, text), -EUCLEAN);
	(void)codec_b64_encode(text, sealed,
			       192); /* 256 characters: should have been stored long */
	assert_int_equal(name_decode_short(out, text), -EUCLEAN);
}

static void test_hashed(void **state)
{
	(void)state;
	const uint8_t hash[NAME_HASH_LEN] = { 0 };
	char disk[NAME_DISK_SIZE], side[NAME_DISK_SIZE];
	name_encode_hashed(disk, NAME_LONG_PREFIX, hash);
	assert_string_equal(disk, "cryptfs.long." HASH43);
	assert_int_equal(name_classify(disk), NAME_LONG);
	name_long_side(side, disk);
	assert_string_equal(side, "cryptfs.long." HASH43 ".name");
	assert_int_equal(name_classify(side), NAME_OURS);
	name_encode_hashed(disk, NAME_SLINK_PREFIX, hash);
	assert_string_equal(disk, "cryptfs.slink." HASH43);
	assert_int_equal(strlen(disk), NAME_SLINK_LEN);
	name_encode_hashed(disk, NAME_XATTR_LONG_PREFIX, hash);
	assert_string_equal(disk, "user.cryptfs.long." HASH43);
}

/* Every length of a target, as sealing would make it. */
static void test_link_len(void **state)
{
	(void)state;
	bool possible[NAME_LINK_TARGET_MAX + 1] = { false };
	for (size_t len = 1; len <= 3031; len++) {
		size_t n = CODEC_B64_LEN(len + NAME_LINK_OVERHEAD);
		assert_true(n <= NAME_LINK_TARGET_MAX && n != NAME_SLINK_LEN);
		assert_int_equal(name_link_len(n), len);
		possible[n] = true;
	}
	assert_true(CODEC_B64_LEN(3032 + NAME_LINK_OVERHEAD) > NAME_LINK_TARGET_MAX);
	assert_int_equal(name_link_len(NAME_SLINK_LEN), -ENAMETOOLONG);
	for (size_t n = 0; n <= NAME_LINK_TARGET_MAX; n++) {
		if (!possible[n] && n != NAME_SLINK_LEN)
			assert_int_equal(name_link_len(n), -EUCLEAN);
	}
	assert_int_equal(name_link_len(NAME_LINK_TARGET_MAX + 1), -EUCLEAN);
	assert_int_equal(name_link_len(SIZE_MAX), -EUCLEAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_pad),
		cmocka_unit_test(test_unpad_malformed),
		cmocka_unit_test(test_classify),
		cmocka_unit_test(test_short_or_hashed),
		cmocka_unit_test(test_decode_short_malformed),
		cmocka_unit_test(test_hashed),
		cmocka_unit_test(test_link_len),
	};
	return RUN_TAP(tests, NULL, NULL);
}
