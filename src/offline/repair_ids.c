/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Directory IDs, worked out again. That names of a directory open under it proves an ID: the damaged file with one
 * byte other than it is or without its MAC, or an ID that lies elsewhere in the vault, left there by something
 * interrupted or moved there, where no name opens under it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/io.h"
#include "crypto/rng.h"
#include "offline/repair_impl.h"

#define IDS_SAMPLE 64 /* names that are tried: some may be there that never opened */

/* One that may belong elsewhere than where it lies. */
struct lying {
	uint8_t file[NAME_DIR_FILE_LEN];
	char *cipher; /* path of the file */
};

/* Found in one walk through the names of the vault, the first time that one is missed. There are as many as damaged
 * and empty directories, temporaries and strangers at most. */
struct repair_ids {
	struct lying *v;
	size_t n, cap;
	int error; /* something could not be read: it may have been there */
};

void repair_ids_free(struct repair *r)
{
	for (size_t i = 0; r->ids && i < r->ids->n; i++)
		free(r->ids->v[i].cipher);
	if (r->ids)
		free(r->ids->v);
	free(r->ids);
	r->ids = NULL;
}

/* ---- those that lie about ---- */

/* The ID file of that name. Returns 1, 0 (it is none, or not valid) or -errno. */
static int read_id_file(const struct store *st, int dirfd, const char *name, uint8_t out[static NAME_DIR_FILE_LEN])
{
	struct repair_bytes c;
	int err = repair_read_small(dirfd, name, &c);
	if (err < 0 || c.n != NAME_DIR_FILE_LEN)
		return err;
	bool past;
	memcpy(out, c.b, NAME_DIR_FILE_LEN);
	return dir_id_is_right(st, c.b, &past);
}

/* Takes the path over. */
static int ids_add(struct repair *r, char *cipher)
{
	struct repair_ids *x = r->ids;
	struct repair_place _cleanup_place_ p = REPAIR_NOWHERE;
	_cleanup_free_ char *own = cipher;
	struct lying *more = array_more(x->v, x->n, &x->cap, sizeof(*more));
	if (!more)
		return -ENOMEM;
	x->v = more;
	int found = repair_find(r, own, &p);
	if (found == 0)
		found = read_id_file(r->st, p.d.fd, p.disk, x->v[x->n].file);
	if (found <= 0)
		return found == -ENOENT || found == -EXDEV ? 0 : found;
	x->v[x->n++].cipher = TAKE_PTR(own);
	return 0;
}

static void ids_found(void *arg, const struct check_finding *f)
{
	struct repair *r = arg;
	char *cipher = NULL;
	int err = 0;
	switch (f->kind) {
	case CHECK_OTHER_ID:
	case CHECK_EMPTY:
		err = asprintf(&cipher, "%s/" NAME_DIR_FILE, f->cipher) < 0 ? -ENOMEM : ids_add(r, cipher);
		break;
	case CHECK_TEMPORARY:
	case CHECK_FOREIGN:
		cipher = strdup(f->cipher);
		err = cipher ? ids_add(r, cipher) : -ENOMEM;
		break;
	case CHECK_UNREADABLE: err = -EACCES; break;
	case CHECK_DISK: err = -EIO; break;
	default: break;
	}
	if (err < 0)
		r->ids->error = err;
}

static int ids_load(struct repair *r)
{
	struct check_counts counts;
	const struct check_options opt = { .jobs = 1, .names = true, .found = ids_found, .arg = r };
	if (r->ids)
		return 0;
	r->ids = calloc(1, sizeof(*r->ids));
	if (!r->ids)
		return -ENOMEM;
	int err = check_run(r->st, &opt, &counts);
	if (err < 0)
		repair_ids_free(r);
	return err;
}

/* ---- what proves one ---- */

/* Sealed names of the directory. */
struct sample {
	const struct dir *d;
	size_t n;
	struct {
		size_t len;
		uint8_t sealed[NAME_SEALED_MAX];
	} name[IDS_SAMPLE];
};

static int sample_take(const struct dir *d, struct sample *s)
{
	DIR _cleanup_dir_stream_ *stream = NULL;
	const struct dirent *e;
	s->d = d;
	s->n = 0;
	int err = io_opendir(d->fd, ".", &stream);
	if (err < 0)
		return err;
	while (s->n < IDS_SAMPLE && (errno = 0, e = readdir(stream))) {
		enum name_kind kind = name_classify(e->d_name);
		if (kind != NAME_SEALED && kind != NAME_LONG)
			continue;
		ssize_t n = dir_read_name(d, e->d_name, s->name[s->n].sealed);
		if (n < 0 && n != -EUCLEAN)
			return (int)n;
		if (n >= 0)
			s->name[s->n++].len = (size_t)n;
	}
	return s->n < IDS_SAMPLE ? -errno : 0;
}

/* How many of them open under this ID? */
static size_t sample_opens(const struct sample *s, const uint8_t id[static NAME_DIR_ID_LEN])
{
	struct dir with = { .st = s->d->st, .fd = -1 };
	char name[NAME_PADDED_MAX];
	size_t opened = 0;
	memcpy(with.id, id, sizeof(with.id));
	for (size_t i = 0; i < s->n; i++)
		opened += dir_open_sealed(&with, s->name[i].sealed, s->name[i].len, name) >= 0;
	return opened;
}

/* ---- finding it ---- */

