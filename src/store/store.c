/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/store.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "format/name.h"
#include "store/force.h"
#include "store/xattr.h"

/* Does the filesystem below write out just the pages of a folio that were changed? ext4 goes by buffers, xfs by what
 * iomap notes of each block since Linux 6.6. Others were not measured. */
static bool store_writes_by_page(const struct statfs *sf)
{
	struct utsname u;
	unsigned int major = 0, minor = 0;
	if (sf->f_type != XFS_SUPER_MAGIC)
		return sf->f_type == EXT4_SUPER_MAGIC;
	return uname(&u) == 0 && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 6));
}

/* What the filesystem below can do, and cannot. Some keep their files' pages in a file of another one. The log of
 * btrfs, replayed after a power cut, has brought directories back without names that an fsync of them had covered,
 * or with old ones beside new ones: there only a whole commit will do. */
static void store_know(struct store *st)
{
	struct statfs sf;
	if (fstatfs(st->root_fd, &sf) != 0)
		return;
	st->stacked = sf.f_type == OVERLAYFS_SUPER_MAGIC || sf.f_type == ECRYPTFS_SUPER_MAGIC;
	st->by_page = store_writes_by_page(&sf);
	st->logged = sf.f_type == BTRFS_SUPER_MAGIC;
}

int store_open(const struct vault *vault, int root_fd, bool read_only, struct store **out)
{
	struct stat sb;
	if (fstat(root_fd, &sb) != 0)
		return -errno;

	struct store *st = calloc(1, sizeof(*st));
	if (!st)
		return -ENOMEM;
	st->vault = vault;
	st->root_fd = root_fd;
	st->dev = sb.st_dev;
	st->read_only = read_only;
	store_know(st);
	st->acls = xattr_knows_acls(root_fd);
	st->hide_sizes = vault->settings.features & VAULTFILE_FEATURE_HIDE_SIZES;
	pthread_rwlock_init(&st->modes, NULL);
	sidefile_queue_init(&st->side, st->stacked, st->logged);
	if (!read_only)
		sidefile_suspect(&st->side);
	*out = st;
	return 0;
}

void store_free(struct store *st)
{
	if (!st)
		return;
	sidefile_queue_destroy(&st->side);
	pthread_rwlock_destroy(&st->modes);
	free(st);
}

int store_status(const struct store *st, int fd, const char *name, struct stat *sb)
{
	bool mounted;
	int r = io_status(fd, name, sb, &mounted);
	return r == 0 && (mounted || sb->st_dev != st->dev) ? -EXDEV : r;
}

void store_tell_damage(const struct store *st, enum store_damage what, ino_t ino, const char *disk)
{
	if (st->damaged)
		st->damaged(st->damaged_arg, what, ino, disk);
	else if (what == STORE_DAMAGED_NAME)
		log_warn("directory inode %llu: it has a name that does not open; not shown", (unsigned long long)ino);
	else
		log_error("directory inode %llu: %s is %s: its names cannot be read", (unsigned long long)ino,
			  NAME_DIR_FILE, what == STORE_MISSING_ID ? "missing" : "damaged");
}

int store_sync(struct store *st)
{
	int r = sidefile_syncfs(&st->side, st->root_fd);
	return r < 0 ? r : store_drain(st);
}

int store_drain(struct store *st)
{
	return sidefile_drain(&st->side, st->root_fd);
}

int store_sync_dir(struct store *st, int fd)
{
	int r = store_drain(st);
	if (r < 0)
		return r;
	if (st->logged)
		return sidefile_syncfs(&st->side, st->root_fd);
	r = io_fsync_dir(fd);
	if (r != -EACCES)
		return r;
	/* It was opened before its mode kept its owner out. */
	struct force_dir force;
	force_enter(st, fd, &force);
	r = io_fsync_dir(fd);
	force_leave(&force);
	return r;
}
