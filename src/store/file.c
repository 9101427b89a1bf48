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
#include "store/file_impl.h"

/* How many bytes are looked at, holes left out, before a file without a first page is taken for damaged rather than
 * empty (doc/format.md 3.3): opening one must not take for ever. */
#define FILE_ZERO_MAX (64u << 20)

struct file *file_new(struct store *st, bool whole)
{
	struct file *f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->st = st;
	f->fd = -1;
	f->told_whole = whole;
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
	file_drop_tail(f);
	free(f->notes);
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
		block_set_file(f->st, sc, f->header.epoch, f->header.file_nonce);
	return sc;
}

/* ---- loading ---- */

/* Is there nothing but zeros? Returns 1, 0 (also if there are too many to look at) or -errno. */
static int file_all_zero(int fd, struct scratch *sc)
{
	off_t at = 0;
	for (size_t looked = 0; looked < FILE_ZERO_MAX;) {
		off_t data = lseek(fd, at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			return 1;
		at = data < 0 ? at : data;
		ssize_t n = io_pread_full(fd, sc->pages, SCRATCH_BYTES, at);
		if (n <= 0)
			return n < 0 ? (int)n : 1;
		if (!bytes_are_zero(sc->pages, (size_t)n))
			return 0;
		at += n;
		looked += (size_t)n;
	}
	return lseek(fd, at, SEEK_DATA) < 0 && errno == ENXIO;
}

/* What loading finds out: taken over by the object only when all of it is known. */
struct file_state {
	struct content_header header;
	uint64_t len;
	uint64_t durable;
	bool junk;
	uint8_t ends[2][CONTENT_NONCE_LEN]; /* as in struct file */
};

/* Page 0: the header and the durable length. A file without a first write on disk gets length 0. */
static int file_load_header(const struct file *f, struct scratch *sc, struct file_state *s)
{
	ssize_t n = io_pread_full(f->fd, sc->pages, CONTENT_PAGE, 0);
	if (n < 0)
		return (int)n;
	if (n == (ssize_t)CONTENT_PAGE) {
		memcpy(s->ends[0], sc->pages + CONTENT_NONCE_OFF, CONTENT_NONCE_LEN);
		memcpy(s->ends[1], s->ends[0], CONTENT_NONCE_LEN);
	}
	if (n < (ssize_t)CONTENT_PAGE || bytes_are_zero(sc->pages, CONTENT_PAGE)) {
		int zero = file_all_zero(f->fd, sc);
		s->junk = zero == 1;
		return zero == 0 ? badblock_note(0, true, -EUCLEAN) : zero == 1 ? 0 : zero;
	}
	int r = content_header_decode(&s->header, sc->pages + CONTENT_PAYLOAD_OFF);
	if (r < 0)
		return badblock_note(0, false, r);
	block_set_file(f->st, sc, s->header.epoch, s->header.file_nonce);
	struct content_meta meta;
	r = block_open(sc, 0, sc->pages, &meta, sc->block);
	if (r < 0)
		return badblock_note(0, false, r);
	s->durable = meta.durable;
	s->len = meta.used;
	return 0;
}

/* The length by the last page on disk, number k > 0 (doc/format.md 3.3). */
static int file_load_last(const struct file *f, struct scratch *sc, uint64_t k, uint64_t hint,
			  struct file_state *s)
{
	ssize_t n = io_pread_full(f->fd, sc->pages, CONTENT_PAGE, (off_t)(k * CONTENT_PAGE));
	if (n < 0)
		return (int)n;
	if (n == (ssize_t)CONTENT_PAGE)
		memcpy(s->ends[1], sc->pages + CONTENT_NONCE_OFF, CONTENT_NONCE_LEN);
	struct content_meta meta;
	uint64_t used = hint > 0 && hint <= CONTENT_PAYLOAD ? hint : CONTENT_PAYLOAD;
	if (n == (ssize_t)CONTENT_PAGE && !bytes_are_zero(sc->pages, CONTENT_PAGE)) {
		int r = block_open(sc, k, sc->pages, &meta, sc->block);
		if (r == -ENOMEM)
			return r;
		if (r == 0)
			used = meta.used;
	}
	s->len = k * CONTENT_PAYLOAD + used;
	return 0;
}

static int file_load_state(const struct file *f, uint64_t size, struct file_state *s)
{
	_cleanup_scratch_ struct scratch *sc = scratch_get();
	if (!sc)
		return -ENOMEM;
	if (size == 0)
		return 0;
	uint64_t pages = size / CONTENT_PAGE, hint = size % CONTENT_PAGE;
	int r = file_load_header(f, sc, s);
	if (r == 0 && !s->junk && pages > 1)
		r = file_load_last(f, sc, pages - 1, hint, s);
	if (s->len < s->durable)
		s->len = s->durable;
	return r;
}

static int file_load(struct file *f)
{
	struct stat sb;
	struct file_state s = { .len = 0 };
	f->loaded = f->tail_valid = false;
	f->n_gaps = 0;
	int r = fstat(f->fd, &sb) == 0 ? 0 : -errno;
	uint64_t told, size = r == 0 ? (uint64_t)sb.st_size : 0;
	if (r == 0)
		r = file_load_state(f, size, &s);
	f->unloaded = r;
	if (r < 0)
		return r;

	f->header = s.header;
	f->len = s.len;
	f->durable = f->synced = s.durable;
	f->care = s.len;
	file_forget_notes(f);
	f->mark = 0;
	f->cuts++;
	f->whole = f->told_whole || s.len == 0 ? s.len : s.durable;
	f->there = size / CONTENT_PAGE;
	f->cut_off = content_pages(s.len) > f->there;
	f->sparse_synced = f->sweeping = false;
	f->swept = 0;
	f->junk = s.junk;
	f->hint_was_wrong = content_hint(size, &told) && told != content_plain_size(s.len);
	f->hint = size % CONTENT_PAGE == 0 ? FILE_HINT_NONE
		  : size == content_cipher_size(s.len, true) ? FILE_HINT_RIGHT
							     : FILE_HINT_WRONG;
	f->seen_ctime = sb.st_ctim;
	f->seen_size = size;
	memcpy(f->ends, s.ends, sizeof(f->ends));
	f->mtime = sb.st_mtim;
	f->touched = false;
	f->loaded = true;
	return 0;
}

/* In the place of the one before, under its number: who is using that is not disturbed. */
static int file_take_fd(struct file *f, int fd)
{
	_cleanup_fd_ int own = fd;
	if (f->fd >= 0)
		return dup3(own, f->fd, O_CLOEXEC) < 0 ? -errno : 0;
	f->fd = TAKE_FD(own);
	return 0;
}

int file_attach(struct file *f, int fd, bool writable)
{
	_cleanup_fd_ int own = fd;
	SCOPED_WRITE(&f->lock);
	if (f->fd >= 0 && f->loaded && (f->writable || !writable))
		return 0; /* somebody else was faster */
	if (f->fd < 0 || writable || !f->writable) {
		int r = file_take_fd(f, TAKE_FD(own));
		if (r < 0)
			return r;
		f->writable = writable;
	}
	int turn _cleanup_(file_turn_end) __attribute__((unused)) = file_turn_begin(f);
	return f->loaded ? 0 : file_load(f);
}

void file_count_reads(struct file *f, bool count)
{
	SCOPED_READ(&f->lock);
	int flags = fcntl(f->fd, F_GETFL), want = count ? flags & ~O_NOATIME : flags | O_NOATIME;
	if (flags >= 0 && want != flags)
		(void)fcntl(f->fd, F_SETFL, want);
}

/* Is it below as it was when this object looked, for all that a status tells? Shared lock. Returns 1, 0 or -errno. */
static int file_is_as_seen(const struct file *f)
{
	struct stat sb;
	if (fstat(f->fd, &sb) != 0)
		return -errno;
	return f->loaded && (uint64_t)sb.st_size == f->seen_size && sb.st_ctim.tv_sec == f->seen_ctime.tv_sec &&
	       sb.st_ctim.tv_nsec == f->seen_ctime.tv_nsec;
}

/* Returns 1 if it had changed below, 0 if not, or -errno. */
static int file_look(struct file *f)
{
	int same = file_is_as_seen(f);
	if (same < 0 || (same > 0 && file_ends_are_known(f, f->seen_size)))
		return same < 0 ? same : 0;
	f->told_whole = false;
	int r = file_load(f);
	return r < 0 ? r : 1;
}

int file_revalidate(struct file *f)
{
	{
		/* Mostly it is: nobody need wait for a turn to see that. */
		SCOPED_READ(&f->lock);
		if (f->st->alone || f->fd < 0 || file_is_as_seen(f) == 1)
			return 0;
	}
	SCOPED_TURN(f);
	return file_look(f);
}

int file_refresh(struct file *f)
{
	/* What could not be loaded the last time may have been a failure of the moment. */
	int r = !f->st->alone && f->fd >= 0 ? file_look(f) : 0;
	if (!f->loaded)
		return file_usable(f);
	return r < 0 ? r : 0;
}

int file_changed(struct file *f, int r)
{
	struct stat sb;
	if (!f->st->alone && fstat(f->fd, &sb) == 0) {
		f->seen_size = (uint64_t)sb.st_size;
		f->seen_ctime = sb.st_ctim;
	}
	return r;
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
	(void)file_revalidate(f);
	SCOPED_READ(&f->lock);
	{
		SCOPED_READ(&f->st->modes);
		if (fstat(f->fd, st) != 0)
			return -errno;
	}
	st->st_size = (off_t)content_plain_size(f->len);
	return 0;
}

void file_seen(struct file *f, off_t *size, struct timespec *ctime)
{
	SCOPED_READ(&f->lock);
	*size = (off_t)f->seen_size;
	*ctime = f->seen_ctime;
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
	int fd;
	{
		SCOPED_TURN(f);
		/* What is to be durable must not have one: it could be filled, and that be lost, once it is. */
		int told = file_gaps_tell(f);
		if (told < 0)
			return told;
		len = f->len;
		cuts = f->cuts;
		fd = f->fd;
		/* From here on these pages may be on disk. */
		if (f->care < len)
			f->care = len;
	}
	int r = store_drain(f->st);
	if (r < 0)
		return r;
	r = io_fsync(fd, datasync);

	SCOPED_WRITE(&f->lock);
	if (r < 0 && f->error == 0)
		f->error = r;
	if (f->error == 0 && cuts == f->cuts && f->synced < len)
		f->synced = len;
	return f->error;
}

static int file_change_hint(struct file *f, const struct stat *sb)
{
	uint64_t size = content_cipher_size(f->len, true);
	return (uint64_t)sb->st_size == size ? 0 : io_truncate(f->fd, (off_t)size);
}

static int file_change_nothing(struct file *f, const struct stat *sb)
{
	(void)f;
	(void)sb;
	return 0;
}

int file_set_times(struct file *f, const struct timespec times[2])
{
	struct stat sb;
	SCOPED_TURN(f);
	(void)file_refresh(f);
	if (futimens(f->fd, times) != 0)
		return -errno;
	(void)file_changed(f, 0);
	if (times[1].tv_nsec == UTIME_OMIT)
		return 0;
	/* As it is below, which may be coarser; it must not be put back to what it was before. */
	int r = fstat(f->fd, &sb) == 0 ? 0 : -errno;
	if (r < 0 && times[1].tv_nsec == UTIME_NOW)
		return r;
	f->mtime = r == 0 ? sb.st_mtim : times[1];
	f->touched = false;
	return 0;
}

int file_keep_time(struct file *f)
{
	SCOPED_WRITE(&f->lock);
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, f->mtime };
	if (!f->loaded || !f->writable || !f->touched || !f->st->alone)
		return 0;
	return file_put_times(f, times);
}

int file_settle(struct file *f)
{
	SCOPED_TURN(f);
	if (!f->loaded || !f->writable || file_refresh(f) < 0)
		return f->error;
	int r = file_gaps_tell(f);
	bool hint = f->len > 0 && f->hint != FILE_HINT_RIGHT && !f->cut_off && !f->st->hide_sizes;
	if (r < 0 || (!hint && !(f->touched && f->st->alone)))
		return f->error < 0 ? f->error : r;
	r = file_changed(f, file_change_unseen(f, hint ? file_change_hint : file_change_nothing));
	if (r == 0 && hint)
		f->hint = FILE_HINT_RIGHT;
	return f->error < 0 ? f->error : r;
}