/* The damaged file with any one byte of it other than it is, or an ID with another MAC. */
static bool mend_near(const struct sample *s, const struct repair_bytes *damaged,
		      uint8_t right[static NAME_DIR_FILE_LEN])
{
	uint8_t b[NAME_DIR_FILE_LEN];
	bool past;
	if (damaged->n < NAME_DIR_ID_LEN)
		return false;
	dir_id_encode(s->d->st, right, damaged->b);
	if (sample_opens(s, right) > 0)
		return true;
	if (damaged->n < sizeof(b))
		return false;
	memcpy(b, damaged->b, sizeof(b));
	for (size_t i = 0; i < NAME_DIR_ID_LEN; i++) {
		for (unsigned int x = 1; x < 256; x++) {
			b[i] = (uint8_t)(damaged->b[i] ^ x);
			dir_id_encode(s->d->st, right, b);
			if (dir_id_is_right(s->d->st, b, &past) && sample_opens(s, right) > 0)
				return true;
		}
		b[i] = damaged->b[i];
	}
	return false;
}

/* The one under which most names open. */
static struct lying *find_lying(const struct repair_ids *x, const struct sample *s)
{
	struct lying *best = NULL;
	size_t most = 0;
	for (size_t i = 0; i < x->n; i++) {
		size_t n = sample_opens(s, x->v[i].file);
		if (n > most) {
			best = &x->v[i];
			most = n;
		}
	}
	return best;
}

/* ---- putting it back ---- */

static int put_file(const struct dir *d, const uint8_t file[static NAME_DIR_FILE_LEN])
{
	return io_replace_file(d->fd, NAME_DIR_FILE, NULL, file, NAME_DIR_FILE_LEN, REPAIR_SIDE_MODE);
}

/* No two directories have one ID: an empty one gets another. */
static int renew_empty(const struct repair_place *from)
{
	uint8_t id[NAME_DIR_ID_LEN], file[NAME_DIR_FILE_LEN];
	if (from->d.root || strcmp(from->disk, NAME_DIR_FILE) != 0)
		return 0;
	int empty = dir_is_empty(&from->d);
	if (empty <= 0)
		return empty;
	rng_bytes(id, sizeof(id));
	dir_id_encode(from->d.st, file, id);
	return put_file(&from->d, file);
}

/* The ID files of the directory called so and of x have changed places. */
static void ids_exchanged(const struct repair_ids *ids, const char *cipher, struct lying *x,
			  const uint8_t other[static NAME_DIR_FILE_LEN])
{
	size_t n = strlen(cipher);
	for (size_t i = 0; i < ids->n; i++) {
		struct lying *own = &ids->v[i];
		if (strncmp(own->cipher, cipher, n) == 0 && strcmp(own->cipher + n, "/" NAME_DIR_FILE) == 0)
			memcpy(own->file, x->file, sizeof(own->file));
	}
	memcpy(x->file, other, sizeof(x->file));
}

/* The ID file that lies elsewhere comes to d. If d has one that is another's, that one comes to where this one was:
 * it is needed, too. */
static int put_back(struct repair *r, const struct dir *d, const char *cipher, struct lying *x)
{
	struct repair_place _cleanup_place_ from = REPAIR_NOWHERE;
	uint8_t there[NAME_DIR_FILE_LEN], other[NAME_DIR_FILE_LEN];
	int err = repair_find(r, x->cipher, &from);
	if (err < 0)
		return err;
	int same = read_id_file(r->st, from.d.fd, from.disk, there);
	if (same <= 0 || memcmp(there, x->file, sizeof(there)) != 0)
		return same < 0 ? same : REPAIR_CANNOT;
	int has_other = read_id_file(r->st, d->fd, NAME_DIR_FILE, other);
	if (has_other < 0)
		return has_other;
	if (!has_other) {
		err = put_file(d, x->file);
		return err < 0 ? err : renew_empty(&from);
	}
	err = repair_exchange(d->fd, NAME_DIR_FILE, from.d.fd, from.disk);
	if (err == 0)
		ids_exchanged(r->ids, cipher, x, other);
	return err;
}

static int rebuild(struct repair *r, const struct dir *d, const char *cipher)
{
	struct repair_bytes c;
	uint8_t right[NAME_DIR_FILE_LEN];
	_cleanup_free_ struct sample *s = malloc(sizeof(*s));
	int err = s ? sample_take(d, s) : -ENOMEM;
	if (err == 0)
		err = repair_read_small(d->fd, NAME_DIR_FILE, &c);
	if (err < 0)
		return err;
	if (mend_near(s, &c, right))
		return put_file(d, right);
	err = ids_load(r);
	if (err < 0)
		return err;
	struct lying *x = find_lying(r->ids, s);
	if (!x)
		return r->ids->error < 0 ? r->ids->error : REPAIR_CANNOT;
	return put_back(r, d, cipher, x);
}

int repair_rebuild_id(struct repair *r, const char *cipher)
{
	struct repair_place _cleanup_place_ p = REPAIR_NOWHERE;
	int err = repair_find(r, cipher, &p);
	if (err < 0)
		return err;
	_cleanup_fd_ int fd = repair_open_dir(&p);
	if (fd < 0)
		return fd;
	struct dir d = { .st = r->st, .fd = fd };
	int sound = repair_id_sound(&d);
	if (sound != 0) /* by now: see put_back */
		return sound < 0 ? sound : 0;
	err = rebuild(r, &d, cipher);
	if (err == 0) {
		r->ids_changed = true;
		r->names_in = 0;
	}
	return err;
}

int repair_names_again(struct repair *r, const char *cipher)
{
	struct repair_place _cleanup_place_ p = REPAIR_NOWHERE;
	int err = r->ids_changed ? repair_find(r, cipher, &p) : REPAIR_CANNOT;
	if (err != 0)
		return err;
	int open = repair_name_opens(&p);
	return open < 0 ? open : open ? 0 : REPAIR_CANNOT;
}
