/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The durable length: raising it, off the hot path. */
#include <errno.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "store/file_impl.h"

/* Make block k, which a power cut left behind the durable length, a full one. A zero page stays one and
 * sets *hole. */
static int file_heal_block(struct file *f, struct scratch *sc, uint64_t k, bool *hole)
{
	ssize_t n = io_pread_full(f->fd, sc->one, CONTENT_PAGE, (off_t)(k * CONTENT_PAGE));
	if (n < 0)
		return (int)n;
	if (n < (ssize_t)CONTENT_PAGE || bytes_are_zero(sc->one, CONTENT_PAGE)) {
		*hole = true;
		return 0;
	}
	struct content_meta meta;
	int r = block_open(sc, k, sc->one, &meta, sc->block);
	if (r < 0)
		return r;
	uint64_t end = (k + 1) * CONTENT_PAYLOAD;
	if (meta.used == CONTENT_PAYLOAD || f->len < end)
		return 0;
	uint64_t pos = k * CONTENT_PAYLOAD + meta.used;
	return file_put(f, sc, NULL, pos, end - pos);
}

/* After a power cut zero pages and short blocks may lie between the durable length and the end. Before
 * the durable length goes past them they become what is right below it: holes of a SPARSE file, and full
 * blocks. Exclusive lock. */
static int file_heal(struct file *f)
{
	struct scratch *sc = file_scratch(f);
	if (!sc)
		return -ENOMEM;
	bool hole = false;
	int r = 0;
	for (uint64_t k = f->durable / CONTENT_PAYLOAD; r == 0 && k < content_pages(f->len); k++)
		r = file_heal_block(f, sc, k, &hole);
	if (r == 0 && hole)
		r = file_set_sparse(f, sc, f->len);
	block_clear(sc);
	if (r == 0 && fdatasync(f->fd) != 0)
		r = -errno;
	if (r == 0)
		f->whole = true;
	return r;
}

static int file_change_durable(struct file *f, const struct stat *sb)
{
	(void)sb;
	struct scratch *sc = file_scratch(f);
	if (!sc)
		return -ENOMEM;
	uint64_t before = f->durable;
	f->durable = f->synced < f->len ? f->synced : f->len;
	int r = file_put_header(f, sc);
	block_clear(sc);
	if (r < 0)
		f->durable = before;
	return r;
}

int file_raise(struct file *f)
{
	SCOPED_WRITE(&f->lock);
	if (!f->loaded || !f->writable || f->len == 0 || f->synced <= f->durable)
		return 0;
	if (!f->whole) {
		int r = file_heal(f);
		if (r < 0)
			return r;
	}
	return file_keep_mtime(f, file_change_durable);
}

void file_mark(struct file *f)
{
	SCOPED_WRITE(&f->lock);
	f->mark = f->len;
	if (f->care < f->len)
		f->care = f->len;
}

void file_marked(struct file *f)
{
	SCOPED_WRITE(&f->lock);
	if (f->synced < f->mark)
		f->synced = f->mark;
}

bool file_is_durable(struct file *f)
{
	SCOPED_READ(&f->lock);
	return !f->loaded || f->len <= f->durable;
}

bool file_is_synced(struct file *f)
{
	SCOPED_READ(&f->lock);
	return f->len <= f->synced;
}
