/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each malformed file is the good one with one fault, made by replacing one piece of its text. */
#include "unit.h"

#include <stdbool.h>

#include "base/cleanup.h"
#include "format/vaultfile.h"

#define HEX16 "000102030405060708090a0b0c0d0e0f"
#define HEX24 HEX16 "1011121314151617"
#define HEX32 HEX16 "101112131415161718191a1b1c1d1e1f"
#define HEX48 HEX32 "202122232425262728292a2b2c2d2e2f"

#define SLOT_1                                   \
	"    {\n"                                \
	"      \"slot\": 1,\n"                   \
	"      \"kind\": \"recovery\",\n"        \
	"      \"label\": \"\",\n"               \
	"      \"created\": 9007199254740992,\n" \
	"      \"kdf\": {\n"                     \
	"        \"name\": \"blake2b\",\n"       \
	"        \"memory_kib\": 0,\n"           \
	"        \"passes\": 0,\n"               \
	"        \"lanes\": 0,\n"                \
	"        \"salt\": \"" HEX16 "\"\n"      \
	"      },\n"                             \
	"      \"commitment\": \"" HEX32 "\",\n" \
	"      \"nonce\": \"" HEX24 "\",\n"      \
	"      \"wrapped\": \"" HEX48 "\"\n"     \
	"    }\n"

/* As vaultfile_print has it. */
static const char good[] = "{\n"
			   "  \"cryptfs\": 1,\n"
			   "  \"vault_id\": \"" HEX16 "\",\n"
			   "  \"created\": 1700000000,\n"
			   "  \"epoch\": 0,\n"
			   "  \"coherency\": \"shared\",\n"
			   "  \"features\": [\n"
			   "    \"hide-sizes\"\n"
			   "  ],\n"
			   "  \"label\": \"my vault\",\n"
			   "  \"slots\": [\n"
			   "    {\n"
			   "      \"slot\": 0,\n"
			   "      \"kind\": \"passphrase\",\n"
			   "      \"label\": \"caf\xc3\xa9\",\n"
			   "      \"created\": 1700000001,\n"
			   "      \"kdf\": {\n"
			   "        \"name\": \"argon2id\",\n"
			   "        \"memory_kib\": 65536,\n"
			   "        \"passes\": 3,\n"
			   "        \"lanes\": 4,\n"
			   "        \"salt\": \"" HEX16 "\"\n"
			   "      },\n"
			   "      \"commitment\": \"" HEX32 "\",\n"
			   "      \"nonce\": \"" HEX24 "\",\n"
			   "      \"wrapped\": \"" HEX48 "\"\n"
			   "    },\n" SLOT_1 "  ],\n"
			   "  \"mac\": \"" HEX32 "\",\n"
			   "  \"checksum\": \"" HEX32 "\"\n"
			   "}\n";

static void test_good(void **state)
{
	(void)state;
	struct vaultfile vf;
	const char *why = NULL;
	uint8_t bytes[48];
	count_up(bytes, sizeof(bytes), 0);
	assert_int_equal(vaultfile_parse(&vf, good, strlen(good), &why), 0);
	assert_int_equal(vf.version, 1);
	assert_memory_equal(vf.vault_id, bytes, 16);
	assert_true(vf.created == 1700000000);
	assert_int_equal(vf.epoch, 0);
	assert_int_equal(vf.coherency, VAULTFILE_SHARED);
	assert_int_equal(vf.features, VAULTFILE_FEATURE_HIDE_SIZES);
	assert_string_equal(vf.label, "my vault");
	assert_int_equal(vf.n_slots, 2);
	assert_int_equal(vf.slots[0].kind, VAULTFILE_PASSPHRASE);
	assert_string_equal(vf.slots[0].label, "caf\xc3\xa9");
	assert_int_equal(vf.slots[0].kdf, VAULTFILE_ARGON2ID);
	assert_int_equal(vf.slots[0].memory_kib, 65536);
	assert_int_equal(vf.slots[0].passes, 3);
	assert_int_equal(vf.slots[0].lanes, 4);
	assert_int_equal(vf.slots[1].slot, 1);
	assert_int_equal(vf.slots[1].kind, VAULTFILE_RECOVERY);
	assert_int_equal(vf.slots[1].kdf, VAULTFILE_BLAKE2B);
	assert_true(vf.slots[1].created == (uint64_t)1 << 53);
	assert_memory_equal(vf.slots[1].salt, bytes, 16);
	assert_memory_equal(vf.slots[1].commitment, bytes, 32);
	assert_memory_equal(vf.slots[1].nonce, bytes, 24);
	assert_memory_equal(vf.slots[1].wrapped, bytes, 48);
	assert_memory_equal(vf.mac, bytes, 32);
	assert_memory_equal(vf.checksum, bytes, 32);
}

