/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How an entry of the source and what is in its place in the target differ. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "transfer/transfer_impl.h"

/* ---- statuses ---- */

/* Filesystems keep times in steps of their own: is what they have the time, cut to such a step? */
static bool compare_time(const struct timespec *want, const struct timespec *have)
{
	static const long steps[] = { 1, 100, 1000, 1000000, 1000000000 };
	if (want->tv_sec != have->tv_sec)
		return have->tv_nsec == 0 && have->tv_sec == (want->tv_sec & ~(time_t)1); /* FAT: two seconds */
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (have->tv_nsec == want->tv_nsec - want->tv_nsec % steps[i])
			return true;
	return false;
}

/* See attr_mode in transfer_attr.c: without the owner a set-ID bit does not come along. */
static mode_t compare_mode(const struct transfer *x, const struct stat *src, const struct stat *dst)
{
	mode_t mask = 07777;
	if (!x->opt->owners && src->st_uid != dst->st_uid)
		mask &= ~(mode_t)S_ISUID;
	if (!x->opt->owners && src->st_gid != dst->st_gid)
		mask &= ~(mode_t)S_ISGID;
	return (src->st_mode ^ dst->st_mode) & mask;
}

unsigned int transfer_compare_status(const struct transfer *x, const struct stat *src, const struct stat *dst)
{
	unsigned int d = 0;
	if ((src->st_mode & S_IFMT) != (dst->st_mode & S_IFMT))
		return TRANSFER_TYPE;
	if (S_ISREG(src->st_mode) && src->st_size != dst->st_size)
		d |= TRANSFER_SIZE;
	if (!compare_time(&src->st_mtim, &dst->st_mtim))
		d |= TRANSFER_TIME;
	if (!S_ISLNK(src->st_mode) && compare_mode(x, src, dst) != 0)
		d |= TRANSFER_MODE;
	if (x->opt->owners && (src->st_uid != dst->st_uid || src->st_gid != dst->st_gid))
		d |= TRANSFER_OWNER;
	if ((S_ISCHR(src->st_mode) || S_ISBLK(src->st_mode)) && src->st_rdev != dst->st_rdev)
		d |= TRANSFER_DEVICE;
	return d;
}

/* Do both links lead the same way? Returns differences or -errno. */
static int compare_target(const struct transfer_item *i)
{
	char a[PATH_MAX], b[PATH_MAX];
	ssize_t n = readlinkat(i->src, i->name, a, sizeof(a));
	if (n < 0)
		return -errno;
	ssize_t m = readlinkat(i->dst, i->name, b, sizeof(b));
	if (m < 0)
		return -errno;
	return n == m && memcmp(a, b, (size_t)n) == 0 ? 0 : TRANSFER_TARGET;
}

int transfer_compare_quick(const struct transfer_item *i)
{
	int d = (int)transfer_compare_status(i->x, &i->sb, &i->there_sb);
	if (!S_ISLNK(i->sb.st_mode) || (d & TRANSFER_TYPE))
		return d;
	int r = compare_target(i);
	return r < 0 ? r : d | r;
}

/* ---- content ---- */

/* The next offset at which one of them has data: between there are zeros in both. */
static off_t compare_skip(const struct transfer_item *i, int src, int dst, off_t off)
{
	const off_t size = i->sb.st_size;
	if ((uint64_t)i->sb.st_blocks * 512 >= (uint64_t)size || off >= size)
		return off;
	off_t a = lseek(src, off, SEEK_DATA);
	if (a < 0)
		a = errno == ENXIO ? size : off;
	off_t b = a > off ? lseek(dst, off, SEEK_DATA) : off;
	if (b < 0)
		b = errno == ENXIO ? size : off;
	return a < b ? a : b;
}

