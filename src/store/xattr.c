/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/xattr.h"

#include <errno.h>
#include <limits.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/codec.h"
#include "base/io.h"
#include "crypto/kdf.h"
#include "crypto/rng.h"
#include "store/scratch.h"

#define XATTR_USER "user."
#define XATTR_PLAIN_MAX 250u
#define XATTR_SEALED_MAX (XATTR_PLAIN_MAX + SIV_TAG_LEN)
#define XATTR_BOX_OVERHEAD (AEAD_NONCE_LEN + AEAD_TAG_LEN)
#define XATTR_AD_MAX (sizeof(NAME_XATTR_LABEL) + XATTR_SEALED_MAX)

/* One attribute's name, sealed. */
struct xattr_name {
	char disk[XATTR_NAME_MAX + 1];
	bool hashed;
	size_t len;
	uint8_t sealed[XATTR_SEALED_MAX];
	uint8_t hash[NAME_HASH_LEN];
};

static const uint8_t xattr_nonce[16];

/* ---- names ---- */

static bool xattr_has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool xattr_is_acl(const char *name)
{
	return strcmp(name, XATTR_ACL_ACCESS) == 0 || strcmp(name, XATTR_ACL_DEFAULT) == 0;
}

/* 1: user.*, to be sealed. 0: passes. Else -EOPNOTSUPP. */
static int xattr_class(const struct store *st, const char *name)
{
	if (xattr_has_prefix(name, XATTR_USER))
		return 1;
	if (xattr_has_prefix(name, "security.") || xattr_has_prefix(name, "trusted."))
		return 0;
	return st->acls && xattr_is_acl(name) ? 0 : -EOPNOTSUPP;
}

bool xattr_knows_acls(int fd)
{
	char path[IO_FD_PATH];
	io_fd_path(path, fd);
	return getxattr(path, XATTR_ACL_DEFAULT, NULL, 0) >= 0 || errno == ENODATA;
}

bool xattr_is_inherited(const struct dir *d)
{
	char path[IO_FD_PATH];
	io_fd_path(path, d->fd);
	return d->st->acls && getxattr(path, XATTR_ACL_DEFAULT, NULL, 0) > 0;
}

static int xattr_seal_name(const struct vault *v, const char *name, struct xattr_name *out)
{
	const char *plain = name + strlen(XATTR_USER);
	size_t n = strlen(plain);
	if (n == 0)
		return -EINVAL;
	if (n > XATTR_PLAIN_MAX)
		return -ERANGE;
	siv_seal(v->xattr_names, NAME_XATTR_LABEL, strlen(NAME_XATTR_LABEL), xattr_nonce,
		 sizeof(xattr_nonce), (const uint8_t *)plain, n, out->sealed);
	out->len = n + SIV_TAG_LEN;
	out->hashed = strlen(NAME_XATTR_PREFIX) + CODEC_B64_LEN(out->len) > XATTR_NAME_MAX;
	if (out->hashed) {
		kdf_hash(out->hash, sizeof(out->hash), NULL, 0, out->sealed, out->len, NULL, 0);
		strcpy(out->disk, NAME_XATTR_LONG_PREFIX);
		codec_b64_encode(out->disk + strlen(out->disk), out->hash, sizeof(out->hash));
	} else {
		strcpy(out->disk, NAME_XATTR_PREFIX);
		codec_b64_encode(out->disk + strlen(out->disk), out->sealed, out->len);
	}
	return 0;
}

/* ---- values ---- */

static size_t xattr_ad(uint8_t *ad, const struct xattr_name *name)
{
	struct bytes_writer w = { .p = ad, .cap = XATTR_AD_MAX };
	bytes_put(&w, NAME_XATTR_LABEL, strlen(NAME_XATTR_LABEL));
	bytes_put(&w, name->hashed ? name->hash : name->sealed, name->hashed ? sizeof(name->hash) : name->len);
	return w.len;
}

