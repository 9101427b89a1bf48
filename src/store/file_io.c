/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading and writing. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "crypto/rng.h"
#include "store/file_impl.h"

/* The part of block k that is sealed, as stream positions [from, to). */
struct block_span {
	uint64_t from;
	uint64_t to;
};

static struct block_span block_span(uint64_t k)
{
	uint64_t start = k * CONTENT_PAYLOAD;
	return (struct block_span){ start + content_sealed_off(k), start + CONTENT_PAYLOAD };
}

/* ---- reading ---- */

int file_open_page(const struct file *f, struct scratch *sc, uint64_t k, const uint8_t *page, size_t have,
		   uint8_t *plain)
{
	struct block_span b = block_span(k);
	uint64_t start = k * CONTENT_PAYLOAD;
	uint64_t strict = min_u64(f->whole, b.to);

	bool missing = have < CONTENT_PAGE;
	if (missing || bytes_are_zero(page, CONTENT_PAGE)) {
		/* A hole lies between pages: what is not there at all was cut off. */
		bool hole = !missing && ((f->header.flags & CONTENT_FLAG_SPARSE) || file_gaps_have(f, k));
		if (k == 0 || (start < strict && !hole))
			return badblock_note(k, true, -EBADMSG);
		memset(plain, 0, (size_t)(b.to - b.from));
		return 0;
	}
	struct content_meta meta;
	int r = block_open(sc, k, page, &meta, plain);
	uint64_t end = r < 0 ? 0 : min_u64(start + meta.used, f->len);
	if (r == 0 && end < strict)
		r = -EBADMSG;
	if (r < 0)
		return badblock_note(k, false, r);
	if (end < b.to)
		memset(plain + (end - b.from), 0, (size_t)(b.to - end));
	return 0;
}

int file_load_block(const struct file *f, struct scratch *sc, uint64_t k, uint8_t *plain)
{
	if (f->tail_valid && f->tail_block == k) {
		memcpy(plain, f->tail, CONTENT_PAYLOAD);
		return 0;
	}
	ssize_t n = io_pread_full(f->fd, sc->one, CONTENT_PAGE, (off_t)(k * CONTENT_PAGE));
	if (n < 0)
		return (int)n;
	return file_open_page(f, sc, k, sc->one, (size_t)n, plain);
}

/* Open the pages of a range, which lie in sc->pages ('have' bytes of them), into buf. */
static int file_open_range(const struct file *f, struct scratch *sc, const struct content_range *range,
			   uint64_t pos, uint64_t n, size_t have, uint8_t *buf)
{
	for (uint64_t i = 0; i < range->count; i++) {
		struct block_span b = block_span(range->first + i);
		uint64_t from = max_u64(pos, b.from), to = min_u64(pos + n, b.to);
		const uint8_t *page = sc->pages + i * CONTENT_PAGE;
		size_t left = have > i * CONTENT_PAGE ? have - i * CONTENT_PAGE : 0;
		bool direct = from == b.from && to == b.to;
		uint8_t *out = direct ? buf + (from - pos) : sc->block;

		int r = file_open_page(f, sc, range->first + i, page, left, out);
		if (r < 0)
			return r;
		if (!direct)
			memcpy(buf + (from - pos), sc->block + (from - b.from), (size_t)(to - from));
	}
	return 0;
}

/* Shared lock. */
static ssize_t file_read_known(const struct file *f, void *buf, size_t n, uint64_t off)
{
	uint64_t size = content_plain_size(f->len);
	int r = file_usable(f);
	if (r < 0)
		return r;
	if (off >= size || n == 0)
		return 0;
	n = (size_t)min_u64(min_u64(n, size - off), SCRATCH_BYTES);
	_cleanup_scratch_ struct scratch *sc = file_scratch(f);
	if (!sc)
		return -ENOMEM;

	uint64_t pos = off + CONTENT_HEADER_LEN;
	struct content_range range = content_range_of(pos, n);
	ssize_t have = io_pread_full(f->fd, sc->pages, (size_t)range.count * CONTENT_PAGE,
				     (off_t)(range.first * CONTENT_PAGE));
	r = have < 0 ? (int)have : file_open_range(f, sc, &range, pos, n, (size_t)have, buf);
	return r < 0 ? r : (ssize_t)n;
}

