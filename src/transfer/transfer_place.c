/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whatever is no directory is made in TRANSFER_TMP, and gets its name once it is as it should be. That is a directory
 * which is open to nobody else: what is made has the mode already that is right where it belongs, below directories
 * that may let nobody in.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "transfer/transfer_impl.h"

/* Told. Returns 1, or -errno to end it. */
static int place_failed(const struct transfer_item *i, enum transfer_trouble what, int err)
{
	int r = transfer_tell(i->x, what, err);
	return r < 0 ? r : 1;
}

/* ---- where it is made ---- */

int transfer_place_clear(int top)
{
	if (unlinkat(top, TRANSFER_TMP, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -errno;
	_cleanup_fd_ int fd = transfer_open_dir(top, TRANSFER_TMP);
	if (fd < 0)
		return fd;
	if (unlinkat(fd, TRANSFER_NEW, 0) != 0 && errno != ENOENT)
		return -errno;
	return unlinkat(top, TRANSFER_TMP, AT_REMOVEDIR) == 0 ? 0 : -errno;
}

static int place_begin(struct transfer *x)
{
	struct stat sb;
	if (x->tmp >= 0)
		return 0;
	if (mkdirat(x->dst_top, TRANSFER_TMP, 0700) != 0)
		return -errno;
	_cleanup_fd_ int fd = transfer_open_dir(x->dst_top, TRANSFER_TMP);
	if (fd < 0 || fstat(fd, &sb) != 0)
		return fd < 0 ? fd : -errno;
	if (sb.st_uid != geteuid() || (sb.st_mode & 0077) != 0) /* another, that somebody has put there */
		return -EEXIST;
	x->tmp = TAKE_FD(fd);
	return 0;
}

void transfer_place_end(struct transfer *x)
{
	if (x->tmp < 0)
		return;
	(void)close(x->tmp);
	x->tmp = -1;
	(void)unlinkat(x->dst_top, TRANSFER_TMP, AT_REMOVEDIR);
}

/* ---- making ---- */

/* Its attributes, once it has been made; r is what making it said. */
static int place_dress(struct transfer_item *i, int r)
{
	if (r < 0)
		return place_failed(i, TRANSFER_UNWRITTEN, r);
	_cleanup_fd_ int from = openat(i->src, i->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_fd_ int to = openat(i->x->tmp, TRANSFER_NEW, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0)
		return place_failed(i, TRANSFER_UNREAD, -errno);
	if (to < 0)
		return place_failed(i, TRANSFER_UNWRITTEN, -errno);
	transfer_attr_copy(i->x, from, to, &i->sb);
	return 0;
}

static int place_make_link(struct transfer_item *i)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(i->src, i->name, target, sizeof(target) - 1);
	if (n < 0)
		return place_failed(i, TRANSFER_UNREAD, -errno);
	target[n] = '\0';
	return place_dress(i, symlinkat(target, i->x->tmp, TRANSFER_NEW) == 0 ? 0 : -errno);
}

/* FIFOs, sockets, devices. */
static int place_make_special(struct transfer_item *i)
{
	bool device = S_ISCHR(i->sb.st_mode) || S_ISBLK(i->sb.st_mode);
	int r = mknodat(i->x->tmp, TRANSFER_NEW, (i->sb.st_mode & S_IFMT) | 0600, device ? i->sb.st_rdev : 0);
	return place_dress(i, r == 0 ? 0 : -errno);
}

static int place_make(struct transfer_item *i)
{
	int r = S_ISREG(i->sb.st_mode)	 ? transfer_file_make(i)
		: S_ISLNK(i->sb.st_mode) ? place_make_link(i)
					 : place_make_special(i);
	if (r != 0)
		(void)unlinkat(i->x->tmp, TRANSFER_NEW, 0);
	return r;
}

/* ---- naming ---- */

/* Is what is to be replaced still what was looked at, or gone? */
static bool place_is_as_seen(const struct transfer_item *i)
{
	struct stat sb;
	const struct stat *was = &i->there_sb;
	if (fstatat(i->dst, i->name, &sb, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT;
	return sb.st_ino == was->st_ino && sb.st_dev == was->st_dev && sb.st_size == was->st_size &&
	       sb.st_mtim.tv_sec == was->st_mtim.tv_sec && sb.st_mtim.tv_nsec == was->st_mtim.tv_nsec;
}

/* What has come to be there meanwhile, or was written to, stays. */
static int place_name(const struct transfer_item *i)
{
	bool keep = !i->replace || !place_is_as_seen(i);
	if (renameat2(i->x->tmp, TRANSFER_NEW, i->dst, i->name, keep ? RENAME_NOREPLACE : 0) == 0)
		return 0;
	int err = -errno;
	(void)unlinkat(i->x->tmp, TRANSFER_NEW, 0);
	return place_failed(i, TRANSFER_UNWRITTEN, err);
}

/* Make it another name of what the target has. Returns 0, or 1 if it has to be a file of its own. */
static int place_link(struct transfer_item *i, const struct transfer_link *l)
{
	int r = transfer_links_make(i->x, l, i->x->tmp, TRANSFER_NEW);
	if (r == 0)
		return 0;
	transfer_tell_event(i->x, (struct transfer_event){ .what = TRANSFER_ATTRS, .err = r, .detail = "hard link" });
	return 1;
}

static int place_copy(struct transfer_item *i, struct transfer_link *l)
{
	struct stat made;
	int r = place_begin(i->x);
	if (r < 0)
		return place_failed(i, TRANSFER_UNWRITTEN, r);
	r = l ? place_link(i, l) : 1;
	bool linked = r == 0;
	if (!linked)
		r = place_make(i);
	if (r == 0)
		r = place_name(i);
	if (r != 0)
		return r;
	if (!linked && transfer_links_apply(&i->sb) && !l &&
	    fstatat(i->dst, i->name, &made, AT_SYMLINK_NOFOLLOW) == 0)
		transfer_links_add(i, &made);
	i->x->level[i->x->n - 1].changed = true;
	i->x->counts->copied++;
	if (!linked && S_ISREG(i->sb.st_mode))
		i->x->counts->copied_bytes += (uint64_t)i->sb.st_size;
	return 0;
}

static void place_pretend(struct transfer_item *i, const struct transfer_link *l)
{
	static const struct stat none;
	i->x->counts->copied++;
	if (!l && S_ISREG(i->sb.st_mode))
		i->x->counts->copied_bytes += (uint64_t)i->sb.st_size;
	if (!l && transfer_links_apply(&i->sb))
		transfer_links_add(i, &none);
}

int transfer_place(struct transfer_item *i)
{
	struct transfer_link *l = transfer_links_apply(&i->sb) ? transfer_links_find(i) : NULL;
	int r = 0;
	if (i->x->opt->mode == TRANSFER_COPY)
		r = place_copy(i, l);
	else
		place_pretend(i, l);
	if (l)
		transfer_links_met(i->x, l);
	return r < 0 ? r : 0;
}
