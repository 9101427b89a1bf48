/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Directory IDs and side files of long names, worked out again. A hash or a name that opens proves what is
 * found: the damaged file with one byte other than it is or with something behind it, or a file of the
 * format's that was left where an interrupted rename had put it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "crypto/kdf.h"
#include "offline/repair_impl.h"

#define REBUILD_FILE_MAX 1024 /* larger files are not what is looked for */
#define REBUILD_MODE 0444

struct bytes {
	uint8_t b[REBUILD_FILE_MAX];
	size_t n;
};

/* What is looked for, and how it is known. */
struct search {
	/* Is it this? Then it has been put into 'right'. */
	bool (*is)(struct search *s, const uint8_t *b, size_t n);
	const struct dir *d;
	const char *disk; /* the long name */
	struct bytes right;
	int error; /* something could not be read: it may have been there */
};

static bool found(struct search *s, const uint8_t *b, size_t n)
{
	memcpy(s->right.b, b, n);
	s->right.n = n;
	return true;
}

/* What is not there, too large or no file is not what is looked for. */
static bool read_small(struct search *s, int dirfd, const char *name, struct bytes *out)
{
	ssize_t n = io_read_file(dirfd, name, out->b, sizeof(out->b));
	out->n = n < 0 ? 0 : (size_t)n;
	if (n < 0 && n != -ENOENT && n != -EUCLEAN && n != -EFBIG && n != -ELOOP && n != -EISDIR && n != -ENXIO)
		s->error = (int)n;
	return n > 0;
}

/* Any one byte of the first n other than it is? */
static bool search_near(struct search *s, struct bytes *c, size_t n)
{
	if (n > c->n)
		return false;
	if (s->is(s, c->b, n))
		return true;
	for (size_t i = 0; i < n; i++) {
		uint8_t was = c->b[i];
		for (unsigned int x = 1; x < 256; x++) {
			c->b[i] = (uint8_t)(was ^ x);
			if (s->is(s, c->b, n))
				return true;
		}
		c->b[i] = was;
	}
	return false;
}

/* Is it in one of the format's files in this directory? */
static bool search_files(struct search *s, int dirfd)
{
	DIR _cleanup_dir_stream_ *stream = NULL;
	const struct dirent *e;
	struct bytes c;
	int err = io_opendir(dirfd, ".", &stream);
	if (err < 0)
		s->error = err;
	while (stream && (errno = 0, e = readdir(stream)))
		if (strncmp(e->d_name, NAME_RESERVED_PREFIX, strlen(NAME_RESERVED_PREFIX)) == 0 &&
		    read_small(s, dirfd, e->d_name, &c) && s->is(s, c.b, c.n))
			return true;
	if (stream && errno)
		s->error = -errno;
	return false;
}

/* What has been found takes the place of the damaged one. */
static int search_end(const struct search *s, bool known, int dirfd, const char *name)
{
	if (known)
		return io_replace_file(dirfd, name, NULL, s->right.b, s->right.n, REBUILD_MODE);
	return s->error < 0 ? s->error : REPAIR_CANNOT;
}

/* ---- long names ---- */

static bool is_long_name(struct search *s, const uint8_t *b, size_t n)
{
	uint8_t hash[NAME_HASH_LEN];
	char disk[NAME_DISK_SIZE];
	if (n > NAME_SEALED_MAX || !name_needs_hash(n))
		return false;
	kdf_hash(hash, sizeof(hash), NULL, 0, b, n, NULL, 0);
	name_encode_hashed(disk, NAME_LONG_PREFIX, hash);
	return strcmp(disk, s->disk) == 0 && found(s, b, n);
}

int repair_rebuild_long(struct repair *r, const char *cipher)
{
	struct repair_place _cleanup_place_ p = REPAIR_NOWHERE;
	char side[NAME_DISK_SIZE];
	struct bytes c;
	int err = repair_find_still(r, CHECK_LONG_NAME, cipher, &p);
	if (err != 0)
		return err;
	struct search s = { .is = is_long_name, .disk = p.disk };
	name_long_side(side, p.disk);
	bool known = search_files(&s, p.d.fd);
	if (!known && read_small(&s, p.d.fd, side, &c))
		for (size_t n = NAME_SEALED_MAX; !known && name_needs_hash(n); n -= NAME_PAD)
			known = search_near(&s, &c, n);
	return search_end(&s, known, p.d.fd, side);
}

/* ---- directory IDs ---- */

/* Does a name in the directory open under this ID? */
static bool opens_a_name(struct search *s, const uint8_t id[static NAME_DIR_ID_LEN])
{
	struct dir with = { .st = s->d->st, .fd = s->d->fd };
	DIR _cleanup_dir_stream_ *stream = NULL;
	char name[NAME_PADDED_MAX];
	const struct dirent *e;
	memcpy(with.id, id, sizeof(with.id));
	int err = io_opendir(with.fd, ".", &stream);
	if (err < 0)
		s->error = err;
	while (stream && (errno = 0, e = readdir(stream))) {
		enum name_kind kind = name_classify(e->d_name);
		ssize_t n = kind == NAME_SEALED || kind == NAME_LONG ? dir_open_name(&with, e->d_name, name) : -EUCLEAN;
		if (n >= 0)
			return true;
		if (n != -EUCLEAN)
			s->error = (int)n;
	}
	if (stream && errno)
		s->error = -errno;
	return false;
}

/* An ID file that is right in itself. */
static bool is_id_file(struct search *s, const uint8_t *b, size_t n)
{
	uint8_t want[NAME_DIR_FILE_LEN];
	if (n < sizeof(want))
		return false;
	dir_id_encode(s->d->st, want, b);
	return memcmp(want, b, sizeof(want)) == 0 && opens_a_name(s, b) && found(s, want, sizeof(want));
}

/* An ID whose MAC is lost. */
static bool is_id(struct search *s, const struct bytes *c)
{
	if (c->n < NAME_DIR_ID_LEN || !opens_a_name(s, c->b))
		return false;
	dir_id_encode(s->d->st, s->right.b, c->b);
	s->right.n = NAME_DIR_FILE_LEN;
	return true;
}

int repair_rebuild_id(struct repair *r, const char *cipher)
{
	struct repair_place _cleanup_place_ p = REPAIR_NOWHERE;
	struct bytes c;
	int err = repair_find_still(r, CHECK_DIR_ID, cipher, &p);
	if (err != 0)
		return err;
	_cleanup_fd_ int fd = repair_open_dir(&p);
	if (fd < 0)
		return fd;
	struct dir d = { .st = r->st, .fd = fd };
	struct search s = { .is = is_id_file, .d = &d };
	bool known = read_small(&s, fd, NAME_DIR_FILE, &c) &&
		     (search_near(&s, &c, NAME_DIR_FILE_LEN) || is_id(&s, &c));
	/* A removal that was interrupted leaves it in the directory above. */
	known = known || search_files(&s, fd) || search_files(&s, p.d.fd);
	return search_end(&s, known, fd, NAME_DIR_FILE);
}
