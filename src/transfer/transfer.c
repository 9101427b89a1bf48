/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The walk, and what is to be done with each entry. */
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

static int transfer_done(struct transfer *x, uint64_t files, uint64_t bytes)
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

/* An entry is over: what progress does not know of yet, such as holes. */
static int transfer_done_item(struct transfer_item *i)
{
	uint64_t all = S_ISREG(i->sb.st_mode) ? (uint64_t)i->sb.st_size : 0;
	return transfer_done(i->x, 1, all - min_u64(all, i->told_done));
}

static struct transfer_level *transfer_last(const struct transfer *x)
{
	return &x->level[x->n - 1];
}

/* ---- directories ---- */

/* Something of this name that is no directory is in the way. */
static int dir_conflict(struct transfer *x)
{
	enum transfer_trouble what = x->opt->mode == TRANSFER_CHECK ? TRANSFER_DIFFERS : TRANSFER_CONFLICT;
	transfer_tell_event(x, (struct transfer_event){ .what = what, .differences = TRANSFER_TYPE });
	return -ENOTDIR;
}

/* Nothing may get out of the vault, into what is mounted in the mount. */
static int dir_is_inside(const struct transfer *x, int fd)
{
	struct stat sb;
	bool mounted;
	int r = io_status(fd, "", &sb, &mounted);
	return r < 0 ? r : mounted || sb.st_dev != x->dst_dev ? -EXDEV : 0;
}

/* One of ours that is not for us to change, as a run left it that was cut off or is over: it gets its mode at the end. */
static int dir_open_closed(int dir, const char *name)
{
	char path[IO_FD_PATH];
	struct stat sb;
	_cleanup_fd_ int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &sb) != 0)
		return -errno;
	io_fd_path(path, fd);
	if ((sb.st_mode & 0700) == 0700 || sb.st_uid != geteuid())
		return 0;
	return chmod(path, (sb.st_mode & 07777) | 0700) == 0 ? 0 : -errno;
}

/* The target's directory for the one at hand. Returns a descriptor, or -errno: -ENOENT if there is none and none is to
 * be made, -ENOTDIR if something else is there (told); the rest is to be told. */
static int dir_target(struct transfer *x, int dir, const char *name)
{
	bool copy = x->opt->mode == TRANSFER_COPY;
	struct stat sb;
	if (dir < 0)
		return -ENOENT;
	if (copy && mkdirat(dir, name, 0700) == 0)
		transfer_last(x)->changed = true;
	else if (copy && errno != EEXIST)
		return -errno;
	if (fstatat(dir, name, &sb, AT_SYMLINK_NOFOLLOW) != 0)
		return -errno;
	if (!S_ISDIR(sb.st_mode))
		return dir_conflict(x);
	int r = copy && !x->opt->owners ? dir_open_closed(dir, name) : 0;
	_cleanup_fd_ int fd = r < 0 ? r : transfer_open_dir(dir, name);
	if (fd < 0)
		return fd;
	r = dir_is_inside(x, fd);
	return r < 0 ? r : TAKE_FD(fd);
}

/* What the target has beside what the source has. */
static int dir_extras(struct transfer *x, const struct transfer_level *l)
{
	struct transfer_names there;
	int r = transfer_names_load(l->dst, &there);
	if (r < 0)
		r = transfer_tell(x, TRANSFER_UNCHECKED, r);
	for (size_t i = 0; r == 0 && i < there.n; i++) {
		if (transfer_names_have(&l->names, there.name[i]))
			continue;
		r = transfer_path_push(x, there.name[i]);
		if (r == 0)
			r = transfer_tell(x, TRANSFER_EXTRA, 0);
		transfer_path_cut(x, l->path_len);
	}
	transfer_names_free(&there);
	return r;
}

/* Begin with a directory. Takes both descriptors. */
static int dir_enter(struct transfer *x, int src, int dst, const struct stat *sb)
{
	int r = transfer_level_push(x, src, dst, sb);
	if (r < 0)
		return r;
	struct transfer_level *l = transfer_last(x);
	r = transfer_names_load(l->src, &l->names);
	if (r < 0)
		r = transfer_tell(x, TRANSFER_UNREAD, r);
	if (r == 0 && x->opt->mode == TRANSFER_CHECK && l->dst >= 0)
		r = dir_extras(x, l);
	return r;
}

