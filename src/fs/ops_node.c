/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lookup forget forget_multi getattr setattr readlink statfs */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fs/node.h"
#include "fs/ops.h"
#include "fs/reply.h"
#include "store/dirops.h"
#include "store/symlink.h"

static int node_lookup(struct fs *fs, fuse_ino_t parent, const char *name, struct node **n, struct stat *sb)
{
	_cleanup_node_dir_ struct node_dir d;
	struct sealed_name sealed;
	int r = node_dir_hold(fs, parent, &d);
	if (r == 0)
		r = dir_seal_name(d.dir, name, strlen(name), &sealed);
	if (r == 0)
		r = node_enter(fs, &d, sealed.disk, n, sb);
	if (r == 0)
		dirops_side_mend(d.dir, &sealed);
	return r;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct node *n = NULL;
	struct stat sb;
	int r = node_lookup(fs_of(req), parent, name, &n, &sb);
	if (r == -ENOENT)
		reply_negative(req);
	else
		reply_entry(req, r, n, &sb);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	struct fs *fs = fs_of(req);
	inode_forget(&fs->inodes, fs_node(fs, ino), nlookup);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct fs *fs = fs_of(req);
	for (size_t i = 0; i < count; i++)
		inode_forget(&fs->inodes, fs_node(fs, forgets[i].ino), forgets[i].nlookup);
	fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct stat sb;
	(void)fi; /* open content is found by its node */
	int r = node_stat(fs, fs_node(fs, ino), &sb);
	reply_attr(req, r, &sb);
}

/* ---- setattr ---- */

static int node_set_mode_owner(const struct node_fd *fd, const struct stat *attr, int to_set)
{
	char path[IO_FD_PATH];
	SCOPED_READ(&fd->fs->st->modes);
	/* A chown of nothing says nothing at all (or what ctime is with a writeback cache). It changes that, and takes
	 * set-id bits away. */
	if ((to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) || (to_set & ~FUSE_SET_ATTR_CTIME) == 0) {
		uid_t uid = to_set & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1;
		gid_t gid = to_set & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1;
		/* Before a write the kernel says nothing at all either; who may write is not always the owner. */
		bool passed = to_set == 0 && !fd->fs->serve_others;
		if (fchownat(fd->fd, "", uid, gid, AT_EMPTY_PATH) != 0 && !(passed && errno == EPERM))
			return -errno;
	}
	if (to_set & FUSE_SET_ATTR_MODE) {
		io_fd_path(path, fd->fd);
		if (chmod(path, attr->st_mode & 07777) != 0)
			return -errno;
	}
	return 0;
}

/* The kernel, whose mtime counts with a writeback cache, sends it by itself after a write or a change of name. A
 * file of another's can be written without being permitted that: it has the time of the write then, and nothing
 * is lost. Whoever asks for a time by utimensat has been turned away by the kernel already. */
static bool node_is_own_mtime(const struct fs *fs, int to_set)
{
	return fs->st->alone && (to_set & FUSE_SET_ATTR_MTIME) &&
	       !(to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW));
}

static int node_set_times(struct node *n, const struct node_fd *fd, const struct stat *attr, int to_set)
{
	char path[IO_FD_PATH];
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };
	if (to_set & FUSE_SET_ATTR_ATIME_NOW)
		times[0].tv_nsec = UTIME_NOW;
	else if (to_set & FUSE_SET_ATTR_ATIME)
		times[0] = attr->st_atim;
	if (to_set & FUSE_SET_ATTR_MTIME_NOW)
		times[1].tv_nsec = UTIME_NOW;
	else if (to_set & FUSE_SET_ATTR_MTIME)
		times[1] = attr->st_mtim;
	if (times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT)
		return 0;
	struct file *f = S_ISREG(n->type) ? node_file_peek(fd->fs, n) : NULL;
	int r;
	if (f) {
		r = file_set_times(f, times);
		node_file_put(fd->fs, n);
	} else {
		io_fd_path(path, fd->fd);
		r = utimensat(AT_FDCWD, path, times, 0) == 0 ? 0 : -errno;
	}
	return (r == -EPERM || r == -EACCES) && node_is_own_mtime(fd->fs, to_set) ? 0 : r;
}

/* All but the size; and the status after it. */
static int node_set_attr(struct fs *fs, struct node *n, const struct stat *attr, int to_set, struct stat *sb)
{
	{
		_cleanup_node_fd_ struct node_fd fd;
		int r = node_fd_get(fs, n, &fd);
		if (r == 0)
			r = node_set_mode_owner(&fd, attr, to_set);
		if (r == 0)
			r = node_set_times(n, &fd, attr, to_set);
		if (r < 0)
			return r;
	}
	return node_stat(fs, n, sb);
}

static int node_setattr(fuse_req_t req, struct node *n, const struct stat *attr, int to_set, struct stat *sb)
{
	struct fs *fs = fs_of(req);
	if (fs->read_only)
		return -EROFS;
	if (!(to_set & FUSE_SET_ATTR_SIZE))
		return node_set_attr(fs, n, attr, to_set, sb);

	/* Held to the end: once it is cut, nothing else shall fail for want of a descriptor. */
	_cleanup_node_file_ struct node_file f;
	int r = node_file_hold(fs, n, true, &f);
	if (r == 0 || (attr->st_size == 0 && store_is_damage(r))) {
		r = node_clear_asked(fs, n, req);
		if (r == 0)
			r = file_truncate(f.file, (uint64_t)attr->st_size);
	}
	damage_report(fs, n, DAMAGE_CONTENT, "truncate", r);
	if (r < 0)
		return r;
	if (!(to_set & FUSE_SET_ATTR_MTIME))
		to_set |= FUSE_SET_ATTR_MTIME_NOW;
	return node_set_attr(fs, n, attr, to_set, sb);
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		       struct fuse_file_info *fi)
{
	struct stat sb;
	(void)fi;
	int r = node_setattr(req, fs_node(fs_of(req), ino), attr, to_set, &sb);
	reply_attr(req, r, &sb);
}

/* ---- the rest ---- */

static ssize_t node_readlink(struct fs *fs, struct node *n, char *target)
{
	struct stat sb;
	_cleanup_node_loc_ struct node_loc loc;
	int r = node_loc_find(fs, n, &loc, &sb);
	if (r == 0)
		return symlink_read(loc.dir, loc.disk, target);
	if (r != -ENOENT)
		return r;
	_cleanup_fd_ int pin = inode_pin(&fs->inodes, n);
	return pin < 0 ? -ESTALE : symlink_read_fd(fs->st, pin, target);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct fs *fs = fs_of(req);
	char target[NAME_LINK_TARGET_MAX + 1];
	struct node *node = fs_node(fs, ino);
	ssize_t n = node_readlink(fs, node, target);
	if (n < 0) {
		damage_report(fs, node, DAMAGE_LINK, "readlink", (int)n);
		reply_result(req, (int)n);
	} else {
		(void)fuse_reply_readlink(req, target);
	}
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs sv;
	(void)ino;
	if (fstatvfs(fs_of(req)->st->root_fd, &sv) != 0) {
		reply_result(req, -errno);
		return;
	}
	sv.f_namemax = NAME_MAX_LEN;
	(void)fuse_reply_statfs(req, &sv);
}

void ops_node_install(struct fuse_lowlevel_ops *ops)
{
	ops->lookup = op_lookup;
	ops->forget = op_forget;
	ops->forget_multi = op_forget_multi;
	ops->getattr = op_getattr;
	ops->setattr = op_setattr;
	ops->readlink = op_readlink;
	ops->statfs = op_statfs;
}
