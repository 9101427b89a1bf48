/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A second reader of file content, from doc/format.md section 3 alone: slow, plain, on libsodium directly. */
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz_file.h"

#define PAGE 4096u
#define PAYLOAD 4032u
#define HEADER 64u
#define VAGUE (1u << 20)

struct ref {
	int fd;
	uint64_t size; /* of the ciphertext */
	uint8_t key[32];
	bool sparse;
	uint64_t durable;
	uint64_t len;
};

static uint64_t le(const uint8_t *p, size_t n)
{
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

FUZZ_PLAIN static bool zeros(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

/* Is everything from 'from' on zero? Holes need not be read. */
static bool zero_from(int fd, uint64_t from)
{
	uint8_t buf[PAGE];
	off_t at = (off_t)from;
	while ((at = lseek(fd, at, SEEK_DATA)) >= 0) {
		ssize_t n = pread(fd, buf, sizeof(buf), at);
		if (n <= 0)
			return true;
		if (!zeros(buf, (size_t)n))
			return false;
		at += n;
	}
	return true;
}

static bool get_page(const struct ref *r, uint64_t k, uint8_t page[static PAGE])
{
	return k < r->size / PAGE && pread(r->fd, page, PAGE, (off_t)(k * PAGE)) == (ssize_t)PAGE;
}

/* Open a page; plain is its payload, in block 0 with zeros for the header. */
static bool open_page(const struct ref *r, uint64_t k, const uint8_t page[static PAGE], uint8_t plain[static PAYLOAD],
		      uint64_t *used, uint64_t *durable)
{
	uint8_t ad[24 + 8 + HEADER];
	size_t skip = k == 0 ? HEADER : 0;
	const uint8_t *meta = page + 40;
	memcpy(ad, meta, 24);
	for (int i = 0; i < 8; i++)
		ad[24 + i] = (uint8_t)(k >> (8 * i));
	memcpy(ad + 32, page + 64, skip);
	memset(plain, 0, PAYLOAD);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(plain + skip, NULL, page + 64 + skip, PAYLOAD - skip,
								page + 24, ad, 32 + skip, page, r->key) != 0)
		return false;
	*used = le(meta, 2);
	*durable = le(meta + 8, 8);
	if (le(meta + 2, 2) != 0 || !zeros(meta + 4, 4) || !zeros(meta + 16, 8))
		return false;
	if (*used < (k == 0 ? HEADER + 1 : 1) || *used > PAYLOAD)
		return false;
	return k == 0 ? *durable <= ((uint64_t)1 << 62) + HEADER : *durable == 0;
}

static bool header_is_good(const uint8_t h[static HEADER])
{
	return memcmp(h, "cryptfs\0\1\0\0\0", 12) == 0 && (le(h + 12, 4) & ~(uint64_t)1) == 0 && zeros(h + 40, 24);
}

/* Page 0 and the length. False if the whole file is damaged. */
static bool load(struct ref *r, const struct key32 *content, bool *vague)
{
	uint8_t page[PAGE], plain[PAYLOAD];
	uint64_t n = r->size / PAGE, h = r->size % PAGE, used, none;
	if (r->size == 0)
		return true;
	if (n == 0 || !get_page(r, 0, page) || zeros(page, PAGE)) {
		*vague = r->size > VAGUE;
		return zero_from(r->fd, 0);
	}
	if (!header_is_good(page + 64))
		return false;
	r->sparse = le(page + 64 + 12, 4) & 1;
	crypto_generichash(r->key, sizeof(r->key), page + 64 + 16, 24, content->b, sizeof(content->b));
	if (!open_page(r, 0, page, plain, &used, &r->durable))
		return false;
	r->len = used;
	if (n > 1) {
		if (h == 0 || h > PAYLOAD)
			h = PAYLOAD;
		bool opens = get_page(r, n - 1, page) && !zeros(page, PAGE) &&
			     open_page(r, n - 1, page, plain, &used, &none);
		r->len = (n - 1) * PAYLOAD + (opens ? used : h);
	}
	if (r->len < r->durable)
		r->len = r->durable;
	return true;
}

/* False if block k is damaged; else its content, as much of it as the file has. */
static bool read_block(const struct ref *r, uint64_t k, uint8_t out[static PAYLOAD])
{
	uint8_t page[PAGE], plain[PAYLOAD];
	uint64_t start = k * PAYLOAD, used, none;
	uint64_t must = r->durable > start ? r->durable - start : 0; /* so much of it has to be there */
	if (must > PAYLOAD)
		must = PAYLOAD;
	memset(out, 0, PAYLOAD);
	if (!get_page(r, k, page))
		return must == 0;
	if (zeros(page, PAGE))
		return k > 0 && (must == 0 || r->sparse);
	if (!open_page(r, k, page, plain, &used, &none) || used < must)
		return false;
	if (used > r->len - start)
		used = r->len - start;
	memcpy(out, plain, used);
	return true;
}

void fuzz_file_ref(int fd, const struct key32 *content, struct snap *out, bool *vague)
{
	struct stat sb;
	struct ref r = { .fd = fd };
	memset(out, 0, sizeof(*out));
	*vague = false;
	FUZZ_PROMISE(fstat(fd, &sb) == 0);
	r.size = (uint64_t)sb.st_size;
	out->damaged = !load(&r, content, vague);
	if (out->damaged)
		return;
	out->size = r.len > HEADER ? r.len - HEADER : 0;
	for (uint64_t k = 0; k < SNAP_BLOCKS && k * PAYLOAD < r.len; k++)
		out->bad[k] = !read_block(&r, k, out->data + k * PAYLOAD);
}