static void test_print_is_inverse(void **state)
{
	(void)state;
	struct vaultfile vf;
	const char *why;
	assert_int_equal(vaultfile_parse(&vf, good, strlen(good), &why), 0);
	_cleanup_free_ char *text = vaultfile_print(&vf);
	assert_string_equal(text, good);
}

/* The record, byte by byte, as doc/format.md section 7 says. */
static void test_record(void **state)
{
	(void)state;
	struct vaultfile vf;
	const char *why;
	uint8_t out[VAULTFILE_RECORD_MAX];
	assert_int_equal(vaultfile_parse(&vf, good, strlen(good), &why), 0);
	size_t n = vaultfile_record(out, &vf);
	/* clang-format off */
	static const char want[] =
		/* "cryptfs settings v1", version, ID, created, epoch, coherency */
		"637279707466732073657474696e6773207631" "01000000" HEX16 "00f1536500000000" "00000000" "01"
		/* one feature, "hide-sizes"; "my vault"; two slots */
		"0100" "0a00" "686964652d73697a6573" "0800" "6d79207661756c74" "0200"
		/* slot 0, passphrase, created, label, argon2id, cost, salt */
		"00000000" "01" "01f1536500000000" "0500" "636166c3a9" "01" "00000100" "03000000" "04000000"
		HEX16 HEX32 HEX24 HEX48
		/* slot 1, recovery, created, no label, blake2b */
		"01000000" "02" "0000000000002000" "0000" "02" "00000000" "00000000" "00000000"
		HEX16 HEX32 HEX24 HEX48;
	/* clang-format on */
	assert_int_equal(n, strlen(want) / 2);
	assert_hex(out, want);
}

static void test_slot_ad(void **state)
{
	(void)state;
	struct vaultfile vf;
	const char *why;
	uint8_t out[VAULTFILE_PARAMS_MAX];
	assert_int_equal(vaultfile_parse(&vf, good, strlen(good), &why), 0);
	size_t n = vaultfile_slot_ad(out, vf.vault_id, &vf.slots[0]);
	/* clang-format off */
	static const char want[] = "6372797074667320736c6f74207631" HEX16 /* "cryptfs slot v1" */
		"00000000" "01" "01f1536500000000" "0500" "636166c3a9" "01" "00000100" "03000000" "04000000"
		HEX16;
	/* clang-format on */
	assert_int_equal(n, strlen(want) / 2);
	assert_hex(out, want);
}

