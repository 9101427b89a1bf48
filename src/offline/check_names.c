/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lies in a directory: names, side files, the ID, links; and files opened for check_file.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/codec.h"
#include "offline/check_impl.h"
#include "store/symlink.h"
#include "store/xattr.h"

static bool has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* ---- attributes ---- */

/* Who is told of what in the file or directory that is being looked at. */
struct subject {
	struct check *c;
	struct check_place at;
};

static void bad_xattr(void *arg, const char *name)
{
	struct subject *s = arg;
	check_tell_xattr(s->c, s->at, name);
}

static void check_xattrs(struct check *c, int fd, struct check_place at)
{
	struct subject s = { c, at };
	if (c->opt->quick || c->opt->names || c->opt->measure)
		return;
	int r = xattr_verify(c->st, fd, bad_xattr, &s);
	if (r < 0 && r != -ENOTSUP)
		check_failed(c, r, at);
}

/* ---- the directory itself ---- */

int check_names_enter(struct check *c, struct check_dir *d)
{
	struct check_place at = { d, NULL, NULL };
	d->entered = true;
	atomic_fetch_add(&c->counts->directories, 1);
	check_xattrs(c, d->d.fd, at);
	if (!d->parent)
		return 0;
	int r = dir_read_id(&d->d);
	d->named = r == 0;
	if (r != -ENOENT && r != -EUCLEAN)
		return r;
	int empty = dir_is_empty(&d->d);
	if (empty < 0)
		return empty;
	check_tell(c, empty ? CHECK_NO_ID : CHECK_DIR_ID, at);
	return 0;
}

static int hash_add(struct check_hashes *list, const uint8_t hash[static NAME_HASH_LEN])
{
	void *more = array_more(list->h, list->n, &list->cap, NAME_HASH_LEN);
	if (!more)
		return -ENOMEM;
	list->h = more;
	memcpy(list->h[list->n++], hash, NAME_HASH_LEN);
	return 0;
}

static int hash_compare(const void *a, const void *b)
{
	return memcmp(a, b, NAME_HASH_LEN);
}

/* The hash in the name of a long link target's side file. */
static bool hash_of(const char *disk, uint8_t hash[static NAME_HASH_LEN])
{
	const char *code = disk + strlen(NAME_SLINK_PREFIX);
	return strlen(disk) == NAME_SLINK_LEN &&
	       codec_b64_decode(hash, NAME_HASH_LEN, code, strlen(code)) == NAME_HASH_LEN;
}

/* Whatever it is called: if it is a link with a side file, that is needed. */
static void note_link(struct check *c, struct check_dir *d, const char *disk)
{
	char target[NAME_LINK_TARGET_MAX + 1];
	uint8_t hash[NAME_HASH_LEN];
	int r = c->opt->measure || c->opt->names ? 0 : symlink_side_of(&d->d, disk, target, false);
	if (r < 0)
		d->links_unsure = true;
	else if (r > 0 && hash_of(target, hash) && hash_add(&d->links, hash) < 0)
		check_stop(c, -ENOMEM);
}

static void tell_orphans(struct check *c, struct check_dir *d)
{
	char disk[NAME_DISK_SIZE];
	if (d->links_unsure || c->opt->names)
		return;
	if (d->links.n > 0)
		qsort(d->links.h, d->links.n, NAME_HASH_LEN, hash_compare);
	for (size_t i = 0; i < d->sides.n; i++) {
		if (d->links.n > 0 && bsearch(d->sides.h[i], d->links.h, d->links.n, NAME_HASH_LEN, hash_compare))
			continue;
		name_encode_hashed(disk, NAME_SLINK_PREFIX, d->sides.h[i]);
		check_tell(c, CHECK_ORPHAN, (struct check_place){ d, disk, NULL });
	}
}

/* Is the ID the directory's own? It is if a name opens under it. */
static void tell_id(struct check *c, struct check_dir *d)
{
	struct check_place at = { d, NULL, NULL };
	if (!d->parent || !d->named)
		return;
	if (d->shut && !d->opened)
		check_tell(c, CHECK_OTHER_ID, at);
	else if (!d->any && c->opt->names)
		check_tell(c, CHECK_EMPTY, at);
}

void check_names_leave(struct check *c, struct check_dir *d)
{
	tell_orphans(c, d);
	tell_id(c, d);
}

/* ---- names that belong to the format ---- */

