/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/dirops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "crypto/rng.h"
#include "store/symlink.h"
#include "store/xattr.h"

/* ---- side files of long names ---- */

static int dirops_side_make(struct dir *d, const struct sealed_name *name, bool *created)
{
	*created = false;
	if (!name->hashed)
		return 0;
	char side[NAME_DISK_SIZE];
	name_long_side(side, name->disk);
	return sidefile_ensure(&d->st->side, d->fd, side, name->sealed, name->len, created);
}

void dirops_side_mend(struct dir *d, const struct sealed_name *name)
{
	char side[NAME_DISK_SIZE];
	struct stat sb;
	bool created;
	if (!name->hashed || d->st->read_only)
		return;
	SCOPED_READ(&d->lock);
	name_long_side(side, name->disk);
	if (fstatat(d->fd, side, &sb, AT_SYMLINK_NOFOLLOW) == 0 && sb.st_size == (off_t)name->len)
		return;
	(void)dirops_side_make(d, name, &created);
}

/* Remove a side file if nothing is called so any more. */
static void dirops_side_drop(struct dir *d, const struct sealed_name *name)
{
	struct stat sb;
	if (!name->hashed || fstatat(d->fd, name->disk, &sb, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	char side[NAME_DISK_SIZE];
	name_long_side(side, name->disk);
	(void)unlinkat(d->fd, side, 0);
}

/* ---- owners ---- */

/* Hand the new entry (fd, O_PATH or not) over; a set-gid directory's entries keep its group. */
static int dirops_give(const struct dir *d, int fd, const struct dirops_owner *owner)
{
	if (!owner->set)
		return 0;
	struct stat sb;
	if (fstat(d->fd, &sb) != 0)
		return -errno;
	gid_t gid = sb.st_mode & S_ISGID ? sb.st_gid : owner->gid;
	return fchownat(fd, "", owner->uid, gid, AT_EMPTY_PATH) == 0 ? 0 : -errno;
}

/* The set-id bits that a change of owner has taken away; the rest of the mode may have been inherited. */
static int dirops_set_id(int fd, mode_t mode)
{
	struct stat sb;
	mode &= S_ISUID | S_ISGID;
	if (mode == 0)
		return 0;
	return fstat(fd, &sb) == 0 && fchmod(fd, (sb.st_mode & 07777) | mode) == 0 ? 0 : -errno;
}

/* As dirops_give, by name, for what can be opened only with O_PATH. chown takes set-id bits away. */
static int dirops_give_named(const struct dir *d, const char *disk, const struct dirops_owner *owner)
{
	if (!owner->set)
		return 0;
	_cleanup_fd_ int fd = openat(d->fd, disk, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : dirops_give(d, fd, owner);
}

/* ---- modes ---- */

static mode_t dirops_mode(const struct dir *d, mode_t mode, const struct dirops_owner *owner)
{
	mode_t less = mode & ~(owner->umask & 0777);
	return less == mode || xattr_is_inherited(d) ? mode : less;
}

/* ---- making ---- */

int dirops_create(struct dir *d, const struct sealed_name *name, mode_t mode,
		  const struct dirops_owner *owner, int *out)
{
	SCOPED_READ(&d->lock);
	bool side;
	int r = dirops_side_make(d, name, &side);
	if (r < 0)
		return r;
	mode = dirops_mode(d, mode, owner) & 07777;
	_cleanup_fd_ int fd =
		openat(d->fd, name->disk, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0) {
		r = -errno;
		if (side)
			dirops_side_drop(d, name);
		return r;
	}
	r = dirops_give(d, fd, owner);
	if (r == 0 && owner->set)
		r = dirops_set_id(fd, mode);
	if (r < 0) {
		(void)unlinkat(d->fd, name->disk, 0);
		dirops_side_drop(d, name);
		return r;
	}
	*out = TAKE_FD(fd);
	return 0;
}

int dirops_mknod(struct dir *d, const struct sealed_name *name, mode_t mode, dev_t rdev,
		 const struct dirops_owner *owner)
{
	SCOPED_READ(&d->lock);
	bool side;
	int r = dirops_side_make(d, name, &side);
	if (r < 0)
		return r;
	if (mknodat(d->fd, name->disk, dirops_mode(d, mode, owner), rdev) != 0) {
		r = -errno;
		if (side)
			dirops_side_drop(d, name);
		return r;
	}
	r = dirops_give_named(d, name->disk, owner);
	if (r < 0) {
		(void)unlinkat(d->fd, name->disk, 0);
		dirops_side_drop(d, name);
	}
	return r;
}

int dirops_symlink(struct dir *d, const struct sealed_name *name, const char *target,
		   const struct dirops_owner *owner)
{
	SCOPED_READ(&d->lock);
	bool side;
	char on_disk[NAME_LINK_TARGET_MAX + 1];
	int r = symlink_seal(d, target, on_disk);
	if (r < 0)
		return r;
	r = dirops_side_make(d, name, &side);
	if (r == 0 && symlinkat(on_disk, d->fd, name->disk) != 0) {
		r = -errno;
		if (side)
			dirops_side_drop(d, name);
	} else if (r == 0) {
		r = dirops_give_named(d, name->disk, owner);
		if (r == 0)
			return 0;
		(void)unlinkat(d->fd, name->disk, 0);
		dirops_side_drop(d, name);
	}
	symlink_drop_side(d, on_disk);
	return r;
}

/* A directory with an ID under a temporary name, mode and owner as they are to be. */
static int dirops_mkdir_tmp(struct dir *d, const char *tmp, mode_t mode, const struct dirops_owner *owner)
{
	uint8_t id[NAME_DIR_ID_LEN];
	struct stat sb;
	mode = dirops_mode(d, mode, owner) & 07777;
	if (mkdirat(d->fd, tmp, mode | 0700) != 0 || fstatat(d->fd, tmp, &sb, AT_SYMLINK_NOFOLLOW) != 0)
		return -errno;
	/* What is inherited may not let its owner in. */
	if ((sb.st_mode & 0700) != 0700 && fchmodat(d->fd, tmp, (sb.st_mode & 07777) | 0700, 0) != 0)
		return -errno;
	_cleanup_fd_ int fd = openat(d->fd, tmp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rng_bytes(id, sizeof(id));
	int r = dir_write_id(d->st, fd, id);
	if (r == 0)
		r = dirops_give(d, fd, owner);
	if (r < 0)
		return r;
	/* A set-gid parent has made it set-gid; for group and others it is as mkdir has made it. */
	mode_t want = (sb.st_mode & 07077) | (sb.st_mode & mode & 0700) | (mode & 07000);
	if (want != ((sb.st_mode & 07777) | 0700) && fchmod(fd, want) != 0)
		return -errno;
	return 0;
}

static void dirops_rmdir_tmp(struct dir *d, const char *tmp)
{
	_cleanup_fd_ int fd = openat(d->fd, tmp, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		(void)unlinkat(fd, NAME_DIR_FILE, 0);
	(void)unlinkat(d->fd, tmp, AT_REMOVEDIR);
}

/* Move it into place without replacing anything, also where RENAME_NOREPLACE is not known. */
static int dirops_place(struct dir *d, const char *tmp, const char *disk)
{
	if (renameat2(d->fd, tmp, d->fd, disk, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	struct stat sb;
	if (fstatat(d->fd, disk, &sb, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(d->fd, tmp, d->fd, disk) == 0 ? 0 : -errno;
}

int dirops_mkdir(struct dir *d, const struct sealed_name *name, mode_t mode,
		 const struct dirops_owner *owner)
{
	SCOPED_READ(&d->lock);
	char tmp[NAME_TMP_SIZE];
	struct stat sb;
	bool side = false;

	if (fstatat(d->fd, name->disk, &sb, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	dir_tmp_name(tmp);
	int r = dirops_mkdir_tmp(d, tmp, mode, owner);
	if (r == 0)
		r = dirops_side_make(d, name, &side);
	if (r == 0)
		r = dirops_place(d, tmp, name->disk);
	if (r < 0) {
		dirops_rmdir_tmp(d, tmp);
		if (side)
			dirops_side_drop(d, name);
	}
	return r;
}

int dirops_link(int from, const struct dir *from_dir, const char *from_disk, struct dir *d,
		const struct sealed_name *name)
{
	SCOPED_READ(&d->lock);
	char path[IO_FD_PATH], copied[NAME_DISK_SIZE] = "";
	bool side = false;
	int r = 0;
	if (from_dir && from_dir != d)
		r = symlink_copy_side(from_dir, from_disk, d, copied);
	if (r == 0)
		r = dirops_side_make(d, name, &side);
	io_fd_path(path, from);
	if (r == 0 && linkat(AT_FDCWD, path, d->fd, name->disk, AT_SYMLINK_FOLLOW) != 0)
		r = -errno;
	if (r < 0) {
		if (side)
			dirops_side_drop(d, name);
		symlink_drop_side(d, copied);
	}
	return r;
}

/* ---- removing ---- */

int dirops_unlink(struct dir *d, const struct sealed_name *name)
{
	SCOPED_READ(&d->lock);
	char target[NAME_LINK_TARGET_MAX + 1];
	struct stat sb;
	if (fstatat(d->fd, name->disk, &sb, AT_SYMLINK_NOFOLLOW) != 0)
		return -errno;
	int has_side = symlink_side_at(d, name->disk, &sb, target, true);
	if (has_side < 0)
		return has_side;
	if (sb.st_nlink > 1) { /* its other name may be a new one */
		int r = store_drain(d->st);
		if (r < 0)
			return r;
	}
	if (unlinkat(d->fd, name->disk, 0) != 0)
		return -errno;
	dirops_side_drop(d, name);
	if (has_side)
		symlink_drop_side(d, target);
	return 0;
}

int dirops_rmdir(struct dir *d, const struct sealed_name *name, struct dir *child)
{
	SCOPED_WRITE(&child->lock);
	struct dir_stripped stripped;
	int r = dir_strip(child, d, &stripped);
	if (r < 0)
		return r;
	if (unlinkat(d->fd, name->disk, AT_REMOVEDIR) != 0) {
		r = errno == EEXIST ? -ENOTEMPTY : -errno;
		dir_unstrip(&stripped);
		return r;
	}
	dir_strip_done(&stripped);
	dirops_side_drop(d, name);
	return 0;
}

/* ---- moving ---- */

/* Side files that were made for a rename, to be removed if it fails. */
struct dirops_copies {
	bool side;		   /* of the new name */
	char there[NAME_DISK_SIZE]; /* of a long link target, in the directory it goes to */
	char back[NAME_DISK_SIZE];  /* and in that where it was */
};

/* Long link targets lie beside their links: put copies where the links are going. What is moved may have been
 * synced, and must not come to depend on a side file or directory ID that the disk does not hold yet. */
static int dirops_rename_prepare(struct dir *from_dir, const struct sealed_name *from, bool from_link,
				 struct dir *to_dir, const struct sealed_name *to, bool to_linked,
				 unsigned int flags, struct dirops_copies *copies)
{
	if (from_dir == to_dir) {
		/* What is replaced may have another name, a new one. */
		bool drain = to->hashed || from_link || to_linked || (flags & RENAME_EXCHANGE);
		return drain ? store_drain(to_dir->st) : 0;
	}
	int r = symlink_copy_side(from_dir, from->disk, to_dir, copies->there);
	if (r == 0 && (flags & RENAME_EXCHANGE))
		r = symlink_copy_side(to_dir, to->disk, from_dir, copies->back);
	return r < 0 ? r : store_drain(to_dir->st);
}

/* What a rename left behind: side files of names that are gone, of links that went or were replaced. */
static void dirops_rename_tidy(struct dir *from_dir, const struct sealed_name *from, const char *from_link,
			       struct dir *to_dir, const char *to_link, unsigned int flags)
{
	dirops_side_drop(from_dir, from);
	if (from_dir != to_dir && from_link)
		symlink_drop_side(from_dir, from_link);
	if (to_link && (from_dir != to_dir || !(flags & RENAME_EXCHANGE)))
		symlink_drop_side(to_dir, to_link);
}

static int dirops_rename_locked(struct dir *from_dir, const struct sealed_name *from, struct dir *to_dir,
				const struct sealed_name *to, struct dir *victim, unsigned int flags)
{
	char from_link[NAME_LINK_TARGET_MAX + 1], to_link[NAME_LINK_TARGET_MAX + 1];
	struct stat from_sb, to_sb;
	if (fstatat(from_dir->fd, from->disk, &from_sb, AT_SYMLINK_NOFOLLOW) != 0)
		return -errno;
	bool there = fstatat(to_dir->fd, to->disk, &to_sb, AT_SYMLINK_NOFOLLOW) == 0;
	if (!there && errno != ENOENT)
		return -errno;
	bool linked = there && to_sb.st_nlink > 1 && !S_ISDIR(to_sb.st_mode);
	bool nothing = there && from_sb.st_ino == to_sb.st_ino && from_sb.st_dev == to_sb.st_dev;
	int from_has = symlink_side_at(from_dir, from->disk, &from_sb, from_link, true);
	int to_has = there ? symlink_side_at(to_dir, to->disk, &to_sb, to_link, true) : 0;
	bool strip = victim && !(flags & (RENAME_NOREPLACE | RENAME_EXCHANGE));
	struct dirops_copies copies = { .side = false };
	if (from_has < 0 || to_has < 0)
		return from_has < 0 ? from_has : to_has;

	int r = dirops_side_make(to_dir, to, &copies.side);
	if (r == 0)
		r = dirops_rename_prepare(from_dir, from, from_has > 0, to_dir, to, linked, flags, &copies);
	struct dir_stripped stripped = { .dir = NULL };
	if (r == 0 && strip) {
		r = dir_strip(victim, to_dir, &stripped);
		if (r < 0)
			stripped.dir = NULL;
	}
	if (r == 0 && renameat2(from_dir->fd, from->disk, to_dir->fd, to->disk, flags) != 0)
		r = errno == EEXIST && !(flags & RENAME_NOREPLACE) ? -ENOTEMPTY : -errno;
	if (r < 0) {
		if (stripped.dir)
			dir_unstrip(&stripped);
		if (copies.side)
			dirops_side_drop(to_dir, to);
		symlink_drop_side(to_dir, copies.there);
		symlink_drop_side(from_dir, copies.back);
		return r;
	}
	if (stripped.dir)
		dir_strip_done(&stripped);
	if (!nothing) /* two names of one inode stay */
		dirops_rename_tidy(from_dir, from, from_has ? from_link : NULL, to_dir, to_has ? to_link : NULL,
				   flags);
	return 0;
}

int dirops_rename(struct dir *from_dir, const struct sealed_name *from, struct dir *to_dir,
		  const struct sealed_name *to, struct dir *victim, unsigned int flags)
{
	if (flags & ~(unsigned int)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	SCOPED_READ(&to_dir->lock);
	if (!victim)
		return dirops_rename_locked(from_dir, from, to_dir, to, NULL, flags);
	SCOPED_WRITE(&victim->lock);
	return dirops_rename_locked(from_dir, from, to_dir, to, victim, flags);
}

int dirops_give_whiteout(const struct dir *d, const struct sealed_name *name, const struct dirops_owner *owner)
{
	return dirops_give_named(d, name->disk, owner);
}
