/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit.h"

#include "base/bytes.h"
#include "base/codec.h"

/* RFC 4648 section 10, without the padding, and the two characters that set base64url apart. */
static const struct {
	const char *plain;
	const char *text;
} b64[] = {
	{ "", "" },
	{ "f", "Zg" },
	{ "fo", "Zm8" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg" },
	{ "fooba", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xbf", "-_-_" },
};

static void test_b64_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(b64); i++) {
		char text[32];
		uint8_t plain[32];
		size_t n = strlen(b64[i].plain);
		assert_int_equal(codec_b64_encode(text, (const uint8_t *)b64[i].plain, n),
				 strlen(b64[i].text));
		assert_string_equal(text, b64[i].text);
		assert_int_equal(CODEC_B64_LEN(n), strlen(b64[i].text));
		assert_int_equal(codec_b64_decode(plain, sizeof(plain), text, strlen(text)), n);
		assert_memory_equal(plain, b64[i].plain, n);
	}
}

static void test_b64_round_trips(void **state)
{
	(void)state;
	uint8_t in[260], out[260];
	char text[CODEC_B64_LEN(sizeof(in)) + 1];
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 151 + 7);
	for (size_t n = 0; n <= sizeof(in); n++) {
		size_t len = codec_b64_encode(text, in, n);
		assert_int_equal(len, CODEC_B64_LEN(n));
		assert_int_equal(text[len], '\0');
		assert_int_equal(codec_b64_decode(out, n, text, len), n);
		assert_memory_equal(in, out, n);
		if (n > 0) /* one byte too little room */
			assert_int_equal(codec_b64_decode(out, n - 1, text, len), -EINVAL);
	}
}

static const struct {
	const char *fault;
	const char *text;
	size_t len;
} bad_b64[] = {
	{ "length 1", "A", 1 },
	{ "length 5", "AAAAA", 5 },
	{ "padded", "Zg==", 4 },
	{ "padded once", "Zm8=", 4 },
	{ "plus", "A+AA", 4 },
	{ "slash", "A/AA", 4 },
	{ "newline", "AAA\n", 4 },
	{ "space", " AAA", 4 },
	{ "NUL", "AA\0A", 4 },
	{ "high bit",
	  "AA\xc1"
	  "A",
	  4 },
	{ "trailing bits, one byte", "Zh", 2 },
	{ "lowest trailing bit, two bytes", "Zm9", 3 },
	{ "highest trailing bit, one byte", "Zo", 2 },
};

static void test_b64_malformed(void **state)
{
	(void)state;
	uint8_t out[16];
	for (size_t i = 0; i < N_OF(bad_b64); i++)
		CHECK_CASE(codec_b64_decode(out, sizeof(out), bad_b64[i].text, bad_b64[i].len) ==
				   -EINVAL,
			   bad_b64[i].fault);
}

/* Every text of three characters either is refused or is what encoding gives back. */
static void test_b64_is_canonical(void **state)
{
	(void)state;
	size_t good = 0;
	for (unsigned int v = 0; v < 256u * 256u; v++) {
		const char in[3] = { 'Q', (char)(v >> 8), (char)(v & 255) };
		uint8_t out[2];
		char back[4];
		if (codec_b64_decode(out, sizeof(out), in, 3) < 0)
			continue;
		good++;
		assert_int_equal(codec_b64_encode(back, out, 2), 3);
		assert_memory_equal(in, back, 3);
	}
	assert_int_equal(good, 64 * 16);
}

static void test_hex(void **state)
{
	(void)state;
	uint8_t in[256], out[256];
	char text[513];
	count_up(in, sizeof(in), 0);
	codec_hex_encode(text, in, sizeof(in));
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text, "000102030405060708090a0b0c0d0e0f10", 34);
	assert_int_equal(codec_hex_decode(out, sizeof(out), text), 0);
	assert_memory_equal(in, out, sizeof(in));
	codec_hex_encode(text, in, 0);
	assert_string_equal(text, "");
	assert_int_equal(codec_hex_decode(out, 0, ""), 0);
}

static void test_hex_malformed(void **state)
{
	(void)state;
	static const char *const bad[] = { "",	   "ab",   "abc",  "abcde", "abcdef",
					   "ABcd", "ab g", "abc/", "abc:",  "abc`",
					   "abcg", "+bcd", "0xab", "abc\n" };
	uint8_t out[2];
	for (size_t i = 0; i < N_OF(bad); i++)
		CHECK_CASE(codec_hex_decode(out, sizeof(out), bad[i]) == -EINVAL, bad[i]);
	assert_int_equal(codec_hex_decode(out, sizeof(out), "abcd"), 0);
}

static void test_integers(void **state)
{
	(void)state;
	uint8_t b[8];
	put_le16(b, 0x1234);
	assert_hex(b, "3412");
	assert_int_equal(get_le16(b), 0x1234);
	put_le32(b, 0xfedcba98);
	assert_hex(b, "98badcfe");
	assert_int_equal(get_le32(b), 0xfedcba98);
	put_le64(b, 0xfedcba9876543210);
	assert_hex(b, "1032547698badcfe");
	assert_true(get_le64(b) == 0xfedcba9876543210);
}

static void test_writer_overflow(void **state)
{
	(void)state;
	uint8_t b[8] = { 0 };
	struct bytes_writer w = { .p = b, .cap = 7 };
	bytes_put_le32(&w, 0x04030201);
	bytes_put_le32(&w, 0xffffffff); /* does not fit */
	bytes_put_u8(&w, 9); /* would, but nothing follows a gap */
	assert_true(w.overflow);
	assert_int_equal(w.len, 4);
	assert_hex(b, "0102030400000000");
}

static void test_zero(void **state)
{
	(void)state;
	uint8_t b[64] = { 0 };
	assert_true(bytes_are_zero(b, 0));
	assert_true(bytes_are_zero(b, sizeof(b)));
	for (size_t i = 0; i < sizeof(b); i++) {
		b[i] = 0x80;
		assert_false(bytes_are_zero(b, sizeof(b)));
		assert_true(bytes_are_zero(b, i));
		b[i] = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_b64_known),     cmocka_unit_test(test_b64_round_trips),
		cmocka_unit_test(test_b64_malformed), cmocka_unit_test(test_b64_is_canonical),
		cmocka_unit_test(test_hex),	      cmocka_unit_test(test_hex_malformed),
		cmocka_unit_test(test_integers),      cmocka_unit_test(test_writer_overflow),
		cmocka_unit_test(test_zero),
	};
	return RUN_TAP(tests, NULL, NULL);
}
