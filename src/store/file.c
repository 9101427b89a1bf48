/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "store/file_impl.h"

/* How far behind an absent header other bytes are looked at (they are zeros in an honest vault). */
#define FILE_ZERO_SCAN (1u << 20)

struct file *file_new(struct store *st)
{
	struct file *f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->st = st;
	f->fd = f->fd_before = -1;
	pthread_rwlock_init(&f->lock, NULL);
	return f;
}

static void file_drop_tail(struct file *f)
{
	if (f->tail)
		keymem_wipe(f->tail, CONTENT_PAYLOAD);
	free(f->tail);
	f->tail = NULL;
	f->tail_valid = false;
}

void file_free(struct file *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	if (f->fd_before >= 0)
		close(f->fd_before);
	file_drop_tail(f);
	pthread_rwlock_destroy(&f->lock);
	free(f);
}

bool file_is_open(struct file *f, bool writable)
{
	SCOPED_READ(&f->lock);
	return f->loaded && f->fd >= 0 && (f->writable || !writable);
}

struct scratch *file_scratch(const struct file *f)
{
	struct scratch *sc = scratch_get();
	if (sc && f->len > 0)
		block_set_file(f->st, sc, f->header.file_nonce);
	return sc;
}

/* ---- loading ---- */

/* Are the bytes from 0 on all zeros, as far as we look? Returns 1, 0 or -errno. */
static int file_all_zero(int fd, uint64_t size, struct scratch *sc)
{
	off_t data = lseek(fd, 0, SEEK_DATA);
	if (data < 0)
		return errno == ENXIO;
	ssize_t n = io_pread_full(fd, sc->pages, FILE_ZERO_SCAN, data);
	if (n < 0)
		return (int)n;
	if (!bytes_are_zero(sc->pages, (size_t)n))
		return 0;
	return (uint64_t)data + (uint64_t)n >= size;
}

static void file_load_empty(struct file *f)
{
	f->len = f->durable = f->synced = f->care = 0;
	f->hinted = f->junk = f->hint_was_wrong = false;
	f->whole = true;
	memset(&f->header, 0, sizeof(f->header));
}

/* Page 0: the header and the durable length. Returns what block 0 uses, 0 for a file without a first
 * write on disk, or -errno. */
static int file_load_header(struct file *f, struct scratch *sc, uint64_t cipher_size)
{
	ssize_t n = io_pread_full(f->fd, sc->pages, CONTENT_PAGE, 0);
	if (n < 0)
		return (int)n;
	if (n < (ssize_t)CONTENT_PAGE || bytes_are_zero(sc->pages, CONTENT_PAGE)) {
		int zero = file_all_zero(f->fd, cipher_size, sc);
		return zero == 0 ? -EUCLEAN : zero == 1 ? 0 : zero;
	}
	int r = content_header_decode(&f->header, sc->pages + CONTENT_PAYLOAD_OFF);
	if (r < 0)
		return r;
	block_set_file(f->st, sc, f->header.file_nonce);
	struct content_meta meta;
	r = block_open(sc, 0, sc->pages, &meta, sc->block);
	if (r < 0)
		return r;
	f->durable = meta.durable;
	return meta.used;
}

/* The length by the last page on disk, number k > 0 (doc/format.md 3.3). */
static int file_load_last(struct file *f, struct scratch *sc, uint64_t k, uint64_t hint)
{
	ssize_t n = io_pread_full(f->fd, sc->pages, CONTENT_PAGE, (off_t)(k * CONTENT_PAGE));
	if (n < 0)
		return (int)n;
	struct content_meta meta;
	uint64_t used = hint > 0 && hint <= CONTENT_PAYLOAD ? hint : CONTENT_PAYLOAD;
	if (n == (ssize_t)CONTENT_PAGE && !bytes_are_zero(sc->pages, CONTENT_PAGE) &&
	    block_open(sc, k, sc->pages, &meta, sc->block) == 0)
		used = meta.used;
	f->len = k * CONTENT_PAYLOAD + used;
	return 0;
}

static int file_load(struct file *f)
{
	struct stat sb;
	if (fstat(f->fd, &sb) != 0)
		return -errno;
	struct scratch *sc = scratch_get();
	if (!sc)
		return -ENOMEM;

	uint64_t size = (uint64_t)sb.st_size;
	uint64_t pages = size / CONTENT_PAGE, hint = size % CONTENT_PAGE;
	f->tail_valid = false;
	f->seen_ctime = sb.st_ctim;
	f->seen_size = size;
	f->mtime = sb.st_mtim;
	f->touched = false;
	f->loaded = true;
	if (size == 0) {
		file_load_empty(f);
		return 0;
	}
	int used = file_load_header(f, sc, size);
	if (used < 0) {
		f->loaded = false;
		return used;
	}
	if (used == 0) {
		file_load_empty(f);
		f->junk = f->hint_was_wrong = true;
		return 0;
	}
	f->len = (uint64_t)used;
	if (pages > 1) {
		int r = file_load_last(f, sc, pages - 1, hint);
		if (r < 0) {
			f->loaded = false;
			return r;
		}
	}
	if (f->len < f->durable)
		f->len = f->durable;
	f->synced = f->durable;
	f->care = f->len;
	f->whole = f->durable == f->len;
	uint64_t told;
	f->hint_was_wrong = content_hint(size, &told) && told != content_plain_size(f->len);
	f->hinted = hint != 0 && !f->hint_was_wrong;
	return 0;
}

