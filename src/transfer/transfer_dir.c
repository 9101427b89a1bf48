/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A directory: entered before what is in it, and given its attributes after that. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "transfer/transfer_impl.h"

/* Something of this name that is no directory is in the way. */
static int dir_conflict(struct transfer *x)
{
	enum transfer_trouble what = x->opt->mode == TRANSFER_CHECK ? TRANSFER_DIFFERS : TRANSFER_CONFLICT;
	transfer_tell_event(x, (struct transfer_event){ .what = what, .differences = TRANSFER_TYPE });
	return -ENOTDIR;
}

/* Nothing may get out of the vault, into what is mounted in the mount. */
static int dir_is_inside(const struct transfer *x, int fd)
{
	struct stat sb;
	bool mounted;
	int r = io_status(fd, "", &sb, &mounted);
	return r < 0 ? r : mounted || sb.st_dev != x->dst_dev ? -EXDEV : 0;
}

/* One of ours that is not for us to change, such as an earlier run left: it gets its mode at the end. */
static int dir_open_closed(int dir, const char *name)
{
	char path[IO_FD_PATH];
	struct stat sb;
	_cleanup_fd_ int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &sb) != 0)
		return -errno;
	io_fd_path(path, fd);
	if ((sb.st_mode & 0700) == 0700 || sb.st_uid != geteuid())
		return 0;
	return chmod(path, (sb.st_mode & 07777) | 0700) == 0 ? 0 : -errno;
}

/* The target's directory for the one at hand. Returns a descriptor, or -errno: -ENOENT if there is none and none is to
 * be made, -ENOTDIR if something else is there (told); the rest is to be told. */
static int dir_target(struct transfer *x, int dir, const char *name)
{
	bool copy = x->opt->mode == TRANSFER_COPY;
	struct stat sb;
	if (dir < 0)
		return -ENOENT;
	if (copy && mkdirat(dir, name, 0700) == 0)
		transfer_last(x)->changed = true;
	else if (copy && errno != EEXIST)
		return -errno;
	if (fstatat(dir, name, &sb, AT_SYMLINK_NOFOLLOW) != 0)
		return -errno;
	if (!S_ISDIR(sb.st_mode))
		return dir_conflict(x);
	int r = copy && !x->opt->owners ? dir_open_closed(dir, name) : 0;
	_cleanup_fd_ int fd = r < 0 ? r : transfer_open_dir(dir, name);
	if (fd < 0)
		return fd;
	r = dir_is_inside(x, fd);
	return r < 0 ? r : TAKE_FD(fd);
}

/* What the target has beside what the source has. */
static int dir_extras(struct transfer *x, const struct transfer_level *l)
{
	struct transfer_names there;
	int r = transfer_names_load(l->dst, &there);
	if (r < 0)
		r = transfer_tell(x, TRANSFER_UNCHECKED, r);
	for (size_t i = 0; r == 0 && i < there.n; i++) {
		if (transfer_names_have(&l->names, there.name[i]))
			continue;
		r = transfer_path_push(x, there.name[i]);
		if (r == 0)
			r = transfer_tell(x, TRANSFER_EXTRA, 0);
		transfer_path_cut(x, l->path_len);
	}
	transfer_names_free(&there);
	return r;
}

int transfer_dir_enter(struct transfer *x, int src, int dst, const struct stat *sb)
{
	int r = transfer_level_push(x, src, dst, sb);
	if (r < 0)
		return r;
	struct transfer_level *l = transfer_last(x);
	r = transfer_names_load(l->src, &l->names);
	if (r < 0)
		r = transfer_tell(x, TRANSFER_UNREAD, r);
	if (r == 0 && x->opt->mode == TRANSFER_CHECK && l->dst >= 0)
		r = dir_extras(x, l);
	return r;
}

/* The vault, or what is being written: the target may be mounted a second time, in the source, and have no end. */
static bool dir_is_avoided(const struct transfer *x, const struct stat *sb)
{
	const struct transfer_options *o = x->opt;
	return (o->has_avoid && sb->st_dev == o->avoid_dev && sb->st_ino == o->avoid_ino) ||
	       (x->dst_top >= 0 && sb->st_dev == x->dst_dev && sb->st_ino == x->dst_ino);
}

int transfer_dir_entry(struct transfer *x, const char *name, const struct stat *seen, bool mounted)
{
	struct transfer_level *l = transfer_last(x);
	if (dir_is_avoided(x, seen))
		return transfer_tell(x, TRANSFER_AVOIDED, 0);
	if (mounted && !x->opt->cross_mounts)
		return transfer_tell(x, TRANSFER_MOUNTED, 0);
	x->counts->dirs++;
	struct stat sb;
	_cleanup_fd_ int src = transfer_open_dir(l->src, name);
	if (src < 0 || fstat(src, &sb) != 0)
		return transfer_tell(x, TRANSFER_UNREAD, src < 0 ? src : -errno);
	if (dir_is_avoided(x, &sb))
		return transfer_tell(x, TRANSFER_AVOIDED, 0);
	int dst = dir_target(x, l->dst, name);
	if (dst == -ENOTDIR)
		return 0;
	if (dst == -ENOENT && x->opt->mode == TRANSFER_CHECK)
		return transfer_tell(x, TRANSFER_MISSING, 0);
	if (dst < 0 && dst != -ENOENT)
		return transfer_tell(x, x->opt->mode == TRANSFER_CHECK ? TRANSFER_UNCHECKED : TRANSFER_UNWRITTEN, dst);
	return transfer_dir_enter(x, TAKE_FD(src), dst < 0 ? -1 : dst, &sb);
}

/* All in it is done; a time set before would have changed since. */
int transfer_dir_leave(struct transfer *x)
{
	struct transfer_level *l = transfer_last(x);
	int r = 0;
	if (x->n == 1)
		transfer_place_end(x);
	if (l->dst >= 0 && l->src >= 0 && x->opt->mode == TRANSFER_CHECK)
		r = transfer_compare_dir(x, l);
	if (l->dst >= 0 && l->src >= 0 && x->opt->mode == TRANSFER_COPY) {
		transfer_attr_copy(x, l->src, l->dst, &l->src_sb);
		int err = l->changed ? io_fsync(l->dst, false) : 0;
		r = err < 0 ? transfer_tell(x, TRANSFER_UNWRITTEN, err) : 0;
	}
	int err = transfer_level_pop(x);
	if (err < 0) { /* moved meanwhile, or gone */
		transfer_last(x)->at = transfer_last(x)->names.n;
		err = transfer_tell(x, TRANSFER_UNREAD, err);
	}
	return r < 0 ? r : err;
}