/* Everything at its longest fits the arrays that the header promises. */
static void test_longest(void **state)
{
	(void)state;
	static struct vaultfile vf, back;
	const char *why;
	uint8_t out[VAULTFILE_RECORD_MAX];
	assert_int_equal(vaultfile_parse(&vf, good, strlen(good), &why), 0);
	memset(vf.label, '"', VAULTFILE_LABEL_MAX); /* longest in JSON, too */
	vf.n_slots = VAULTFILE_SLOTS;
	for (uint32_t i = 0; i < VAULTFILE_SLOTS; i++) {
		vf.slots[i] = vf.slots[0];
		vf.slots[i].slot = i;
		memset(vf.slots[i].label, '\\', VAULTFILE_LABEL_MAX);
	}
	assert_true(vaultfile_record(out, &vf) < VAULTFILE_RECORD_MAX);
	assert_true(vaultfile_slot_ad(out, vf.vault_id, &vf.slots[31]) < VAULTFILE_PARAMS_MAX);
	_cleanup_free_ char *text = vaultfile_print(&vf);
	assert_true(strlen(text) < VAULTFILE_MAX);
	assert_int_equal(vaultfile_parse(&back, text, strlen(text), &why), 0);
	assert_int_equal(back.n_slots, VAULTFILE_SLOTS);
	assert_memory_equal(back.label, vf.label, sizeof(vf.label));
}

static void test_print_refuses_what_is_no_text(void **state)
{
	(void)state;
	struct vaultfile vf;
	const char *why;
	assert_int_equal(vaultfile_parse(&vf, good, strlen(good), &why), 0);
	vf.label[0] = (char)0xff;
	assert_null(vaultfile_print(&vf));
	vf.label[0] = 'x';
	vf.slots[1].kind = 9;
	assert_null(vaultfile_print(&vf));
}

#define N9 "nnnnnnnnn"
#define N130 N9 N9 N9 N9 N9 N9 N9 N9 N9 N9 N9 N9 N9 N9 "nnnn"

struct fault {
	const char *fault;
	const char *from; /* first occurrence */
	const char *to;
	int want;
};

