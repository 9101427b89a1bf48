/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Blocks that a write behind the end has left out. The kernel's write-back need not come in order, and most such
 * gaps are filled by the next requests: only those that stay make the file SPARSE, before anything that lies at or
 * behind them is known as durable.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/file_impl.h"

bool file_gaps_have(const struct file *f, uint64_t k)
{
	for (size_t i = 0; i < f->n_gaps; i++)
		if (k >= f->gaps[i].from && k < f->gaps[i].to)
			return true;
	return false;
}

bool file_gaps_add(struct file *f, uint64_t from, uint64_t to)
{
	if (f->n_gaps == FILE_GAPS)
		return false;
	f->gaps[f->n_gaps++] = (struct file_gap){ from, to };
	return true;
}

/* Put so many in the place of the i-th. Returns false if there is no room, and nothing has changed. */
static bool file_gaps_replace(struct file *f, size_t i, const struct file_gap *with, size_t n)
{
	if (f->n_gaps - 1 + n > FILE_GAPS)
		return false;
	memmove(f->gaps + i + n, f->gaps + i + 1, (f->n_gaps - i - 1) * sizeof(*f->gaps));
	for (size_t j = 0; j < n; j++)
		f->gaps[i + j] = with[j];
	f->n_gaps += n;
	f->n_gaps--;
	return true;
}

void file_gaps_fill(struct file *f, uint64_t first, uint64_t past)
{
	for (size_t i = f->n_gaps; i-- > 0;) {
		struct file_gap gap = f->gaps[i], left[2];
		size_t n = 0;
		if (past <= gap.from || first >= gap.to)
			continue;
		if (gap.from < first)
			left[n++] = (struct file_gap){ gap.from, first };
		if (past < gap.to)
			left[n++] = (struct file_gap){ past, gap.to };
		/* Without room the gap stays as it is: then the file becomes SPARSE, at worst for nothing. */
		(void)file_gaps_replace(f, i, left, n);
	}
}

uint64_t file_gaps_start(const struct file *f)
{
	return f->n_gaps > 0 ? f->gaps[0].from * CONTENT_PAYLOAD : UINT64_MAX;
}

uint64_t file_gaps_seek(const struct file *f, uint64_t k, bool data)
{
	for (size_t i = 0; i < f->n_gaps; i++) {
		if (k >= f->gaps[i].to)
			continue;
		if (k >= f->gaps[i].from)
			return data ? f->gaps[i].to : k;
		return data ? k : f->gaps[i].from;
	}
	return data ? k : content_pages(f->len);
}

static int file_change_sparse(struct file *f, const struct stat *sb)
{
	(void)sb;
	_cleanup_scratch_ struct scratch *sc = file_scratch(f);
	return sc ? file_set_sparse(f, sc, f->len) : -ENOMEM;
}

int file_gaps_tell(struct file *f)
{
	int r = f->n_gaps > 0 ? file_refresh(f) : 0;
	if (r < 0 || f->n_gaps == 0)
		return r;
	return file_changed(f, file_change_unseen(f, file_change_sparse));
}
