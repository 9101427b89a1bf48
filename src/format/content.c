/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/content.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

/* Offsets in the header. */
#define H_MAGIC 0
#define H_VERSION 8
#define H_EPOCH 10
#define H_FLAGS 12
#define H_NONCE CONTENT_FILE_NONCE_OFF
#define H_ZERO 40

/* Offsets in meta. */
#define M_USED 0
#define M_EPOCH 2
#define M_ZERO1 4
#define M_DURABLE 8
#define M_ZERO2 16

static const uint8_t magic[8] = "cryptfs";

void content_header_encode(uint8_t out[static CONTENT_HEADER_LEN], const struct content_header *h)
{
	memset(out, 0, CONTENT_HEADER_LEN);
	memcpy(out + H_MAGIC, magic, sizeof(magic));
	put_le16(out + H_VERSION, h->version);
	put_le16(out + H_EPOCH, h->epoch);
	put_le32(out + H_FLAGS, h->flags);
	memcpy(out + H_NONCE, h->file_nonce, CONTENT_FILE_NONCE_LEN);
}

int content_header_decode(struct content_header *h, const uint8_t in[static CONTENT_HEADER_LEN])
{
	if (memcmp(in + H_MAGIC, magic, sizeof(magic)) != 0)
		return -EUCLEAN;
	h->version = get_le16(in + H_VERSION);
	h->epoch = get_le16(in + H_EPOCH);
	h->flags = get_le32(in + H_FLAGS);
	memcpy(h->file_nonce, in + H_NONCE, CONTENT_FILE_NONCE_LEN);
	if (h->version == 0)
		return -EUCLEAN;
	if (h->version > CONTENT_VERSION || (h->flags & ~CONTENT_FLAG_SPARSE) != 0)
		return -EPROTONOSUPPORT;
	if (!bytes_are_zero(in + H_ZERO, CONTENT_HEADER_LEN - H_ZERO))
		return -EUCLEAN;
	return 0;
}

uint16_t content_header_epoch(const uint8_t in[static CONTENT_HEADER_LEN])
{
	return get_le16(in + H_EPOCH);
}

void content_meta_encode(uint8_t out[static CONTENT_META_LEN], const struct content_meta *m)
{
	memset(out, 0, CONTENT_META_LEN);
	put_le16(out + M_USED, m->used);
	put_le16(out + M_EPOCH, m->epoch);
	put_le64(out + M_DURABLE, m->durable);
}

uint16_t content_meta_epoch(const uint8_t in[static CONTENT_META_LEN])
{
	return get_le16(in + M_EPOCH);
}

int content_meta_decode(struct content_meta *m, const uint8_t in[static CONTENT_META_LEN],
			uint64_t block)
{
	m->used = get_le16(in + M_USED);
	m->epoch = get_le16(in + M_EPOCH);
	m->durable = get_le64(in + M_DURABLE);
	if (m->used <= content_sealed_off(block) || m->used > CONTENT_PAYLOAD)
		return -EUCLEAN;
	if (m->durable > (block == 0 ? CONTENT_MAX_SIZE + CONTENT_HEADER_LEN : 0))
		return -EUCLEAN;
	if (!bytes_are_zero(in + M_ZERO1, M_DURABLE - M_ZERO1) ||
	    !bytes_are_zero(in + M_ZERO2, CONTENT_META_LEN - M_ZERO2))
		return -EUCLEAN;
	return 0;
}

size_t content_ad(uint8_t out[static CONTENT_AD_MAX], const uint8_t meta[static CONTENT_META_LEN],
		  uint64_t block, const uint8_t *header)
{
	memcpy(out, meta, CONTENT_META_LEN);
	put_le64(out + CONTENT_META_LEN, block);
	if (block > 0)
		return CONTENT_META_LEN + 8;
	memcpy(out + CONTENT_META_LEN + 8, header, CONTENT_HEADER_LEN);
	return CONTENT_AD_MAX;
}

uint64_t content_pages(uint64_t stream_len)
{
	return stream_len / CONTENT_PAYLOAD + (stream_len % CONTENT_PAYLOAD != 0);
}

uint16_t content_last_used(uint64_t stream_len)
{
	if (stream_len == 0)
		return 0;
	return (uint16_t)((stream_len - 1) % CONTENT_PAYLOAD + 1);
}

uint64_t content_cipher_size(uint64_t stream_len, bool hinted)
{
	return content_pages(stream_len) * CONTENT_PAGE +
	       (hinted ? content_last_used(stream_len) : 0);
}

bool content_hint(uint64_t cipher_size, uint64_t *size)
{
	uint64_t n = cipher_size / CONTENT_PAGE;
	uint64_t h = cipher_size % CONTENT_PAGE;
	if (cipher_size == 0) {
		*size = 0;
		return true;
	}
	/* Less than a page is damage, or zeros that a power cut left: not to be told from here. */
	if (n == 0 || h == 0 || h > CONTENT_PAYLOAD)
		return false;
	if (n == 1 && h <= CONTENT_HEADER_LEN)
		return false; /* no stream is its header alone */
	*size = CONTENT_PAYLOAD * (n - 1) + h - CONTENT_HEADER_LEN;
	return true;
}

struct content_range content_range_of(uint64_t pos, uint64_t n)
{
	uint64_t last = pos + (n - 1);
	struct content_range r = {
		.first = pos / CONTENT_PAYLOAD,
		.skip = (uint32_t)(pos % CONTENT_PAYLOAD),
		.tail = (uint32_t)(last % CONTENT_PAYLOAD + 1),
	};
	r.count = last / CONTENT_PAYLOAD - r.first + 1;
	return r;
}
