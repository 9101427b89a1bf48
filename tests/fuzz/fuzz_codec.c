/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base64url and hex: whatever decodes must be exactly what encoding gives back (one encoding for each
 * byte string), and whatever is encoded must decode.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/codec.h"
#include "fuzz.h"

static void fuzz_b64_decode(const char *in, size_t len)
{
	size_t cap = len; /* more than enough */
	_cleanup_free_ uint8_t *out = malloc(cap + 1);
	_cleanup_free_ char *again = malloc(CODEC_B64_LEN(cap) + 1);
	FUZZ_PROMISE(out && again);

	ssize_t n = codec_b64_decode(out, cap, in, len);
	if (n < 0) {
		FUZZ_PROMISE(n == -EINVAL);
		return;
	}
	FUZZ_PROMISE(codec_b64_encode(again, out, (size_t)n) == len);
	FUZZ_PROMISE(memcmp(again, in, len) == 0);
	if (n > 0)
		FUZZ_PROMISE(codec_b64_decode(out, (size_t)n - 1, in, len) == -EINVAL);
}

static void fuzz_b64_encode(const uint8_t *in, size_t n)
{
	_cleanup_free_ char *text = malloc(CODEC_B64_LEN(n) + 1);
	_cleanup_free_ uint8_t *back = malloc(n + 1);
	FUZZ_PROMISE(text && back);

	size_t len = codec_b64_encode(text, in, n);
	FUZZ_PROMISE(len == CODEC_B64_LEN(n) && text[len] == '\0');
	FUZZ_PROMISE(codec_b64_decode(back, n, text, len) == (ssize_t)n);
	FUZZ_PROMISE(n == 0 || memcmp(back, in, n) == 0);
}

static void fuzz_hex(const uint8_t *in, size_t n)
{
	_cleanup_free_ char *text = malloc(2 * n + 1);
	_cleanup_free_ char *input = malloc(n + 1);
	_cleanup_free_ uint8_t *back = malloc(n + 1);
	FUZZ_PROMISE(text && input && back);

	codec_hex_encode(text, in, n);
	FUZZ_PROMISE(strlen(text) == 2 * n);
	FUZZ_PROMISE(codec_hex_decode(back, n, text) == 0);
	FUZZ_PROMISE(n == 0 || memcmp(back, in, n) == 0);

	/* The input itself as digits. */
	if (n > 0)
		memcpy(input, in, n);
	input[n] = '\0';
	size_t digits = strlen(input);
	if (codec_hex_decode(back, digits / 2, input) == 0) {
		FUZZ_PROMISE(digits % 2 == 0);
		codec_hex_encode(text, back, digits / 2);
		FUZZ_PROMISE(strcmp(text, input) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_b64_decode((const char *)data, size);
	fuzz_b64_encode(data, size);
	fuzz_hex(data, size);
	return 0;
}
