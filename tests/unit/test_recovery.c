/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recovery codes. tests/vectors/recovery.json is read by test_vectors.c. */
#include "unit.h"

#include <ctype.h>
#include <stdbool.h>

#include "vault/recovery.h"

#define ALPHABET "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#define TEXT_MAX RECOVERY_TEXT_SIZE(RECOVERY_BYTES_MAX)
#define CODE "000G4-40R4F-0M30Y-E209X-185GE-R38EY-1W81B-24GK1" /* of 00 01 .. 13 */

/* A decoder that has filled bytes with anything before, and looks at a copy that ends where it should. */
static int decode(uint8_t *bytes, size_t n, const char *text, size_t len, unsigned int *group)
{
	char *copy = malloc(len + 1);
	assert_non_null(copy);
	char *end = copy + 1; /* malloc(0) might be NULL; so the text is at the end of what is there */
	memcpy(end, text, len);
	memset(bytes, 0xa5, n);
	*group = 99;
	int r = recovery_decode(bytes, n, end, len, group);
	free(copy);
	if (r < 0) {
		for (size_t i = 0; i < n; i++)
			assert_int_equal(bytes[i], 0);
	}
	if (r != -EINVAL && r != -EILSEQ)
		assert_int_equal(*group, 0);
	return r;
}

static void expect(size_t n, const char *text, size_t len, int want, unsigned int want_group)
{
	uint8_t bytes[RECOVERY_BYTES_MAX];
	unsigned int group;
	int r = decode(bytes, n, text, len, &group);
	if (r != want || group != want_group)
		fail_msg("\"%.*s\": %d, group %u instead of %d, group %u", (int)len, text, r, group, want, want_group);
}

/* Bytes that differ from n to n, with nothing regular about them. */
static void fill(uint8_t *bytes, size_t n)
{
	uint32_t x = 2463534242u + (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		bytes[i] = (uint8_t)(x >> 11);
	}
}

/* Where in the text is character i of group g, both from 0? */
static size_t place(size_t g, size_t i)
{
	return g * (RECOVERY_GROUP + 1) + i;
}

static void swap(char *a, char *b)
{
	char c = *a;
	*a = *b;
	*b = c;
}

/* Python, by tables of logarithms. */
static const struct {
	const char *hex;
	const char *text;
} known[] = {
	{ "0000000000000000000000000000000000000000", "00001-00002-00003-00004-00005-00006-00007-00008" },
	{ "ffffffffffffffffffffffffffffffffffffffff", "ZZZZC-ZZZZF-ZZZZE-ZZZZ9-ZZZZ8-ZZZZB-ZZZZA-ZZZZ5" },
	{ "000102030405060708090a0b0c0d0e0f10111213", CODE },
	{ "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627",
	  CODE "-2GAHJ-C5RR3-34D18-P70XC-3RFJY-08921-4CJ2C-A9H73" },
	{ "ff", "ZW00W" },
};

static void test_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(known); i++) {
		uint8_t want[RECOVERY_BYTES_MAX], got[RECOVERY_BYTES_MAX];
		char text[TEXT_MAX];
		unsigned int group;
		size_t n = unhex(want, known[i].hex);
		recovery_encode(text, want, n);
		assert_string_equal(text, known[i].text);
		assert_int_equal(decode(got, n, text, strlen(text), &group), 0);
		assert_memory_equal(got, want, n);
	}
}

static void test_round_trip(void **state)
{
	(void)state;
	for (size_t n = 1; n <= RECOVERY_BYTES_MAX; n++) {
		uint8_t bytes[RECOVERY_BYTES_MAX], back[RECOVERY_BYTES_MAX + 1];
		char text[TEXT_MAX + 1];
		unsigned int group;
		fill(bytes, n);
		memset(text, '#', sizeof(text));
		back[n] = 0x5a;
		recovery_encode(text, bytes, n);
		assert_int_equal(strlen(text) + 1, RECOVERY_TEXT_SIZE(n));
		assert_int_equal(text[RECOVERY_TEXT_SIZE(n)], '#');
		assert_int_equal(strspn(text, ALPHABET "-"), strlen(text));
		for (size_t g = 1; g < RECOVERY_GROUPS(n); g++)
			assert_int_equal(text[place(g, 0) - 1], '-');
		assert_int_equal(decode(back, n, text, strlen(text), &group), 0);
		assert_memory_equal(back, bytes, n);
		assert_int_equal(back[n], 0x5a);
	}
}

static void test_sizes(void **state)
{
	(void)state;
	assert_int_equal(RECOVERY_GROUPS(RECOVERY_LEN), 8);
	assert_int_equal(RECOVERY_TEXT_SIZE(RECOVERY_LEN), sizeof(CODE));
	assert_int_equal(RECOVERY_GROUPS(1), 1);
	assert_int_equal(RECOVERY_GROUPS(2), 1);
	assert_int_equal(RECOVERY_GROUPS(3), 2);
	assert_int_equal(RECOVERY_GROUPS(RECOVERY_BYTES_MAX), 16);
}

