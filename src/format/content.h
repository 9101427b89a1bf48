/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * File content on disk, as bytes (doc/format.md section 3): header, meta, sizes, block ranges.
 * Pure: no keys, no descriptors.
 */
#ifndef CRYPTFS_FORMAT_CONTENT_H
#define CRYPTFS_FORMAT_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTENT_PAGE 4096u
#define CONTENT_NONCE_OFF 0u
#define CONTENT_NONCE_LEN 24u
#define CONTENT_TAG_OFF 24u
#define CONTENT_TAG_LEN 16u
#define CONTENT_META_OFF 40u
#define CONTENT_META_LEN 24u
#define CONTENT_PAYLOAD_OFF 64u
#define CONTENT_PAYLOAD 4032u
#define CONTENT_HEADER_LEN 64u
#define CONTENT_FILE_NONCE_OFF 16u  /* in the header */
#define CONTENT_FILE_NONCE_LEN 24u
#define CONTENT_VERSION 1u
/* Longest additional data of a block: meta, block number, header. */
#define CONTENT_AD_MAX (CONTENT_META_LEN + 8u + CONTENT_HEADER_LEN)
/* Largest plaintext size. */
#define CONTENT_MAX_SIZE ((uint64_t)1 << 62)

#define CONTENT_FLAG_SPARSE 1u

struct content_header {
	uint16_t version;
	uint16_t epoch;
	uint32_t flags;
	uint8_t file_nonce[CONTENT_FILE_NONCE_LEN];
};

struct content_meta {
	uint16_t used;
	uint16_t epoch;
	uint64_t durable; /* block 0 only */
};

void content_header_encode(uint8_t out[static CONTENT_HEADER_LEN], const struct content_header *h);

/* Returns 0, -EUCLEAN (not a header) or -EPROTONOSUPPORT (newer version or flag). */
int content_header_decode(struct content_header *h, const uint8_t in[static CONTENT_HEADER_LEN]);

/* Only its epoch, of a header that is one. */
uint16_t content_header_epoch(const uint8_t in[static CONTENT_HEADER_LEN]);

void content_meta_encode(uint8_t out[static CONTENT_META_LEN], const struct content_meta *m);

/* Of which epoch a block is, by meta that nothing has authenticated yet: which key to try. */
uint16_t content_meta_epoch(const uint8_t in[static CONTENT_META_LEN]);

/* Returns 0 or -EUCLEAN. */
int content_meta_decode(struct content_meta *m, const uint8_t in[static CONTENT_META_LEN], uint64_t block);

/* The additional data of a block; header is looked at for block 0 only. Returns its length. */
size_t content_ad(uint8_t out[static CONTENT_AD_MAX], const uint8_t meta[static CONTENT_META_LEN],
		  uint64_t block, const uint8_t *header);

/* How much of a page's payload is encrypted, and where that begins in the payload. */
static inline size_t content_sealed_off(uint64_t block)
{
	return block == 0 ? CONTENT_HEADER_LEN : 0;
}

/* Stream length of a plaintext size, and back. */
static inline uint64_t content_stream_len(uint64_t size)
{
	return size == 0 ? 0 : size + CONTENT_HEADER_LEN;
}

static inline uint64_t content_plain_size(uint64_t stream_len)
{
	return stream_len <= CONTENT_HEADER_LEN ? 0 : stream_len - CONTENT_HEADER_LEN;
}

/* Number of pages of a stream, and what the last of them uses (0 for an empty stream). */
uint64_t content_pages(uint64_t stream_len);
uint16_t content_last_used(uint64_t stream_len);

/* Size of the ciphertext file: whole pages, plus the hint if hinted. */
uint64_t content_cipher_size(uint64_t stream_len, bool hinted);

/* What a ciphertext size says of the plaintext. Returns true and *size if it tells, false if the file
 * must be opened to know. */
bool content_hint(uint64_t cipher_size, uint64_t *size);

/* The blocks that hold stream positions [pos, pos + n), n > 0. */
struct content_range {
	uint64_t first;	 /* first block */
	uint64_t count;	 /* number of blocks */
	uint32_t skip;	 /* bytes of the first block's payload before pos */
	uint32_t tail;	 /* bytes of the last block's payload up to the end of the range */
};
struct content_range content_range_of(uint64_t pos, uint64_t n);

#endif
