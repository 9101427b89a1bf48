/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/symlink.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/io.h"
#include "crypto/kdf.h"
#include "crypto/rng.h"
#include "store/scratch.h"

#define SYMLINK_BOX_MAX (NAME_LINK_OVERHEAD + NAME_LINK_TARGET_MAX)

/* box = nonce || tag || ciphertext */
static int symlink_seal_box(const struct store *st, const char *target, size_t n, uint8_t *box)
{
	struct scratch *sc = scratch_get();
	if (!sc)
		return -ENOMEM;
	rng_bytes(box, AEAD_NONCE_LEN);
	aead_set_key(sc->aead, &st->vault->keys->links);
	int r = aead_seal(sc->aead, box, NAME_LINK_LABEL, strlen(NAME_LINK_LABEL), (const uint8_t *)target, n,
			  box + NAME_LINK_OVERHEAD, box + AEAD_NONCE_LEN);
	aead_clear(sc->aead);
	return r;
}

static int symlink_open_by(const struct vault *v, const uint8_t *box, size_t n, char *target)
{
	struct scratch *sc = scratch_get();
	if (!sc)
		return -ENOMEM;
	aead_set_key(sc->aead, &v->keys->links);
	int r = aead_open(sc->aead, box, NAME_LINK_LABEL, strlen(NAME_LINK_LABEL), box + NAME_LINK_OVERHEAD,
			  n - NAME_LINK_OVERHEAD, (uint8_t *)target, box + AEAD_NONCE_LEN);
	aead_clear(sc->aead);
	return r;
}

static int symlink_open_box(const struct store *st, const uint8_t *box, size_t n, char *target, bool *past)
{
	int r = symlink_open_by(st->vault, box, n, target);
	*past = r == -EBADMSG && st->vault->past;
	return *past ? symlink_open_by(st->vault->past, box, n, target) : r;
}

int symlink_seal(const struct dir *d, const char *target, char *disk)
{
	uint8_t box[SYMLINK_BOX_MAX], hash[NAME_HASH_LEN];
	size_t n = strlen(target);
	if (n > NAME_LINK_TARGET_MAX)
		return -ENAMETOOLONG;
	if (n == 0)
		return -ENOENT;
	int r = symlink_seal_box(d->st, target, n, box);
	if (r < 0)
		return r;
	n += NAME_LINK_OVERHEAD;
	if (CODEC_B64_LEN(n) <= NAME_LINK_TARGET_MAX) {
		codec_b64_encode(disk, box, n);
		return 0;
	}
	kdf_hash(hash, sizeof(hash), NULL, 0, box, n, NULL, 0);
	name_encode_hashed(disk, NAME_SLINK_PREFIX, hash);
	return sidefile_create(&d->st->side, d->fd, disk, box, n);
}

static bool symlink_is_side(const char *target)
{
	return strlen(target) == NAME_SLINK_LEN &&
	       strncmp(target, NAME_SLINK_PREFIX, strlen(NAME_SLINK_PREFIX)) == 0 &&
	       !strchr(target, '/');
}

/* disk "" reads the link that fd is. */
static ssize_t symlink_raw(int fd, const char *disk, char *target)
{
	ssize_t n = readlinkat(fd, disk, target, NAME_LINK_TARGET_MAX);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	return strlen(target) == (size_t)n ? n : -EUCLEAN;
}

static ssize_t symlink_read_side(const struct dir *d, const char *target, uint8_t *box)
{
	uint8_t hash[NAME_HASH_LEN];
	char again[NAME_DISK_SIZE];
	ssize_t n = io_read_file(d->fd, target, box, SYMLINK_BOX_MAX);
	if (n == -ENOENT || n == -EFBIG || n == -ELOOP)
		return -EUCLEAN;
	if (n < 0)
		return n;
	kdf_hash(hash, sizeof(hash), NULL, 0, box, (size_t)n, NULL, 0);
	name_encode_hashed(again, NAME_SLINK_PREFIX, hash);
	return strcmp(again, target) == 0 ? n : -EUCLEAN;
}

