/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit.h"

#include "format/content.h"

/* A header as doc/format.md section 3 draws it. */
static const char header_hex[] = "6372797074667300"
				 "0100"
				 "0000"
				 "01000000"
				 "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7"
				 "000000000000000000000000000000000000000000000000";

static void test_header(void **state)
{
	(void)state;
	struct content_header h = { .version = 1, .flags = CONTENT_FLAG_SPARSE }, back;
	uint8_t out[CONTENT_HEADER_LEN];
	count_up(h.file_nonce, sizeof(h.file_nonce), 0xa0);
	content_header_encode(out, &h);
	assert_hex(out, header_hex);
	assert_int_equal(content_header_decode(&back, out), 0);
	assert_int_equal(back.version, 1);
	assert_int_equal(back.epoch, 0);
	assert_int_equal(back.flags, CONTENT_FLAG_SPARSE);
	assert_memory_equal(back.file_nonce, h.file_nonce, sizeof(h.file_nonce));
}

static const struct {
	const char *fault;
	size_t at;
	uint8_t value;
	int want;
} bad_headers[] = {
	{ "magic, first byte", 0, 'C', -EUCLEAN },
	{ "magic, its zero", 7, 1, -EUCLEAN },
	{ "version 0", 8, 0, -EUCLEAN },
	{ "version 2", 8, 2, -EPROTONOSUPPORT },
	{ "version 257", 9, 1, -EPROTONOSUPPORT },
	{ "epoch 1", 10, 1, 0 },
	{ "epoch 256", 11, 1, 0 },
	{ "unknown flag", 12, 3, -EPROTONOSUPPORT },
	{ "highest flag", 15, 0x80, -EPROTONOSUPPORT },
	{ "padding, first", 40, 1, -EUCLEAN },
	{ "padding, last", 63, 0x80, -EUCLEAN },
	{ "flags clear", 12, 0, 0 },
	{ "other nonce", 16, 0, 0 },
	{ "nonce's end", 39, 0, 0 },
};

static void test_header_malformed(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(bad_headers); i++) {
		struct content_header h;
		uint8_t in[CONTENT_HEADER_LEN];
		unhex(in, header_hex);
		in[bad_headers[i].at] = bad_headers[i].value;
		CHECK_CASE(content_header_decode(&h, in) == bad_headers[i].want,
			   bad_headers[i].fault);
	}
	struct content_header h;
	const uint8_t zeros[CONTENT_HEADER_LEN] = { 0 };
	assert_int_equal(content_header_decode(&h, zeros), -EUCLEAN);
}

static void test_meta(void **state)
{
	(void)state;
	const struct content_meta m = { .used = 4032, .durable = 0x1122334455667788 };
	struct content_meta back;
	uint8_t out[CONTENT_META_LEN];
	content_meta_encode(out, &m);
	assert_hex(out, "c00f0000000000008877665544332211"
			"0000000000000000");
	assert_int_equal(content_meta_decode(&back, out, 0), 0);
	assert_int_equal(back.used, 4032);
	assert_int_equal(back.epoch, 0);
	assert_true(back.durable == m.durable);
}

