/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <linux/xattr.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/bytes.h"
#include "base/io.h"
#include "offline/rekey_impl.h"
#include "store/block.h"
#include "store/force.h"
#include "store/xattr.h"

#define CHUNK 256u /* pages that are read and written at a time */
_Static_assert(CHUNK < SCRATCH_PAGES, "the last page of a scratch is for page 0");

/* Like all that may be on disk, what is changed here must be neither dirty nor on its way there (doc/architecture.md,
 * "Writing over a page"). Each page is written once. */
static int make_clean(const struct rekey *r, int fd)
{
	return r->st->stacked ? io_fsync(fd, true) : io_write_back(fd, 0, 0);
}

int rekey_forget(const struct rekey *r, int fd)
{
	int err = r->st->logged ? io_write_back(fd, 0, 0) : io_fsync(fd, true);
	if (err == 0)
		err = -posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return err;
}

int rekey_forget_at(const struct rekey *r, const struct dir *d, const char *disk)
{
	_cleanup_fd_ int fd = openat(d->fd, disk, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return rekey_forget(r, fd);
}

/* Seal page k, which opens in the epoch before, anew. Returns 1, 0 (it is a zero page, or done), or -errno. */
static int renew(struct rekey *r, struct rekey_file *f, struct scratch *sc, uint64_t k, uint8_t *page)
{
	struct content_meta meta;
	struct block_nonce nonce;
	if (bytes_are_zero(page, CONTENT_PAGE) ||
	    content_meta_epoch(page + CONTENT_META_OFF) == (uint16_t)r->st->vault->settings.epoch)
		return 0;
	int err = block_open(sc, k, page, &meta, sc->block);
	if (store_is_damage(err)) {
		f->damaged = err;
		return 0;
	}
	if (err < 0)
		return err;
	block_nonce_draw(&nonce);
	err = block_seal(sc, k, &nonce, &meta, NULL, sc->block, page);
	return err < 0 ? err : 1;
}

/* The first of n pages whose flag is not 'want'. */
static size_t run_end(const bool *flag, size_t i, size_t n, bool want)
{
	while (i < n && flag[i] == want)
		i++;
	return i;
}

/* Only what has changed is written: holes stay holes. */
static int write_changed(const struct rekey_file *f, const struct scratch *sc, uint64_t k, const bool *changed,
			 size_t n)
{
	for (size_t i = run_end(changed, 0, n, false); i < n;) {
		size_t end = run_end(changed, i, n, true);
		int err = io_pwrite_full(f->fd, sc->pages + i * CONTENT_PAGE, (end - i) * CONTENT_PAGE,
					 (off_t)((k + i) * CONTENT_PAGE));
		if (err < 0)
			return err;
		i = run_end(changed, end, n, false);
	}
	return 0;
}

static int renew_chunk(struct rekey *r, struct rekey_file *f, struct scratch *sc, uint64_t k, size_t n)
{
	bool changed[CHUNK];
	ssize_t got = io_pread_full(f->fd, sc->pages, n * CONTENT_PAGE, (off_t)(k * CONTENT_PAGE));
	if (got < 0)
		return (int)got;
	n = (size_t)got / CONTENT_PAGE;
	for (size_t i = 0; i < n; i++) {
		int one = renew(r, f, sc, k + i, sc->pages + i * CONTENT_PAGE);
		if (one < 0)
			return one;
		changed[i] = one > 0;
	}
	return write_changed(f, sc, k, changed, n);
}

/* Where data begins again, in pages; 'pages' if there is no more. */
static uint64_t next_data(const struct rekey_file *f, uint64_t k, uint64_t pages)
{
	off_t at = lseek(f->fd, (off_t)(k * CONTENT_PAGE), SEEK_DATA);
	if (at < 0)
		return errno == ENXIO ? pages : k;
	return (uint64_t)at / CONTENT_PAGE;
}

static int renew_rest(struct rekey *r, struct rekey_file *f, struct scratch *sc, uint64_t pages)
{
	int err = pages > 1 ? make_clean(r, f->fd) : 0;
	for (uint64_t k = 1; err == 0;) {
		k = next_data(f, k, pages);
		if (k >= pages)
			break;
		uint64_t n = pages - k < CHUNK ? pages - k : CHUNK;
		err = rekey_stops(r) ? -EINTR : renew_chunk(r, f, sc, k, (size_t)n);
		r->opt->done(r->opt->arg, 0, n * CONTENT_PAGE);
		k += n;
	}
	return err;
}

/* Page 0 into sc->one. Returns 1 if it holds a header, whole or not; 0 if the file has no first write; or -errno. */
static int read_first(const struct rekey_file *f, struct scratch *sc)
{
	ssize_t n = io_pread_full(f->fd, sc->one, CONTENT_PAGE, 0);
	if (n < 0)
		return (int)n;
	return n == (ssize_t)CONTENT_PAGE && !bytes_are_zero(sc->one, CONTENT_PAGE);
}

int rekey_attributes(struct rekey *r, int fd)
{
	int err = xattr_renew(r->st, fd);
	if (err != -EACCES)
		return err;
	struct force_dir force;
	force_enter(r->st, fd, &force);
	err = xattr_renew(r->st, fd);
	force_leave(&force);
	return err;
}

/* Writing has taken set-id bits away, unless we are root, and capabilities in any case. */
static int put_back(const struct rekey_file *f)
{
	struct stat sb;
	const struct timespec times[2] = { f->sb.st_atim, f->sb.st_mtim };
	if (fstat(f->fd, &sb) != 0)
		return -errno;
	if (sb.st_mode != f->sb.st_mode)
		(void)fchmod(f->fd, f->sb.st_mode & 07777); /* in vain if the file is another's, as are its times */
	if (f->capability_len >= 0)
		(void)fsetxattr(f->fd, XATTR_NAME_CAPS, f->capability, (size_t)f->capability_len, 0);
	return futimens(f->fd, times) == 0 || errno == EPERM || errno == EACCES ? 0 : -errno;
}

int rekey_file_pages(struct rekey *r, struct rekey_file *f, bool *last)
{
	const uint16_t now = (uint16_t)r->st->vault->settings.epoch;
	struct content_meta meta;
	_cleanup_scratch_ struct scratch *sc = scratch_get();
	*last = false;
	int err = sc ? rekey_attributes(r, f->fd) : -ENOMEM;
	if (store_is_damage(err))
		f->damaged = err;
	else if (err < 0)
		return err;
	err = r->opt->again ? rekey_forget(r, f->fd) : 0;
	if (err == 0)
		err = read_first(f, sc);
	if (err <= 0)
		return err;
	/* Of a header that does not open the file nonce may still be right: then the others are to be had. */
	block_set_file(r->st, sc, now, sc->one + CONTENT_PAYLOAD_OFF + CONTENT_FILE_NONCE_OFF);
	if (content_meta_epoch(sc->one + CONTENT_META_OFF) == now && block_open(sc, 0, sc->one, &meta, sc->block) == 0)
		return 0;
	*last = true;
	f->capability_len = fgetxattr(f->fd, XATTR_NAME_CAPS, f->capability, sizeof(f->capability));
	err = renew_rest(r, f, sc, (uint64_t)f->sb.st_size / CONTENT_PAGE);
	int back = put_back(f);
	return err < 0 ? err : back;
}

static int renew_first(struct rekey *r, struct rekey_file *f, struct scratch *sc)
{
	struct content_meta meta;
	struct content_header header;
	struct block_nonce nonce;
	const uint8_t *raw = sc->one + CONTENT_PAYLOAD_OFF;
	int err = read_first(f, sc);
	if (err <= 0)
		return err;
	block_set_file(r->st, sc, (uint16_t)r->st->vault->settings.epoch, raw + CONTENT_FILE_NONCE_OFF);
	err = content_header_decode(&header, raw);
	if (err == 0)
		err = block_open(sc, 0, sc->one, &meta, sc->block);
	if (store_is_damage(err)) {
		f->damaged = err;
		return 0;
	}
	if (err < 0)
		return err;
	if (header.epoch == sc->epoch)
		return 0; /* by another name */
	header.epoch = sc->epoch;
	block_nonce_draw(&nonce);
	err = block_seal(sc, 0, &nonce, &meta, &header, sc->block, sc->one);
	if (err == 0)
		err = make_clean(r, f->fd);
	return err < 0 ? err : io_pwrite_full(f->fd, sc->one, CONTENT_PAGE, 0);
}

int rekey_file_first(struct rekey *r, struct rekey_file *f)
{
	_cleanup_scratch_ struct scratch *sc = scratch_get();
	int err = sc ? renew_first(r, f, sc) : -ENOMEM;
	int back = put_back(f);
	return err < 0 ? err : back;
}
