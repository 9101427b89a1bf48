/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A regular file: copied in TRANSFER_TMP, put on the disk, dropped from the kernel's memory and read back. What is
 * compared is a digest of the blocks that are not all zeros, with where they lie. Which ranges are holes has no part in
 * it: what is preallocated may be one at first, and none once it has been read.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "crypto/digest.h"
#include "transfer/transfer_impl.h"

#define FILE_TRIES 3
#define FILE_BLOCK 4096u /* of the digest; TRANSFER_BUFFER is a multiple */

/* A pass over a file: the first copies what it reads from the source, the second reads from the target. */
struct file_pass {
	struct transfer_item *i;
	int src, dst;
	bool second;
	off_t size;
	bool holes; /* may have some */
	struct digest digest;
	int src_err, dst_err;
	bool misread;
};

/* ---- a pass ---- */

/* off is a multiple of FILE_BLOCK. */
static void pass_digest(struct file_pass *p, const uint8_t *buf, off_t off, size_t n)
{
	uint8_t where[8];
	for (size_t at = 0, len; at < n; at += len) {
		len = (size_t)min_u64(FILE_BLOCK, n - at);
		if (bytes_are_zero(buf + at, len))
			continue;
		put_le64(where, (uint64_t)off + at);
		digest_put(&p->digest, where, sizeof(where));
		digest_put(&p->digest, buf + at, len);
	}
}

/* Returns whether to go on. */
static bool pass_chunk(struct file_pass *p, off_t off, size_t n)
{
	uint8_t *buf = p->i->x->buf[0];
	int *err = p->second ? &p->dst_err : &p->src_err;
	ssize_t got = io_pread_full(p->second ? p->dst : p->src, buf, n, off);
	if (got < 0 || (size_t)got < n) {
		*err = got < 0 ? (int)got : -ENODATA;
		return false;
	}
	pass_digest(p, buf, off, n);
	/* Not all filesystems of programs tell where holes are: what is new has zeros where nothing is written. */
	if (!p->second && !(p->holes && bytes_are_zero(buf, n)))
		p->dst_err = io_pwrite_full(p->dst, buf, n, off);
	return p->dst_err == 0;
}

/* In a hole of the source the target may have blocks, as its blocks may be others. */
static bool pass_hole(struct file_pass *p, off_t from, off_t to)
{
	while (p->second && from < to) {
		off_t data = lseek(p->dst, from, SEEK_DATA);
		from = data >= 0 ? data : errno == ENXIO ? to : from;
		if (from >= to)
			break;
		size_t n = (size_t)min_u64((uint64_t)(to - from), TRANSFER_BUFFER);
		ssize_t got = io_pread_full(p->dst, p->i->x->buf[0], n, from);
		if (got < 0 || (size_t)got < n) {
			p->dst_err = got < 0 ? (int)got : -ENODATA;
			return false;
		}
		p->misread = p->misread || !bytes_are_zero(p->i->x->buf[0], n);
		from += got;
	}
	return true;
}

/* Where the data at or after off begins, and where it ends: whole blocks, as is off. */
static void pass_data(const struct file_pass *p, off_t off, off_t *from, off_t *to)
{
	*from = off;
	*to = p->size;
	if (!p->holes)
		return;
	*from = lseek(p->src, off, SEEK_DATA);
	if (*from < 0)
		*from = errno == ENXIO ? p->size : off;
	*from = *from < p->size ? *from : p->size;
	*to = *from < p->size ? lseek(p->src, *from, SEEK_HOLE) : p->size;
	if (*to <= *from || *to > p->size - (off_t)FILE_BLOCK)
		*to = p->size;
	else
		*to = (*to + (off_t)FILE_BLOCK - 1) / (off_t)FILE_BLOCK * (off_t)FILE_BLOCK;
	if (*from < p->size)
		*from -= *from % (off_t)FILE_BLOCK;
}

/* Returns 0, or -ECANCELED; what else went wrong is in *p. */
static int pass_run(struct file_pass *p, uint8_t digest[static DIGEST_SIZE])
{
	off_t from, to;
	digest_begin(&p->digest);
	for (off_t off = 0; off < p->size; off = to) {
		pass_data(p, off, &from, &to);
		if (!pass_hole(p, off, from))
			return 0;
		for (off_t at = from; at < to;) {
			size_t n = (size_t)min_u64((uint64_t)(to - at), TRANSFER_BUFFER);
			if (!pass_chunk(p, at, n))
				return 0;
			at += (off_t)n;
			int r = transfer_done_half(p->i, n, p->second);
			if (r < 0)
				return r;
		}
	}
	digest_end(&p->digest, digest);
	return 0;
}

/* ---- one try ---- */

enum { FILE_DONE, FILE_TOLD, FILE_AGAIN };