/* The link 'disk' below fd; d is where a side file of its would be, or NULL. */
static ssize_t symlink_read_at(const struct store *st, const struct dir *d, int fd, const char *disk,
			       char *target, bool *past)
{
	uint8_t box[SYMLINK_BOX_MAX];
	char raw[NAME_LINK_TARGET_MAX + 1];
	ssize_t n = symlink_raw(fd, disk, raw);
	if (n < 0)
		return n;
	if (!symlink_is_side(raw))
		n = codec_b64_decode(box, sizeof(box), raw, (size_t)n);
	else
		n = d ? symlink_read_side(d, raw, box) : -ENOENT;
	if (n == -EINVAL)
		return -EUCLEAN;
	if (n < 0)
		return n;
	if (n <= (ssize_t)NAME_LINK_OVERHEAD || n > (ssize_t)SYMLINK_BOX_MAX)
		return -EUCLEAN;
	int r = symlink_open_box(st, box, (size_t)n, target, past);
	if (r < 0)
		return r;
	n -= (ssize_t)NAME_LINK_OVERHEAD;
	target[n] = '\0';
	return memchr(target, '\0', (size_t)n) ? -EUCLEAN : n;
}

ssize_t symlink_read(const struct dir *d, const char *disk, char *target)
{
	bool past;
	return symlink_read_at(d->st, d, d->fd, disk, target, &past);
}

ssize_t symlink_read_past(const struct dir *d, const char *disk, char *target, bool *past)
{
	return symlink_read_at(d->st, d, d->fd, disk, target, past);
}

bool symlink_side_is_past(const struct dir *d, const char *side)
{
	uint8_t box[SYMLINK_BOX_MAX];
	char target[NAME_LINK_TARGET_MAX + 1];
	bool past;
	ssize_t n = symlink_is_side(side) ? symlink_read_side(d, side, box) : -EUCLEAN;
	return n > (ssize_t)NAME_LINK_OVERHEAD && symlink_open_box(d->st, box, (size_t)n, target, &past) == 0 && past;
}

ssize_t symlink_read_fd(const struct store *st, int fd, char *target)
{
	bool past;
	return symlink_read_at(st, NULL, fd, "", target, &past);
}

ssize_t symlink_len(const struct dir *d, const char *disk, size_t n)
{
	ssize_t len = name_link_len(n);
	if (len != -ENAMETOOLONG)
		return len;
	char target[NAME_LINK_TARGET_MAX + 1];
	struct stat sb;
	if (symlink_raw(d->fd, disk, target) < 0 || !symlink_is_side(target) ||
	    fstatat(d->fd, target, &sb, AT_SYMLINK_NOFOLLOW) != 0 ||
	    sb.st_size <= (off_t)NAME_LINK_OVERHEAD || sb.st_size > (off_t)SYMLINK_BOX_MAX)
		return -EUCLEAN;
	return (ssize_t)sb.st_size - (ssize_t)NAME_LINK_OVERHEAD;
}

int symlink_side_of(const struct dir *d, const char *disk, char *target, bool last)
{
	struct stat sb;
	if (fstatat(d->fd, disk, &sb, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : -errno;
	return symlink_side_at(d, disk, &sb, target, last);
}

int symlink_side_at(const struct dir *d, const char *disk, const struct stat *sb, char *target, bool last)
{
	if (!S_ISLNK(sb->st_mode) || sb->st_size != (off_t)NAME_SLINK_LEN || (last && sb->st_nlink != 1))
		return 0;
	ssize_t n = symlink_raw(d->fd, disk, target);
	if (n < 0)
		return n == -EUCLEAN || n == -ENOENT ? 0 : (int)n;
	return symlink_is_side(target);
}

void symlink_drop_side(const struct dir *d, const char *target)
{
	if (symlink_is_side(target))
		(void)unlinkat(d->fd, target, 0);
}

int symlink_copy_side(const struct dir *from, const char *disk, struct dir *to, char made[static NAME_DISK_SIZE])
{
	char target[NAME_LINK_TARGET_MAX + 1];
	uint8_t box[SYMLINK_BOX_MAX];
	bool created;
	made[0] = '\0';
	int r = symlink_side_of(from, disk, target, false);
	if (r <= 0)
		return r;
	ssize_t n = symlink_read_side(from, target, box);
	if (n < 0)
		return (int)n;
	r = sidefile_ensure(&to->st->side, to->fd, target, box, (size_t)n, &created);
	if (created)
		memcpy(made, target, NAME_SLINK_LEN + 1);
	return r;
}
