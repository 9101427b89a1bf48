/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Little-endian integers in byte arrays, the lesser and the greater of two, and a bounded writer for the binary
 * encodings of doc/format.md. Pure; compiled with -Wconversion.
 */
#ifndef CRYPTFS_BASE_BYTES_H
#define CRYPTFS_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void put_le16(uint8_t p[static 2], uint16_t v)
{
	p[0] = (uint8_t)(v & 0xff);
	p[1] = (uint8_t)(v >> 8);
}

static inline void put_le32(uint8_t p[static 4], uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)((v >> (8 * i)) & 0xff);
}

static inline void put_le64(uint8_t p[static 8], uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)((v >> (8 * i)) & 0xff);
}

static inline uint16_t get_le16(const uint8_t p[static 2])
{
	return (uint16_t)(p[0] | (uint16_t)(p[1] << 8));
}

static inline uint32_t get_le32(const uint8_t p[static 4])
{
	uint32_t v = 0;
	for (int i = 3; i >= 0; i--)
		v = (v << 8) | p[i];
	return v;
}

static inline uint64_t get_le64(const uint8_t p[static 8])
{
	uint64_t v = 0;
	for (int i = 7; i >= 0; i--)
		v = (v << 8) | p[i];
	return v;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* True if all n bytes are zero. Not constant-time: for structure, never for secrets. */
static inline bool bytes_are_zero(const void *p, size_t n)
{
	const uint8_t *b = p;
	return n == 0 || (b[0] == 0 && memcmp(b, b + 1, n - 1) == 0);
}

/* Appends to a caller's array; once something does not fit, 'overflow' is set and nothing more is written. */
struct bytes_writer {
	uint8_t *p;
	size_t cap;
	size_t len;
	bool overflow;
};

static inline void bytes_put(struct bytes_writer *w, const void *src, size_t n)
{
	if (w->overflow || n > w->cap - w->len) {
		w->overflow = true;
		return;
	}
	if (n > 0)
		memcpy(w->p + w->len, src, n);
	w->len += n;
}

static inline void bytes_put_u8(struct bytes_writer *w, uint8_t v)
{
	bytes_put(w, &v, 1);
}

static inline void bytes_put_le16(struct bytes_writer *w, uint16_t v)
{
	uint8_t b[2];
	put_le16(b, v);
	bytes_put(w, b, sizeof(b));
}

static inline void bytes_put_le32(struct bytes_writer *w, uint32_t v)
{
	uint8_t b[4];
	put_le32(b, v);
	bytes_put(w, b, sizeof(b));
}

static inline void bytes_put_le64(struct bytes_writer *w, uint64_t v)
{
	uint8_t b[8];
	put_le64(b, v);
	bytes_put(w, b, sizeof(b));
}

#endif
