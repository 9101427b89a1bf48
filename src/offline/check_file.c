/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "offline/check_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/io.h"
#include "store/block.h"

#define CHECK_BATCH 256u /* pages a read */

_Static_assert(CHECK_BATCH < SCRATCH_PAGES, "the last page is for single ones");

/* ---- what is said ---- */

/* Where block k begins in the plaintext. */
static uint64_t plain_at(uint64_t k)
{
	return content_plain_size(k * CONTENT_PAYLOAD);
}

/* All of the file, as long as its pages tell. */
static void found_whole(const struct check_file *f, const struct check_sink *sink, enum check_kind kind)
{
	uint64_t size;
	if (!content_hint(f->size, &size))
		size = content_plain_size(f->pages * CONTENT_PAYLOAD);
	sink->found(sink->arg, kind, 0, size);
}

/* Blocks beside each other that suffer from the same are one finding. */
struct run {
	const struct check_file *f;
	const struct check_sink *sink;
	enum check_kind kind;
	uint64_t from;
	uint64_t to;
};

static void run_end(struct run *r)
{
	if (r->kind == CHECK_NOTHING)
		return;
	uint64_t from = plain_at(r->from), to = min_u64(plain_at(r->to), content_plain_size(r->f->len));
	r->sink->found(r->sink->arg, r->kind, from, to > from ? to - from : 0);
	r->kind = CHECK_NOTHING;
}

static void run_add(struct run *r, enum check_kind kind, uint64_t from, uint64_t to)
{
	if (from >= to)
		return;
	if (kind != r->kind || from != r->to) {
		run_end(r);
		r->kind = kind;
		r->from = from;
	}
	r->to = to;
}

/* ---- the first page and the last ---- */