static const struct fault faults[] = {
	/* the whole */
	{ "not JSON", "{\n", "", -EUCLEAN },
	{ "something behind it", "\"\n}\n", "\"\n}\n{}", -EUCLEAN },
	{ "comment", "{\n", "{ // vault\n", -EUCLEAN },
	{ "trailing comma", "\"\n}\n", "\",\n}\n", -EUCLEAN },
	{ "byte order mark", "{\n", "\xef\xbb\xbf{\n", -EUCLEAN },
	{ "unknown member", "\"epoch\"", "\"extra\": 1, \"epoch\"", -EUCLEAN },
	{ "duplicate member", "\"epoch\"", "\"epoch\": 0, \"epoch\"", -EUCLEAN },
	{ "duplicate member, in a slot", "\"slot\": 0", "\"slot\": 0, \"slot\": 0", -EUCLEAN },
	{ "member renamed", "\"epoch\"", "\"Epoch\"", -EUCLEAN },
	{ "label missing", "  \"label\": \"my vault\",\n", "", -EUCLEAN },
	{ "mac missing", "  \"mac\": \"" HEX32 "\",\n", "", -EUCLEAN },
	/* version */
	{ "version missing", "  \"cryptfs\": 1,\n", "", -EUCLEAN },
	{ "version 0", "\"cryptfs\": 1", "\"cryptfs\": 0", -EUCLEAN },
	{ "version -1", "\"cryptfs\": 1", "\"cryptfs\": -1", -EUCLEAN },
	{ "version 2", "\"cryptfs\": 1", "\"cryptfs\": 2", -EPROTONOSUPPORT },
	{ "version 2^32 + 1", "\"cryptfs\": 1", "\"cryptfs\": 4294967297", -EPROTONOSUPPORT },
	{ "version 2^63", "\"cryptfs\": 1", "\"cryptfs\": 9223372036854775808", -EUCLEAN },
	{ "version a string", "\"cryptfs\": 1", "\"cryptfs\": \"1\"", -EUCLEAN },
	{ "version a real", "\"cryptfs\": 1", "\"cryptfs\": 1.0", -EUCLEAN },
	{ "version true", "\"cryptfs\": 1", "\"cryptfs\": true", -EUCLEAN },
	{ "version 2 and all else unknown", "\"cryptfs\": 1", "\"cryptfs\": 2, \"new\": []",
	  -EPROTONOSUPPORT },
	/* byte strings */
	{ "ID too short", "\"vault_id\": \"00", "\"vault_id\": \"", -EUCLEAN },
	{ "ID too long", "\"vault_id\": \"00", "\"vault_id\": \"0000", -EUCLEAN },
	{ "ID odd", "\"vault_id\": \"00", "\"vault_id\": \"0", -EUCLEAN },
	{ "ID in upper case", "\"vault_id\": \"" HEX16,
	  "\"vault_id\": \"000102030405060708090A0B0C0D0E0F", -EUCLEAN },
	{ "ID no hex", "\"vault_id\": \"00", "\"vault_id\": \"0g", -EUCLEAN },
	{ "ID a number", "\"vault_id\": \"" HEX16 "\"", "\"vault_id\": 0", -EUCLEAN },
	{ "ID null", "\"vault_id\": \"" HEX16 "\"", "\"vault_id\": null", -EUCLEAN },
	{ "ID with an escaped NUL", "\"vault_id\": \"" HEX16, "\"vault_id\": \"" HEX16 "\\u0000",
	  -EUCLEAN },
	{ "mac too short", "\"mac\": \"00", "\"mac\": \"", -EUCLEAN },
	{ "checksum empty", "\"checksum\": \"" HEX32, "\"checksum\": \"", -EUCLEAN },
	{ "salt too short", "\"salt\": \"00", "\"salt\": \"", -EUCLEAN },
	{ "commitment too long", "\"commitment\": \"", "\"commitment\": \"00", -EUCLEAN },
	{ "nonce too short", "\"nonce\": \"00", "\"nonce\": \"", -EUCLEAN },
	{ "wrapped key too short", "\"wrapped\": \"00", "\"wrapped\": \"", -EUCLEAN },
	/* integers */
	{ "created negative", "1700000000", "-1", -EUCLEAN },
	{ "created above 2^53", "9007199254740992", "9007199254740993", -EUCLEAN },
	{ "created a real", "1700000000", "1.7e9", -EUCLEAN },
	{ "created a string", "1700000000", "\"1700000000\"", -EUCLEAN },
	{ "created 0", "1700000000", "0", 0 },
	{ "epoch 1", "\"epoch\": 0", "\"epoch\": 1", 0 },
	{ "last epoch", "\"epoch\": 0", "\"epoch\": 65535", 0 },
	{ "epoch above the last", "\"epoch\": 0", "\"epoch\": 65536", -EUCLEAN },
	{ "previous no object", "\"epoch\": 0", "\"previous\": 1, \"epoch\": 1", -EUCLEAN },
	{ "previous empty", "\"epoch\": 0", "\"previous\": {}, \"epoch\": 1", -EUCLEAN },
	{ "previous null", "\"epoch\": 0", "\"previous\": null, \"epoch\": 1", -EUCLEAN },
	{ "epoch negative", "\"epoch\": 0", "\"epoch\": -1", -EUCLEAN },
	{ "epoch above 2^32", "\"epoch\": 0", "\"epoch\": 4294967296", -EUCLEAN },
	{ "epoch false", "\"epoch\": 0", "\"epoch\": false", -EUCLEAN },
	/* coherency and features */
	{ "coherency private", "\"shared\"", "\"private\"", 0 },
	{ "coherency unknown", "\"shared\"", "\"Shared\"", -EUCLEAN },
	{ "coherency empty", "\"shared\"", "\"\"", -EUCLEAN },
	{ "coherency a number", "\"shared\"", "1", -EUCLEAN },
	{ "no features", "\"hide-sizes\"", "", 0 },
	{ "features an object", "[\n    \"hide-sizes\"\n  ]", "{}", -EUCLEAN },
	{ "feature a number", "\"hide-sizes\"", "1", -EUCLEAN },
	{ "feature empty", "\"hide-sizes\"", "\"\"", -EUCLEAN },
	{ "feature twice", "\"hide-sizes\"", "\"hide-sizes\", \"hide-sizes\"", -EUCLEAN },
	{ "features not sorted", "\"hide-sizes\"", "\"hide-sizes\", \"a\"", -EUCLEAN },
	{ "feature unknown", "\"hide-sizes\"", "\"hide-sizes\", \"zoo\"", -EPROTONOSUPPORT },
	{ "feature unknown, alone", "\"hide-sizes\"", "\"hide\"", -EPROTONOSUPPORT },
	/* labels */
	{ "label empty", "my vault", "", 0 },
	{ "label of 130 bytes", "my vault", N130, -EUCLEAN },
	{ "label with a newline", "my vault", "my\\nvault", -EUCLEAN },
	{ "label with an escape", "my vault", "\\u001b[2J", -EUCLEAN },
	{ "label with DEL", "my vault", "\x7f", -EUCLEAN },
	{ "label with a C1 control", "my vault", "\xc2\x9b", -EUCLEAN },
	{ "label with an escaped C1 control", "my vault", "\\u009b", -EUCLEAN },
	{ "label with a no-break space", "my vault", "\xc2\xa0", 0 },
	{ "label not UTF-8", "my vault", "\xff", -EUCLEAN },
	{ "label with half a character", "my vault", "\xc3", -EUCLEAN },
	{ "label with a surrogate", "my vault", "\\ud800", -EUCLEAN },
	{ "label with a NUL", "my vault", "a\\u0000b", -EUCLEAN },
	{ "label a number", "\"my vault\"", "7", -EUCLEAN },
	{ "slot's label of 130 bytes", "caf\xc3\xa9", N130, -EUCLEAN },
	/* slots */
	{ "slots an object", "\"slots\": [", "\"slots\": {}, \"x\": [", -EUCLEAN },
	{ "slot no object", "\"slots\": [", "\"slots\": [0,", -EUCLEAN },
	{ "slot an array", "\"slots\": [", "\"slots\": [[],", -EUCLEAN },
	{ "slot empty", "\"slots\": [", "\"slots\": [{},", -EUCLEAN },
	{ "slot 32", "\"slot\": 1", "\"slot\": 32", -EUCLEAN },
	{ "slot 31", "\"slot\": 1", "\"slot\": 31", 0 },
	{ "slot -1", "\"slot\": 0", "\"slot\": -1", -EUCLEAN },
	{ "slot twice", "\"slot\": 0", "\"slot\": 1", -EUCLEAN },
	{ "slots not ascending", "\"slot\": 0", "\"slot\": 2", -EUCLEAN },
	{ "slot with unknown member", "\"slot\": 0", "\"slot\": 0, \"x\": 0", -EUCLEAN },
	{ "kind unknown", "\"passphrase\"", "\"fido2\"", -EPROTONOSUPPORT },
	{ "kind empty", "\"passphrase\"", "\"\"", -EPROTONOSUPPORT },
	{ "kind a number", "\"passphrase\"", "1", -EUCLEAN },
	{ "kind another", "\"passphrase\"", "\"keyring\"", 0 },
	/* KDF */
	{ "kdf unknown", "\"argon2id\"", "\"scrypt\"", -EPROTONOSUPPORT },
	{ "kdf a number", "\"argon2id\"", "1", -EUCLEAN },
	{ "kdf no object", "\"kdf\": {", "\"kdf\": 1, \"x\": {", -EUCLEAN },
	{ "kdf with unknown member", "\"passes\": 3", "\"passes\": 3, \"x\": 1", -EUCLEAN },
	{ "kdf without lanes", "        \"lanes\": 4,\n", "", -EUCLEAN },
	{ "memory below the floor", "65536", "8191", -EUCLEAN },
	{ "memory at the floor", "65536", "8192", 0 },
	{ "memory at the ceiling", "65536", "4194304", 0 },
	{ "memory above the ceiling", "65536", "4194305", -EUCLEAN },
	{ "memory 2^32 + 65536", "65536", "4295032832", -EUCLEAN },
	{ "memory negative", "65536", "-65536", -EUCLEAN },
	{ "no passes", "\"passes\": 3", "\"passes\": 0", -EUCLEAN },
	{ "most passes", "\"passes\": 3", "\"passes\": 64", 0 },
	{ "too many passes", "\"passes\": 3", "\"passes\": 65", -EUCLEAN },
	{ "no lanes", "\"lanes\": 4", "\"lanes\": 0", -EUCLEAN },
	{ "most lanes", "\"lanes\": 4", "\"lanes\": 16", 0 },
	{ "too many lanes", "\"lanes\": 4", "\"lanes\": 17", -EUCLEAN },
	{ "most work", "65536,\n        \"passes\": 3", "4194304,\n        \"passes\": 16", 0 },
	{ "too much work", "65536,\n        \"passes\": 3", "4194304,\n        \"passes\": 17",
	  -EUCLEAN },
	{ "blake2b with memory", "\"memory_kib\": 0", "\"memory_kib\": 8192", -EUCLEAN },
	{ "blake2b with passes", "\"passes\": 0", "\"passes\": 1", -EUCLEAN },
	{ "blake2b with lanes", "\"lanes\": 0", "\"lanes\": 1", -EUCLEAN },
	{ "blake2b for a passphrase", "\"recovery\"", "\"passphrase\"", -EUCLEAN },
};