static int dir_entry(struct transfer *x, const char *name, const struct stat *seen, bool mounted)
{
	struct transfer_level *l = transfer_last(x);
	if (x->opt->has_avoid && seen->st_dev == x->opt->avoid_dev && seen->st_ino == x->opt->avoid_ino)
		return transfer_tell(x, TRANSFER_AVOIDED, 0);
	if (mounted && !x->opt->cross_mounts)
		return transfer_tell(x, TRANSFER_MOUNTED, 0);
	x->counts->dirs++;
	struct stat sb;
	_cleanup_fd_ int src = transfer_open_dir(l->src, name);
	if (src < 0 || fstat(src, &sb) != 0)
		return transfer_tell(x, TRANSFER_UNREAD, src < 0 ? src : -errno);
	int dst = dir_target(x, l->dst, name);
	if (dst == -ENOTDIR)
		return 0;
	if (dst == -ENOENT && x->opt->mode == TRANSFER_CHECK)
		return transfer_tell(x, TRANSFER_MISSING, 0);
	if (dst < 0 && dst != -ENOENT)
		return transfer_tell(x, x->opt->mode == TRANSFER_CHECK ? TRANSFER_UNCHECKED : TRANSFER_UNWRITTEN, dst);
	return dir_enter(x, TAKE_FD(src), dst < 0 ? -1 : dst, &sb);
}

/* All in it is done; a time set before would have changed since. */
static int dir_leave(struct transfer *x)
{
	struct transfer_level *l = transfer_last(x);
	int r = 0;
	if (l->dst >= 0 && l->src >= 0 && x->opt->mode == TRANSFER_CHECK)
		r = transfer_compare_dir(x, l);
	if (l->dst >= 0 && l->src >= 0 && x->opt->mode == TRANSFER_COPY) {
		transfer_attr_copy(x, l->src, l->dst, &l->src_sb);
		int err = l->changed ? io_fsync(l->dst, false) : 0;
		r = err < 0 ? transfer_tell(x, TRANSFER_UNWRITTEN, err) : 0;
	}
	int err = transfer_level_pop(x);
	if (err < 0) { /* moved meanwhile, or gone */
		transfer_last(x)->at = transfer_last(x)->names.n;
		err = transfer_tell(x, TRANSFER_UNREAD, err);
	}
	return r < 0 ? r : err;
}

/* ---- all else ---- */

