/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A mutator that knows recipes: it moves whole records about and sets lengths to those that matter, so that what the
 * harness seals from them is authentic and odd. Half of the time libFuzzer's own has its turn.
 */
#include <string.h>

#include "base/bytes.h"
#include "fuzz_file.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);

struct dice {
	uint64_t s;
};

static uint64_t below(struct dice *d, uint64_t n)
{
	d->s ^= d->s << 13;
	d->s ^= d->s >> 7;
	d->s ^= d->s << 17;
	return (d->s >> 11) % n;
}

static uint16_t odd_used(struct dice *d)
{
	static const uint16_t some[] = { 0, 1, 63, 64, 65, 66, 100, 2000, 4031, 4032, 4033, 4095, 65535 };
	return some[below(d, sizeof(some) / sizeof(some[0]))];
}

/* Stream lengths around the borders of blocks, and absurd ones. */
static uint64_t odd_length(struct dice *d)
{
	uint64_t block = below(d, FUZZ_PAGES + 3) * CONTENT_PAYLOAD;
	switch (below(d, 6)) {
	case 0:
		return block;
	case 1:
		return block + below(d, 3) - 1;
	case 2:
		return block + odd_used(d);
	case 3:
		return CONTENT_MAX_SIZE + CONTENT_HEADER_LEN + below(d, 3) - 1;
	case 4:
		return (uint64_t)1 << below(d, 64);
	default:
		return below(d, 3);
	}
}

static void change_page(struct dice *d, uint8_t *p)
{
	switch (below(d, 6)) {
	case 0:
		p[0] = (uint8_t)below(d, 8);
		break;
	case 1:
		p[1] = (uint8_t)(p[1] ^ 1u << below(d, 8));
		break;
	case 2:
		p[0] = 0;
		p[1] = (uint8_t)(below(d, 2) << 3); /* as it should be, SPARSE or not */
		put_le16(p + 2, CONTENT_PAYLOAD);
		break;
	case 3:
		put_le16(p + 2, odd_used(d));
		break;
	default:
		put_le64(p + 4, odd_length(d));
		break;
	}
}

static void change_op(struct dice *d, uint8_t *p)
{
	switch (below(d, 5)) {
	case 0:
		p[0] = (uint8_t)below(d, 24);
		break;
	case 1:
		p[1] = (uint8_t)below(d, 256);
		break;
	case 2:
		put_le32(p + 2, (uint32_t)odd_length(d));
		break;
	case 3:
		put_le32(p + 2, (uint32_t)below(d, (uint64_t)1 << 32));
		break;
	default:
		put_le16(p + 6, below(d, 2) ? odd_used(d) : (uint16_t)below(d, 9000));
		break;
	}
}

/* Repeat, remove, or exchange one of n records of so many bytes; returns by how many records it grew. */
static int move_record(struct dice *d, uint8_t *base, size_t n, size_t len, uint8_t *end, bool may_grow)
{
	uint8_t tmp[FUZZ_PAGE_LEN];
	uint8_t *a = base + below(d, n) * len, *b = base + below(d, n) * len;
	switch (below(d, 3)) {
	case 0:
		if (!may_grow)
			return 0;
		memmove(a + len, a, (size_t)(end - a));
		return 1;
	case 1:
		memmove(a, a + len, (size_t)(end - a) - len);
		return -1;
	default:
		memcpy(tmp, a, len);
		memmove(a, b, len);
		memcpy(b, tmp, len);
		return 0;
	}
}

static size_t mutate_pages(struct dice *d, uint8_t *data, size_t size, size_t max, size_t n)
{
	uint8_t *base = data + FUZZ_HEAD_LEN;
	if (below(d, 4) > 0) {
		change_page(d, base + below(d, n) * FUZZ_PAGE_LEN);
		return size;
	}
	bool may_grow = size + FUZZ_PAGE_LEN <= max && n < FUZZ_PAGES;
	int by = move_record(d, base, n, FUZZ_PAGE_LEN, data + size, may_grow);
	data[1] = (uint8_t)((int)n + by);
	return by > 0 ? size + FUZZ_PAGE_LEN : by < 0 ? size - FUZZ_PAGE_LEN : size;
}

static size_t mutate_ops(struct dice *d, uint8_t *data, size_t size, size_t max, size_t at)
{
	size_t n = (size - at) / FUZZ_OP_LEN;
	if (n == 0 || below(d, 4) == 0) { /* one more */
		if (size + FUZZ_OP_LEN > max || n >= FUZZ_OPS)
			return size;
		uint8_t *p = data + at + n * FUZZ_OP_LEN;
		memset(p, 0, FUZZ_OP_LEN);
		p[0] = (uint8_t)below(d, 24);
		p[1] = (uint8_t)below(d, 256);
		put_le32(p + 2, (uint32_t)odd_length(d));
		put_le16(p + 6, odd_used(d));
		return at + (n + 1) * FUZZ_OP_LEN;
	}
	if (below(d, 3) > 0) {
		change_op(d, data + at + below(d, n) * FUZZ_OP_LEN);
		return size;
	}
	int by = move_record(d, data + at, n, FUZZ_OP_LEN, data + size, size + FUZZ_OP_LEN <= max && n < FUZZ_OPS);
	return by > 0 ? size + FUZZ_OP_LEN : by < 0 ? size - FUZZ_OP_LEN : size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	struct dice d = { .s = 0x9e3779b97f4a7c15u ^ (uint64_t)seed << 20 };
	(void)below(&d, 2);
	if (below(&d, 2) == 0 && LLVMFuzzerMutate)
		return LLVMFuzzerMutate(data, size, max);
	size_t n = size > 1 ? data[1] % (FUZZ_PAGES + 1) : 0;
	size_t at = FUZZ_HEAD_LEN + n * FUZZ_PAGE_LEN;
	if (size < at) /* not a whole recipe yet */
		return LLVMFuzzerMutate ? LLVMFuzzerMutate(data, size, max) : size;
	data[1] = (uint8_t)n;
	switch (below(&d, 8)) {
	case 0:
		data[0] = (uint8_t)(data[0] ^ 1u << below(&d, 4));
		return size;
	case 1:
		put_le16(data + 2, odd_used(&d));
		data[4] = (uint8_t)(below(&d, 8) == 0 ? below(&d, 256) : 0);
		return size;
	case 2:
	case 3:
	case 4:
		return n > 0 ? mutate_pages(&d, data, size, max, n) : size;
	default:
		return mutate_ops(&d, data, size, max, at);
	}
}
