/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/codec.h"
#include "base/io.h"
#include "base/log.h"
#include "crypto/kdf.h"
#include "crypto/rng.h"
#include "store/force.h"

#define DIR_TMP_RANDOM 16

static struct dir *dir_new(struct store *st, int fd, ino_t ino)
{
	struct dir *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->st = st;
	d->fd = fd;
	d->ino = ino;
	pthread_rwlock_init(&d->lock, NULL);
	return d;
}

void dir_free(struct dir *d)
{
	if (!d)
		return;
	if (d->fd >= 0)
		close(d->fd);
	pthread_rwlock_destroy(&d->lock);
	free(d);
}

int dir_open_root(struct store *st, struct dir **out)
{
	_cleanup_fd_ int fd = openat(st->root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat sb;
	if (fd < 0 || fstat(fd, &sb) != 0)
		return -errno;
	struct dir *d = dir_new(st, fd, sb.st_ino);
	if (!d)
		return -ENOMEM;
	(void)TAKE_FD(fd);
	d->root = true;
	memcpy(d->id, st->vault->keys->root_id, sizeof(d->id));
	*out = d;
	return 0;
}

/* ---- the ID file ---- */

static void dir_id_sign(const struct vault *v, uint8_t out[static NAME_DIR_FILE_LEN],
			const uint8_t id[static NAME_DIR_ID_LEN])
{
	const struct key32 *key = &v->keys->dir_mac;
	memcpy(out, id, NAME_DIR_ID_LEN);
	kdf_hash(out + NAME_DIR_ID_LEN, NAME_DIR_MAC_LEN, key->b, sizeof(key->b), NAME_DIR_LABEL,
		 strlen(NAME_DIR_LABEL), id, NAME_DIR_ID_LEN);
}

void dir_id_encode(const struct store *st, uint8_t out[static NAME_DIR_FILE_LEN],
		   const uint8_t id[static NAME_DIR_ID_LEN])
{
	dir_id_sign(st->vault, out, id);
}

bool dir_id_is_right(const struct store *st, const uint8_t file[static NAME_DIR_FILE_LEN], bool *past)
{
	uint8_t want[NAME_DIR_FILE_LEN];
	*past = false;
	dir_id_sign(st->vault, want, file);
	if (memcmp(file, want, sizeof(want)) == 0)
		return true;
	if (!st->vault->past)
		return false;
	*past = true;
	dir_id_sign(st->vault->past, want, file);
	return memcmp(file, want, sizeof(want)) == 0;
}

int dir_write_id(struct store *st, int fd, const uint8_t id[static NAME_DIR_ID_LEN])
{
	uint8_t buf[NAME_DIR_FILE_LEN];
	dir_id_encode(st, buf, id);
	return sidefile_create(&st->side, fd, NAME_DIR_FILE, buf, sizeof(buf));
}

int dir_read_id(struct dir *d)
{
	uint8_t buf[NAME_DIR_FILE_LEN];
	ssize_t n = io_read_file(d->fd, NAME_DIR_FILE, buf, sizeof(buf));
	if (n == -EACCES) {
		struct force_dir force;
		force_enter(d->st, d->fd, &force);
		n = io_read_file(d->fd, NAME_DIR_FILE, buf, sizeof(buf));
		force_leave(&force);
	}
	if (n == -EFBIG || n == -ELOOP)
		return -EUCLEAN;
	if (n < 0)
		return (int)n;
	if (n != (ssize_t)sizeof(buf))
		return -EUCLEAN;
	if (!dir_id_is_right(d->st, buf, &d->past))
		return -EUCLEAN;
	memcpy(d->id, buf, sizeof(d->id));
	return 0;
}

/* A side file that nothing needs, or a directory that was being made when the power went. */
static void dir_drop_leftover(const struct dir *d, const char *disk)
{
	if (unlinkat(d->fd, disk, 0) == 0 || errno != EISDIR)
		return;
	_cleanup_fd_ int fd = openat(d->fd, disk, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		(void)unlinkat(fd, NAME_DIR_FILE, 0);
	(void)unlinkat(d->fd, disk, AT_REMOVEDIR);
}

/* The next entry but "." and "..", or NULL: then *r is 0 at the end, or -errno. */
static struct dirent *dir_next(DIR *stream, int *r)
{
	struct dirent *e;
	do {
		errno = 0;
		e = readdir(stream);
	} while (e && io_is_dot(e->d_name));
	*r = e ? 0 : -errno;
	return e;
}

/* Look at every name in the directory. Returns 0 if none but the format's own are there (removing those
 * that are leftovers if 'clean'), -ENOTEMPTY, or -errno. */
static int dir_scan_empty(const struct dir *d, bool clean)
{
	DIR _cleanup_dir_stream_ *stream = NULL;
	int r = io_opendir(d->fd, ".", &stream);
	if (r < 0)
		return r;
	struct dirent *e;
	while (r == 0 && (e = dir_next(stream, &r)))
		if (name_classify(e->d_name) != NAME_OURS)
			r = -ENOTEMPTY;
	rewinddir(stream);
	while (r == 0 && clean && (e = dir_next(stream, &r)))
		if (strcmp(e->d_name, NAME_DIR_FILE) != 0)
			dir_drop_leftover(d, e->d_name);
	return r;
}

int dir_is_empty(const struct dir *d)
{
	int r = dir_scan_empty(d, false);
	return r == -ENOTEMPTY ? 0 : r < 0 ? r : 1;
}

/* An empty directory without a valid ID file was being made or removed when the power went: it gets a new ID.
 * r is what reading the ID said. */
static int dir_adopt(struct dir *d, int r)
{
	int empty = dir_scan_empty(d, false);
	if (empty == -ENOTEMPTY) {
		store_tell_damage(d->st, r == -ENOENT ? STORE_MISSING_ID : STORE_DAMAGED_ID, d->ino, NULL);
		return -EUCLEAN;
	}
	if (empty < 0)
		return empty;
	rng_bytes(d->id, sizeof(d->id));
	d->past = false;
	if (d->st->read_only)
		return 0;
	if (r == -EUCLEAN && unlinkat(d->fd, NAME_DIR_FILE, 0) != 0 && errno != ENOENT)
		return -errno;
	r = dir_write_id(d->st, d->fd, d->id);
	return r == -EEXIST ? dir_read_id(d) : r;
}

/* Status of name below fd, or of fd itself: an entry of d. What is mounted on one is none; that is logged once, not
 * each time somebody looks. */
static int dir_status(const struct dir *d, int fd, const char *name, struct stat *sb)
{
	int r = store_status(d->st, fd, name, sb);
	if (r == -EXDEV && atomic_exchange(&d->st->told_mounted, d->ino) != d->ino)
		log_warn("directory inode %llu: something is mounted on an entry of it, which cannot be used meanwhile",
			 (unsigned long long)d->ino);
	return r;
}

int dir_open(const struct dir *parent, const char *disk, struct dir **out)
{
	_cleanup_fd_ int fd = openat(parent->fd, disk, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat sb;
	if (fd < 0)
		return -errno;
	int r = dir_status(parent, fd, "", &sb);
	if (r < 0)
		return r;
	_cleanup_dir_ struct dir *d = dir_new(parent->st, fd, sb.st_ino);
	if (!d)
		return -ENOMEM;
	(void)TAKE_FD(fd);
	r = dir_read_id(d);
	if (r == -ENOENT || r == -EUCLEAN)
		r = dir_adopt(d, r);
	if (r < 0)
		return r;
	*out = TAKE_PTR(d);
	return 0;
}

int dir_stat(const struct dir *d, const char *disk, struct stat *sb)
{
	SCOPED_READ(&d->st->modes);
	return dir_status(d, d->fd, disk, sb);
}

/* ---- removal ---- */

void dir_tmp_name(char out[static NAME_TMP_SIZE])
{
	uint8_t random[DIR_TMP_RANDOM];
	rng_bytes(random, sizeof(random));
	strcpy(out, NAME_TMP_PREFIX);
	codec_hex_encode(out + strlen(NAME_TMP_PREFIX), random, sizeof(random));
}

int dir_strip(struct dir *d, const struct dir *parent, struct dir_stripped *out)
{
	struct stat sb;
	*out = (struct dir_stripped){ .dir = d, .parent = parent };
	dir_tmp_name(out->aside);
	force_enter(d->st, d->fd, &out->force);
	int r = dir_scan_empty(d, true);
	out->mtime = fstat(d->fd, &sb) == 0 ? sb.st_mtim : (struct timespec){ .tv_nsec = UTIME_NOW };
	if (r == 0 && renameat(d->fd, NAME_DIR_FILE, parent->fd, out->aside) != 0 && errno != ENOENT)
		r = -errno;
	if (r < 0)
		force_leave(&out->force);
	return r;
}

void dir_unstrip(struct dir_stripped *s)
{
	/* If there was none, or it is lost, the directory is empty and gets a new one when it is next used. */
	if (renameat(s->parent->fd, s->aside, s->dir->fd, NAME_DIR_FILE) != 0 && errno != ENOENT)
		log_error("directory inode %llu: cannot put %s back: %s", (unsigned long long)s->dir->ino,
			  NAME_DIR_FILE, strerror(errno));
	force_leave(&s->force);
}

void dir_strip_done(struct dir_stripped *s)
{
	char path[IO_FD_PATH];
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, s->mtime };
	io_fd_path(path, s->dir->fd);
	(void)utimensat(AT_FDCWD, path, times, 0);
	force_leave(&s->force);
	(void)unlinkat(s->parent->fd, s->aside, 0);
}

/* ---- names ---- */

/* The root's ID comes from the master key. */
static const uint8_t *dir_id_of(const struct dir *d, const struct vault *v)
{
	return d->root ? v->keys->root_id : d->id;
}

static void dir_seal_by(const struct dir *d, const struct vault *v, const char *name, size_t len,
			struct sealed_name *out)
{
	uint8_t padded[NAME_PADDED_MAX];
	size_t n = name_pad(padded, name, len);
	siv_seal(v->names, NAME_LABEL, strlen(NAME_LABEL), dir_id_of(d, v), NAME_DIR_ID_LEN, padded, n, out->sealed);
	out->len = (uint16_t)(n + SIV_TAG_LEN);
	out->hashed = name_needs_hash(out->len);
	if (out->hashed) {
		uint8_t hash[NAME_HASH_LEN];
		kdf_hash(hash, sizeof(hash), NULL, 0, out->sealed, out->len, NULL, 0);
		name_encode_hashed(out->disk, NAME_LONG_PREFIX, hash);
	} else {
		name_encode_short(out->disk, out->sealed, out->len);
	}
}

int dir_seal_new(const struct dir *d, const char *name, size_t len, struct sealed_name *out)
{
	if (len > NAME_MAX_LEN)
		return -ENAMETOOLONG;
	if (!name_is_valid(name, len))
		return -EINVAL;
	dir_seal_by(d, d->st->vault, name, len, out);
	return 0;
}

static bool dir_has(const struct dir *d, const char *disk)
{
	struct stat sb;
	return fstatat(d->fd, disk, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

int dir_seal_name(const struct dir *d, const char *name, size_t len, struct sealed_name *out)
{
	int r = dir_seal_new(d, name, len, out);
	const struct vault *past = d->st->vault->past;
	if (r < 0 || !past || dir_has(d, out->disk))
		return r;
	struct sealed_name before;
	dir_seal_by(d, past, name, len, &before);
	if (dir_has(d, before.disk))
		*out = before;
	return 0;
}

/* The sealed name behind a NAME_LONG name: the side file, if it is the one that belongs there. */
static ssize_t dir_read_long(const struct dir *d, const char *disk, uint8_t *sealed)
{
	char side[NAME_DISK_SIZE], again[NAME_DISK_SIZE];
	uint8_t hash[NAME_HASH_LEN];
	name_long_side(side, disk);
	ssize_t n = io_read_file(d->fd, side, sealed, NAME_SEALED_MAX);
	if (n == -ENOENT || n == -EFBIG || n == -ELOOP)
		return -EUCLEAN;
	if (n < 0)
		return n;
	if (!name_needs_hash((size_t)n))
		return -EUCLEAN;
	kdf_hash(hash, sizeof(hash), NULL, 0, sealed, (size_t)n, NULL, 0);
	name_encode_hashed(again, NAME_LONG_PREFIX, hash);
	return strcmp(again, disk) == 0 ? n : -EUCLEAN;
}

bool dir_has_side(const struct dir *d, const char *disk)
{
	uint8_t sealed[NAME_SEALED_MAX];
	return dir_read_long(d, disk, sealed) >= 0;
}

ssize_t dir_read_name(const struct dir *d, const char *disk, uint8_t *sealed)
{
	return name_classify(disk) == NAME_LONG ? dir_read_long(d, disk, sealed) : name_decode_short(sealed, disk);
}

static int dir_open_by(const struct dir *d, const struct vault *v, const uint8_t *sealed, size_t n, uint8_t *padded)
{
	return siv_open(v->names, NAME_LABEL, strlen(NAME_LABEL), dir_id_of(d, v), NAME_DIR_ID_LEN, sealed, n, padded);
}

ssize_t dir_open_sealed(const struct dir *d, const uint8_t *sealed, size_t n, char *name)
{
	uint8_t padded[NAME_PADDED_MAX];
	const struct vault *v = d->st->vault;
	if (n <= SIV_TAG_LEN || n > NAME_SEALED_MAX)
		return -EUCLEAN;
	if (dir_open_by(d, v, sealed, n, padded) < 0 && (!v->past || dir_open_by(d, v->past, sealed, n, padded) < 0))
		return -EUCLEAN;
	ssize_t len = name_unpad(padded, n - SIV_TAG_LEN);
	if (len > 0)
		memcpy(name, padded, (size_t)len);
	return len;
}

ssize_t dir_open_name(const struct dir *d, const char *disk, char *name)
{
	uint8_t sealed[NAME_SEALED_MAX];
	ssize_t n = dir_read_name(d, disk, sealed);
	return n < 0 ? n : dir_open_sealed(d, sealed, (size_t)n, name);
}
