/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vault/recovery.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "crypto/keymem.h"

#define DATA (RECOVERY_GROUP - 1) /* characters of a group that hold bits of the secret */

static const char alphabet[32 + 1] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/*
 * A group's characters are the coefficients of a polynomial over GF(32) = GF(2)[x] / (x^5 + x^2 + 1), which takes the
 * group's number g, from 1, as its value at a = x: c0 a^4 + c1 a^3 + c2 a^2 + c3 a + c4 = g. As no two of these weights
 * are the same and none is 0, a character wrong by d moves the value by w d, and two exchanged ones c, c' move it by
 * (w + w') (c + c'): never by 0. A group that fits one number fits no other.
 */
#define MODULUS 0x25u

_Static_assert(RECOVERY_GROUPS(RECOVERY_BYTES_MAX) < 32, "every group has a number of its own in GF(32)");

/* Horner's rule: what value is with one more coefficient, c. */
static unsigned int append(unsigned int value, unsigned int c)
{
	return (value << 1 ^ (value >> 4) * MODULUS) ^ c;
}

/* All of the alphabet is looked at, here and below: which memory is read does not depend on the secret. */
static char character(unsigned int v)
{
	unsigned int c = 0;
	for (unsigned int i = 0; i < 32; i++)
		c |= (unsigned int)alphabet[i] * (i == v);
	return (char)c;
}

/* One more than the character's value; 0 if it is none. */
static unsigned int value_plus_one(char c)
{
	unsigned int v = 0;
	for (unsigned int i = 0; i < 32; i++)
		v |= (i + 1) * (alphabet[i] == c);
	return v;
}

/* What was meant by what a person read on paper and typed. */
static char fold(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == 'I' || c == 'L')
		return '1';
	return c == 'O' ? '0' : c;
}

/* Bits 5 k to 5 k + 4 of the secret lie in the two bytes from 5 k / 8 on, so far from their end. */
static unsigned int shift_of(size_t k)
{
	return 11 - 5 * k % 8;
}

static unsigned int get_bits(const uint8_t *bytes, size_t n, size_t k)
{
	size_t at = 5 * k / 8;
	unsigned int two = at < n ? (unsigned int)bytes[at] << 8 : 0;
	if (at + 1 < n)
		two |= bytes[at + 1];
	return two >> shift_of(k) & 31;
}

/* Returns those bits that have no place in bytes. */
static unsigned int put_bits(uint8_t *bytes, size_t n, size_t k, unsigned int v)
{
	size_t at = 5 * k / 8;
	unsigned int two = v << shift_of(k);
	if (at < n) {
		bytes[at] |= (uint8_t)(two >> 8);
		two &= 0xff;
	}
	if (at + 1 < n) {
		bytes[at + 1] |= (uint8_t)two;
		two &= ~0xffu;
	}
	return two;
}

static void check_length(size_t n)
{
	if (n == 0 || n > RECOVERY_BYTES_MAX)
		abort(); /* not a constant of ours */
}

void recovery_encode(char *text, const uint8_t *bytes, size_t n)
{
	check_length(n);
	char *p = text;
	for (unsigned int g = 0; g < RECOVERY_GROUPS(n); g++) {
		unsigned int value = 0;
		if (g > 0)
			*p++ = '-';
		for (size_t i = 0; i < DATA; i++) {
			unsigned int v = get_bits(bytes, n, g * DATA + i);
			value = append(value, v);
			*p++ = character(v);
		}
		*p++ = character(append(value, g + 1)); /* which makes the value g + 1 */
	}
	*p = '\0';
}

struct reader {
	uint8_t *bytes;
	size_t n;
	unsigned int seen;     /* characters of the alphabet */
	unsigned int value;    /* of the polynomial, as far as the group has been read */
	unsigned int leftover; /* bits that are not zero, behind the last byte */
};

static unsigned int group_of(const struct reader *r)
{
	return r->seen / RECOVERY_GROUP + 1;
}

static bool is_full(const struct reader *r)
{
	return r->seen == RECOVERY_GROUPS(r->n) * RECOVERY_GROUP;
}

static int read_value(struct reader *r, unsigned int v)
{
	unsigned int i = r->seen % RECOVERY_GROUP;
	r->value = append(r->value, v);
	if (i < DATA) {
		r->leftover |= put_bits(r->bytes, r->n, (size_t)(group_of(r) - 1) * DATA + i, v);
	} else {
		if (r->value != group_of(r) || r->leftover != 0)
			return -EINVAL;
		r->value = 0;
	}
	r->seen++;
	return 0;
}

static int read_character(struct reader *r, char c)
{
	if (c == '-' || c == ' ' || c == '\t')
		return 0;
	unsigned int v = value_plus_one(fold(c));
	if (v == 0)
		return -EILSEQ;
	return is_full(r) ? -E2BIG : read_value(r, v - 1);
}

static int read_all(struct reader *r, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int e = read_character(r, text[i]);
		if (e < 0)
			return e;
	}
	if (r->seen == 0)
		return -ENODATA;
	return is_full(r) ? 0 : -EINVAL;
}

int recovery_decode(uint8_t *bytes, size_t n, const char *text, size_t len, unsigned int *group)
{
	check_length(n);
	struct reader r = { .bytes = bytes, .n = n };
	keymem_wipe(bytes, n);
	int e = read_all(&r, text, len);
	*group = 0;
	if (e == -EINVAL || e == -EILSEQ)
		*group = is_full(&r) ? group_of(&r) - 1 : group_of(&r);
	if (e < 0)
		keymem_wipe(bytes, n);
	keymem_wipe(&r, sizeof(r)); /* what was read of a group that is not whole */
	return e;
}
