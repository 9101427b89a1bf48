/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recovery codes as people type them. The first byte says how many bytes are wanted, the rest is the text: what decodes
 * must be, folded, what encoding prints. And as they are printed and then damaged once: that must be told, with the
 * place.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "vault/recovery.h"

#define TEXT_MAX RECOVERY_TEXT_SIZE(RECOVERY_BYTES_MAX)

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static bool is_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

static char upper(char c)
{
	return (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
}

/* Are they the same character to who reads them? */
static bool is_meant(char typed, char printed)
{
	const char *like = printed == '0' ? "0Oo" : printed == '1' ? "1IiLl" : "";
	return upper(typed) == printed || (typed != '\0' && strchr(like, typed) != NULL);
}

/* Does the text say what was printed? */
static bool is_same(const char *typed, size_t len, const char *printed)
{
	for (size_t i = 0; i < len; i++) {
		if (typed[i] == '-' || typed[i] == ' ' || typed[i] == '\t')
			continue;
		if (*printed == '-')
			printed++;
		if (*printed == '\0' || !is_meant(typed[i], *printed++))
			return false;
	}
	return *printed == '\0';
}

static void fuzz_decode(size_t n, const char *text, size_t len)
{
	uint8_t bytes[RECOVERY_BYTES_MAX], again[RECOVERY_BYTES_MAX];
	char printed[TEXT_MAX];
	unsigned int group;

	int r = recovery_decode(bytes, n, text, len, &group);
	if (r < 0) {
		bool placed = r == -EINVAL || r == -EILSEQ;
		FUZZ_PROMISE(placed || r == -E2BIG || r == -ENODATA);
		FUZZ_PROMISE(placed ? group >= 1 && group <= RECOVERY_GROUPS(n) : group == 0);
		FUZZ_PROMISE(is_zero(bytes, n));
		return;
	}
	FUZZ_PROMISE(group == 0);
	recovery_encode(printed, bytes, n);
	FUZZ_PROMISE(strlen(printed) + 1 == RECOVERY_TEXT_SIZE(n) && is_same(text, len, printed));
	FUZZ_PROMISE(recovery_decode(again, n, printed, strlen(printed), &group) == 0);
	FUZZ_PROMISE(memcmp(again, bytes, n) == 0);
}

/* Damage a text once, by what the next three bytes say. Returns the first group that is another now, or 0. */
static unsigned int damage(char *text, unsigned int groups, const uint8_t how[static 3])
{
	char *group = text + how[0] % groups * (RECOVERY_GROUP + 1);
	char *other = text + how[1] % groups * (RECOVERY_GROUP + 1);
	char *a = group + how[1] % RECOVERY_GROUP, *b = group + how[2] / 3 % RECOVERY_GROUP;
	char was[TEXT_MAX];

	memcpy(was, text, strlen(text) + 1);
	if (how[2] % 3 == 0) {
		*a = alphabet[how[2] / 3 % 32];
	} else if (how[2] % 3 == 1) {
		char c = *a;
		*a = *b;
		*b = c;
	} else {
		memcpy(group, was + (other - text), RECOVERY_GROUP);
		memcpy(other, was + (group - text), RECOVERY_GROUP);
	}
	if (strcmp(text, was) == 0)
		return 0;
	return (unsigned int)((group < other || how[2] % 3 != 2 ? group : other) - text) / (RECOVERY_GROUP + 1) + 1;
}

static void fuzz_damage(const uint8_t *data, size_t size)
{
	uint8_t bytes[RECOVERY_BYTES_MAX], back[RECOVERY_BYTES_MAX];
	char text[TEXT_MAX];
	unsigned int group;

	if (size < 4)
		return;
	size_t n = size - 3 < sizeof(bytes) ? size - 3 : sizeof(bytes);
	memcpy(bytes, data + 3, n);
	recovery_encode(text, bytes, n);
	unsigned int damaged = damage(text, RECOVERY_GROUPS(n), data);
	int r = recovery_decode(back, n, text, strlen(text), &group);
	FUZZ_PROMISE(r == (damaged ? -EINVAL : 0) && group == damaged);
	FUZZ_PROMISE(damaged ? is_zero(back, n) : memcmp(back, bytes, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	fuzz_decode(data[0] % RECOVERY_BYTES_MAX + 1, (const char *)data + 1, size - 1);
	fuzz_damage(data, size);
	return 0;
}
