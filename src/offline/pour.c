/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "offline/pour.h"

#include <errno.h>
#include <unistd.h>

#include "base/bytes.h"
#include "format/content.h"
#include "store/scratch.h"

#define POUR_BLOCKS 256u /* read at once */

struct pour {
	struct file *f;
	uint64_t size;
	uint8_t *buf;
	sink_fn *sink;
	void *arg;
	bool *sunk;
};

static int pour_sink(const struct pour *p, const uint8_t *buf, uint64_t n)
{
	int r = p->sink(p->arg, buf, n);
	*p->sunk = r < 0;
	return r;
}

/* Where, at most n blocks on, a block ends, or the file. */
static uint64_t pour_border(const struct pour *p, uint64_t off, uint64_t n)
{
	uint64_t end = ((off + CONTENT_HEADER_LEN) / CONTENT_PAYLOAD + n) * CONTENT_PAYLOAD - CONTENT_HEADER_LEN;
	return end < p->size ? end : p->size;
}

/* Somewhere in [off, end) is damage: give what comes before it, and say where it is. */
static int pour_narrow(const struct pour *p, uint64_t off, uint64_t end, struct pour_range *bad)
{
	while (off < end) {
		uint64_t border = pour_border(p, off, 1);
		ssize_t n = file_read(p->f, p->buf, border - off, off);
		*bad = (struct pour_range){ off, border };
		if (n < 0)
			return (int)n;
		int r = pour_sink(p, p->buf, (uint64_t)n);
		if (r < 0)
			return r;
		off = border;
	}
	return -EIO; /* it has gone meanwhile: what was given is good, but nobody knows what happens here */
}

/* A hole at off? Its end, or off. One to the end of the file is a hole only if that is not cut off: its last byte
 * tells, for nothing is missing before what is there. */
static uint64_t pour_hole(const struct pour *p, uint64_t off)
{
	int64_t data = file_seek(p->f, off, SEEK_DATA);
	if (data == -ENXIO && file_read(p->f, p->buf, 1, p->size - 1) == 1)
		return p->size;
	return data > 0 && (uint64_t)data > off ? (uint64_t)data : off;
}

/* Where data at off ends, at a border of a block. */
static uint64_t pour_data(const struct pour *p, uint64_t off)
{
	uint64_t border = pour_border(p, off, POUR_BLOCKS);
	int64_t hole = file_seek(p->f, off, SEEK_HOLE);
	return hole > 0 && (uint64_t)hole > off && (uint64_t)hole < border ? (uint64_t)hole : border;
}

int pour_file(struct file *f, sink_fn *sink, void *arg, struct pour_range *bad, bool *sunk)
{
	struct scratch *sc = scratch_get();
	if (!sc)
		return -ENOMEM;
	struct pour p = { .f = f, .size = file_size(f), .buf = sc->out, .sink = sink, .arg = arg, .sunk = sunk };
	*sunk = false;
	for (uint64_t off = 0; off < p.size;) {
		uint64_t data = pour_hole(&p, off);
		uint64_t end = data > off ? data : pour_data(&p, off);
		ssize_t n = data > off ? 0 : file_read(f, p.buf, end - off, off);
		if (store_is_damage((int)n))
			return pour_narrow(&p, off, end, bad);
		if (n < 0)
			return (int)n;
		/* What a power cut, or somebody who lets files seem large, has left reads as zeros as well. */
		bool zeros = data > off || bytes_are_zero(p.buf, (size_t)n);
		int r = pour_sink(&p, zeros ? NULL : p.buf, end - off);
		if (r < 0)
			return r;
		off = end;
	}
	return 0;
}