/* Seal body (n bytes) into box. */
static int xattr_seal_value(const struct vault *v, const struct xattr_name *name, const uint8_t *body,
			    size_t n, uint8_t *box)
{
	uint8_t ad[XATTR_AD_MAX];
	struct scratch *sc = scratch_get();
	if (!sc)
		return -ENOMEM;
	size_t ad_len = xattr_ad(ad, name);
	rng_bytes(box, AEAD_NONCE_LEN);
	aead_set_key(sc->aead, &v->keys->xattr_values);
	int r = aead_seal(sc->aead, box, ad, ad_len, body, n, box + XATTR_BOX_OVERHEAD, box + AEAD_NONCE_LEN);
	aead_clear(sc->aead);
	return r;
}

/* Open box (n bytes) in place. Returns the body's length, its beginning in *body. */
static ssize_t xattr_open_value(const struct vault *v, const struct xattr_name *name, uint8_t *box, size_t n,
				uint8_t **body)
{
	uint8_t ad[XATTR_AD_MAX];
	if (n < XATTR_BOX_OVERHEAD)
		return -EUCLEAN;
	struct scratch *sc = scratch_get();
	if (!sc)
		return -ENOMEM;
	size_t ad_len = xattr_ad(ad, name);
	*body = box + XATTR_BOX_OVERHEAD;
	aead_set_key(sc->aead, &v->keys->xattr_values);
	int r = aead_open(sc->aead, box, ad, ad_len, *body, n - XATTR_BOX_OVERHEAD, *body, box + AEAD_NONCE_LEN);
	aead_clear(sc->aead);
	return r < 0 ? r : (ssize_t)(n - XATTR_BOX_OVERHEAD);
}

/* Read and open the attribute whose disk name is set, hashed or not, into a buffer to free. *value is the
 * value in it; for a hashed name 'sealed' is filled in from the body. */
static ssize_t xattr_load(const struct vault *v, const char *path, struct xattr_name *name, uint8_t **buf,
			  uint8_t **value)
{
	*buf = malloc(XATTR_SIZE_MAX);
	if (!*buf)
		return -ENOMEM;
	ssize_t n = getxattr(path, name->disk, *buf, XATTR_SIZE_MAX);
	if (n < 0)
		return -errno;
	n = xattr_open_value(v, name, *buf, (size_t)n, value);
	if (n < 0 || !name->hashed)
		return n;
	if (n < 2)
		return -EUCLEAN;
	size_t len = get_le16(*value);
	if (len > sizeof(name->sealed) || len + 2 > (size_t)n)
		return -EUCLEAN;
	uint8_t hash[NAME_HASH_LEN];
	kdf_hash(hash, sizeof(hash), NULL, 0, *value + 2, len, NULL, 0);
	if (memcmp(hash, name->hash, sizeof(hash)) != 0)
		return -EUCLEAN;
	memcpy(name->sealed, *value + 2, len);
	name->len = len;
	*value += 2 + len;
	return n - 2 - (ssize_t)len;
}

/* ---- the four calls ---- */

/* Is there such an attribute on disk? Returns 0, -ENODATA, or -errno. */
static int xattr_there(const char *path, const char *disk)
{
	return getxattr(path, disk, NULL, 0) < 0 ? -errno : 0;
}

/* The attribute as it is on disk: under the present key, or while there is one under that of the epoch before. Returns
 * 0 with *v whose it is, -ENODATA with *v the present one, or -errno. */
static int xattr_find(const struct store *st, const char *path, const char *name, struct xattr_name *x,
		      const struct vault **v)
{
	*v = st->vault;
	int r = xattr_seal_name(*v, name, x);
	if (r == 0)
		r = xattr_there(path, x->disk);
	if (r != -ENODATA || !st->vault->past)
		return r;
	struct xattr_name before;
	r = xattr_seal_name(st->vault->past, name, &before);
	if (r == 0)
		r = xattr_there(path, before.disk);
	if (r == 0) {
		*x = before;
		*v = st->vault->past;
	}
	return r;
}

