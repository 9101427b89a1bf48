/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "offline/salvage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/io.h"
#include "store/block.h"

#define SALVAGE_PAGES 256u /* read at once */

/* A file on the way. */
struct salvage_job {
	const struct store *st;
	int fd;
	struct scratch *sc;
	sink_fn *sink;
	void *arg;
	struct salvage *s;
	uint64_t pages;	   /* whole ones that are there */
	uint64_t end;	   /* stream length as far as the pages and the hint tell */
	uint64_t durable;  /* stream length; all there is if block 0 does not tell */
	bool sparse;
	bool opened;	   /* some block has opened */
	bool nonzero;	   /* some page was no zero page, or could not be read */
	uint64_t zeros;	   /* to be put out before what comes next, or at the end if some block has opened */
};

/* What became of a page: the stream bytes [from, good) of its block are as they were written, [good, to) are
 * zeros, and lost if 'lost'. */
struct salvage_block {
	uint64_t from, good, to;
	bool lost;
	enum salvage_why why;
};

/* ---- the record ---- */

void salvage_free(struct salvage *s)
{
	free(s->lost);
	s->lost = NULL;
	s->n = 0;
}

uint64_t salvage_lost(const struct salvage *s)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < s->n; i++)
		sum += s->lost[i].to - s->lost[i].from;
	return sum;
}

/* Stream bytes [from, to) are lost. */
static int salvage_record(struct salvage *s, uint64_t from, uint64_t to, enum salvage_why why)
{
	from = content_plain_size(from);
	to = content_plain_size(to);
	if (from >= to)
		return 0;
	struct salvage_range *last = s->n > 0 ? &s->lost[s->n - 1] : NULL;
	if (last && last->to == from && last->why == why) {
		last->to = to;
		return 0;
	}
	/* Grown at every power of two. */
	if ((s->n & (s->n - 1)) == 0) {
		struct salvage_range *more = reallocarray(s->lost, s->n ? 2 * s->n : 1, sizeof(*more));
		if (!more)
			return -ENOMEM;
		s->lost = more;
	}
	s->lost[s->n++] = (struct salvage_range){ from, to, why };
	return 0;
}

/* ---- pages ---- */

/* Open one page and say what of its block is there; its payload is in sc->block. */
static struct salvage_block salvage_open(struct salvage_job *j, uint64_t k, const uint8_t *page)
{
	uint64_t start = k * CONTENT_PAYLOAD;
	struct salvage_block b = { .from = start + content_sealed_off(k) };
	struct content_meta meta;
	b.to = min_u64(start + CONTENT_PAYLOAD, j->end);
	if (b.to < b.from)
		b.to = b.from;
	uint64_t strict = min_u64(j->durable, b.to);
	b.good = b.from;
	if (bytes_are_zero(page, CONTENT_PAGE)) {
		b.lost = k == 0 || (b.from < strict && !j->sparse);
		b.why = SALVAGE_ZEROED;
		return b;
	}
	j->nonzero = true;
	if (block_open(j->sc, k, page, &meta, j->sc->block) < 0) {
		b.lost = true;
		b.why = SALVAGE_DAMAGED;
	} else {
		j->opened = true;
		b.good = min_u64(start + meta.used, b.to);
		b.lost = b.good < strict;
		b.why = SALVAGE_SHORT;
	}
	return b;
}

/* Put out the zeros that have gathered. */
static int salvage_flush(struct salvage_job *j)
{
	uint64_t n = j->zeros;
	j->zeros = 0;
	return n > 0 ? j->sink(j->arg, NULL, n) : 0;
}

/* Put a block out, and record what of it is lost. */
static int salvage_put(struct salvage_job *j, const struct salvage_block *b)
{
	int r = 0;
	if (b->good > b->from) {
		r = salvage_flush(j);
		if (r == 0)
			r = j->sink(j->arg, j->sc->block, b->good - b->from);
	}
	j->zeros += b->to - b->good;
	if (r == 0 && b->lost)
		r = salvage_record(j->s, b->good, b->to, b->why);
	j->s->size += b->to - b->from;
	j->s->intact += b->lost ? b->good - b->from : b->to - b->from;
	return r;
}

/* Read pages [k, k+n); where that fails each for itself. Returns how many of them came at the beginning, 0 if
 * the first cannot be read. */
static uint64_t salvage_read(const struct salvage_job *j, uint64_t k, uint64_t n)
{
	for (;; n = 1) {
		ssize_t have = io_pread_full(j->fd, j->sc->pages, (size_t)n * CONTENT_PAGE, (off_t)(k * CONTENT_PAGE));
		if (have >= (ssize_t)CONTENT_PAGE || n == 1)
			return have < 0 ? 0 : (uint64_t)have / CONTENT_PAGE;
	}
}

static int salvage_unread(struct salvage_job *j, uint64_t k)
{
	uint64_t from = k * CONTENT_PAYLOAD + content_sealed_off(k), to = min_u64((k + 1) * CONTENT_PAYLOAD, j->end);
	struct salvage_block b = { from, from, to > from ? to : from, true, SALVAGE_UNREAD };
	j->nonzero = true;
	return salvage_put(j, &b);
}

