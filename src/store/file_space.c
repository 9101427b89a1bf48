/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cutting, growing, allocating, punching, and finding holes. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "store/file_impl.h"

static int file_fallocate(struct file *f, int mode, uint64_t k, uint64_t n)
{
	while (fallocate(f->fd, mode, (off_t)(k * CONTENT_PAGE), (off_t)(n * CONTENT_PAGE)) != 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Nothing beyond the new, smaller length is known as durable any more. */
static void file_note_cut(struct file *f, uint64_t len)
{
	f->cuts++;
	file_take_len(f, len);
	f->hint = FILE_HINT_NONE;
	f->cut_off = false;
	if (f->synced > len)
		f->synced = len;
	if (f->mark > len)
		f->mark = len;
	if (f->care > len)
		f->care = len;
}

int file_empty(struct file *f)
{
	int r = io_truncate(f->fd, 0);
	if (r < 0)
		return r;
	file_note_cut(f, 0);
	f->durable = 0;
	f->error = 0;
	f->junk = f->tail_valid = f->hint_was_wrong = false;
	f->loaded = true;
	return 0;
}

/* Below the durable length nobody may cut before a lower one is on disk. */
static int file_lower(struct file *f, struct scratch *sc, uint64_t len)
{
	uint64_t before = f->durable;
	f->durable = len;
	int r = file_put_header(f, sc);
	if (r == 0)
		r = file_flush(f);
	if (r < 0)
		f->durable = before;
	return r;
}

/* Write the block that becomes the last, from sc->block, with so much used. */
static int file_put_last(struct file *f, struct scratch *sc, uint64_t k, const uint8_t *plain, uint16_t used)
{
	struct content_meta meta = { .used = used, .durable = k == 0 ? f->durable : 0 };
	struct block_nonce nonce;
	block_nonce_draw(&nonce);
	int r = block_seal(sc, k, &nonce, &meta, &f->header, plain, sc->one);
	if (r == 0)
		r = file_write_pages(f, sc->one, k, 1);
	if (r < 0)
		return r;
	memcpy(f->ends[1], sc->one + CONTENT_NONCE_OFF, CONTENT_NONCE_LEN);
	file_gaps_fill(f, k, k + 1);
	return 0;
}

static int file_shrink(struct file *f, struct scratch *sc, uint64_t len)
{
	uint64_t k = (len - 1) / CONTENT_PAYLOAD;
	uint16_t used = content_last_used(len);
	size_t keep = used - content_sealed_off(k);
	/* If this block is damaged nothing is cut, and the durable length must go on telling what is missing. */
	int r = file_load_block(f, sc, k, sc->saved);
	if (r == 0 && len < f->durable)
		r = file_lower(f, sc, len);
	if (r < 0)
		return r;
	memset(sc->block, 0, CONTENT_PAYLOAD);
	memcpy(sc->block, sc->saved, keep);
	f->tail_valid = false;
	r = file_unhint(f);
	if (r == 0)
		r = file_put_last(f, sc, k, sc->block, used);
	if (r < 0)
		return r;
	r = io_truncate(f->fd, (off_t)content_cipher_size(len, false));
	if (r < 0) {
		uint64_t left = f->len - k * CONTENT_PAYLOAD;
		(void)file_put_last(f, sc, k, sc->saved,
				    left < CONTENT_PAYLOAD ? (uint16_t)left : (uint16_t)CONTENT_PAYLOAD);
		return r;
	}
	file_note_cut(f, len);
	return 0;
}

static int file_set_len(struct file *f, struct scratch *sc, uint64_t len)
{
	if (len == f->len)
		return 0;
	if (len < f->len)
		return file_shrink(f, sc, len);
	/* Zeros from the end, or from where the last block begins, and a hole before that. */
	uint64_t last = (len - 1) / CONTENT_PAYLOAD * CONTENT_PAYLOAD;
	uint64_t from = last > file_base(f) ? last : file_base(f);
	return file_put(f, sc, NULL, from, len - from);
}

int file_truncate(struct file *f, uint64_t size)
{
	if (size > CONTENT_MAX_SIZE)
		return -EFBIG;
	SCOPED_TURN(f);
	f->touched = true;
	f->changes++;
	if (size == 0) /* also where nothing is known of the rest, or it is damaged */
		return file_changed(f, file_empty(f));
	int r = file_refresh(f);
	if (r < 0)
		return r;
	_cleanup_scratch_ struct scratch *sc = file_scratch(f);
	return sc ? file_changed(f, file_set_len(f, sc, content_stream_len(size))) : -ENOMEM;
}

/* ---- fallocate ---- */

/* Reserve room for the pages of stream range [pos, end), without a change that can be seen. */
static int file_reserve(struct file *f, uint64_t pos, uint64_t end)
{
	struct content_range range = content_range_of(pos, end - pos);
	return file_fallocate(f, FALLOC_FL_KEEP_SIZE, range.first, range.count);
}

/* Zeros in stream range [pos, end) within the file: whole blocks become holes, the rest is written. Block 0
 * has the header and the last block the length, so neither becomes a hole. */
static int file_zero(struct file *f, struct scratch *sc, uint64_t pos, uint64_t end)
{
	if (end > f->len)
		end = f->len;
	if (pos >= end)
		return 0;
	/* What is missing stays damage, as in file_put. */
	if (f->cut_off && end > f->there * CONTENT_PAYLOAD)
		return badblock_note(f->there, true, -EBADMSG);
	uint64_t first = (pos + CONTENT_PAYLOAD - 1) / CONTENT_PAYLOAD;
	uint64_t past = end / CONTENT_PAYLOAD, last = (f->len - 1) / CONTENT_PAYLOAD;
	if (first == 0)
		first = 1;
	if (past > last)
		past = last;
	if (first >= past) { /* at most three blocks */
		return file_put(f, sc, NULL, pos, end - pos);
	}

	int r = file_set_sparse(f, sc, first * CONTENT_PAYLOAD);
	if (r < 0)
		return r;
	r = file_fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, first, past - first);
	if (r < 0)
		return r;
	if (pos < first * CONTENT_PAYLOAD) {
		r = file_put(f, sc, NULL, pos, first * CONTENT_PAYLOAD - pos);
		if (r < 0)
			return r;
	}
	if (end > past * CONTENT_PAYLOAD)
		r = file_put(f, sc, NULL, past * CONTENT_PAYLOAD, end - past * CONTENT_PAYLOAD);
	return r;
}

static int file_allocate_locked(struct file *f, struct scratch *sc, int mode, uint64_t pos, uint64_t end)
{
	bool keep = mode & FALLOC_FL_KEEP_SIZE;
	int r = 0;
	switch (mode & ~FALLOC_FL_KEEP_SIZE) {
	case 0:
		r = file_reserve(f, pos, end);
		break;
	case FALLOC_FL_PUNCH_HOLE:
		return keep ? file_zero(f, sc, pos, end) : -EOPNOTSUPP;
	case FALLOC_FL_ZERO_RANGE:
		r = file_zero(f, sc, pos, end);
		if (r == 0)
			r = file_reserve(f, pos, end);
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (r == 0 && !keep && end > file_base(f))
		r = file_set_len(f, sc, end);
	return r;
}

int file_allocate(struct file *f, int mode, uint64_t off, uint64_t len)
{
	if (len == 0)
		return -EINVAL;
	if (off > CONTENT_MAX_SIZE || len > CONTENT_MAX_SIZE - off)
		return -EFBIG;
	SCOPED_TURN(f);
	int r = file_refresh(f);
	if (r < 0)
		return r;
	_cleanup_scratch_ struct scratch *sc = file_scratch(f);
	if (!sc)
		return -ENOMEM;
	uint64_t pos = off + CONTENT_HEADER_LEN;
	f->touched = true;
	f->changes++;
	return file_changed(f, file_allocate_locked(f, sc, mode, pos, pos + len));
}

/* ---- holes ---- */

/* The first block that may be a hole though no gap is known: in a file that is not SPARSE all those must be there that
 * are durable, but behind them a power cut, or somebody who made the ciphertext longer, may have left some. */
static uint64_t file_holes_from(const struct file *f)
{
	if (f->header.flags & CONTENT_FLAG_SPARSE)
		return 0;
	return (f->whole + CONTENT_PAYLOAD - 1) / CONTENT_PAYLOAD;
}

/* The offset where block 'page' begins, as an answer about 'off' in block 'block'. */
static int64_t file_found(uint64_t off, uint64_t size, uint64_t block, uint64_t page, int whence)
{
	if (page <= block)
		return (int64_t)off;
	uint64_t at = page * CONTENT_PAYLOAD - CONTENT_HEADER_LEN;
	if (at >= size)
		return whence == SEEK_HOLE ? (int64_t)size : -ENXIO;
	return (int64_t)at;
}

int64_t file_seek(struct file *f, uint64_t off, int whence)
{
	(void)file_revalidate(f);
	SCOPED_READ(&f->lock);
	uint64_t size = content_plain_size(f->len);
	int r = file_usable(f);
	if (r < 0)
		return r;
	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	if (off >= size)
		return -ENXIO;
	uint64_t block = (off + CONTENT_HEADER_LEN) / CONTENT_PAYLOAD, first = file_holes_from(f);
	uint64_t known = file_gaps_seek(f, block, whence == SEEK_DATA);
	if (known < first || first * CONTENT_PAYLOAD >= f->len)
		return file_found(off, size, block, known, whence);

	uint64_t from = block > first ? block : first;
	off_t found = lseek(f->fd, (off_t)(from * CONTENT_PAGE), whence);
	if (found < 0)
		return errno == ENXIO && whence == SEEK_HOLE ? (int64_t)size : -errno;
	/* A page that is a hole in part was never written whole: it counts as data. */
	uint64_t page = whence == SEEK_DATA ? (uint64_t)found / CONTENT_PAGE
					    : ((uint64_t)found + CONTENT_PAGE - 1) / CONTENT_PAGE;
	return file_found(off, size, block, page, whence);
}