int transfer_compare_content(struct transfer_item *i, bool *src_failed)
{
	*src_failed = true;
	_cleanup_fd_ int src = transfer_open_read(i->src, i->name, 0);
	if (src < 0)
		return src;
	_cleanup_fd_ int dst = transfer_open_read(i->dst, i->name, 0);
	*src_failed = false;
	if (dst < 0)
		return dst;
	(void)posix_fadvise(dst, 0, 0, POSIX_FADV_DONTNEED); /* as it is in the vault, not in memory */
	for (off_t off = 0;;) {
		off = compare_skip(i, src, dst, off);
		ssize_t n = io_pread_full(src, i->x->buf[0], TRANSFER_BUFFER, off);
		*src_failed = n < 0;
		ssize_t m = n < 0 ? 0 : io_pread_full(dst, i->x->buf[1], TRANSFER_BUFFER, off);
		if (n < 0 || m < 0)
			return (int)(n < 0 ? n : m);
		if (n != m || memcmp(i->x->buf[0], i->x->buf[1], (size_t)n) != 0)
			return 0;
		if (n == 0)
			break;
		off += n;
		int r = transfer_done_half(i, (size_t)n, false);
		if (r == 0)
			r = transfer_done_half(i, (size_t)n, true);
		if (r < 0)
			return -ECANCELED;
	}
	i->x->counts->verified++;
	i->x->counts->verified_bytes += (uint64_t)i->sb.st_size;
	return 1;
}

/* ---- a check ---- */

/* Without what is read but not its names: links, devices. */
static int compare_open_path(int dir, const char *name)
{
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int compare_xattrs(const struct transfer_item *i)
{
	_cleanup_fd_ int src = compare_open_path(i->src, i->name), dst = compare_open_path(i->dst, i->name);
	if (src < 0 || dst < 0)
		return src < 0 ? src : dst;
	int r = transfer_attr_same(src, dst);
	return r < 0 ? r : r == 1 ? 0 : TRANSFER_XATTRS;
}

/* Names of one file here, and of one there? */
static int compare_links(struct transfer_item *i)
{
	if (!transfer_links_apply(&i->sb))
		return i->there_sb.st_nlink > 1 && !S_ISLNK(i->sb.st_mode) ? TRANSFER_LINKS : 0;
	struct transfer_link *l = transfer_links_find(i);
	if (!l) {
		transfer_links_add(i, &i->there_sb);
		return 0;
	}
	bool same = l->dst_ino == i->there_sb.st_ino && l->dst_dev == i->there_sb.st_dev;
	transfer_links_met(i->x, l);
	return same ? 0 : TRANSFER_LINKS;
}

static void compare_tell(struct transfer *x, unsigned int d)
{
	if (d)
		transfer_tell_event(x, (struct transfer_event){ .what = TRANSFER_DIFFERS, .differences = d });
}

static int compare_end(struct transfer_item *i, int d)
{
	if (d < 0)
		return transfer_tell(i->x, TRANSFER_UNCHECKED, d);
	compare_tell(i->x, (unsigned int)d);
	i->x->counts->skipped += d == 0;
	return 0;
}

int transfer_compare_item(struct transfer_item *i)
{
	if (!i->there)
		return transfer_tell(i->x, TRANSFER_MISSING, 0);
	int d = transfer_compare_quick(i), r = 0;
	if (d < 0 || (d & TRANSFER_TYPE))
		return compare_end(i, d);
	if (S_ISREG(i->sb.st_mode) && !(d & TRANSFER_SIZE)) {
		bool src_failed;
		r = transfer_compare_content(i, &src_failed);
		if (r == -ECANCELED)
			return r;
		if (r < 0)
			return transfer_tell(i->x, src_failed ? TRANSFER_UNREAD : TRANSFER_UNCHECKED, r);
		d |= r == 1 ? 0 : TRANSFER_CONTENT;
	}
	r = compare_xattrs(i);
	return compare_end(i, r < 0 ? r : d | r | compare_links(i));
}

int transfer_compare_dir(struct transfer *x, const struct transfer_level *l)
{
	struct stat sb;
	if (fstat(l->dst, &sb) != 0)
		return transfer_tell(x, TRANSFER_UNCHECKED, -errno);
	int d = (int)transfer_compare_status(x, &l->src_sb, &sb);
	if (x->n == 1)
		d &= ~TRANSFER_TIME; /* some filesystems of programs keep none for their root */
	int r = transfer_attr_same(l->src, l->dst);
	if (r < 0)
		return transfer_tell(x, TRANSFER_UNCHECKED, r);
	d |= r == 1 ? 0 : TRANSFER_XATTRS;
	compare_tell(x, (unsigned int)d);
	return 0;
}