/* In shared mode another may just be changing it, or have done so since we looked: what seems damaged is read once more
 * while nobody is. */
static ssize_t file_read_again(struct file *f, void *buf, size_t n, uint64_t off)
{
	SCOPED_TURN(f);
	(void)badblock_take();
	int r = file_refresh(f);
	return r < 0 ? r : file_read_known(f, buf, n, off);
}

ssize_t file_read(struct file *f, void *buf, size_t n, uint64_t off)
{
	ssize_t r;
	(void)file_revalidate(f);
	{
		SCOPED_READ(&f->lock);
		r = file_read_known(f, buf, n, off);
	}
	return r < 0 && store_is_damage((int)r) && !f->st->alone ? file_read_again(f, buf, n, off) : r;
}

/* ---- writing ---- */

int file_flush(struct file *f)
{
	int r = io_fsync(f->fd, true);
	if (r < 0 && f->error == 0)
		f->error = r;
	return r < 0 ? f->error : 0;
}

int file_write_pages(struct file *f, const uint8_t *pages, uint64_t k, uint64_t n)
{
	int r = file_quiesce(f, k, n);
	if (r == 0)
		r = io_pwrite_full(f->fd, pages, (size_t)n * CONTENT_PAGE, (off_t)(k * CONTENT_PAGE));
	if (r < 0)
		return r;
	if (k == 0)
		memcpy(f->ends[0], pages + CONTENT_NONCE_OFF, CONTENT_NONCE_LEN);
	if (k + n >= content_pages(f->len))
		memcpy(f->ends[1], pages + (n - 1) * CONTENT_PAGE + CONTENT_NONCE_OFF, CONTENT_NONCE_LEN);
	return 0;
}

int file_put_header(struct file *f, struct scratch *sc)
{
	struct content_meta meta = {
		.used = (uint16_t)min_u64(f->len, CONTENT_PAYLOAD),
		.durable = f->durable,
	};
	struct block_nonce nonce;
	block_nonce_draw(&nonce);
	int r = file_load_block(f, sc, 0, sc->block);
	if (r < 0)
		return r;
	r = block_seal(sc, 0, &nonce, &meta, &f->header, sc->block, sc->one);
	if (r < 0)
		return r;
	return file_write_pages(f, sc->one, 0, 1);
}

int file_set_sparse(struct file *f, struct scratch *sc, uint64_t below)
{
	int r = 0;
	if (!(f->header.flags & CONTENT_FLAG_SPARSE)) {
		f->header.flags |= CONTENT_FLAG_SPARSE;
		r = file_put_header(f, sc);
		if (r < 0) {
			f->header.flags &= ~CONTENT_FLAG_SPARSE;
			return r;
		}
	}
	f->n_gaps = 0;
	if (below < f->durable && !f->sparse_synced) {
		r = file_flush(f);
		f->sparse_synced = r == 0;
	}
	return r;
}

/* The first byte of a file: a header with a new file nonce. */
static int file_begin(struct file *f, struct scratch *sc)
{
	int r = f->junk ? io_truncate(f->fd, 0) : 0;
	if (r < 0)
		return r;
	f->junk = false;
	f->header = (struct content_header){ .version = CONTENT_VERSION,
					     .epoch = (uint16_t)f->st->vault->settings.epoch };
	rng_bytes(f->header.file_nonce, sizeof(f->header.file_nonce));
	block_set_file(f->st, sc, f->header.epoch, f->header.file_nonce);
	f->durable = f->synced = f->care = f->mark = f->whole = 0;
	f->hint = FILE_HINT_NONE;
	f->tail_valid = f->sparse_synced = false;
	return 0;
}