static bool file_changed(const struct transfer_item *i)
{
	struct stat sb;
	const struct stat *was = &i->sb;
	return fstatat(i->src, i->name, &sb, AT_SYMLINK_NOFOLLOW) != 0 || sb.st_ino != was->st_ino ||
	       sb.st_dev != was->st_dev || sb.st_mode != was->st_mode || sb.st_size != was->st_size ||
	       sb.st_mtim.tv_sec != was->st_mtim.tv_sec || sb.st_mtim.tv_nsec != was->st_mtim.tv_nsec ||
	       sb.st_ctim.tv_sec != was->st_ctim.tv_sec || sb.st_ctim.tv_nsec != was->st_ctim.tv_nsec;
}

/* Returns one of the above, or -errno to end it (told). */
static int file_trouble(const struct file_pass *p)
{
	struct transfer *x = p->i->x;
	int r = 0;
	if (p->src_err < 0 && file_changed(p->i))
		return FILE_AGAIN;
	if (p->src_err < 0)
		r = transfer_tell(x, TRANSFER_UNREAD, p->src_err);
	else if (p->dst_err < 0)
		r = transfer_tell(x, p->second ? TRANSFER_MISREAD : TRANSFER_UNWRITTEN, p->dst_err);
	return r < 0 ? r : FILE_TOLD;
}

/* On the disk, with all attributes. What waits to be written goes before the attributes, for it would change them. */
static int file_settle(struct file_pass *p)
{
	p->dst_err = io_truncate(p->dst, p->size);
	if (p->dst_err == 0)
		p->dst_err = io_write_back(p->dst, 0, 0);
	if (p->dst_err < 0)
		return file_trouble(p);
	transfer_attr_copy(p->i->x, p->src, p->dst, &p->i->sb);
	p->dst_err = io_fsync(p->dst, false);
	return p->dst_err < 0 ? file_trouble(p) : FILE_DONE;
}

static int file_verify(struct file_pass *p, const uint8_t want[static DIGEST_SIZE])
{
	uint8_t have[DIGEST_SIZE];
	struct stat sb;
	(void)posix_fadvise(p->dst, 0, 0, POSIX_FADV_DONTNEED);
	p->second = true;
	int r = pass_run(p, have);
	if (r < 0)
		return r;
	if (file_changed(p->i))
		return FILE_AGAIN;
	if (p->dst_err < 0)
		return file_trouble(p);
	if (p->misread || memcmp(want, have, DIGEST_SIZE) != 0 || fstat(p->dst, &sb) != 0 || sb.st_size != p->size) {
		r = transfer_tell(p->i->x, TRANSFER_MISREAD, 0);
		return r < 0 ? r : FILE_TOLD;
	}
	p->i->x->counts->verified++;
	p->i->x->counts->verified_bytes += (uint64_t)p->size;
	(void)transfer_attr_times(p->dst, &p->i->sb); /* the access time */
	return FILE_DONE;
}

static int file_copy(struct file_pass *p)
{
	uint8_t digest[DIGEST_SIZE];
	int r = pass_run(p, digest);
	if (r < 0)
		return r;
	if (p->src_err < 0 || p->dst_err < 0)
		return file_trouble(p);
	if (file_changed(p->i))
		return FILE_AGAIN;
	r = file_settle(p);
	return r != FILE_DONE ? r : file_verify(p, digest);
}

static int file_try(struct transfer_item *i)
{
	_cleanup_fd_ int src = transfer_open_read(i->src, i->name, 0);
	if (src < 0 && src != -ENOENT)
		return transfer_tell(i->x, TRANSFER_UNREAD, src) < 0 ? src : FILE_TOLD;
	if (src < 0 || fstat(src, &i->sb) != 0 || !S_ISREG(i->sb.st_mode))
		return FILE_AGAIN;
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	_cleanup_fd_ int dst = openat(i->x->tmp, TRANSFER_NEW, flags, 0600);
	if (dst < 0) {
		int err = -errno;
		return transfer_tell(i->x, TRANSFER_UNWRITTEN, err) < 0 ? err : FILE_TOLD;
	}
	struct file_pass p = {
		.i = i,
		.src = src,
		.dst = dst,
		.size = i->sb.st_size,
		.holes = (uint64_t)i->sb.st_blocks * 512 < (uint64_t)i->sb.st_size,
	};
	(void)posix_fadvise(src, 0, 0, POSIX_FADV_SEQUENTIAL);
	int r = file_copy(&p);
	if (r != FILE_DONE)
		(void)unlinkat(i->x->tmp, TRANSFER_NEW, 0);
	return r;
}

int transfer_file_make(struct transfer_item *i)
{
	int r = FILE_AGAIN;
	for (int n = 0; n < FILE_TRIES && r == FILE_AGAIN; n++)
		r = file_try(i);
	if (r == FILE_AGAIN)
		r = transfer_tell(i->x, TRANSFER_CHANGED, 0) < 0 ? -ECANCELED : FILE_TOLD;
	return r < 0 ? r : r == FILE_TOLD;
}