ssize_t xattr_get(const struct store *st, int fd, const char *name, void *value, size_t size)
{
	char path[IO_FD_PATH];
	struct xattr_name x;
	const struct vault *v;
	int class = xattr_class(st, name);
	io_fd_path(path, fd);
	if (class < 0)
		return class;
	if (class == 0) {
		ssize_t n = getxattr(path, name, value, size);
		return n < 0 ? -errno : n;
	}
	/* Most answers are "none", and cost no memory. */
	int r = xattr_find(st, path, name, &x, &v);
	if (r < 0)
		return r;

	_cleanup_free_ uint8_t *buf = NULL;
	uint8_t *plain;
	ssize_t n = xattr_load(v, path, &x, &buf, &plain);
	if (n < 0 || size == 0)
		return n;
	if ((size_t)n > size)
		return -ERANGE;
	memcpy(value, plain, (size_t)n);
	return n;
}

/* Seal a value and set it, under v's keys. */
static int xattr_put(const struct vault *v, const char *path, const struct xattr_name *x, const void *value,
		     size_t size, int flags)
{
	size_t extra = x->hashed ? 2 + x->len : 0;
	if (size > XATTR_SIZE_MAX - XATTR_BOX_OVERHEAD - extra)
		return -ENOSPC; /* what a local filesystem says when it does not fit */
	_cleanup_free_ uint8_t *body = malloc(extra + size + 1);
	_cleanup_free_ uint8_t *box = malloc(XATTR_BOX_OVERHEAD + extra + size);
	if (!body || !box)
		return -ENOMEM;
	if (x->hashed) {
		put_le16(body, (uint16_t)x->len);
		memcpy(body + 2, x->sealed, x->len);
	}
	if (size > 0)
		memcpy(body + extra, value, size);
	int r = xattr_seal_value(v, x, body, extra + size, box);
	if (r < 0)
		return r;
	return setxattr(path, x->disk, box, XATTR_BOX_OVERHEAD + extra + size, flags) == 0 ? 0 : -errno;
}

int xattr_set(const struct store *st, int fd, const char *name, const void *value, size_t size, int flags)
{
	char path[IO_FD_PATH];
	struct xattr_name x;
	const struct vault *v = st->vault;
	int class = xattr_class(st, name);
	io_fd_path(path, fd);
	if (class < 0)
		return class;
	if (class == 0)
		return setxattr(path, name, value, size, flags) == 0 ? 0 : -errno;
	/* One of the epoch before keeps its key: setting is one step, and exact about what was there. */
	int r = v->past ? xattr_find(st, path, name, &x, &v) : xattr_seal_name(v, name, &x);
	if (r == -ENODATA)
		r = xattr_seal_name(v = st->vault, name, &x);
	return r < 0 ? r : xattr_put(v, path, &x, value, size, flags);
}

/* What a cut has left beside an attribute of the present epoch goes first: it would show once that has gone. */
static int xattr_remove_past(const struct vault *past, const char *path, const char *name)
{
	struct xattr_name x;
	int r = xattr_seal_name(past, name, &x);
	if (r < 0)
		return r;
	return removexattr(path, x.disk) == 0 || errno == ENODATA ? 0 : -errno;
}

int xattr_remove(const struct store *st, int fd, const char *name)
{
	char path[IO_FD_PATH];
	struct xattr_name x;
	const struct vault *v;
	int class = xattr_class(st, name);
	io_fd_path(path, fd);
	if (class < 0)
		return class;
	if (class == 1) {
		int r = st->vault->past ? xattr_find(st, path, name, &x, &v) : xattr_seal_name(st->vault, name, &x);
		if (r == 0 && st->vault->past && v == st->vault)
			r = xattr_remove_past(st->vault->past, path, name);
		if (r < 0)
			return r;
		name = x.disk;
	}
	return removexattr(path, name) == 0 ? 0 : -errno;
}

/* The plain name, NUL-terminated behind "user.", of one on disk that is sealed under v's keys. Returns its length
 * without the NUL, 0 if it does not open, or -errno. */
