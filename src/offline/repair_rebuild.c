/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Side files of long names, worked out again. Its hash proves what is found: the damaged side file with one byte
 * other than it is or with something behind it, or another file of the format's in the same directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "crypto/kdf.h"
#include "offline/repair_impl.h"

/* The name on disk to which these bytes, if they are a sealed name, belong. Returns false if they are none. */
static bool entry_of(const uint8_t *b, size_t n, char disk[static NAME_DISK_SIZE])
{
	uint8_t hash[NAME_HASH_LEN];
	if (n > NAME_SEALED_MAX || !name_needs_hash(n))
		return false;
	kdf_hash(hash, sizeof(hash), NULL, 0, b, n, NULL, 0);
	name_encode_hashed(disk, NAME_LONG_PREFIX, hash);
	return true;
}

static bool is_of(const char *disk, const struct repair_bytes *c, size_t n)
{
	char entry[NAME_DISK_SIZE];
	return n <= c->n && entry_of(c->b, n, entry) && strcmp(entry, disk) == 0;
}

/* Is it the first n bytes, or these with any one of them other than it is? */
static bool is_near(const char *disk, struct repair_bytes *c, size_t n)
{
	if (n > c->n)
		return false;
	if (is_of(disk, c, n))
		return true;
	for (size_t i = 0; i < n; i++) {
		uint8_t was = c->b[i];
		for (unsigned int x = 1; x < 256; x++) {
			c->b[i] = (uint8_t)(was ^ x);
			if (is_of(disk, c, n))
				return true;
		}
		c->b[i] = was;
	}
	return false;
}

/* What belongs into the side file, into 'right'. Returns 1, 0 (nothing tells) or -errno. */
static int find_right(struct repair *r, const struct repair_place *p, const char *side, struct repair_bytes *right)
{
	char where[NAME_DISK_SIZE];
	int err = repair_index_find(r, &p->d, p->disk, where);
	if (err > 0 && repair_read_small(p->d.fd, where, right) == 0 && is_of(p->disk, right, right->n))
		return 1;
	int unread = err < 0 ? err : 0;
	err = repair_read_small(p->d.fd, side, right);
	if (err < 0)
		return err;
	for (size_t n = NAME_SEALED_MAX; name_needs_hash(n); n -= NAME_PAD) {
		if (is_near(p->disk, right, n)) {
			right->n = n;
			return 1;
		}
	}
	return unread;
}

/* The entry with a long name, its side file damaged or missing, to which belongs what lies in 'side'. Returns 1, 0
 * or -errno. */
static int other_owner(const struct dir *d, const char *side, char entry[static NAME_DISK_SIZE])
{
	struct repair_bytes c;
	struct stat sb;
	int err = repair_read_small(d->fd, side, &c);
	if (err < 0 || !entry_of(c.b, c.n, entry))
		return err;
	if (fstatat(d->fd, entry, &sb, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : -errno;
	return !dir_has_side(d, entry);
}

/* Whatever lies in the place of a side file and belongs to another entry goes there, in exchange for what is in
 * that one's, as often as there is such: each time one more is right. */
static int clear_way(const struct dir *d, const char *side)
{
	char entry[NAME_DISK_SIZE], to[NAME_DISK_SIZE];
	int r;
	while ((r = other_owner(d, side, entry)) > 0) {
		name_long_side(to, entry);
		r = repair_exchange(d->fd, side, d->fd, to);
		if (r < 0)
			break;
	}
	return r;
}

int repair_rebuild_long(struct repair *r, const char *cipher)
{
	struct repair_place _cleanup_place_ p = REPAIR_NOWHERE;
	char side[NAME_DISK_SIZE];
	struct repair_bytes right;
	int err = repair_find(r, cipher, &p);
	if (err < 0)
		return err;
	if (dir_has_side(&p.d, p.disk)) /* by now: see clear_way */
		return repair_name_opens(&p) > 0 ? 0 : REPAIR_CANNOT;
	name_long_side(side, p.disk);
	int known = find_right(r, &p, side, &right);
	if (known <= 0)
		return known < 0 ? known : REPAIR_CANNOT;
	err = clear_way(&p.d, side);
	if (err < 0 || dir_has_side(&p.d, p.disk))
		return err;
	return io_replace_file(p.d.fd, side, NULL, right.b, right.n, REPAIR_SIDE_MODE);
}