static int parse(const char *text, size_t n)
{
	static struct vaultfile vf;
	const char *why = NULL;
	/* A copy without a NUL behind it: reading past its end is seen by sanitizers. */
	_cleanup_free_ char *copy = malloc(n > 0 ? n : 1);
	memcpy(copy, text, n);
	int r = vaultfile_parse(&vf, copy, n, &why);
	assert_true(r == 0 || r == -EUCLEAN || r == -EPROTONOSUPPORT);
	assert_true(r == 0 || (why && why[0]));
	return r;
}

/* Length of the good text with 'from' replaced; out has room for it. */
static size_t replaced(char *out, const struct fault *f)
{
	const char *at = strstr(good, f->from);
	CHECK_CASE(at != NULL, f->fault);
	size_t before = (size_t)(at - good), from = strlen(f->from), to = strlen(f->to);
	memcpy(out, good, before);
	memcpy(out + before, f->to, to);
	strcpy(out + before + to, at + from);
	return strlen(out);
}

static void test_one_fault(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(faults); i++) {
		char text[sizeof(good) + 512];
		size_t n = replaced(text, &faults[i]);
		CHECK_CASE(parse(text, n) == faults[i].want, faults[i].fault);
	}
}

static void test_no_object(void **state)
{
	(void)state;
	static const char *const texts[] = { "",      " ", "{}",   "[]", "null",	 "1",
					     "\"x\"", "{", "[{}]", "\0", "{\"cryptfs\"", "\xff" };
	for (size_t i = 0; i < N_OF(texts); i++)
		CHECK_CASE(parse(texts[i], strlen(texts[i])) == -EUCLEAN, texts[i]);
	assert_int_equal(parse("{\0}", 3), -EUCLEAN);
	assert_int_equal(parse("\0\0\0", 3), -EUCLEAN);
}