static bool item_is_older(const struct transfer_item *i)
{
	const struct timespec *a = &i->there_sb.st_mtim, *b = &i->sb.st_mtim;
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

/* How does what is there differ? Returns differences, or -errno with the side that failed. */
static int item_differs(struct transfer_item *i, bool *src_failed)
{
	const struct transfer_link *l = transfer_links_apply(&i->sb) ? transfer_links_find(i) : NULL;
	*src_failed = false;
	if (l)
		return l->dst_ino == i->there_sb.st_ino && l->dst_dev == i->there_sb.st_dev ? 0 : TRANSFER_LINKS;
	int d = transfer_compare_quick(i);
	if (d != 0 || !i->x->opt->verify_all || !S_ISREG(i->sb.st_mode))
		return d;
	int r = transfer_compare_content(i, src_failed);
	return r < 0 ? r : r == 1 ? 0 : TRANSFER_CONTENT;
}

/* It is there, and the same. */
static void item_skip(struct transfer_item *i)
{
	struct transfer_link *l = transfer_links_apply(&i->sb) ? transfer_links_find(i) : NULL;
	i->x->counts->skipped++;
	if (l)
		transfer_links_met(i->x, l);
	else if (transfer_links_apply(&i->sb))
		transfer_links_add(i, &i->there_sb);
}

static int item_copy(struct transfer_item *i)
{
	bool src_failed;
	if (!i->there)
		return transfer_place(i);
	int d = item_differs(i, &src_failed);
	if (d == -ECANCELED)
		return d;
	if (d < 0)
		return transfer_tell(i->x, src_failed ? TRANSFER_UNREAD : TRANSFER_MISREAD, d);
	if (d == 0) {
		item_skip(i);
		return 0;
	}
	enum transfer_replace how = i->x->opt->replace;
	i->replace = !S_ISDIR(i->there_sb.st_mode) &&
		     (how == TRANSFER_OVERWRITE || (how == TRANSFER_UPDATE && item_is_older(i)));
	if (i->replace)
		return transfer_place(i);
	transfer_tell_event(i->x, (struct transfer_event){ .what = TRANSFER_CONFLICT, .differences = (unsigned int)d });
	return 0;
}

static int item_entry(struct transfer *x, const char *name, const struct stat *sb, bool mounted)
{
	struct transfer_level *l = transfer_last(x);
	struct transfer_item i = { .x = x, .src = l->src, .dst = l->dst, .name = name, .sb = *sb };
	int r = 0;
	if (mounted && !x->opt->cross_mounts)
		return transfer_tell(x, TRANSFER_MOUNTED, 0);
	x->counts->files++;
	x->counts->bytes += S_ISREG(sb->st_mode) ? (uint64_t)sb->st_size : 0;
	i.there = l->dst >= 0 && fstatat(l->dst, name, &i.there_sb, AT_SYMLINK_NOFOLLOW) == 0;
	if (l->dst >= 0 && !i.there && errno != ENOENT)
		r = transfer_tell(x, TRANSFER_UNWRITTEN, -errno);
	else if (x->opt->mode == TRANSFER_CHECK)
		r = transfer_compare_item(&i);
	else if (x->opt->mode != TRANSFER_COUNT)
		r = item_copy(&i);
	int done = transfer_done_item(&i);
	return r < 0 ? r : done;
}

/* ---- the walk ---- */

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
	return S_ISDIR(sb.st_mode) ? dir_entry(x, name, &sb, mounted) : item_entry(x, name, &sb, mounted);
}

static int transfer_step(struct transfer *x)
{
	struct transfer_level *l = transfer_last(x);
	if (l->at == l->names.n)
		return dir_leave(x);
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
static int transfer_clear(const struct transfer *x)
{
	if (x->opt->mode != TRANSFER_COPY || unlinkat(x->dst_top, TRANSFER_TMP, 0) == 0 || errno == ENOENT)
		return 0;
	return -errno;
}

static int transfer_begin(struct transfer *x, int src, int dst)
{
	struct stat sb;
	int r = transfer_path_push(x, "");
	if (r < 0)
		return r;
	r = transfer_clear(x);
	if (r < 0)
		return transfer_tell(x, TRANSFER_UNWRITTEN, r) < 0 ? r : -EEXIST;
	if (fstat(src, &sb) != 0)
		return -errno;
	if (dst >= 0 && fstat(dst, &sb) != 0)
		return -errno;
	x->dst_dev = sb.st_dev;
	_cleanup_fd_ int s = transfer_open_dir(src, "."), d = dst < 0 ? -1 : transfer_open_dir(dst, ".");
	if (s < 0 || (dst >= 0 && d < 0))
		return s < 0 ? s : d;
	if (fstat(s, &sb) != 0)
		return -errno;
	return dir_enter(x, TAKE_FD(s), TAKE_FD(d), &sb);
}

int transfer_run(int src, int dst, const struct transfer_options *opt, struct transfer_counts *counts)
{
	struct transfer x = {
		.opt = opt,
		.counts = counts,
		.src_top = src,
		.dst_top = dst,
		.most_open = io_fd_share(4, 8, 1024),
		.buf = { malloc(TRANSFER_BUFFER), malloc(TRANSFER_BUFFER) },
	};
	*counts = (struct transfer_counts){ .files = 0 };
	int r = x.buf[0] && x.buf[1] ? transfer_begin(&x, src, dst) : -ENOMEM;
	while (r == 0 && x.n > 0)
		r = transfer_step(&x);
	while (x.n > 0)
		(void)transfer_level_pop(&x);
	transfer_links_free(&x);
	free(x.level);
	free(x.path);
	free(x.buf[0]);
	free(x.buf[1]);
	return r;
}
