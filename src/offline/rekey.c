/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "offline/rekey.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/io.h"
#include "offline/rekey_impl.h"
#include "offline/walk.h"
#include "store/force.h"
#include "store/symlink.h"
#include "store/xattr.h"

/* ---- names ---- */

static int rename_at(struct rekey *r, const struct dir *d, const char *from, const char *to, unsigned int flags)
{
	if (renameat2(d->fd, from, d->fd, to, flags) == 0)
		return 0;
	if (errno != EACCES)
		return -errno;
	struct force_dir force;
	force_enter(r->st, d->fd, &force);
	int err = renameat2(d->fd, from, d->fd, to, flags) == 0 ? 0 : -errno;
	force_leave(&force);
	return err;
}

static int make_side(struct rekey *r, const struct dir *d, const struct sealed_name *name)
{
	char side[NAME_DISK_SIZE];
	bool created;
	name_long_side(side, name->disk);
	if (r->opt->again)
		(void)rekey_forget_at(r, d, side);
	int err = sidefile_ensure(&r->st->side, d->fd, side, name->sealed, name->len, &created);
	if (err != -EACCES)
		return err;
	struct force_dir force;
	force_enter(r->st, d->fd, &force);
	err = sidefile_ensure(&r->st->side, d->fd, side, name->sealed, name->len, &created);
	force_leave(&force);
	return err;
}

static void drop(struct rekey *r, const struct dir *d, const char *disk)
{
	struct force_dir force;
	force_enter(r->st, d->fd, &force);
	(void)unlinkat(d->fd, disk, 0);
	force_leave(&force);
}

static void drop_side(struct rekey *r, const struct dir *d, const char *disk)
{
	char side[NAME_DISK_SIZE];
	if (name_classify(disk) != NAME_LONG)
		return;
	name_long_side(side, disk);
	drop(r, d, side);
}

