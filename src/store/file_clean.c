/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pages that are changed must be clean: doc/architecture.md, "Writing over a page". */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "store/file_impl.h"

#define NOTES_PAGES 32768u /* one bit is of every page with this remainder */
#define NOTES_FEW 1024u	   /* so many are written back while the file waits, no more */
#define NOTES_WAITS 64u	   /* after so many it pays to know */

/* Since all of the file was clean these pages have been written. */
struct file_notes {
	uint32_t n; /* how often one was noted */
	uint8_t bits[NOTES_PAGES / 8];
};

static bool notes_have(const struct file_notes *notes, uint64_t k, uint64_t n)
{
	for (uint64_t i = k; i < k + n; i++)
		if (notes->bits[i % NOTES_PAGES / 8] & 1u << i % 8)
			return true;
	return false;
}

static void notes_add(struct file_notes *notes, uint64_t k, uint64_t n)
{
	for (uint64_t i = k; i < k + n; i++)
		notes->bits[i % NOTES_PAGES / 8] |= (uint8_t)(1u << i % 8);
	notes->n = (uint32_t)min_u64(notes->n + n, UINT32_MAX);
}

void file_forget_notes(struct file *f)
{
	free(f->notes);
	f->notes = NULL;
	f->waited = 0;
}

/* Write the pages of n blocks back, all if n is 0. Returns 0 or -errno. */
static int file_clean(const struct file *f, uint64_t k, uint64_t n)
{
	if (f->st->stacked)
		return io_fsync(f->fd, true);
	return io_write_back(f->fd, (off_t)(k * CONTENT_PAGE), (off_t)(n * CONTENT_PAGE));
}

/* Is nobody else writing, and does a clean page stay clean while its neighbours are written back? */
static bool file_may_note(const struct file *f)
{
	return f->st->alone && f->st->by_page;
}

static bool file_is_restless(const struct file *f)
{
	return !f->notes && f->waited >= NOTES_WAITS && f->fd >= 0 && file_may_note(f);
}

/* All of it, after which nothing is noted. */
static int file_clean_all(struct file *f)
{
	int r = file_clean(f, 0, 0);
	if (r < 0)
		return r;
	f->waited = 0;
	if (f->notes)
		memset(f->notes, 0, sizeof(*f->notes));
	else
		f->notes = calloc(1, sizeof(*f->notes));
	return 0;
}

/* Make pages below f->care clean that are noted, or may be dirty if nothing is known. */
static int file_clean_some(struct file *f, uint64_t k, uint64_t n)
{
	if (f->notes && f->notes->n <= NOTES_FEW)
		return file_clean_all(f);
	if (f->notes)
		file_forget_notes(f);
	if (file_is_restless(f))
		return file_clean_all(f);
	f->waited++;
	return file_clean(f, k, n);
}

/* An error of writing back is an earlier write's, and would now be missing from the next fsync. */
static int file_blame(struct file *f, int r)
{
	if (r < 0) {
		file_forget_notes(f);
		if (f->error == 0)
			f->error = r;
	}
	return r < 0 ? f->error : 0;
}

int file_quiesce(struct file *f, uint64_t k, uint64_t n)
{
	uint64_t end = content_pages(f->care);
	int r = 0;
	if (k < end && (!f->notes || notes_have(f->notes, k, n)))
		r = file_blame(f, file_clean_some(f, k, min_u64(n, end - k)));
	if (r == 0 && f->notes)
		notes_add(f->notes, k, n);
	return r;
}

void file_clean_ahead(struct file *f, uint64_t pos)
{
	int r = 0;
	{
		SCOPED_READ(&f->lock);
		if (file_is_restless(f) && pos / CONTENT_PAYLOAD < content_pages(f->care))
			r = file_clean(f, 0, 0);
	}
	if (r < 0) {
		SCOPED_WRITE(&f->lock);
		(void)file_blame(f, r);
	}
}