/* It is a copy for safety: nothing is lost with it. */
static void check_backup(struct check *c, struct check_place at)
{
	int r = c->opt->measure ? 0 : vault_check_backup(c->st->vault, at.dir->d.fd);
	if (r == -EUCLEAN || r == -EPROTONOSUPPORT)
		check_tell(c, CHECK_BACKUP, at);
	else if (r < 0)
		check_failed(c, r, at);
}

/* What the format has besides side files. The settings have been checked when the vault was unlocked. */
static bool is_known(struct check *c, struct check_place at)
{
	if (at.dir->parent)
		return strcmp(at.disk, NAME_DIR_FILE) == 0;
	if (strcmp(at.disk, NAME_SETTINGS_BACKUP) == 0) {
		check_backup(c, at);
		return true;
	}
	return strcmp(at.disk, NAME_SETTINGS_FILE) == 0 || strcmp(at.disk, NAME_LOST_DIR) == 0;
}

static void check_ours(struct check *c, struct check_dir *d, const char *disk)
{
	char entry[NAME_DISK_SIZE];
	uint8_t hash[NAME_HASH_LEN];
	struct check_place at = { d, disk, NULL };
	struct stat sb;
	if (is_known(c, at))
		return;
	if (has_prefix(disk, NAME_TMP_PREFIX)) {
		check_tell(c, CHECK_TEMPORARY, at);
	} else if (name_long_entry(disk, entry)) {
		if (fstatat(d->d.fd, entry, &sb, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
			check_tell(c, CHECK_ORPHAN, at);
	} else if (has_prefix(disk, NAME_SLINK_PREFIX) && hash_of(disk, hash)) {
		if (hash_add(&d->sides, hash) < 0)
			check_stop(c, -ENOMEM);
	} else {
		note_link(c, d, disk);
		check_tell(c, CHECK_FOREIGN, at);
	}
}

/* ---- entries ---- */

/* Room for one more. Returns 0 or -ENOMEM. */
static int inodes_grow(struct check_inodes *s)
{
	struct check_inodes more = { NULL, s->n, s->cap ? 2 * s->cap : 1024 };
	if (2 * s->n < s->cap)
		return 0;
	more.ino = calloc(more.cap, sizeof(*more.ino));
	if (!more.ino)
		return -ENOMEM;
	for (size_t i = 0; i < s->cap; i++) {
		size_t at = s->ino[i] % more.cap;
		while (s->ino[i] != 0 && more.ino[at] != 0)
			at = (at + 1) % more.cap;
		if (s->ino[i] != 0)
			more.ino[at] = s->ino[i];
	}
	free(s->ino);
	*s = more;
	return 0;
}

/* Has this inode, which has several links, been seen? Returns 1, 0 (now it has) or -ENOMEM. */
static int seen_before(struct check *c, ino_t ino)
{
	SCOPED_LOCK(&c->lock);
	if (inodes_grow(&c->seen) < 0)
		return -ENOMEM;
	size_t at = ino % c->seen.cap;
	while (c->seen.ino[at] != 0 && c->seen.ino[at] != ino)
		at = (at + 1) % c->seen.cap;
	if (c->seen.ino[at] == ino)
		return 1;
	c->seen.ino[at] = ino;
	c->seen.n++;
	return 0;
}

/* The plain name into item->plain, "" if it does not open. Returns false if that cannot be told. */
static bool open_name(struct check *c, struct check_dir *d, struct check_item *item)
{
	char name[NAME_PADDED_MAX];
	item->plain[0] = '\0';
	atomic_fetch_add(&c->counts->names, 1);
	if (!d->named || c->opt->measure)
		return true;
	ssize_t n = dir_open_name(&d->d, item->disk, name);
	struct check_place at = { d, item->disk, NULL };
	if (n == -EUCLEAN) {
		bool lost = name_classify(item->disk) == NAME_LONG && !dir_has_side(&d->d, item->disk);
		d->shut = d->shut || !lost;
		check_tell(c, lost ? CHECK_LONG_NAME : CHECK_NAME, at);
		return true;
	}
	if (n < 0) {
		check_failed(c, (int)n, at);
		return false;
	}
	d->opened = true;
	memcpy(item->plain, name, (size_t)n);
	item->plain[n] = '\0';
	return true;
}

static const char *known(const struct check_item *item)
{
	return item->plain[0] ? item->plain : NULL;
}

static void check_link(struct check *c, const struct check_item *item)
{
	char target[NAME_LINK_TARGET_MAX + 1];
	struct check_dir *d = item->dir;
	struct check_place at = { d, item->disk, known(item) };
	atomic_fetch_add(&c->counts->links, 1);
	if (c->opt->measure || c->opt->names)
		return;
	ssize_t n = symlink_read(&d->d, item->disk, target);
	if (store_is_damage((int)n))
		check_tell(c, CHECK_LINK, at);
	else if (n < 0)
		check_failed(c, (int)n, at);
}

static void check_regular(struct check *c, const struct check_item *item, const struct stat *sb)
{
	int seen = sb->st_nlink > 1 ? seen_before(c, sb->st_ino) : 0;
	if (seen < 0)
		check_stop(c, seen);
	if (seen != 0)
		return;
	atomic_fetch_add(&c->counts->files, 1);
	if (c->opt->names)
		return;
	if (!c->opt->measure) {
		check_walk_file(c, item);
		return;
	}
	uint64_t on_disk = (uint64_t)sb->st_blocks * CHECK_SECTOR, size = (uint64_t)sb->st_size;
	atomic_fetch_add(&c->counts->bytes, on_disk < size ? on_disk : size);
}

static void check_child(struct check *c, const struct check_item *item, struct check_dir **children)
{
	struct check_dir *child = check_dirs_new(c, item->dir, item->disk, known(item));
	if (!child) {
		check_stop(c, -ENOMEM);
		return;
	}
	child->below = *children;
	*children = child;
}

static void check_entry(struct check *c, struct check_dir *d, const char *disk, struct check_dir **children)
{
	struct check_item item = { .dir = d };
	struct stat sb;
	strcpy(item.disk, disk);
	int err = store_status(c->st, d->d.fd, disk, &sb);
	if (err < 0 && err != -EXDEV) {
		d->links_unsure = true;
		check_failed(c, err, (struct check_place){ d, disk, NULL });
		return;
	}
	if (S_ISLNK(sb.st_mode))
		note_link(c, d, disk);
	if (!open_name(c, d, &item))
		return;
	if (err < 0)
		check_failed(c, err, (struct check_place){ d, disk, known(&item) });
	else if (S_ISDIR(sb.st_mode))
		check_child(c, &item, children);
	else if (S_ISREG(sb.st_mode))
		check_regular(c, &item, &sb);
	else if (S_ISLNK(sb.st_mode))
		check_link(c, &item);
	else
		atomic_fetch_add(&c->counts->specials, 1);
}

void check_names_entry(struct check *c, struct check_dir *d, const char *disk, struct check_dir **children)
{
	enum name_kind kind = name_classify(disk);
	d->any = d->any || kind != NAME_OURS;
	switch (kind) {
	case NAME_SEALED:
	case NAME_LONG:
		check_entry(c, d, disk, children);
		break;
	case NAME_OURS:
		check_ours(c, d, disk);
		break;
	default:
		note_link(c, d, disk);
		check_tell(c, name_is_outside(disk, !d->parent) ? CHECK_OUTSIDE : CHECK_FOREIGN,
			   (struct check_place){ d, disk, NULL });
	}
}

/* ---- files ---- */

static void found_in_file(void *arg, enum check_kind kind, uint64_t offset, uint64_t length)
{
	struct subject *s = arg;
	if (length > 0)
		check_tell_range(s->c, kind, s->at, offset, length);
	else
		check_tell(s->c, kind, s->at);
}

static int check_content(struct check *c, int fd, struct check_place at)
{
	struct subject s = { c, at };
	struct check_sink sink = { found_in_file, &s };
	struct check_file f;
	struct stat sb;
	if (fstat(fd, &sb) != 0)
		return -errno;
	if (!S_ISREG(sb.st_mode))
		return -EBUSY; /* something else has been put in its place */
	check_xattrs(c, fd, at);
	int r = check_file_load(c->st, fd, &f, &sink);
	if (r < 0 || f.len == 0)
		return r;
	return check_walk_blocks(c, &f, &sink);
}

void check_names_file(struct check *c, const struct check_item *item)
{
	struct check_place at = { item->dir, item->disk, known(item) };
	_cleanup_fd_ int fd = check_dirs_open(item->dir->d.fd, item->disk, 0);
	int r = fd < 0 ? fd : check_content(c, fd, at);
	if (r < 0)
		check_failed(c, r, at);
}
