/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/codec.h"

#include <errno.h>
#include <string.h>

static const char alphabet[64 + 1] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* One more than a character's value, so that what is not named here is 0: not in the alphabet. */
static const uint8_t values[256] = {
	['A'] = 1,  ['B'] = 2,	['C'] = 3,  ['D'] = 4,	['E'] = 5,  ['F'] = 6,	['G'] = 7,
	['H'] = 8,  ['I'] = 9,	['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
	['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,
	['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
	['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
	['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
	['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,
	['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63,
	['_'] = 64,
};

size_t codec_b64_encode(char *out, const uint8_t *in, size_t n)
{
	char *p = out;
	uint32_t acc = 0;
	unsigned int bits = 0;
	for (size_t i = 0; i < n; i++) {
		acc = (acc << 8) | in[i];
		bits += 8;
		while (bits >= 6) {
			bits -= 6;
			*p++ = alphabet[(acc >> bits) & 63];
		}
	}
	if (bits > 0)
		*p++ = alphabet[(acc << (6 - bits)) & 63];
	*p = '\0';
	return (size_t)(p - out);
}

ssize_t codec_b64_decode(uint8_t *out, size_t cap, const char *in, size_t len)
{
	size_t n = len / 4 * 3 + (len % 4 == 0 ? 0 : len % 4 - 1);
	if (len % 4 == 1 || n > cap)
		return -EINVAL;
	uint32_t acc = 0;
	unsigned int bits = 0;
	uint8_t *p = out;
	for (size_t i = 0; i < len; i++) {
		uint32_t v = values[(unsigned char)in[i]];
		if (v == 0)
			return -EINVAL;
		acc = (acc << 6) | (v - 1);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*p++ = (uint8_t)((acc >> bits) & 0xff);
		}
	}
	/* The bits left over must be zero, or several strings would mean the same bytes. */
	if ((acc & ((1u << bits) - 1)) != 0)
		return -EINVAL;
	return (ssize_t)n;
}

/* Arithmetic instead of a table: no memory access depends on the digit. */
static char hex_digit(unsigned int v)
{
	return (char)('0' + v + (((9 - v) >> 8) & ('a' - '0' - 10)));
}

void codec_hex_encode(char *out, const uint8_t *in, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = hex_digit(in[i] >> 4);
		out[2 * i + 1] = hex_digit(in[i] & 15);
	}
	out[2 * n] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int codec_hex_decode(uint8_t *out, size_t n, const char *in)
{
	if (strlen(in) != 2 * n)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		int hi = hex_value(in[2 * i]);
		int lo = hex_value(in[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return -EINVAL;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return 0;
}