int file_attach(struct file *f, int fd, bool writable)
{
	_cleanup_fd_ int own = fd;
	SCOPED_WRITE(&f->lock);
	if (f->fd >= 0 && f->loaded && (f->writable || !writable))
		return 0; /* somebody else was faster */
	if (f->fd >= 0 && f->fd_before >= 0)
		close(f->fd);
	else if (f->fd >= 0)
		f->fd_before = f->fd;
	f->fd = TAKE_FD(own);
	f->writable = writable;
	return f->loaded ? 0 : file_load(f);
}

int file_revalidate(struct file *f)
{
	SCOPED_WRITE(&f->lock);
	struct stat sb;
	if (fstat(f->fd, &sb) != 0)
		return -errno;
	if ((uint64_t)sb.st_size == f->seen_size && sb.st_ctim.tv_sec == f->seen_ctime.tv_sec &&
	    sb.st_ctim.tv_nsec == f->seen_ctime.tv_nsec)
		return 0;
	int r = file_load(f);
	return r < 0 ? r : 1;
}

bool file_hint_was_wrong(struct file *f)
{
	SCOPED_READ(&f->lock);
	return f->hint_was_wrong;
}

uint64_t file_size(struct file *f)
{
	SCOPED_READ(&f->lock);
	return content_plain_size(f->len);
}

int file_stat(struct file *f, struct stat *st)
{
	SCOPED_READ(&f->lock);
	if (fstat(f->fd, st) != 0)
		return -errno;
	st->st_size = (off_t)content_plain_size(f->len);
	return 0;
}

int file_fd(struct file *f)
{
	SCOPED_READ(&f->lock);
	return f->fd;
}

ino_t file_ino(struct file *f)
{
	struct stat sb;
	SCOPED_READ(&f->lock);
	return f->fd >= 0 && fstat(f->fd, &sb) == 0 ? sb.st_ino : 0;
}

/* ---- the disk ---- */

int file_sync(struct file *f, bool datasync)
{
	uint64_t len, cuts;
	int fd, error;
	{
		SCOPED_WRITE(&f->lock);
		len = f->len;
		cuts = f->cuts;
		fd = f->fd;
		error = f->error;
		f->error = 0;
		/* From here on these pages may be on disk. */
		if (f->care < len)
			f->care = len;
	}
	int r = sidefile_drain(&f->st->side, f->st->root_fd);
	if (r < 0)
		return r;
	if ((datasync ? fdatasync(fd) : fsync(fd)) != 0)
		return -errno;
	if (error < 0)
		return error;

	SCOPED_WRITE(&f->lock);
	if (cuts == f->cuts && f->synced < len)
		f->synced = len;
	return 0;
}

int file_keep_mtime(struct file *f, int (*change)(struct file *f, const struct stat *sb))
{
	struct stat sb;
	if (fstat(f->fd, &sb) != 0)
		return -errno;
	int r = change(f, &sb);
	if (r < 0)
		return r;
	struct timespec times[2] = { sb.st_atim, f->st->kernel_mtime ? f->mtime : sb.st_mtim };
	if (futimens(f->fd, times) != 0)
		return -errno;
	f->touched = false;
	return 0;
}

static int file_change_hint(struct file *f, const struct stat *sb)
{
	uint64_t size = content_cipher_size(f->len, true);
	if ((uint64_t)sb->st_size / CONTENT_PAGE != content_pages(f->len))
		return 0; /* its end is missing: leave that to be seen */
	if ((uint64_t)sb->st_size != size && ftruncate(f->fd, (off_t)size) != 0)
		return -errno;
	f->seen_size = size;
	return 0;
}

static int file_change_nothing(struct file *f, const struct stat *sb)
{
	(void)f;
	(void)sb;
	return 0;
}

void file_note_mtime(struct file *f)
{
	struct stat sb;
	SCOPED_WRITE(&f->lock);
	if (fstat(f->fd, &sb) == 0) {
		f->mtime = sb.st_mtim;
		f->touched = false;
	}
}

int file_settle(struct file *f)
{
	SCOPED_WRITE(&f->lock);
	int error = f->error;
	f->error = 0;
	bool hint = f->len > 0 && !f->hinted && !f->st->hide_sizes;
	if (!f->loaded || !f->writable || (!hint && !(f->touched && f->st->kernel_mtime)))
		return error;
	int r = file_keep_mtime(f, hint ? file_change_hint : file_change_nothing);
	if (r == 0 && hint)
		f->hinted = true;
	return error < 0 ? error : r;
}