static ssize_t xattr_plain_by(const struct vault *v, const char *path, const char *disk, char *plain)
{
	struct xattr_name x;
	_cleanup_free_ uint8_t *buf = NULL;
	uint8_t *value;
	strcpy(x.disk, disk);
	x.hashed = xattr_has_prefix(disk, NAME_XATTR_LONG_PREFIX);
	const char *code = disk + strlen(x.hashed ? NAME_XATTR_LONG_PREFIX : NAME_XATTR_PREFIX);
	if (x.hashed) {
		if (codec_b64_decode(x.hash, sizeof(x.hash), code, strlen(code)) != sizeof(x.hash))
			return 0;
		ssize_t r = xattr_load(v, path, &x, &buf, &value);
		if (r < 0)
			return store_is_damage((int)r) || r == -ENODATA ? 0 : r;
	} else {
		ssize_t len = codec_b64_decode(x.sealed, sizeof(x.sealed), code, strlen(code));
		if (len <= (ssize_t)SIV_TAG_LEN)
			return 0;
		x.len = (size_t)len;
	}
	strcpy(plain, XATTR_USER);
	char *at = plain + strlen(XATTR_USER);
	if (x.len <= SIV_TAG_LEN || x.len - SIV_TAG_LEN > XATTR_PLAIN_MAX ||
	    siv_open(v->xattr_names, NAME_XATTR_LABEL, strlen(NAME_XATTR_LABEL), xattr_nonce,
		     sizeof(xattr_nonce), x.sealed, x.len, (uint8_t *)at) < 0)
		return 0;
	at[x.len - SIV_TAG_LEN] = '\0';
	size_t n = strlen(XATTR_USER) + x.len - SIV_TAG_LEN;
	return strlen(plain) == n ? (ssize_t)n : 0;
}

/* A sealed attribute's, with *v whose keys opened it. */
static ssize_t xattr_plain_sealed(const struct store *st, const char *path, const char *disk, char *plain,
				  const struct vault **v)
{
	*v = st->vault;
	ssize_t n = xattr_plain_by(*v, path, disk, plain);
	if (n != 0 || !st->vault->past)
		return n;
	*v = st->vault->past;
	return xattr_plain_by(*v, path, disk, plain);
}

/* Is there one of that name under the present key? Then that counts. */
static bool xattr_is_renewed(const struct store *st, const char *path, const char *plain)
{
	struct xattr_name x;
	return xattr_seal_name(st->vault, plain, &x) == 0 && xattr_there(path, x.disk) == 0;
}

/* Any's. Returns 0 if it is not to be shown (foreign, damaged, just gone, there under both keys). */
static ssize_t xattr_plain_name(const struct store *st, const char *path, const char *disk, char *plain)
{
	const struct vault *v;
	size_t n = strlen(disk);
	if (xattr_class(st, disk) == 0) {
		memcpy(plain, disk, n + 1);
		return (ssize_t)n;
	}
	if (!xattr_has_prefix(disk, NAME_XATTR_PREFIX) || n > XATTR_NAME_MAX)
		return 0;
	ssize_t r = xattr_plain_sealed(st, path, disk, plain, &v);
	return r > 0 && v != st->vault && xattr_is_renewed(st, path, plain) ? 0 : r;
}

/* All names on disk, in a buffer to free. Returns their length, 0 (then there is no buffer) or -errno. */
static ssize_t xattr_disk_names(const char *path, char **out)
{
	ssize_t need = listxattr(path, NULL, 0);
	if (need <= 0)
		return need < 0 ? -errno : 0;
	_cleanup_free_ char *disk = malloc(XATTR_LIST_MAX);
	if (!disk)
		return -ENOMEM;
	ssize_t n = listxattr(path, disk, XATTR_LIST_MAX);
	if (n < 0)
		return -errno;
	*out = TAKE_PTR(disk);
	return n;
}

ssize_t xattr_list(const struct store *st, int fd, bool trusted, char *list, size_t size)
{
	char path[IO_FD_PATH], plain[XATTR_NAME_MAX + 1];
	_cleanup_free_ char *disk = NULL;
	io_fd_path(path, fd);
	ssize_t n = xattr_disk_names(path, &disk);
	if (n <= 0)
		return n;

	size_t total = 0;
	for (const char *p = disk; p < disk + n; p += strlen(p) + 1) {
		ssize_t r = xattr_plain_name(st, path, p, plain);
		if (r < 0)
			return r;
		if (r == 0 || (!trusted && xattr_has_prefix(plain, "trusted.")))
			continue;
		size_t len = (size_t)r;
		if (size > 0 && total + len + 1 > size)
			return -ERANGE;
		if (size > 0)
			memcpy(list + total, plain, len + 1);
		total += len + 1;
	}
	return (ssize_t)total;
}