static const struct {
	const char *name;
	uint64_t block;
	const char *hex;
	int want;
} metas[] = {
	{ "block 0, least", 0, "410000000000000000000000000000000000000000000000", 0 },
	{ "block 0, header alone", 0, "400000000000000000000000000000000000000000000000",
	  -EUCLEAN },
	{ "block 0, nothing used", 0, "000000000000000000000000000000000000000000000000",
	  -EUCLEAN },
	{ "block 0, full", 0, "c00f00000000000000000000000000000000000000000000", 0 },
	{ "block 0, overfull", 0, "c10f00000000000000000000000000000000000000000000", -EUCLEAN },
	{ "block 0, durable", 0,
	  "c00f0000000000004100000000000000"
	  "0000000000000000",
	  0 },
	{ "block 0, longest durable", 0,
	  "c00f0000000000004000000000000040"
	  "0000000000000000",
	  0 },
	{ "block 0, durable beyond limits", 0,
	  "c00f0000000000004100000000000040"
	  "0000000000000000",
	  -EUCLEAN },
	{ "block 0, durable without end", 0,
	  "c00f000000000000ffffffffffffffff"
	  "0000000000000000",
	  -EUCLEAN },
	{ "block 1, least", 1, "010000000000000000000000000000000000000000000000", 0 },
	{ "block 1, nothing used", 1, "000000000000000000000000000000000000000000000000",
	  -EUCLEAN },
	{ "block 1, full", 1, "c00f00000000000000000000000000000000000000000000", 0 },
	{ "block 1, overfull", 1, "c10f00000000000000000000000000000000000000000000", -EUCLEAN },
	{ "block 1, durable", 1,
	  "c00f0000000000000100000000000000"
	  "0000000000000000",
	  -EUCLEAN },
	{ "high block, full", (uint64_t)1 << 50, "c00f00000000000000000000000000000000000000000000",
	  0 },
	{ "used 65535", 1, "ffff00000000000000000000000000000000000000000000", -EUCLEAN },
	{ "epoch", 1, "c00f01000000000000000000000000000000000000000000", 0 },
	{ "first zeros", 1, "c00f00000100000000000000000000000000000000000000", -EUCLEAN },
	{ "first zeros' end", 0, "c00f00000000008000000000000000000000000000000000", -EUCLEAN },
	{ "last zeros", 0, "c00f00000000000000000000000000000100000000000000", -EUCLEAN },
	{ "last zeros' end", 1, "c00f00000000000000000000000000000000000000000080", -EUCLEAN },
};

static void test_meta_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(metas); i++) {
		struct content_meta m;
		uint8_t in[CONTENT_META_LEN];
		assert_int_equal(unhex(in, metas[i].hex), sizeof(in));
		CHECK_CASE(content_meta_decode(&m, in, metas[i].block) == metas[i].want,
			   metas[i].name);
	}
}

static void test_ad(void **state)
{
	(void)state;
	uint8_t meta[CONTENT_META_LEN], header[CONTENT_HEADER_LEN], out[CONTENT_AD_MAX];
	count_up(meta, sizeof(meta), 1);
	count_up(header, sizeof(header), 0x80);
	assert_int_equal(content_ad(out, meta, 0, header), 96);
	assert_memory_equal(out, meta, 24);
	assert_hex(out + 24, "0000000000000000");
	assert_memory_equal(out + 32, header, 64);
	assert_int_equal(content_ad(out, meta, 0x0102030405060708, NULL), 32);
	assert_memory_equal(out, meta, 24);
	assert_hex(out + 24, "0807060504030201");
	assert_int_equal(content_sealed_off(0), 64);
	assert_int_equal(content_sealed_off(1), 0);
}

/* Plaintext size, stream length, pages, last used, ciphertext size with and without hint. */
static const struct {
	uint64_t size, stream, pages;
	uint16_t used;
	uint64_t hinted, bare;
} sizes[] = {
	{ 0, 0, 0, 0, 0, 0 },
	{ 1, 65, 1, 65, 4096 + 65, 4096 },
	{ 2, 66, 1, 66, 4096 + 66, 4096 },
	{ 3967, 4031, 1, 4031, 4096 + 4031, 4096 },
	{ 3968, 4032, 1, 4032, 4096 + 4032, 4096 },
	{ 3969, 4033, 2, 1, 8192 + 1, 8192 },
	{ 4031, 4095, 2, 63, 8192 + 63, 8192 },
	{ 4032, 4096, 2, 64, 8192 + 64, 8192 },
	{ 4033, 4097, 2, 65, 8192 + 65, 8192 },
	{ 4096, 4160, 2, 128, 8192 + 128, 8192 },
	{ 7999, 8063, 2, 4031, 8192 + 4031, 8192 },
	{ 8000, 8064, 2, 4032, 8192 + 4032, 8192 },
	{ 8001, 8065, 3, 1, 12288 + 1, 12288 },
	{ 1000000, 1000064, 249, 128, 1019904 + 128, 1019904 },
};

static void test_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(sizes); i++) {
		uint64_t size = 12345;
		char name[32];
		(void)snprintf(name, sizeof(name), "%ju bytes", (uintmax_t)sizes[i].size);
		uint64_t l = content_stream_len(sizes[i].size);
		CHECK_CASE(l == sizes[i].stream, name);
		CHECK_CASE(content_plain_size(l) == sizes[i].size, name);
		CHECK_CASE(content_pages(l) == sizes[i].pages, name);
		CHECK_CASE(content_last_used(l) == sizes[i].used, name);
		CHECK_CASE(content_cipher_size(l, true) == sizes[i].hinted, name);
		CHECK_CASE(content_cipher_size(l, false) == sizes[i].bare, name);
		CHECK_CASE(content_hint(sizes[i].hinted, &size) && size == sizes[i].size, name);
		CHECK_CASE(content_hint(sizes[i].bare, &size) == (sizes[i].size == 0), name);
	}
}