static void substitute(size_t n, char *text, size_t g, size_t i)
{
	char *at = &text[place(g, i)], was = *at;
	for (const char *c = ALPHABET; *c; c++) {
		*at = *c;
		if (*c != was)
			expect(n, text, strlen(text), -EINVAL, (unsigned int)g + 1);
	}
	*at = was;
	expect(n, text, strlen(text), 0, 0);
}

/* Every character by every other. */
static void test_substitutions(void **state)
{
	(void)state;
	for (size_t n = 1; n <= RECOVERY_BYTES_MAX; n++) {
		uint8_t bytes[RECOVERY_BYTES_MAX];
		char text[TEXT_MAX];
		fill(bytes, n);
		recovery_encode(text, bytes, n);
		for (size_t g = 0; g < RECOVERY_GROUPS(n); g++) {
			for (size_t i = 0; i < RECOVERY_GROUP; i++)
				substitute(n, text, g, i);
		}
	}
}

static void exchange(size_t n, char *text, size_t g, size_t i, size_t k)
{
	char *a = &text[place(g, i)], *b = &text[place(g, k)];
	bool same = *a == *b;
	swap(a, b);
	expect(n, text, strlen(text), same ? 0 : -EINVAL, same ? 0 : (unsigned int)g + 1);
	swap(a, b);
}

/* Any two characters of a group, whatever is in two neighbouring bytes of them. */
static void test_exchanged_characters(void **state)
{
	(void)state;
	uint8_t bytes[RECOVERY_BYTES_MAX];
	char text[TEXT_MAX];
	fill(bytes, RECOVERY_LEN);
	for (unsigned int v = 0; v < 65536; v += 7) {
		size_t g = v % 8, at = g * 20 / 8;
		bytes[at] = (uint8_t)(v >> 8);
		bytes[at + 1] = (uint8_t)v;
		recovery_encode(text, bytes, RECOVERY_LEN);
		for (size_t i = 0; i < RECOVERY_GROUP; i++) {
			for (size_t k = 0; k < i; k++)
				exchange(RECOVERY_LEN, text, g, i, k);
		}
	}
}

/* Any two groups, of what is random and of groups that all hold the same. */
static void test_exchanged_groups(void **state)
{
	(void)state;
	for (int same = 0; same < 2; same++) {
		uint8_t bytes[RECOVERY_BYTES_MAX];
		char text[TEXT_MAX], other[TEXT_MAX];
		fill(bytes, sizeof(bytes));
		for (size_t i = 5; same && i < sizeof(bytes); i++)
			bytes[i] = bytes[i - 5];
		recovery_encode(text, bytes, sizeof(bytes));
		for (size_t g = 0; g < 16; g++) {
			for (size_t h = 0; h < g; h++) {
				memcpy(other, text, sizeof(text));
				memcpy(&other[place(g, 0)], &text[place(h, 0)], RECOVERY_GROUP);
				memcpy(&other[place(h, 0)], &text[place(g, 0)], RECOVERY_GROUP);
				expect(sizeof(bytes), other, strlen(other), -EINVAL, (unsigned int)h + 1);
			}
		}
	}
}

static const struct {
	const char *how;
	const char *text;
} tolerated[] = {
	{ "lower case", "000g4-40r4f-0m30y-e209x-185ge-r38ey-1w81b-24gk1" },
	{ "no dashes", "000G440R4F0M30YE209X185GER38EY1W81B24GK1" },
	{ "blanks, tabs and dashes", "\t 000G4 40R4F\t0M30Y--E20 9X - 185GE-R3-8EY-1W81B-24GK1 -\t" },
	{ "O for 0", "OOOG4-4OR4F-oM3oY-E2o9X-185GE-R38EY-1W81B-24GK1" },
	{ "I and L for 1", "000G4-40R4F-0M30Y-E209X-I85GE-R38EY-LW8iB-24GKl" },
};

static void test_tolerance(void **state)
{
	(void)state;
	uint8_t want[RECOVERY_LEN], got[RECOVERY_LEN];
	unsigned int group;
	count_up(want, sizeof(want), 0);
	for (size_t i = 0; i < N_OF(tolerated); i++) {
		const char *text = tolerated[i].text;
		CHECK_CASE(decode(got, sizeof(got), text, strlen(text), &group) == 0, tolerated[i].how);
		CHECK_CASE(memcmp(got, want, sizeof(want)) == 0, tolerated[i].how);
	}
}

/* Every value of a character at every place of a code: one of the alphabet, passed over, or refused. */
static void test_any_character(void **state)
{
	(void)state;
	for (size_t at = 0; at <= strlen(CODE); at++) {
		for (int c = 0; c < 256; c++) {
			char text[] = CODE " ";
			bool known_one = strchr(ALPHABET "ILO", toupper(c)) && c != 0;
			size_t group = at / (RECOVERY_GROUP + 1) + 1;
			/* A character of the code moves up, to where a blank would be. */
			memmove(text + at + 1, text + at, strlen(CODE) - at);
			text[at] = (char)c;
			uint8_t bytes[RECOVERY_LEN];
			unsigned int got;
			int r = decode(bytes, sizeof(bytes), text, sizeof(CODE), &got);
			if (c == '-' || c == ' ' || c == '\t') {
				assert_int_equal(r, 0);
			} else if (!known_one) {
				assert_int_equal(r, -EILSEQ);
				/* A place before a dash is behind a group: what comes next is the next one's. */
				assert_int_equal(got, at % 6 == 5 && group < 8 ? group + 1 : group);
			} else {
				assert_true(r == -EINVAL || r == -E2BIG);
			}
		}
	}
}