static void test_deep_nesting(void **state)
{
	(void)state;
	static char text[VAULTFILE_MAX];
	memset(text, '[', sizeof(text));
	assert_int_equal(parse(text, sizeof(text)), -EUCLEAN);
	memset(text, '[', sizeof(text) / 2);
	memset(text + sizeof(text) / 2, ']', sizeof(text) / 2);
	assert_int_equal(parse(text, sizeof(text)), -EUCLEAN);
	for (size_t i = 0; i + 5 <= sizeof(text); i += 5)
		memcpy(text + i, "{\"a\":", 5);
	assert_int_equal(parse(text, sizeof(text)), -EUCLEAN);
}

static void test_too_long(void **state)
{
	(void)state;
	static char text[VAULTFILE_MAX + 1];
	memset(text, ' ', sizeof(text));
	memcpy(text, good, strlen(good));
	assert_int_equal(parse(text, VAULTFILE_MAX), 0);
	assert_int_equal(parse(text, VAULTFILE_MAX + 1), -EUCLEAN);
}

static void test_too_many_slots(void **state)
{
	(void)state;
	struct fault f = { "33 slots", "\"slots\": [", NULL, 0 };
	char nulls[33 * 5 + 16] = "\"slots\": [";
	for (int i = 0; i < 33; i++)
		strcat(nulls, "null,");
	f.to = nulls;
	char text[sizeof(good) + 512];
	assert_int_equal(parse(text, replaced(text, &f)), -EUCLEAN);
}

