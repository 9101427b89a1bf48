/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ciphertext for fuzz_file.c: bytes whose value tells where they belong, sealed as a recipe says. */
#include <string.h>
#include <unistd.h>

#include "fuzz_file.h"
#include "store/block.h"

#define IMAGE_ID 250 /* bytes behind 'used', which nobody may see */

/* Never 0: 1 + (place + version) % 255, so that different versions differ everywhere. */
FUZZ_PLAIN static unsigned int place_at(uint64_t pos)
{
	return (unsigned int)((pos * 13 + pos / CONTENT_PAYLOAD * 7) % 255);
}

FUZZ_PLAIN static inline unsigned int place_next(unsigned int place, uint64_t pos)
{
	if (pos % CONTENT_PAYLOAD == 0)
		return place_at(pos);
	return place < 242 ? place + 13 : place - 242;
}

FUZZ_PLAIN void fuzz_bytes_fill(uint8_t *p, uint64_t pos, size_t n, unsigned int v)
{
	unsigned int at = place_at(pos);
	for (size_t i = 0; i < n; at = place_next(at, pos + ++i))
		p[i] = (uint8_t)(1 + (at + v) % 255);
}

unsigned int fuzz_version_new(struct run *r, uint64_t from, uint64_t to)
{
	if (r->versions == VERSIONS)
		return VERSIONS;
	r->from[r->versions] = from;
	r->to[r->versions] = to;
	return r->versions++;
}

FUZZ_PLAIN void fuzz_bytes_check(const struct run *r, const uint8_t *p, uint64_t pos, size_t n)
{
	unsigned int at = place_at(pos);
	for (size_t i = 0; i < n; at = place_next(at, pos + ++i)) {
		if (p[i] == 0)
			continue;
		unsigned int v = (p[i] - 1u + 255u - at) % 255;
		FUZZ_PROMISE(v < r->versions && pos + i >= r->from[v] && pos + i < r->to[v]);
	}
}

/* ---- the ciphertext ---- */

void fuzz_page_put(const struct run *r, uint64_t k, const uint8_t page[static CONTENT_PAGE])
{
	(void)!pwrite(r->fd, page, CONTENT_PAGE, (off_t)(k * CONTENT_PAGE));
}

bool fuzz_page_get(const struct run *r, uint64_t k, uint8_t page[static CONTENT_PAGE])
{
	return pread(r->fd, page, CONTENT_PAGE, (off_t)(k * CONTENT_PAGE)) == (ssize_t)CONTENT_PAGE;
}

/* What is odd about a page. */
enum odd {
	ODD_EPOCH = 1,
	ODD_META = 2,
	ODD_DURABLE = 4, /* of a block that has none */
	ODD_SPARSE = 8,
	ODD_FLAG = 16,
	ODD_VERSION = 32,
	ODD_PADDING = 64,
	ODD_MAGIC = 128,
};

static void spec_header(const struct run *r, const struct spec *s, uint8_t out[static CONTENT_HEADER_LEN])
{
	struct content_header h = r->header;
	h.flags = (s->odd & ODD_SPARSE ? CONTENT_FLAG_SPARSE : 0) | (s->odd & ODD_FLAG ? 4 : 0);
	h.version = s->odd & ODD_VERSION ? (uint16_t)(s->used % 3) : 1;
	content_header_encode(out, &h);
	if (s->odd & ODD_PADDING)
		out[40 + s->used % 24] = 1;
	if (s->odd & ODD_MAGIC)
		out[s->used % 8] ^= 1;
}