static void test_too_short(void **state)
{
	(void)state;
	for (size_t len = 1; len < strlen(CODE); len++)
		expect(RECOVERY_LEN, CODE, len, -EINVAL, (unsigned int)((len + 1) / 6 + 1));
	expect(RECOVERY_LEN, &CODE[6], strlen(CODE) - 6, -EINVAL, 1);
}

static void test_too_long(void **state)
{
	(void)state;
	static const char *const more[] = { CODE "-00009", CODE "0", CODE "-" CODE, CODE "-0!", CODE "0\n" };
	for (size_t i = 0; i < N_OF(more); i++)
		expect(RECOVERY_LEN, more[i], strlen(more[i]), -E2BIG, 0);
	expect(RECOVERY_LEN - 2, CODE, strlen(CODE), -EINVAL, 8); /* leftover bits come first */
	expect(RECOVERY_LEN - 3, CODE, strlen(CODE), -EINVAL, 7);
}

/* What follows the first fault is not looked at, so that its end need not be. */
static void test_first_fault_counts(void **state)
{
	(void)state;
	expect(RECOVERY_LEN, "100G4-!", 7, -EINVAL, 1);
	expect(RECOVERY_LEN, "000G4-40R4F-!-00000", 19, -EILSEQ, 3);
	uint8_t bytes[RECOVERY_LEN];
	unsigned int group;
	assert_int_equal(recovery_decode(bytes, sizeof(bytes), "!", SIZE_MAX, &group), -EILSEQ);
	assert_int_equal(recovery_decode(bytes, sizeof(bytes), CODE "0", SIZE_MAX, &group), -E2BIG);
	assert_int_equal(recovery_decode(bytes, sizeof(bytes), CODE, SIZE_MAX, &group), -EILSEQ);
}

static void test_illegal(void **state)
{
	(void)state;
	expect(RECOVERY_LEN, CODE ".", strlen(CODE) + 1, -EILSEQ, 8);
	expect(RECOVERY_LEN, CODE "\n", strlen(CODE) + 1, -EILSEQ, 8);
	expect(RECOVERY_LEN, CODE "\0", strlen(CODE) + 1, -EILSEQ, 8);
	expect(RECOVERY_LEN, "\0" CODE, strlen(CODE) + 1, -EILSEQ, 1);
	expect(RECOVERY_LEN, "000G4-U", 7, -EILSEQ, 2);
	expect(RECOVERY_LEN, "000G4-4\xff", 8, -EILSEQ, 2);
}

static void test_nothing(void **state)
{
	(void)state;
	expect(RECOVERY_LEN, "", 0, -ENODATA, 0);
	expect(RECOVERY_LEN, " -\t-", 4, -ENODATA, 0);
	expect(1, "", 0, -ENODATA, 0);
}

/* Bits that the last group has room for and the bytes have not. What has them is made of one byte more. */
static void test_leftover_bits(void **state)
{
	(void)state;
	for (size_t n = 1; n < RECOVERY_BYTES_MAX; n++) {
		unsigned int groups = RECOVERY_GROUPS(n);
		uint8_t bytes[RECOVERY_BYTES_MAX] = { 0 };
		char text[TEXT_MAX];
		fill(bytes, n);
		for (unsigned int bit = 8 * (unsigned int)n; bit < groups * 20; bit++) {
			size_t more = bit / 8 + 1;
			if (RECOVERY_GROUPS(more) > groups)
				continue; /* the lower half of a byte */
			bytes[bit / 8] = (uint8_t)(0x80 >> bit % 8);
			recovery_encode(text, bytes, more);
			expect(more, text, strlen(text), 0, 0);
			expect(n, text, strlen(text), -EINVAL, groups);
			bytes[bit / 8] = 0;
		}
	}
	/* The least of them: 00, then bit 19; and of 3 bytes, 39; check characters by hand. */
	expect(1, "00013", 5, -EINVAL, 1);
	expect(3, "00001-00010", 11, -EINVAL, 2);
	expect(1, "00001", 5, 0, 0);
	expect(3, "00001-00002", 11, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_substitutions),
		cmocka_unit_test(test_exchanged_characters),
		cmocka_unit_test(test_exchanged_groups),
		cmocka_unit_test(test_tolerance),
		cmocka_unit_test(test_any_character),
		cmocka_unit_test(test_too_short),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_first_fault_counts),
		cmocka_unit_test(test_illegal),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_leftover_bits),
	};
	return RUN_TAP(tests, NULL, NULL);
}
