/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/name.h"

#include <errno.h>
#include <string.h>

#include "base/codec.h"

#define HASH_CHARS CODEC_B64_LEN(NAME_HASH_LEN)

_Static_assert(sizeof(NAME_SLINK_PREFIX) - 1 + HASH_CHARS == NAME_SLINK_LEN,
	       "length of a long link");
_Static_assert(sizeof(NAME_LONG_PREFIX) - 1 + HASH_CHARS + sizeof(NAME_LONG_SUFFIX) <=
		       NAME_DISK_SIZE,
	       "long names fit");

bool name_is_valid(const char *name, size_t len)
{
	if (len == 0 || len > NAME_MAX_LEN)
		return false;
	if (memchr(name, '\0', len) || memchr(name, '/', len))
		return false;
	return !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

size_t name_pad(uint8_t *out, const char *name, size_t len)
{
	size_t n = (len + NAME_PAD - 1) / NAME_PAD * NAME_PAD;
	memset(out, 0, n);
	memcpy(out, name, len);
	return n;
}

ssize_t name_unpad(const uint8_t *padded, size_t n)
{
	if (n == 0 || n > NAME_PADDED_MAX || n % NAME_PAD != 0)
		return -EUCLEAN;
	size_t len = n;
	while (len > 0 && padded[len - 1] == 0)
		len--;
	if (n - len >= NAME_PAD || !name_is_valid((const char *)padded, len))
		return -EUCLEAN;
	return (ssize_t)len;
}

/* Is this the base64url of a hash? */
static bool is_hash(const char *s, size_t len)
{
	uint8_t hash[NAME_HASH_LEN];
	return len == HASH_CHARS && codec_b64_decode(hash, sizeof(hash), s, len) == NAME_HASH_LEN;
}

enum name_kind name_classify(const char *disk)
{
	size_t len = strnlen(disk, NAME_DISK_SIZE);
	size_t prefix = strlen(NAME_LONG_PREFIX);
	if (strncmp(disk, NAME_LONG_PREFIX, prefix) == 0 && is_hash(disk + prefix, len - prefix))
		return NAME_LONG;
	if (strncmp(disk, NAME_RESERVED_PREFIX, strlen(NAME_RESERVED_PREFIX)) == 0)
		return NAME_OURS;
	uint8_t sealed[NAME_SEALED_MAX];
	return name_decode_short(sealed, disk) < 0 ? NAME_FOREIGN : NAME_SEALED;
}

bool name_needs_hash(size_t sealed_len)
{
	return CODEC_B64_LEN(sealed_len) > NAME_MAX_LEN;
}

void name_encode_short(char *out, const uint8_t *sealed, size_t n)
{
	(void)codec_b64_encode(out, sealed, n);
}

void name_encode_hashed(char *out, const char *prefix, const uint8_t hash[static NAME_HASH_LEN])
{
	size_t n = strlen(prefix);
	memcpy(out, prefix, n);
	(void)codec_b64_encode(out + n, hash, NAME_HASH_LEN);
}

bool name_is_outside(const char *disk, bool root)
{
	return disk[0] == '.' || (root && strcmp(disk, "lost+found") == 0);
}

ssize_t name_decode_short(uint8_t *out, const char *disk)
{
	size_t len = strnlen(disk, NAME_DISK_SIZE);
	if (len > NAME_MAX_LEN)
		return -EUCLEAN;
	ssize_t n = codec_b64_decode(out, NAME_SEALED_MAX, disk, len);
	/* A tag and at least one block of padded name. */
	if (n < (ssize_t)(NAME_SIV_TAG + NAME_PAD) || (size_t)n % NAME_PAD != 0)
		return -EUCLEAN;
	return n;
}

void name_long_side(char *out, const char *disk)
{
	size_t n = strnlen(disk, NAME_DISK_SIZE - sizeof(NAME_LONG_SUFFIX));
	memcpy(out, disk, n);
	memcpy(out + n, NAME_LONG_SUFFIX, sizeof(NAME_LONG_SUFFIX));
}

bool name_long_entry(const char *side, char entry[static NAME_DISK_SIZE])
{
	size_t n = strnlen(side, NAME_DISK_SIZE), suffix = strlen(NAME_LONG_SUFFIX);
	if (n <= suffix || n > NAME_MAX_LEN || strcmp(side + n - suffix, NAME_LONG_SUFFIX) != 0)
		return false;
	memcpy(entry, side, n - suffix);
	entry[n - suffix] = '\0';
	return name_classify(entry) == NAME_LONG;
}

ssize_t name_link_len(size_t n)
{
	if (n == NAME_SLINK_LEN)
		return -ENAMETOOLONG;
	if (n > NAME_LINK_TARGET_MAX || n % 4 == 1)
		return -EUCLEAN;
	size_t box = n * 3 / 4;
	if (box <= NAME_LINK_OVERHEAD)
		return -EUCLEAN;
	return (ssize_t)(box - NAME_LINK_OVERHEAD);
}