static void test_every_size_round_trips(void **state)
{
	(void)state;
	uint64_t last = 0;
	for (uint64_t size = 0; size < 50000; size++) {
		uint64_t l = content_stream_len(size), back = 0;
		uint64_t cipher = content_cipher_size(l, true);
		assert_true(content_hint(cipher, &back) && back == size);
		assert_true(cipher % 4096 == content_last_used(l));
		assert_true(size == 0 || cipher > last); /* grows with the size */
		last = cipher;
	}
}

static void test_largest(void **state)
{
	(void)state;
	uint64_t size = 0;
	uint64_t l = content_stream_len(CONTENT_MAX_SIZE);
	assert_true(content_cipher_size(l, true) < (uint64_t)INT64_MAX);
	assert_true(content_hint(content_cipher_size(l, true), &size) && size == CONTENT_MAX_SIZE);
}

static const struct {
	const char *name;
	uint64_t cipher;
} silent[] = {
	{ "one byte", 1 },
	{ "a page but a byte", 4095 },
	{ "a page", 4096 },
	{ "a page, h = 1: less than the header", 4096 + 1 },
	{ "a page, h = 64: header alone", 4096 + 64 },
	{ "a page, h = 4033", 4096 + 4033 },
	{ "a page, h = 4095", 4096 + 4095 },
	{ "two pages", 8192 },
	{ "two pages, h = 4033", 8192 + 4033 },
};

static void test_hint_silent(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(silent); i++) {
		uint64_t size;
		CHECK_CASE(!content_hint(silent[i].cipher, &size), silent[i].name);
	}
	/* The least sizes that speak. */
	uint64_t size;
	assert_true(content_hint(4096 + 65, &size) && size == 1);
	assert_true(content_hint(8192 + 1, &size) && size == 3969);
}

static const struct {
	uint64_t pos, n;
	struct content_range want;
} ranges[] = {
	{ 0, 1, { 0, 1, 0, 1 } },
	{ 64, 1, { 0, 1, 64, 65 } },
	{ 64, 3967, { 0, 1, 64, 4031 } },
	{ 64, 3968, { 0, 1, 64, 4032 } },
	{ 64, 3969, { 0, 2, 64, 1 } },
	{ 4031, 1, { 0, 1, 4031, 4032 } },
	{ 4032, 1, { 1, 1, 0, 1 } },
	{ 4031, 2, { 0, 2, 4031, 1 } },
	{ 4032, 4032, { 1, 1, 0, 4032 } },
	{ 4032, 8064, { 1, 2, 0, 4032 } },
	{ 4100, 131072, { 1, 33, 68, 2116 } },
	{ ((uint64_t)1 << 62) + 63, 1, { 1143771333935364, 1, 319, 320 } },
};

static void test_ranges(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(ranges); i++) {
		struct content_range r = content_range_of(ranges[i].pos, ranges[i].n);
		char name[48];
		(void)snprintf(name, sizeof(name), "%ju + %ju", (uintmax_t)ranges[i].pos,
			       (uintmax_t)ranges[i].n);
		CHECK_CASE(r.first == ranges[i].want.first, name);
		CHECK_CASE(r.count == ranges[i].want.count, name);
		CHECK_CASE(r.skip == ranges[i].want.skip, name);
		CHECK_CASE(r.tail == ranges[i].want.tail, name);
		/* What it says adds up to what was asked. */
		CHECK_CASE((r.count - 1) * CONTENT_PAYLOAD + r.tail - r.skip == ranges[i].n, name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_header_malformed),
		cmocka_unit_test(test_meta),
		cmocka_unit_test(test_meta_limits),
		cmocka_unit_test(test_ad),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_every_size_round_trips),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_hint_silent),
		cmocka_unit_test(test_ranges),
	};
	return RUN_TAP(tests, NULL, NULL);
}
