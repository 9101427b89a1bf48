/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names from a hostile directory: classifying and decoding what is on disk, taking the padding off
 * what was opened, and the lengths of links.
 */
#include <errno.h>
#include <string.h>

#include "format/name.h"
#include "fuzz.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_disk_name(data, size);
	fuzz_unpad(data, size);
	fuzz_pad(data, size);

	ssize_t n = name_link_len(size);
	FUZZ_PROMISE(n >= 0 ? (size_t)n <= NAME_LINK_TARGET_MAX : n == -EUCLEAN || n == -ENAMETOOLONG);
	return 0;
}
