/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sealed names that do not lie where they belong, in the one directory that was asked about last: made in one pass
 * over it, however many side files it has lost. Each of them is something that the check has told of, so that there
 * are no more of them than findings.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/codec.h"
#include "base/io.h"
#include "crypto/kdf.h"
#include "offline/repair_impl.h"

struct stray {
	uint8_t hash[NAME_HASH_LEN];
	char *name; /* of the file */
};

struct repair_index {
	dev_t dev;
	ino_t in; /* 0: of none */
	struct stray *stray; /* in the order of hashes */
	size_t n, cap;
	int error; /* something could not be read, and may have been one */
};

static void index_clear(struct repair_index *x)
{
	for (size_t i = 0; i < x->n; i++)
		free(x->stray[i].name);
	free(x->stray);
	*x = (struct repair_index){ .in = 0 };
}

void repair_index_free(struct repair *r)
{
	if (r->index)
		index_clear(r->index);
	free(r->index);
	r->index = NULL;
}

int repair_read_small(int dirfd, const char *name, struct repair_bytes *out)
{
	ssize_t n = io_read_file(dirfd, name, out->b, sizeof(out->b));
	out->n = n < 0 ? 0 : (size_t)n;
	bool other = n == -ENOENT || n == -EUCLEAN || n == -EFBIG || n == -ELOOP || n == -EISDIR || n == -ENXIO;
	return n < 0 && !other ? (int)n : 0;
}

static int index_add(struct repair_index *x, const uint8_t hash[static NAME_HASH_LEN], const char *name)
{
	struct stray *more = array_more(x->stray, x->n, &x->cap, sizeof(*more));
	if (!more)
		return -ENOMEM;
	x->stray = more;
	struct stray *s = &x->stray[x->n];
	s->name = strdup(name);
	if (!s->name)
		return -ENOMEM;
	memcpy(s->hash, hash, NAME_HASH_LEN);
	x->n++;
	return 0;
}

/* A file of the format's: is it a sealed name, and not the one that belongs into a file of that name? */
static int index_file(struct repair_index *x, const struct dir *d, const char *name)
{
	struct repair_bytes c;
	uint8_t hash[NAME_HASH_LEN];
	char entry[NAME_DISK_SIZE], right[NAME_DISK_SIZE];
	int err = repair_read_small(d->fd, name, &c);
	if (err < 0)
		return err;
	if (c.n > NAME_SEALED_MAX || !name_needs_hash(c.n))
		return 0;
	kdf_hash(hash, sizeof(hash), NULL, 0, c.b, c.n, NULL, 0);
	name_encode_hashed(right, NAME_LONG_PREFIX, hash);
	if (name_long_entry(name, entry) && strcmp(entry, right) == 0)
		return 0;
	return index_add(x, hash, name);
}

static int compare(const void *a, const void *b)
{
	return memcmp(((const struct stray *)a)->hash, ((const struct stray *)b)->hash, NAME_HASH_LEN);
}

static int index_make(struct repair_index *x, const struct dir *d)
{
	DIR _cleanup_dir_stream_ *stream = NULL;
	const struct dirent *e;
	int err = io_opendir(d->fd, ".", &stream);
	if (err < 0)
		return err;
	while (errno = 0, (e = readdir(stream))) {
		err = name_classify(e->d_name) == NAME_OURS ? index_file(x, d, e->d_name) : 0;
		if (err == -ENOMEM)
			return err;
		if (err < 0)
			x->error = err;
	}
	if (errno)
		return -errno;
	if (x->n > 0)
		qsort(x->stray, x->n, sizeof(*x->stray), compare);
	return 0;
}

/* r->index becomes that of this directory. */
static int index_take(struct repair *r, const struct dir *d)
{
	struct stat sb;
	if (!r->index)
		r->index = calloc(1, sizeof(*r->index));
	if (!r->index)
		return -ENOMEM;
	if (fstat(d->fd, &sb) != 0)
		return -errno;
	if (r->index->in == sb.st_ino && r->index->dev == sb.st_dev)
		return 0;
	index_clear(r->index);
	int err = index_make(r->index, d);
	if (err < 0) {
		index_clear(r->index);
		return err;
	}
	r->index->in = sb.st_ino;
	r->index->dev = sb.st_dev;
	return 0;
}

int repair_index_find(struct repair *r, const struct dir *d, const char *disk, char where[static NAME_DISK_SIZE])
{
	struct stray key;
	const char *code = disk + strlen(NAME_LONG_PREFIX);
	if (codec_b64_decode(key.hash, sizeof(key.hash), code, strlen(code)) != NAME_HASH_LEN)
		return -EUCLEAN;
	int err = index_take(r, d);
	if (err < 0)
		return err;
	const struct repair_index *x = r->index;
	const struct stray *s = x->n > 0 ? bsearch(&key, x->stray, x->n, sizeof(key), compare) : NULL;
	if (!s)
		return x->error;
	strcpy(where, s->name);
	return 1;
}