/* Each slot is within its limits; together they may cost twice the most that one may. */
static void test_work_of_all(void **state)
{
	(void)state;
	static struct vaultfile vf;
	const char *why;
	assert_int_equal(vaultfile_parse(&vf, good, strlen(good), &why), 0);
	for (uint32_t n = 2; n <= VAULTFILE_SLOTS; n++) {
		vf.n_slots = n;
		for (uint32_t i = 0; i < n; i++) {
			vf.slots[i] = vf.slots[0];
			vf.slots[i].slot = i;
			vf.slots[i].memory_kib = VAULTFILE_KDF_MEMORY_MAX;
			vf.slots[i].passes = VAULTFILE_KDF_WORK_ALL / VAULTFILE_KDF_MEMORY_MAX / n;
		}
		_cleanup_free_ char *most = vaultfile_print(&vf);
		assert_int_equal(parse(most, strlen(most)), 0);
	}
	vf.n_slots = 3;
	for (uint32_t i = 0; i < 3; i++) {
		vf.slots[i].memory_kib = VAULTFILE_KDF_MEMORY_MAX;
		vf.slots[i].passes = i < 2 ? 16 : 1;
	}
	_cleanup_free_ char *more = vaultfile_print(&vf);
	assert_int_equal(parse(more, strlen(more)), -EUCLEAN);
	vf.slots[2].memory_kib = VAULTFILE_KDF_MEMORY_MIN; /* a little is too much too */
	_cleanup_free_ char *little = vaultfile_print(&vf);
	assert_int_equal(parse(little, strlen(little)), -EUCLEAN);
}

static void test_truncated(void **state)
{
	(void)state;
	size_t n = strlen(good);
	for (size_t i = 0; i + 1 < n; i++) /* the last newline may go */
		assert_int_equal(parse(good, i), -EUCLEAN);
	assert_int_equal(parse(good, n - 1), 0);
}

/* Each byte changed in several ways: never a crash, and what still parses prints and parses again. */
static void test_changed_bytes(void **state)
{
	(void)state;
	static const unsigned char masks[] = { 0x01, 0x20, 0x80, 0xff };
	for (size_t i = 0; i < strlen(good); i++) {
		for (size_t k = 0; k < sizeof(masks); k++) {
			char text[sizeof(good)];
			memcpy(text, good, sizeof(good));
			text[i] = (char)((unsigned char)text[i] ^ masks[k]);
			if (parse(text, strlen(good)) < 0)
				continue;
			struct vaultfile vf;
			const char *why;
			assert_int_equal(vaultfile_parse(&vf, text, strlen(good), &why), 0);
			_cleanup_free_ char *again = vaultfile_print(&vf);
			assert_non_null(again);
			assert_int_equal(parse(again, strlen(again)), 0);
		}
	}
}

