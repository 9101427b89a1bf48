/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names from a hostile directory: the codecs they are written in, classifying and decoding what is on disk,
 * opening what was sealed with any padding and changed since, taking the padding off, and the lengths of links.
 * Whatever decodes must be exactly what encoding gives back (one encoding for each byte string), and whatever is
 * encoded must decode.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/codec.h"
#include "format/name.h"
#include "fuzz_vault.h"
#include "store/dir.h"

/* ---- codecs ---- */

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

/* ---- names ---- */

static void fuzz_disk_name(const uint8_t *data, size_t size)
{
	char disk[NAME_DISK_SIZE] = "", again[NAME_DISK_SIZE], side[NAME_DISK_SIZE];
	uint8_t sealed[NAME_SEALED_MAX];

	if (size > 0)
		memcpy(disk, data, size < NAME_MAX_LEN ? size : NAME_MAX_LEN);
	enum name_kind kind = name_classify(disk);
	if (kind == NAME_LONG) {
		name_long_side(side, disk);
		FUZZ_PROMISE(name_classify(side) == NAME_OURS);
	}
	if (kind != NAME_SEALED)
		return;
	ssize_t n = name_decode_short(sealed, disk);
	if (n < 0) {
		FUZZ_PROMISE(n == -EUCLEAN);
		return;
	}
	FUZZ_PROMISE((size_t)n <= sizeof(sealed) && !name_needs_hash((size_t)n));
	name_encode_short(again, sealed, (size_t)n);
	FUZZ_PROMISE(strcmp(again, disk) == 0);
}

static void fuzz_unpad(const uint8_t *data, size_t size)
{
	uint8_t padded[NAME_PADDED_MAX];

	ssize_t n = name_unpad(data, size);
	if (n < 0) {
		FUZZ_PROMISE(n == -EUCLEAN);
		return;
	}
	FUZZ_PROMISE(name_is_valid((const char *)data, (size_t)n));
	FUZZ_PROMISE(name_pad(padded, (const char *)data, (size_t)n) == size);
	FUZZ_PROMISE(memcmp(padded, data, size) == 0);
}

static void fuzz_pad(const uint8_t *data, size_t size)
{
	uint8_t padded[NAME_PADDED_MAX];

	if (!name_is_valid((const char *)data, size))
		return;
	size_t n = name_pad(padded, (const char *)data, size);
	FUZZ_PROMISE(n <= sizeof(padded) && n % NAME_PAD == 0);
	FUZZ_PROMISE(name_unpad(padded, n) == (ssize_t)size);
}

/* A name sealed by who has the key, whatever it is, and then changed at one place or not. */
static void fuzz_open(const uint8_t *data, size_t size)
{
	struct fuzz_vault *v = fuzz_vault();
	struct dir d = { .st = v->st, .fd = v->root_fd };
	uint8_t sealed[NAME_SEALED_MAX];
	char disk[NAME_DISK_SIZE], name[NAME_PADDED_MAX];
	struct sealed_name again;
	if (size < 3 || name_needs_hash(size - 3 + SIV_TAG_LEN))
		return;
	const uint8_t *plain = data + 3;
	size_t n = size - 3;
	memset(d.id, data[0], sizeof(d.id));
	siv_seal(v->vault.names, NAME_LABEL, strlen(NAME_LABEL), d.id, sizeof(d.id), plain, n, sealed);
	name_encode_short(disk, sealed, n + SIV_TAG_LEN);
	char *at = &disk[data[1] % strlen(disk)], was = *at;
	if (data[2] >= 128)
		*at = (char)('-' + data[2] % 78);

	ssize_t len = dir_open_name(&d, disk, name);
	if (*at != was || name_unpad(plain, n) < 0) {
		FUZZ_PROMISE(len == -EUCLEAN);
		return;
	}
	FUZZ_PROMISE(len == name_unpad(plain, n) && memcmp(name, plain, (size_t)len) == 0);
	FUZZ_PROMISE(dir_seal_name(&d, name, (size_t)len, &again) == 0 && strcmp(again.disk, disk) == 0);
	d.id[0] ^= 1; /* moved elsewhere */
	FUZZ_PROMISE(dir_open_name(&d, disk, name) == -EUCLEAN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_b64_decode((const char *)data, size);
	fuzz_b64_encode(data, size);
	fuzz_hex(data, size);
	fuzz_disk_name(data, size);
	fuzz_open(data, size);
	fuzz_unpad(data, size);
	fuzz_pad(data, size);

	ssize_t n = name_link_len(size);
	FUZZ_PROMISE(n >= 0 ? (size_t)n <= NAME_LINK_TARGET_MAX : n == -EUCLEAN || n == -ENAMETOOLONG);
	return 0;
}
