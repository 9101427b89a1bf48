/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A page's header and meta: what decodes must encode to the same bytes, and the arithmetic of sizes
 * must agree with itself. Input: 24 bytes of meta, 64 of header, then numbers.
 */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "format/content.h"
#include "fuzz.h"

static void fuzz_header(const uint8_t in[static CONTENT_HEADER_LEN])
{
	struct content_header h;
	uint8_t out[CONTENT_HEADER_LEN];

	int r = content_header_decode(&h, in);
	FUZZ_PROMISE(r == 0 || r == -EUCLEAN || r == -EPROTONOSUPPORT);
	if (r < 0)
		return;
	content_header_encode(out, &h);
	FUZZ_PROMISE(memcmp(in, out, sizeof(out)) == 0);
}

static void fuzz_meta(const uint8_t in[static CONTENT_META_LEN], uint64_t block)
{
	struct content_meta m;
	uint8_t out[CONTENT_META_LEN];

	int r = content_meta_decode(&m, in, block);
	FUZZ_PROMISE(r == 0 || r == -EUCLEAN || r == -EPROTONOSUPPORT);
	if (r < 0)
		return;
	FUZZ_PROMISE(m.used > content_sealed_off(block) && m.used <= CONTENT_PAYLOAD);
	FUZZ_PROMISE(block == 0 || m.durable == 0);
	content_meta_encode(out, &m);
	FUZZ_PROMISE(memcmp(in, out, sizeof(out)) == 0);
}

static void fuzz_sizes(uint64_t size)
{
	uint64_t stream = content_stream_len(size), pages = content_pages(stream), told;

	FUZZ_PROMISE(content_plain_size(stream) == size);
	if (size == 0) {
		FUZZ_PROMISE(pages == 0 && content_cipher_size(stream, true) == 0);
		return;
	}
	FUZZ_PROMISE((pages - 1) * CONTENT_PAYLOAD + content_last_used(stream) == stream);
	FUZZ_PROMISE(content_cipher_size(stream, false) == pages * CONTENT_PAGE);
	if (content_hint(content_cipher_size(stream, true), &told))
		FUZZ_PROMISE(told == size);
	else
		FUZZ_PROMISE(false);
}

static void fuzz_range(uint64_t pos, uint64_t n)
{
	struct content_range r = content_range_of(pos, n);

	FUZZ_PROMISE(r.count > 0 && r.skip < CONTENT_PAYLOAD);
	FUZZ_PROMISE(r.tail > 0 && r.tail <= CONTENT_PAYLOAD);
	FUZZ_PROMISE(r.first * CONTENT_PAYLOAD + r.skip == pos);
	FUZZ_PROMISE((r.first + r.count - 1) * CONTENT_PAYLOAD + r.tail == pos + n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t in[CONTENT_META_LEN + CONTENT_HEADER_LEN + 24] = { 0 }, ad[CONTENT_AD_MAX];
	uint64_t block, told;

	if (size > 0)
		memcpy(in, data, size < sizeof(in) ? size : sizeof(in));
	const uint8_t *meta = in, *header = in + CONTENT_META_LEN, *rest = header + CONTENT_HEADER_LEN;

	block = get_le64(rest);
	fuzz_header(header);
	fuzz_meta(meta, 0);
	fuzz_meta(meta, block);
	FUZZ_PROMISE(content_ad(ad, meta, block, header) <= sizeof(ad));
	fuzz_sizes(block % CONTENT_MAX_SIZE);
	fuzz_range(get_le64(rest + 8) % CONTENT_MAX_SIZE, 1 + get_le64(rest + 16) % (1u << 30));
	if (content_hint(get_le64(rest + 8) >> 1, &told))
		FUZZ_PROMISE(told <= get_le64(rest + 8) >> 1);
	return 0;
}