/* One that is stored otherwise than its name would be is never found by it. */
static ssize_t xattr_verify_one(const struct vault *v, const char *path, const char *disk, const char *plain)
{
	struct xattr_name x;
	_cleanup_free_ uint8_t *buf = NULL;
	uint8_t *value;
	int r = xattr_seal_name(v, plain, &x);
	if (r == 0)
		r = strcmp(x.disk, disk) == 0 ? 0 : -EUCLEAN;
	return r < 0 ? r : xattr_load(v, path, &x, &buf, &value);
}

int xattr_verify(const struct store *st, int fd, void (*bad)(void *arg, const char *name), void *arg)
{
	char path[IO_FD_PATH], plain[XATTR_NAME_MAX + 1];
	_cleanup_free_ char *disk = NULL;
	io_fd_path(path, fd);
	ssize_t n = xattr_disk_names(path, &disk);
	if (n <= 0)
		return (int)n;
	for (const char *p = disk; p < disk + n; p += strlen(p) + 1) {
		if (!xattr_has_prefix(p, NAME_XATTR_PREFIX))
			continue;
		const struct vault *v;
		bool named = xattr_plain_sealed(st, path, p, plain, &v) > 0;
		ssize_t len = named ? xattr_verify_one(v, path, p, plain) : -EUCLEAN;
		if (store_is_damage((int)len))
			bad(arg, named ? plain : NULL);
		else if (len < 0 && len != -ENODATA)
			return (int)len;
	}
	return 0;
}

/* One attribute: set anew first, so that it is never missing. */
static int xattr_renew_one(const struct vault *now, const struct vault *past, const char *path, const char *disk)
{
	char plain[XATTR_NAME_MAX + 1];
	struct xattr_name x, before;
	_cleanup_free_ uint8_t *buf = NULL;
	uint8_t *value;
	ssize_t n = xattr_plain_by(past, path, disk, plain);
	if (n <= 0)
		return n < 0 ? (int)n : -EUCLEAN;
	int r = xattr_seal_name(past, plain, &before);
	if (r == 0)
		r = xattr_seal_name(now, plain, &x);
	if (r < 0)
		return r;
	n = strcmp(before.disk, disk) == 0 ? xattr_load(past, path, &before, &buf, &value) : -EUCLEAN;
	if (n < 0)
		return (int)n;
	r = xattr_there(path, x.disk); /* then a cut came between the two steps */
	if (r == -ENODATA)
		r = xattr_put(now, path, &x, value, (size_t)n, 0);
	if (r == -ENOSPC)
		return -E2BIG; /* room for both is needed for a moment, of which ext4 may have but a page */
	if (r < 0)
		return r;
	return removexattr(path, disk) == 0 ? 0 : -errno;
}

int xattr_renew(const struct store *st, int fd)
{
	char path[IO_FD_PATH], plain[XATTR_NAME_MAX + 1];
	_cleanup_free_ char *disk = NULL;
	io_fd_path(path, fd);
	ssize_t n = xattr_disk_names(path, &disk);
	int result = 0;
	if (n <= 0)
		return n == -EOPNOTSUPP ? 0 : (int)n;
	for (const char *p = disk; p < disk + n; p += strlen(p) + 1) {
		if (!xattr_has_prefix(p, NAME_XATTR_PREFIX))
			continue;
		ssize_t mine = xattr_plain_by(st->vault, path, p, plain);
		int r = mine != 0 ? (int)(mine < 0 ? mine : 0) : xattr_renew_one(st->vault, st->vault->past, path, p);
		if (result == 0 || !store_is_damage(r))
			result = r < 0 ? r : result;
	}
	return result;
}
