/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Strict base64url (RFC 4648 section 5, unpadded, canonical) and lower-case hex.
 */
#ifndef CRYPTFS_BASE_CODEC_H
#define CRYPTFS_BASE_CODEC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Characters (without a NUL) that n bytes take. */
#define CODEC_B64_LEN(n) (((n) * 4 + 2) / 3)

/* Encode n bytes into out, which has room for CODEC_B64_LEN(n) + 1 characters. Returns the length;
 * out is NUL-terminated. */
size_t codec_b64_encode(char *out, const uint8_t *in, size_t n);

/* Decode len characters into out. Returns the number of bytes, or -EINVAL for anything that
 * codec_b64_encode would not have written or that needs more than cap bytes. */
ssize_t codec_b64_decode(uint8_t *out, size_t cap, const char *in, size_t len);

/* Encode n bytes as 2n lower-case digits and a NUL. Constant-time in the contents. */
void codec_hex_encode(char *out, const uint8_t *in, size_t n);

/* Decode exactly n bytes from the string in. Returns 0, or -EINVAL if its length is not 2n or it has
 * other than lower-case digits. */
int codec_hex_decode(uint8_t *out, size_t n, const char *in);

#endif