static bool is_there(const struct dir *d, const char *disk)
{
	struct stat sb;
	return fstatat(d->fd, disk, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A log that was replayed may have brought the old name back: of the same file, or of a link that was replaced. Nobody
 * makes an entry under the one while there is the other. */
static bool is_left_behind(const struct dir *d, const char *old, const char *new)
{
	char target[NAME_LINK_TARGET_MAX + 1];
	struct stat sa, sb;
	bool past;
	if (fstatat(d->fd, old, &sa, AT_SYMLINK_NOFOLLOW) != 0 || fstatat(d->fd, new, &sb, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	if (sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino)
		return !S_ISDIR(sa.st_mode);
	return S_ISLNK(sa.st_mode) && S_ISLNK(sb.st_mode) && symlink_read_past(d, new, target, &past) >= 0 && !past;
}

/* The entry under the name that the present key gives it. A side file is there before the name that needs it. */
static int rename_entry(struct rekey *r, const struct walk_item *i)
{
	struct sealed_name name;
	if (i->depth == 0)
		return 0;
	int err = dir_seal_new(i->parent, i->name, strlen(i->name), &name);
	bool done = strcmp(name.disk, i->disk) == 0;
	if (err < 0 || (done && !(r->opt->again && name.hashed)))
		return err;
	if (name.hashed)
		err = make_side(r, i->parent, &name);
	if (err < 0 || done)
		return err;
	err = rename_at(r, i->parent, i->disk, name.disk, RENAME_NOREPLACE);
	if (err == -EINVAL) /* a filesystem that cannot; nobody else is here */
		err = is_there(i->parent, name.disk) ? -EEXIST : rename_at(r, i->parent, i->disk, name.disk, 0);
	if (err == -EEXIST && is_left_behind(i->parent, i->disk, name.disk)) {
		drop(r, i->parent, i->disk);
		err = 0;
	}
	if (err == 0)
		drop_side(r, i->parent, i->disk);
	return err;
}

/* ---- links ---- */

static int copy_owner(const struct dir *d, const char *disk, const struct stat *sb)
{
	const struct timespec times[2] = { sb->st_atim, sb->st_mtim };
	if ((geteuid() == 0 || sb->st_gid != getegid()) &&
	    fchownat(d->fd, disk, sb->st_uid, sb->st_gid, AT_SYMLINK_NOFOLLOW) != 0 && errno != EPERM)
		return -errno;
	return utimensat(d->fd, disk, times, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
}

/* What attributes a link may have: none of a user's. Those of security.* are for the system to let one set, or not. */
static int copy_attributes(const struct dir *d, const char *from, const char *to)
{
	char src[IO_FD_PATH], dst[IO_FD_PATH], names[4096], value[4096];
	_cleanup_fd_ int src_fd = openat(d->fd, from, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_fd_ int dst_fd = openat(d->fd, to, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (src_fd < 0 || dst_fd < 0)
		return -errno;
	io_fd_path(src, src_fd);
	io_fd_path(dst, dst_fd);
	ssize_t n = listxattr(src, names, sizeof(names));
	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	for (const char *p = names; p < names + n; p += strlen(p) + 1) {
		ssize_t len = getxattr(src, p, value, sizeof(value));
		if (len < 0 || setxattr(dst, p, value, (size_t)len, 0) != 0)
			if (strncmp(p, "security.", strlen("security.")) != 0)
				return -errno;
	}
	return 0;
}

/* Put a new link in the place of an old one. */
static int replace_link(const struct dir *d, const struct walk_item *i, const char *target)
{
	char disk[NAME_LINK_TARGET_MAX + 1], tmp[NAME_TMP_SIZE];
	int err = symlink_seal(d, target, disk);
	if (err < 0)
		return err;
	dir_tmp_name(tmp);
	err = symlinkat(disk, d->fd, tmp) == 0 ? 0 : -errno;
	if (err == 0)
		err = copy_owner(d, tmp, &i->sb);
	if (err == 0)
		err = copy_attributes(d, i->disk, tmp);
	if (err == 0 && renameat(d->fd, tmp, d->fd, i->disk) != 0)
		err = -errno;
	if (err < 0) {
		(void)unlinkat(d->fd, tmp, 0);
		symlink_drop_side(d, disk);
	}
	return err;
}

/* Does a link open by what the disk has of its side file? */
static bool is_on_disk(const struct rekey *r, const struct dir *d, const char *disk, const char *side)
{
	char target[NAME_LINK_TARGET_MAX + 1];
	bool past;
	return rekey_forget_at(r, d, side) == 0 && symlink_read_past(d, disk, target, &past) >= 0 && !past;
}

static int renew_link(struct rekey *r, const struct walk_item *i)
{
	char target[NAME_LINK_TARGET_MAX + 1], old[NAME_LINK_TARGET_MAX + 1];
	bool past;
	const struct dir *d = i->parent;
	ssize_t n = symlink_read_past(d, i->disk, target, &past);
	if (n < 0 || (!past && !r->opt->again))
		return n < 0 ? (int)n : 0;
	int side = symlink_side_of(d, i->disk, old, true);
	if (side < 0 || (!past && (side == 0 || is_on_disk(r, d, i->disk, old))))
		return side < 0 ? side : 0;
	struct force_dir force;
	force_enter(r->st, d->fd, &force);
	int err = replace_link(d, i, target);
	force_leave(&force);
	if (err == 0 && side > 0)
		drop(r, d, old);
	return err;
}

/* ---- directories ---- */

/* Its ID, signed anew, in the place of the old file. */
static int replace_id(struct rekey *r, const struct dir *d)
{
	uint8_t file[NAME_DIR_FILE_LEN];
	char tmp[NAME_TMP_SIZE];
	dir_tmp_name(tmp);
	dir_id_encode(r->st, file, d->id);
	int err = sidefile_create(&r->st->side, d->fd, tmp, file, sizeof(file));
	if (err < 0)
		return err;
	if (renameat(d->fd, tmp, d->fd, NAME_DIR_FILE) == 0)
		return 0;
	err = -errno;
	(void)unlinkat(d->fd, tmp, 0);
	return err;
}

static int renew_dir(struct rekey *r, const struct walk_item *i)
{
	struct dir _cleanup_dir_ *d = NULL;
	struct force_dir force;
	int err = tree_open_dir(i->parent, i->disk, &d);
	if (err < 0)
		return err == -EUCLEAN ? 0 : err; /* the walk tells it */
	err = rekey_attributes(r, d->fd);
	if (err < 0 && !store_is_damage(err))
		return err;
	if (!d->past && (d->root || !r->opt->again))
		return err;
	force_enter(r->st, d->fd, &force);
	int id = replace_id(r, d);
	force_leave(&force);
	return id < 0 ? id : err;
}

static bool is_left(const struct rekey *r, const struct dir *d, const char *disk)
{
	char entry[NAME_DISK_SIZE];
	struct stat sb;
	if (name_long_entry(disk, entry))
		return fstatat(d->fd, entry, &sb, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
	return atomic_load(&r->left) == 0 && symlink_side_is_past(d, disk);
}

/* Side files that nothing needs any more, but that the old key opens: a cut came before they went, or the link has
 * other names in other directories. */
static void sweep(struct rekey *r, const struct walk_item *i)
{
	struct dir _cleanup_dir_ *d = NULL;
	DIR _cleanup_dir_stream_ *list = NULL;
	if (tree_open_dir(i->parent, i->disk, &d) < 0 || io_opendir(d->fd, ".", &list) < 0)
		return;
	for (const struct dirent *e; (e = readdir(list)) != NULL;) {
		if (name_classify(e->d_name) == NAME_OURS && is_left(r, d, e->d_name))
			drop(r, d, e->d_name);
	}
}

/* ---- the walk ---- */

static void tell(struct rekey *r, const struct walk_item *i, int err)
{
	rekey_tell(r, store_is_damage(err) ? REKEY_DAMAGED : REKEY_LEFT, i->path, i->cipher, err);
}

static int open_file(struct rekey *r, const struct walk_item *i, struct rekey_file *f)
{
	f->fd = openat(i->parent->fd, i->disk, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (f->fd < 0 && errno == EACCES) {
		_cleanup_fd_ int path = openat(i->parent->fd, i->disk, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		int err = path < 0 ? -errno : force_open(r->st, path, O_RDWR, &f->fd);
		if (err < 0)
			return err;
	}
	if (f->fd < 0 || fstat(f->fd, &f->sb) != 0)
		return -errno;
	f->path = strdup(i->path);
	f->cipher = strdup(i->cipher);
	return f->path && f->cipher ? 0 : -ENOMEM;
}

/* One with several names is done here: two threads on one file would write its pages twice. */
static int file_entry(struct rekey *r, const struct walk_item *i)
{
	struct rekey_file f = { .fd = -1 };
	int err = open_file(r, i, &f);
	if (err < 0) {
		rekey_file_free(&f);
		return err;
	}
	if (f.sb.st_nlink == 1)
		return rekey_pool_add(r, &f);
	rekey_one(r, &f);
	return 0;
}

/* Told to stop, it leaves the directories that it is in as it leaves any. */
static int on_entry(void *arg, const struct walk_item *i)
{
	struct rekey *r = arg;
	int err = 0;
	if (r->stopped || rekey_stops(r)) {
		r->stopped = true;
		return WALK_SKIP;
	}
	if (S_ISDIR(i->sb.st_mode))
		err = renew_dir(r, i);
	else if (S_ISREG(i->sb.st_mode))
		err = file_entry(r, i);
	else if (S_ISLNK(i->sb.st_mode))
		err = renew_link(r, i);
	if (err == -ENOMEM)
		return err;
	if (err == -EINTR) {
		r->stopped = true;
		return WALK_SKIP;
	}
	if (err < 0)
		tell(r, i, err);
	err = S_ISDIR(i->sb.st_mode) ? 0 : rename_entry(r, i);
	if (err < 0)
		tell(r, i, err);
	if (!S_ISREG(i->sb.st_mode))
		r->opt->done(r->opt->arg, 1, 0);
	return WALK_ON;
}

/* What lies in a directory first, so that the walk finds it by its name; then its own, and its times. */
static int on_leave(void *arg, const struct walk_item *i)
{
	struct rekey *r = arg;
	const struct timespec times[2] = { i->sb.st_atim, i->sb.st_mtim };
	const char *self = i->depth == 0 ? "." : i->disk;
	if (!r->stopped)
		sweep(r, i);
	if (utimensat(i->parent->fd, self, times, AT_SYMLINK_NOFOLLOW) != 0 && errno != EPERM && errno != EACCES)
		tell(r, i, -errno);
	int err = r->stopped ? 0 : rename_entry(r, i);
	if (err < 0)
		tell(r, i, err);
	return 0;
}

/* Behind a name that opens under neither key, and in a directory that cannot be listed, may lie what the old one opens,
 * and will by its name once it has been repaired. What sync clients keep for themselves is none of that. */
static int on_trouble(void *arg, const struct walk_item *i, enum walk_trouble what, int err)
{
	struct rekey *r = arg;
	if (err == -ENOMEM)
		return err;
	if (what == WALK_NAME && err == -EUCLEAN && name_is_outside(i->disk, i->depth == 1))
		return 0;
	rekey_tell(r, REKEY_LEFT, i->path, i->cipher, err);
	return 0;
}

static const struct walk_ops rekey_ops = { on_entry, on_leave, on_trouble };

static int walk(struct rekey *r, struct tree *t)
{
	struct tree_entry _cleanup_tree_entry_ root = { .dir = NULL };
	int err = tree_resolve(t, "", 0, &root);
	return err < 0 ? err : walk_tree(&root, &rekey_ops, r);
}

int rekey_run(struct tree *t, const struct rekey_options *opt)
{
	struct rekey r = {
		.st = t->st,
		.opt = opt,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.tell = PTHREAD_MUTEX_INITIALIZER,
		.more = PTHREAD_COND_INITIALIZER,
		.room = PTHREAD_COND_INITIALIZER,
	};
	if (!t->st->vault->past)
		return -EINVAL;
	_cleanup_fd_ int root_fd = rekey_open_root(&r);
	if (root_fd < 0)
		return root_fd;
	r.root_fd = root_fd;
	int err = rekey_pool_start(&r);
	if (err == 0)
		err = walk(&r, t);
	rekey_pool_end(&r, err < 0 || r.stopped);
	if (err == 0)
		err = r.stopped && r.error == 0 ? -EINTR : r.error;
	int sync = store_sync(t->st);
	if (err == 0)
		err = sync;
	if (err == 0)
		err = io_syncfs(root_fd); /* which no other has asked whether something failed */
	return err < 0 ? err : atomic_load(&r.left) > 0;
}