/* How many pages from k on are a hole? They need no reading, however many a hostile file has of them. */
static uint64_t salvage_hole(const struct salvage_job *j, uint64_t k)
{
	off_t data = lseek(j->fd, (off_t)(k * CONTENT_PAGE), SEEK_DATA);
	if (data < 0)
		return errno == ENXIO ? j->pages - k : 0;
	return min_u64((uint64_t)data / CONTENT_PAGE, j->pages) - k;
}

static int salvage_put_hole(struct salvage_job *j, uint64_t k, uint64_t n)
{
	uint64_t from = k * CONTENT_PAYLOAD + content_sealed_off(k), to = min_u64((k + n) * CONTENT_PAYLOAD, j->end);
	uint64_t strict = j->sparse && k > 0 ? 0 : min_u64(j->durable, to);
	if (from >= to)
		return 0;
	uint64_t lost = strict > from ? strict - from : 0;
	j->s->size += to - from;
	j->s->intact += to - from - lost;
	j->zeros += to - from;
	return lost > 0 ? salvage_record(j->s, from, strict, SALVAGE_ZEROED) : 0;
}

static int salvage_pages(struct salvage_job *j)
{
	int r = 0;
	for (uint64_t k = 0; r == 0 && k < j->pages;) {
		uint64_t n = salvage_hole(j, k);
		if (n > 0) {
			r = salvage_put_hole(j, k, n);
			k += n;
			continue;
		}
		n = salvage_read(j, k, min_u64(j->pages - k, SALVAGE_PAGES));
		for (uint64_t i = 0; r == 0 && i < n; i++) {
			struct salvage_block b = salvage_open(j, k + i, j->sc->pages + i * CONTENT_PAGE);
			r = salvage_put(j, &b);
		}
		if (n == 0)
			r = salvage_unread(j, k);
		k += n > 0 ? n : 1;
	}
	return r;
}

/* ---- what the file says of itself ---- */

/* Block 0: the file's key, and if it opens the durable length. A header that is damaged elsewhere may still have
 * the right file nonce: whether it has is seen when blocks open. */
static void salvage_header(struct salvage_job *j)
{
	const uint8_t *header = j->sc->pages + CONTENT_PAYLOAD_OFF;
	struct content_header h;
	struct content_meta meta;
	j->durable = UINT64_MAX;
	j->s->header_lost = true;
	if (salvage_read(j, 0, 1) == 0)
		return;
	block_set_file(j->st, j->sc, content_header_epoch(header), header + CONTENT_FILE_NONCE_OFF);
	if (content_header_decode(&h, header) < 0)
		return;
	j->sparse = h.flags & CONTENT_FLAG_SPARSE;
	if (block_open(j->sc, 0, j->sc->pages, &meta, j->sc->block) < 0)
		return;
	j->durable = meta.durable;
	j->s->header_lost = false;
}

/* Where the stream ends: the last page says it; if that is lost, the size hint. */
static void salvage_end(struct salvage_job *j, uint64_t hint)
{
	uint64_t k = j->pages - 1;
	struct content_meta meta;
	uint16_t used = CONTENT_PAYLOAD;
	if (salvage_read(j, k, 1) == 1 && !bytes_are_zero(j->sc->pages, CONTENT_PAGE) &&
	    block_open(j->sc, k, j->sc->pages, &meta, j->sc->block) == 0)
		used = meta.used;
	else if (hint > content_sealed_off(k) && hint <= CONTENT_PAYLOAD)
		used = (uint16_t)hint;
	else
		j->s->end_unsure = true;
	j->end = k * CONTENT_PAYLOAD + used;
}

/* Less than a page: zeros of a first write that never reached the disk, or what is left of a header. */
static int salvage_stub(const struct salvage_job *j, uint64_t size)
{
	ssize_t n = io_pread_full(j->fd, j->sc->pages, (size_t)size, 0);
	if (n < 0)
		return (int)n;
	return bytes_are_zero(j->sc->pages, (size_t)n) ? 0 : -EBADMSG;
}

int salvage_file(const struct store *st, int fd, sink_fn *sink, void *arg, struct salvage *s)
{
	struct stat sb;
	_cleanup_scratch_ struct scratch *sc = scratch_get();
	struct salvage_job j = { .st = st, .fd = fd, .sc = sc, .sink = sink, .arg = arg, .s = s };
	*s = (struct salvage){ .lost = NULL };
	if (!sc)
		return -ENOMEM;
	if (fstat(fd, &sb) != 0)
		return -errno;
	uint64_t size = (uint64_t)sb.st_size;
	j.pages = size / CONTENT_PAGE;
	if (j.pages == 0)
		return salvage_stub(&j, size);

	salvage_header(&j);
	salvage_end(&j, size % CONTENT_PAGE);
	int r = salvage_pages(&j);
	if (r == 0 && j.opened)
		r = salvage_flush(&j);
	if (r == 0 && j.opened && !s->header_lost)
		r = salvage_record(s, j.end, j.durable, SALVAGE_CUT_OFF);
	if (r < 0 || j.opened)
		return r;
	s->size = s->intact = 0;
	if (j.nonzero)
		return -EBADMSG;
	salvage_free(s); /* as the file says of itself: it is empty */
	*s = (struct salvage){ .lost = NULL };
	return 0;
}