/* Are all bytes zero? Returns 1, 0 or -errno. */
static int all_zero(const struct check_file *f, struct scratch *sc)
{
	uint64_t at = 0;
	while (at < f->size) {
		off_t data = lseek(f->fd, (off_t)at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			return 1;
		ssize_t n = io_pread_full(f->fd, sc->pages, CHECK_BATCH * CONTENT_PAGE, data < 0 ? (off_t)at : data);
		if (n <= 0)
			return n < 0 ? (int)n : 1;
		if (!bytes_are_zero(sc->pages, (size_t)n))
			return 0;
		at = (data < 0 ? at : (uint64_t)data) + (uint64_t)n;
	}
	return 1;
}

/* Without a first page there is an unfinished first write (zeros all over) or damage. */
static int load_unwritten(const struct check_file *f, struct scratch *sc, const struct check_sink *sink)
{
	int r = all_zero(f, sc);
	if (r == 1)
		sink->found(sink->arg, CHECK_UNFINISHED, 0, 0);
	else if (r == 0)
		found_whole(f, sink, CHECK_HEADER);
	else if (r == -EIO)
		found_whole(f, sink, CHECK_DISK);
	return r < 0 && r != -EIO ? r : 0;
}

/* What keeps block 0, which is in sc->one, from being opened? Fills in the header, length and durable length. */
static enum check_kind load_first(struct check_file *f, struct scratch *sc)
{
	struct content_meta meta;
	int r = content_header_decode(&f->header, sc->one + CONTENT_PAYLOAD_OFF);
	if (r == 0) {
		block_set_file(f->st, sc, f->header.epoch, f->header.file_nonce);
		r = block_open(sc, 0, sc->one, &meta, sc->block);
	}
	if (r < 0)
		return r == -EPROTONOSUPPORT ? CHECK_NEWER : CHECK_HEADER;
	f->len = meta.used;
	f->durable = meta.durable;
	return CHECK_NOTHING;
}

/* The length by the last page on disk. */
static int load_last(struct check_file *f, struct scratch *sc)
{
	struct content_meta meta;
	uint64_t k = f->pages - 1, hint = f->size % CONTENT_PAGE;
	ssize_t n = io_pread_full(f->fd, sc->one, CONTENT_PAGE, (off_t)(k * CONTENT_PAGE));
	if (n < 0 && n != -EIO)
		return (int)n;
	f->last_opens = n == (ssize_t)CONTENT_PAGE && !bytes_are_zero(sc->one, CONTENT_PAGE) &&
			block_open(sc, k, sc->one, &meta, sc->block) == 0;
	if (!f->last_opens)
		meta.used = (uint16_t)(hint > 0 && hint <= CONTENT_PAYLOAD ? hint : CONTENT_PAYLOAD);
	f->len = k * CONTENT_PAYLOAD + meta.used;
	return 0;
}

static int load_pages(struct check_file *f, struct scratch *sc, const struct check_sink *sink)
{
	ssize_t n = io_pread_full(f->fd, sc->one, CONTENT_PAGE, 0);
	if (n == -EIO)
		found_whole(f, sink, CHECK_DISK);
	if (n < 0)
		return n == -EIO ? 0 : (int)n;
	if (n < (ssize_t)CONTENT_PAGE || bytes_are_zero(sc->one, CONTENT_PAGE))
		return load_unwritten(f, sc, sink);

	enum check_kind bad = load_first(f, sc);
	if (bad != CHECK_NOTHING) {
		found_whole(f, sink, bad);
		return 0;
	}
	f->last_opens = true;
	int r = f->pages > 1 ? load_last(f, sc) : 0;
	f->found = f->len;
	f->len = max_u64(f->len, f->durable);
	return r;
}

int check_file_load(const struct store *st, int fd, struct check_file *f, const struct check_sink *sink)
{
	struct stat sb;
	*f = (struct check_file){ .st = st, .fd = fd };
	if (fstat(fd, &sb) != 0)
		return -errno;
	f->size = (uint64_t)sb.st_size;
	f->pages = f->size / CONTENT_PAGE;
	f->holes = (uint64_t)sb.st_blocks < f->pages * (CONTENT_PAGE / CHECK_SECTOR);
	if (f->size == 0)
		return 0;
	_cleanup_scratch_ struct scratch *sc = scratch_get();
	if (!sc)
		return -ENOMEM;
	int r = load_pages(f, sc, sink);
	/* Where the end is missing or damaged, the hint may be all that tells of it. */
	if (r == 0 && f->len > 0 && f->last_opens && f->pages == content_pages(f->len) &&
	    f->size != content_cipher_size(f->len, !st->hide_sizes))
		sink->found(sink->arg, CHECK_HINT, 0, 0);
	return r;
}

uint64_t check_file_blocks(const struct check_file *f)
{
	return content_pages(f->len);
}

/* ---- the blocks ---- */

/* Zero pages [from, to): below the durable length only a SPARSE file has them. */
static void judge_zeros(const struct check_file *f, uint64_t from, uint64_t to, struct run *run)
{
	uint64_t strict = content_pages(f->durable);
	if (f->header.flags & CONTENT_FLAG_SPARSE)
		return;
	run_add(run, CHECK_ZEROED, from, min_u64(to, strict));
	run_add(run, CHECK_UNFINISHED, max_u64(from, strict), to);
}

static enum check_kind judge_block(const struct check_file *f, struct scratch *sc, uint64_t k, const uint8_t *page)
{
	struct content_meta meta;
	uint64_t start = k * CONTENT_PAYLOAD, end = start + CONTENT_PAYLOAD;
	int r = block_open(sc, k, page, &meta, sc->block);
	if (r < 0)
		return r == -EPROTONOSUPPORT ? CHECK_NEWER : CHECK_BLOCK;
	if (start + meta.used < min_u64(end, f->durable))
		return CHECK_SHORT;
	return start + meta.used < min_u64(end, f->len) ? CHECK_UNFINISHED : CHECK_NOTHING;
}

static void judge_page(const struct check_file *f, struct scratch *sc, uint64_t k, const uint8_t *page,
		       struct run *run)
{
	if (k > 0 && bytes_are_zero(page, CONTENT_PAGE)) {
		judge_zeros(f, k, k + 1, run);
		return;
	}
	enum check_kind kind = judge_block(f, sc, k, page);
	if (kind != CHECK_NOTHING)
		run_add(run, kind, k, k + 1);
}

/* Each page for itself, after a read error in one of them. */
static int verify_singly(const struct check_file *f, struct scratch *sc, uint64_t k, uint64_t n, struct run *run)
{
	for (uint64_t end = k + n; k < end; k++) {
		ssize_t got = io_pread_full(f->fd, sc->one, CONTENT_PAGE, (off_t)(k * CONTENT_PAGE));
		if (got < 0 && got != -EIO)
			return (int)got;
		if (got < (ssize_t)CONTENT_PAGE)
			run_add(run, got < 0 ? CHECK_DISK : CHECK_MISSING, k, k + 1);
		else
			judge_page(f, sc, k, sc->one, run);
	}
	return 0;
}

static int verify_batch(const struct check_file *f, struct scratch *sc, uint64_t k, uint64_t n, struct run *run)
{
	off_t at = (off_t)(k * CONTENT_PAGE);
	ssize_t got = io_pread_full(f->fd, sc->pages, n * CONTENT_PAGE, at);
	if (got < 0 && got != -EIO)
		return (int)got;
	/* Short: somebody has cut it meanwhile. */
	if (got < (ssize_t)(n * CONTENT_PAGE))
		return verify_singly(f, sc, k, n, run);
	for (uint64_t i = 0; i < n; i++)
		judge_page(f, sc, k + i, sc->pages + i * CONTENT_PAGE, run);
	/* It is read once: others need the memory more. */
	(void)posix_fadvise(f->fd, at, (off_t)(n * CONTENT_PAGE), POSIX_FADV_DONTNEED);
	return 0;
}

/* The first block from k on, below end, that may hold data. */
static uint64_t next_data(const struct check_file *f, uint64_t k, uint64_t end)
{
	if (!f->holes)
		return k;
	off_t data = lseek(f->fd, (off_t)(k * CONTENT_PAGE), SEEK_DATA);
	if (data < 0)
		return errno == ENXIO ? end : k;
	return min_u64((uint64_t)data / CONTENT_PAGE, end);
}

/* How much from k on may be read at once: holes in between are left to the next one. */
static uint64_t batch_at(const struct check_file *f, uint64_t k, uint64_t end)
{
	uint64_t n = min_u64(end - k, CHECK_BATCH);
	off_t hole = f->holes ? lseek(f->fd, (off_t)(k * CONTENT_PAGE), SEEK_HOLE) : -1;
	if (hole < 0)
		return n;
	uint64_t data = ((uint64_t)hole + CONTENT_PAGE - 1) / CONTENT_PAGE;
	return data > k ? min_u64(n, data - k) : n;
}

int check_file_verify(const struct check_file *f, uint64_t from, uint64_t to, const struct check_sink *sink,
		      _Atomic uint64_t *bytes)
{
	_cleanup_scratch_ struct scratch *sc = scratch_get();
	if (!sc)
		return -ENOMEM;
	block_set_file(f->st, sc, f->header.epoch, f->header.file_nonce);
	struct run run = { .f = f, .sink = sink };
	uint64_t there = min_u64(to, f->pages);
	int r = 0;
	for (uint64_t k = from; r == 0 && k < there;) {
		uint64_t data = next_data(f, k, there);
		judge_zeros(f, k, data, &run);
		k = data;
		if (k == there)
			break;
		uint64_t n = batch_at(f, k, there);
		r = verify_batch(f, sc, k, n, &run);
		atomic_fetch_add(bytes, n * CONTENT_PAGE);
		k += n;
	}
	/* All that is missing lies below the durable length: that is where the length comes from. */
	if (r == 0)
		run_add(&run, CHECK_MISSING, max_u64(from, there), to);
	run_end(&run);
	return r;
}
