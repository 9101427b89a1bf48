/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The durable length: raising it, off the hot path. */
#include <errno.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "store/file_impl.h"

/* How many pages are healed before the file is free for others again. */
#define FILE_HEAL_STEP 256

/* Make block k, which a power cut left behind the durable length, a full one. A zero page stays one, but at
 * the end, where the length stands, and sets *hole; what was written sets *wrote. */
static int file_heal_block(struct file *f, struct scratch *sc, uint64_t k, bool *hole, bool *wrote)
{
	uint64_t start = k * CONTENT_PAYLOAD, end = min_u64(f->len, start + CONTENT_PAYLOAD);
	struct content_meta meta = { .used = 0 };
	bool zero = false;
	ssize_t n = io_pread_full(f->fd, sc->one, CONTENT_PAGE, (off_t)(k * CONTENT_PAGE));
	if (n < 0)
		return (int)n;
	if (n == (ssize_t)CONTENT_PAGE && !bytes_are_zero(sc->one, CONTENT_PAGE)) {
		int r = block_open(sc, k, sc->one, &meta, sc->block);
		if (r < 0)
			return badblock_note(k, false, r);
	} else {
		zero = true;
	}
	/* The part of it that must be there? */
	if (start + meta.used < min_u64(f->whole, end) && !(zero && (f->header.flags & CONTENT_FLAG_SPARSE)))
		return badblock_note(k, zero, -EBADMSG);
	if (zero && end < f->len) {
		*hole = true;
		return 0;
	}
	if (start + meta.used >= end)
		return 0;
	*wrote = true;
	return file_put(f, sc, NULL, start + meta.used, end - start - meta.used);
}

/* The next block at or behind k that has data on disk; *hole if some were passed over. The last one counts. */
static int file_heal_seek(const struct file *f, uint64_t *k, bool *hole)
{
	uint64_t last = content_pages(f->len) - 1;
	if (*k * CONTENT_PAYLOAD < f->whole)
		return 0;
	off_t data = lseek(f->fd, (off_t)(*k * CONTENT_PAGE), SEEK_DATA);
	if (data < 0 && errno != ENXIO)
		return -errno;
	uint64_t next = data < 0 ? last : min_u64((uint64_t)data / CONTENT_PAGE, last);
	if (next > *k) {
		*hole = true;
		*k = next;
	}
	return 0;
}

/* One step of looking for zero pages below the durable length in a file that is not SPARSE. They are damage, which
 * SPARSE must not come to excuse. */
static int file_sweep(struct file *f, const struct stat *sb)
{
	(void)sb;
	_cleanup_scratch_ struct scratch *sc = file_scratch(f);
	if (!sc)
		return -ENOMEM;
	uint64_t pages = content_pages(f->durable);
	for (int i = 0; i < FILE_HEAL_STEP && f->swept < pages; i++, f->swept++) {
		ssize_t n = io_pread_full(f->fd, sc->one, CONTENT_PAGE, (off_t)(f->swept * CONTENT_PAGE));
		if (n < 0)
			return (int)n;
		if (n == (ssize_t)CONTENT_PAGE && bytes_are_zero(sc->one, CONTENT_PAGE))
			return badblock_note(f->swept, true, -EBADMSG);
	}
	f->sweeping = f->swept < pages;
	return 0;
}

/* After a power cut zero pages and short blocks may lie between the durable length and the end. Before the
 * durable length goes past them they become what is right below it: holes of a SPARSE file, and full blocks.
 * Some of them at a time. Exclusive lock. */
static int file_heal(struct file *f)
{
	_cleanup_scratch_ struct scratch *sc = file_scratch(f);
	if (!sc)
		return -ENOMEM;
	bool hole = false, wrote = false;
	uint64_t k = f->whole / CONTENT_PAYLOAD, pages = content_pages(f->len);
	int r = 0;
	for (int i = 0; r == 0 && i < FILE_HEAL_STEP && k < pages; i++, k++) {
		r = file_heal_seek(f, &k, &hole);
		if (r == 0)
			r = file_heal_block(f, sc, k, &hole, &wrote);
	}
	if (r == 0 && hole && !(f->header.flags & CONTENT_FLAG_SPARSE) && f->swept < content_pages(f->durable)) {
		f->sweeping = true;
		return wrote ? file_flush(f) : 0;
	}
	if (r == 0 && hole)
		r = file_set_sparse(f, sc, f->len);
	if (r == 0 && wrote)
		r = file_flush(f);
	if (r == 0)
		f->whole = min_u64(k * CONTENT_PAYLOAD, f->len);
	return r;
}

static int file_change_durable(struct file *f, const struct stat *sb)
{
	(void)sb;
	_cleanup_scratch_ struct scratch *sc = file_scratch(f);
	if (!sc)
		return -ENOMEM;
	uint64_t before = f->durable;
	f->durable = min_u64(min_u64(f->synced, f->whole), file_gaps_start(f));
	int r = file_put_header(f, sc);
	if (r < 0)
		f->durable = before;
	return r;
}

static int file_change_heal(struct file *f, const struct stat *sb)
{
	(void)sb;
	return file_heal(f);
}

/* One step of it: returns 1 if there is more to do, 0, or -errno. */
static int file_raise_step(struct file *f)
{
	SCOPED_TURN(f);
	if (!f->loaded || !f->writable || f->error < 0)
		return 0;
	int r = file_refresh(f);
	if (r < 0 || f->len == 0 || f->synced <= f->durable)
		return r;
	if (f->whole == f->len)
		return file_changed(f, file_change_unseen(f, file_change_durable));
	bool sweep = f->sweeping && !(f->header.flags & CONTENT_FLAG_SPARSE);
	r = file_changed(f, file_change_unseen(f, sweep ? file_sweep : file_change_heal));
	return r < 0 ? r : 1;
}

int file_raise(struct file *f)
{
	int r;
	do
		r = file_raise_step(f);
	while (r > 0);
	return r;
}

void file_mark(struct file *f)
{
	SCOPED_WRITE(&f->lock);
	/* A gap that is filled from now on may be missing on disk. */
	f->mark = min_u64(f->len, file_gaps_start(f));
	if (f->care < f->len)
		f->care = f->len;
}

void file_marked(struct file *f)
{
	SCOPED_WRITE(&f->lock);
	if (f->error == 0 && f->synced < f->mark)
		f->synced = f->mark;
}

uint64_t file_changes(const struct file *f)
{
	return f->changes;
}

bool file_wants_raise(struct file *f)
{
	SCOPED_READ(&f->lock);
	return f->loaded && f->changes > 0 && f->error == 0 && f->len > f->durable;
}

bool file_is_lost(struct file *f)
{
	SCOPED_READ(&f->lock);
	return f->error < 0;
}

bool file_is_synced(struct file *f)
{
	SCOPED_READ(&f->lock);
	return f->len <= f->synced;
}

bool file_is_whole(struct file *f)
{
	SCOPED_READ(&f->lock);
	return f->loaded && f->error == 0 && f->whole == f->len && f->n_gaps == 0;
}