/* Seal what the record says as block k, whatever is wrong with it. */
static void seal_page(struct run *r, const struct spec *s, uint64_t k, const struct key32 *content,
		      uint8_t page[static CONTENT_PAGE])
{
	struct key32 key;
	uint8_t ad[CONTENT_AD_MAX], plain[CONTENT_PAYLOAD];
	size_t skip = content_sealed_off(k);
	uint64_t start = k * CONTENT_PAYLOAD;
	uint16_t used = s->used < CONTENT_PAYLOAD ? s->used : CONTENT_PAYLOAD;
	struct content_meta meta = { .used = s->used, .epoch = s->odd & ODD_EPOCH };
	struct block_nonce nonce;

	if (k == 0 || (s->odd & ODD_DURABLE))
		meta.durable = s->durable;
	unsigned int v = fuzz_version_new(r, start + skip, start + (used > skip ? used : skip));
	fuzz_bytes_fill(plain, start, sizeof(plain), IMAGE_ID);
	if (v < VERSIONS && used > skip)
		fuzz_bytes_fill(plain + skip, start + skip, used - skip, v);

	block_nonce_draw(&nonce);
	memcpy(page, nonce.b, sizeof(nonce.b));
	content_meta_encode(page + CONTENT_META_OFF, &meta);
	if (s->odd & ODD_META)
		page[CONTENT_META_OFF + 4 + s->used % 4] = 1;
	spec_header(r, s, page + CONTENT_PAYLOAD_OFF);
	size_t ad_len = content_ad(ad, page + CONTENT_META_OFF, k, page + CONTENT_PAYLOAD_OFF);
	kdf_hash(key.b, sizeof(key.b), content->b, sizeof(content->b), r->header.file_nonce, CONTENT_FILE_NONCE_LEN,
		 NULL, 0);
	aead_set_key(r->v->aead, &key);
	FUZZ_PROMISE(aead_seal(r->v->aead, nonce.b, ad, ad_len, plain + skip, CONTENT_PAYLOAD - skip,
			       page + CONTENT_PAYLOAD_OFF + skip, page + CONTENT_TAG_OFF) == 0);
}

void fuzz_page_make(struct run *r, const struct spec *s, uint64_t k)
{
	uint8_t page[CONTENT_PAGE] = { 0 };
	struct key32 other = { { 1 } };
	switch (s->kind % 8) {
	case 2: /* a zero page */
		fuzz_page_put(r, k, page);
		break;
	case 3: /* a hole */
		break;
	case 4: /* noise */
		for (size_t i = 0; i < sizeof(page); i++)
			page[i] = (uint8_t)(s->used + i * (s->odd | 1u));
		fuzz_page_put(r, k, page);
		break;
	case 5: /* another block here */
		if (fuzz_page_get(r, s->odd % (k + 1), page))
			fuzz_page_put(r, k, page);
		break;
	case 6: /* of another file */
		seal_page(r, s, k, &other, page);
		fuzz_page_put(r, k, page);
		break;
	case 7: /* sealed for another place */
		seal_page(r, s, k ^ 1, &r->v->vault.keys->content, page);
		fuzz_page_put(r, k, page);
		break;
	default:
		seal_page(r, s, k, &r->v->vault.keys->content, page);
		fuzz_page_put(r, k, page);
		break;
	}
}

static struct spec take_spec(struct recipe *in)
{
	struct spec s = { .kind = recipe_u8(in), .odd = recipe_u8(in) };
	s.used = recipe_u16(in);
	s.durable = recipe_u64(in);
	return s;
}

void fuzz_image_make(struct run *r, struct recipe *in, unsigned int n, uint16_t tail, uint8_t far)
{
	uint64_t size = n * CONTENT_PAGE + tail + ((uint64_t)far << 20);
	r->header = (struct content_header){ .version = CONTENT_VERSION };
	for (size_t i = 0; i < CONTENT_FILE_NONCE_LEN; i++)
		r->header.file_nonce[i] = (uint8_t)(0x40 + i);
	for (unsigned int k = 0; k < n; k++) {
		struct spec s = take_spec(in);
		fuzz_page_make(r, &s, k);
	}
	FUZZ_PROMISE(ftruncate(r->fd, (off_t)size) == 0);
}
