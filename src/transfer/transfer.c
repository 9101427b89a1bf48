/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The walk. */
#include "transfer/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "transfer/transfer_impl.h"

/* ---- telling ---- */

int transfer_fatal(int err)
{
	switch (-err) {
	case ENOSPC:
	case EDQUOT:
	case EROFS:
	case ENOMEM:
	case ENFILE:
	case EMFILE:
	case ENOTCONN: /* a FUSE mount whose process is gone */
	case ECONNABORTED:
	case ECANCELED:
		return err;
	default:
		return 0;
	}
}

void transfer_tell_event(struct transfer *x, struct transfer_event e)
{
	if (x->opt->mode == TRANSFER_COUNT)
		return;
	e.path = x->path;
	x->opt->told(x->opt->arg, &e);
}

int transfer_tell(struct transfer *x, enum transfer_trouble what, int err)
{
	transfer_tell_event(x, (struct transfer_event){ .what = what, .err = err });
	return transfer_fatal(err);
}

int transfer_done(struct transfer *x, uint64_t files, uint64_t bytes)
{
	return x->opt->done(x->opt->arg, files, bytes) ? 0 : -ECANCELED;
}

int transfer_done_half(struct transfer_item *i, size_t n, bool second)
{
	uint64_t all = (uint64_t)i->sb.st_size, left = all - min_u64(all, i->told_done);
	uint64_t some = min_u64(second ? n - n / 2 : n / 2, left);
	i->told_done += some;
	return transfer_done(i->x, 0, some);
}

/* ---- the walk ---- */

struct transfer_level *transfer_last(const struct transfer *x)
{
	return &x->level[x->n - 1];
}

static int transfer_entry(struct transfer *x, const char *name)
{
	struct transfer_level *l = transfer_last(x);
	struct stat sb;
	bool mounted;
	if (x->n == 1 && strcmp(name, TRANSFER_TMP) == 0)
		return transfer_tell(x, TRANSFER_RESERVED, 0);
	int r = io_status(l->src, name, &sb, &mounted);
	if (r < 0)
		return transfer_tell(x, r == -ENOENT ? TRANSFER_CHANGED : TRANSFER_UNREAD, r);
	if (S_ISDIR(sb.st_mode))
		return transfer_dir_entry(x, name, &sb, mounted);
	return transfer_item_entry(x, name, &sb, mounted);
}

static int transfer_step(struct transfer *x)
{
	struct transfer_level *l = transfer_last(x);
	if (l->at == l->names.n)
		return transfer_dir_leave(x);
	size_t n = x->n, len = l->path_len;
	const char *name = l->names.name[l->at++];
	int r = transfer_path_push(x, name);
	if (r == 0)
		r = transfer_entry(x, name);
	if (x->n == n) /* no directory that has been entered */
		transfer_path_cut(x, len);
	return r < 0 ? r : transfer_done(x, 0, 0);
}

/* What a run left that was cut off. */
static int transfer_clear(struct transfer *x)
{
	int r = x->opt->mode == TRANSFER_COPY ? transfer_place_clear(x->dst_top) : 0;
	if (r == 0 || transfer_path_push(x, TRANSFER_TMP) < 0)
		return r;
	return transfer_tell(x, TRANSFER_UNWRITTEN, r) < 0 ? r : -EEXIST;
}

static int transfer_begin(struct transfer *x, int src, int dst)
{
	struct stat sb;
	int r = transfer_path_push(x, "");
	if (r < 0)
		return r;
	r = transfer_clear(x);
	if (r < 0)
		return r;
	if (fstat(src, &sb) != 0)
		return -errno;
	if (dst >= 0 && fstat(dst, &sb) != 0)
		return -errno;
	x->dst_dev = sb.st_dev;
	x->dst_ino = sb.st_ino;
	_cleanup_fd_ int s = transfer_open_dir(src, "."), d = dst < 0 ? -1 : transfer_open_dir(dst, ".");
	if (s < 0 || (dst >= 0 && d < 0))
		return s < 0 ? s : d;
	if (fstat(s, &sb) != 0)
		return -errno;
	return transfer_dir_enter(x, TAKE_FD(s), TAKE_FD(d), &sb);
}

int transfer_run(int src, int dst, const struct transfer_options *opt, struct transfer_counts *counts)
{
	struct transfer x = {
		.opt = opt,
		.counts = counts,
		.src_top = src,
		.dst_top = dst,
		.tmp = -1,
		.most_open = io_fd_share(4, 8, 1024),
		.buf = { malloc(TRANSFER_BUFFER), malloc(TRANSFER_BUFFER) },
	};
	*counts = (struct transfer_counts){ .files = 0 };
	int r = x.buf[0] && x.buf[1] ? transfer_begin(&x, src, dst) : -ENOMEM;
	while (r == 0 && x.n > 0)
		r = transfer_step(&x);
	while (x.n > 0)
		(void)transfer_level_pop(&x);
	transfer_place_end(&x);
	transfer_links_free(&x);
	free(x.level);
	free(x.path);
	free(x.buf[0]);
	free(x.buf[1]);
	return r;
}