static const struct {
	const char *name;
	uint8_t kind, kdf;
	uint32_t memory, passes, lanes;
	int want;
} kdfs[] = {
	{ "least", VAULTFILE_PASSPHRASE, VAULTFILE_ARGON2ID, 8192, 1, 1, 0 },
	{ "least for 16 lanes", VAULTFILE_PASSPHRASE, VAULTFILE_ARGON2ID, 8192, 1, 16, 0 },
	{ "argon2id for a key file", VAULTFILE_KEYFILE, VAULTFILE_ARGON2ID, 8192, 1, 1, 0 },
	{ "product would wrap", VAULTFILE_PASSPHRASE, VAULTFILE_ARGON2ID, 4194304, 64, 1,
	  -EUCLEAN },
	{ "memory huge", VAULTFILE_PASSPHRASE, VAULTFILE_ARGON2ID, UINT32_MAX, 1, 1, -EUCLEAN },
	{ "lanes huge", VAULTFILE_PASSPHRASE, VAULTFILE_ARGON2ID, 8192, 1, UINT32_MAX, -EUCLEAN },
	{ "blake2b", VAULTFILE_KEYRING, VAULTFILE_BLAKE2B, 0, 0, 0, 0 },
	{ "blake2b for a passphrase", VAULTFILE_PASSPHRASE, VAULTFILE_BLAKE2B, 0, 0, 0, -EUCLEAN },
	{ "no kdf", VAULTFILE_KEYRING, 0, 0, 0, 0, -EUCLEAN },
	{ "unknown kdf", VAULTFILE_KEYRING, 3, 0, 0, 0, -EUCLEAN },
	{ "no kind", 0, VAULTFILE_ARGON2ID, 8192, 1, 1, -EUCLEAN },
	{ "blake2b for a key file's passphrase", VAULTFILE_KEYFILE_PASSPHRASE, VAULTFILE_BLAKE2B, 0, 0, 0,
	  -EUCLEAN },
	{ "unknown kind", 6, VAULTFILE_ARGON2ID, 8192, 1, 1, -EUCLEAN },
};

static void test_check_kdf(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(kdfs); i++)
		CHECK_CASE(vaultfile_check_kdf(kdfs[i].kind, kdfs[i].kdf, kdfs[i].memory,
					       kdfs[i].passes, kdfs[i].lanes) == kdfs[i].want,
			   kdfs[i].name);
}

static void test_names(void **state)
{
	(void)state;
	for (uint8_t k = VAULTFILE_PASSPHRASE; k <= VAULTFILE_KEYFILE_PASSPHRASE; k++)
		assert_int_equal(vaultfile_kind_of(vaultfile_kind_name(k)), k);
	assert_null(vaultfile_kind_name(0));
	assert_null(vaultfile_kind_name(6));
	assert_null(vaultfile_kind_name(255));
	assert_int_equal(vaultfile_kind_of(""), 0);
	assert_int_equal(vaultfile_kind_of("Passphrase"), 0);
	assert_string_equal(vaultfile_kdf_name(VAULTFILE_ARGON2ID), "argon2id");
	assert_string_equal(vaultfile_kdf_name(VAULTFILE_BLAKE2B), "blake2b");
	assert_null(vaultfile_kdf_name(0));
	assert_null(vaultfile_kdf_name(3));
}

static void test_labels(void **state)
{
	(void)state;
	char label[VAULTFILE_LABEL_MAX + 2];
	memset(label, 'a', sizeof(label));
	label[VAULTFILE_LABEL_MAX] = '\0';
	assert_true(vaultfile_label_is_valid(label));
	label[VAULTFILE_LABEL_MAX] = 'a';
	label[VAULTFILE_LABEL_MAX + 1] = '\0';
	assert_false(vaultfile_label_is_valid(label));
	assert_true(vaultfile_label_is_valid(""));
	assert_true(vaultfile_label_is_valid("\xf0\x9f\x94\x91 key"));
	assert_false(vaultfile_label_is_valid("\t"));
	assert_false(vaultfile_label_is_valid("\xf0\x9f\x94"));
	assert_false(vaultfile_label_is_valid("\xc0\x80"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_print_is_inverse),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_slot_ad),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_print_refuses_what_is_no_text),
		cmocka_unit_test(test_one_fault),
		cmocka_unit_test(test_no_object),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_too_many_slots),
		cmocka_unit_test(test_work_of_all),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_changed_bytes),
		cmocka_unit_test(test_check_kdf),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_labels),
	};
	return RUN_TAP(tests, NULL, NULL);
}