/* Remember the last block in the clear, or forget it if plain is NULL. */
static void file_keep_tail(struct file *f, uint64_t k, const uint8_t *plain)
{
	if (plain && !f->tail)
		f->tail = malloc(CONTENT_PAYLOAD);
	f->tail_valid = plain && f->tail;
	if (f->tail_valid) {
		f->tail_block = k;
		memcpy(f->tail, plain, CONTENT_PAYLOAD);
	}
}

/* What block k is to hold after [pos, pos + n) has come from buf: the caller's bytes if they are all of it,
 * else put together in sc->block. Returns 0 or -errno. */
static int file_merge(const struct file *f, struct scratch *sc, uint64_t k, const uint8_t *buf, uint64_t pos,
		      uint64_t n, const uint8_t **plain)
{
	struct block_span b = block_span(k);
	uint64_t from = max_u64(pos, b.from), to = min_u64(pos + n, b.to);

	if (buf && from == b.from && to == b.to) {
		*plain = buf + (from - pos);
		return 0;
	}
	uint64_t old_end = min_u64(f->len, b.to);
	if (old_end > b.from && (from > b.from || to < old_end)) {
		int r = file_load_block(f, sc, k, sc->block);
		if (r < 0)
			return r;
	} else {
		memset(sc->block, 0, CONTENT_PAYLOAD);
	}
	if (buf)
		memcpy(sc->block + (from - b.from), buf + (from - pos), (size_t)(to - from));
	else
		memset(sc->block + (from - b.from), 0, (size_t)(to - from));
	*plain = sc->block;
	return 0;
}

int file_unhint(struct file *f)
{
	/* A wrong one too: and what lies where it says that nothing is must not come to lie in the file. */
	if (f->hint == FILE_HINT_NONE)
		return 0;
	int r = io_truncate(f->fd, (off_t)content_cipher_size(f->len, false));
	if (r == 0)
		f->hint = FILE_HINT_NONE;
	return r;
}

void file_take_len(struct file *f, uint64_t len)
{
	if (f->whole == f->len || f->whole > len)
		f->whole = len;
	if (len < f->len)
		file_gaps_fill(f, content_pages(len), UINT64_MAX);
	f->len = len;
}

/* file_put without a gap. */
static int file_put_run(struct file *f, struct scratch *sc, const uint8_t *buf, uint64_t pos, uint64_t n)
{
	struct content_range range = content_range_of(pos, n);
	uint64_t new_len = max_u64(f->len, pos + n);
	struct block_nonce nonce;
	const uint8_t *plain = NULL;

	block_nonce_draw(&nonce);
	for (uint64_t i = 0; i < range.count; i++) {
		uint64_t k = range.first + i;
		struct content_meta meta = {
			.used = (uint16_t)min_u64(new_len - k * CONTENT_PAYLOAD, CONTENT_PAYLOAD),
			.durable = k == 0 ? f->durable : 0,
		};
		int r = file_merge(f, sc, k, buf, pos, n, &plain);
		if (r < 0)
			return r;
		r = block_seal(sc, k, &nonce, &meta, &f->header, plain, sc->pages + i * CONTENT_PAGE);
		if (r < 0)
			return r;
		block_nonce_next(&nonce);
	}
	int r = new_len == f->len ? 0 : file_unhint(f);
	if (r < 0)
		return r;
	r = file_write_pages(f, sc->pages, range.first, range.count);
	if (r < 0)
		return r;

	uint64_t last = range.first + range.count - 1;
	file_take_len(f, new_len);
	file_gaps_fill(f, range.first, last + 1);
	if (last == (new_len - 1) / CONTENT_PAYLOAD && content_last_used(new_len) < CONTENT_PAYLOAD)
		file_keep_tail(f, last, plain);
	else if (f->tail_valid && f->tail_block >= range.first && f->tail_block <= last)
		file_keep_tail(f, 0, NULL);
	return 0;
}

/* Before something is written at pos behind the end: the last block becomes a full one, and whole
 * blocks left out are a gap, or with too many of them the file is SPARSE. */
static int file_gap(struct file *f, struct scratch *sc, uint64_t pos)
{
	uint64_t base = file_base(f);
	uint64_t end_block = (base - 1) / CONTENT_PAYLOAD, block = pos / CONTENT_PAYLOAD;
	if (pos <= base || block == end_block)
		return 0;

	uint64_t full = (end_block + 1) * CONTENT_PAYLOAD;
	if (full > base || f->len == 0) {
		int r = file_put_run(f, sc, NULL, base, full - base);
		if (r < 0)
			return r;
	}
	if (block <= end_block + 1)
		return 0;
	bool sparse = f->header.flags & CONTENT_FLAG_SPARSE;
	return !sparse && file_gaps_add(f, end_block + 1, block) ? 0 : file_set_sparse(f, sc, f->len);
}

/* The file as it was at length old_len after a failed growth, as far as it can be had: its last block is in
 * sc->saved. Only changes in place and a cut, which need no space. */
static void file_undo(struct file *f, struct scratch *sc, uint64_t old_len)
{
	f->tail_valid = false;
	f->hint = FILE_HINT_NONE;
	file_take_len(f, old_len);
	bool cut = io_truncate(f->fd, (off_t)content_cipher_size(old_len, false)) == 0;
	if (old_len == 0) {
		f->junk = !cut;
		return;
	}
	uint64_t k = (old_len - 1) / CONTENT_PAYLOAD;
	struct content_meta meta = { .used = content_last_used(old_len), .durable = k == 0 ? f->durable : 0 };
	if (meta.used == CONTENT_PAYLOAD)
		return;
	struct block_nonce nonce;
	block_nonce_draw(&nonce);
	if (block_seal(sc, k, &nonce, &meta, &f->header, sc->saved, sc->one) == 0)
		(void)file_write_pages(f, sc->one, k, 1);
}

/* Before a growth: the last block, if it is a partial one, to sc->saved and the tail. */
static int file_save(struct file *f, struct scratch *sc)
{
	if (f->len == 0 || content_last_used(f->len) == CONTENT_PAYLOAD)
		return 0;
	uint64_t k = (f->len - 1) / CONTENT_PAYLOAD;
	int r = file_load_block(f, sc, k, sc->saved);
	if (r < 0)
		return r;
	if (!f->tail_valid || f->tail_block != k)
		file_keep_tail(f, k, sc->saved);
	return 0;
}

int file_put(struct file *f, struct scratch *sc, const uint8_t *buf, uint64_t pos, uint64_t n)
{
	uint64_t old_len = f->len;
	/* What is missing must not become a hole, which SPARSE excuses. */
	if (f->cut_off && pos + n > f->there * CONTENT_PAYLOAD)
		return badblock_note(f->there, true, -EBADMSG);
	if (pos + n <= old_len)
		return file_put_run(f, sc, buf, pos, n);

	int r = file_save(f, sc);
	if (r < 0)
		return r;
	if (old_len == 0) {
		r = file_begin(f, sc);
		if (r < 0)
			return r;
	}
	r = file_gap(f, sc, pos);
	if (r == 0)
		r = file_put_run(f, sc, buf, pos, n);
	if (r < 0)
		file_undo(f, sc, old_len);
	return r;
}

int file_write(struct file *f, const void *buf, size_t n, uint64_t off)
{
	if (n == 0)
		return 0;
	if (off > CONTENT_MAX_SIZE || n > CONTENT_MAX_SIZE - off)
		return -EFBIG;
	if (n > SCRATCH_BYTES)
		return -EINVAL;

	file_clean_ahead(f, off + CONTENT_HEADER_LEN);
	SCOPED_TURN(f);
	int r = file_refresh(f);
	if (r < 0)
		return r;
	_cleanup_scratch_ struct scratch *sc = file_scratch(f);
	if (!sc)
		return -ENOMEM;
	f->touched = true;
	f->changes++;
	return file_changed(f, file_put(f, sc, buf, off + CONTENT_HEADER_LEN, n));
}
