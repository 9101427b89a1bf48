/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Locations, descriptors and status of nodes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fs/channel.h"
#include "fs/node_impl.h"
#include "store/attr.h"

/* ---- locations ---- */

/* Location number i. Returns 0, -ENOENT if there are not so many, or -errno. */
static int node_loc_get(struct fs *fs, struct node *n, size_t i, struct node_loc *out)
{
	struct node *parent;
	if (!inode_where(&fs->inodes, n, i, &parent, out->disk))
		return -ENOENT;
	int r = node_dir_get(fs, parent, &out->dir);
	if (r < 0) {
		inode_unref(&fs->inodes, parent);
		return r == -ENOENT ? -ESTALE : r;
	}
	out->parent = parent;
	return 0;
}

static bool node_is(const struct fs *fs, const struct node *n, const struct stat *sb)
{
	return sb->st_ino == n->ino && sb->st_dev == fs->st->dev && (sb->st_mode & S_IFMT) == n->type;
}

/* Is it at location number i? */
static int node_loc_try(struct fs *fs, struct node *n, size_t i, struct node_loc *out, struct stat *sb)
{
	int r = node_loc_get(fs, n, i, out);
	if (r < 0)
		return r;
	r = dir_stat(out->dir, out->disk, sb);
	if (r == 0 && node_is(fs, n, sb))
		return 0;
	node_loc_cleanup(out);
	return r == 0 || r == -ENOENT ? -ESTALE : r;
}

int node_loc_find(struct fs *fs, struct node *n, struct node_loc *out, struct stat *sb)
{
	out->fs = fs;
	out->parent = NULL;
	struct node_try try = node_try_begin(fs);
	int r;
	do {
		size_t i = 0;
		do
			r = node_loc_try(fs, n, i, out, sb);
		while (r == -ESTALE && ++i < NODE_NAMES_MAX);
		if (r == -ENOENT && i > 0)
			r = -ESTALE;
	} while (r == -ESTALE && node_try_again(&try));
	return r;
}

void node_loc_cleanup(struct node_loc *l)
{
	if (!l->parent)
		return;
	node_dir_put(l->fs, l->parent);
	inode_unref(&l->fs->inodes, l->parent);
	l->parent = NULL;
}

/* ---- descriptors ---- */

/* Open what has no name any more. */
static int node_open_pin(struct fs *fs, struct node *n, int flags, int *out)
{
	char path[IO_FD_PATH];
	struct stat sb;
	_cleanup_fd_ int pin = inode_pin(&fs->inodes, n);
	if (pin < 0)
		return -ESTALE;
	if (flags & O_PATH) {
		*out = TAKE_FD(pin);
		return 0;
	}
	io_fd_path(path, pin);
	_cleanup_fd_ int fd = open(path, (flags & ~O_NOFOLLOW) | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &sb) != 0)
		return -errno;
	if (!node_is(fs, n, &sb))
		return -ESTALE;
	*out = TAKE_FD(fd);
	return 0;
}

static int node_open_once(struct fs *fs, struct node *n, int flags, int *out)
{
	struct stat sb;
	_cleanup_node_loc_ struct node_loc loc;
	int r = node_loc_find(fs, n, &loc, &sb);
	if (r == -ENOENT)
		return node_open_pin(fs, n, flags, out);
	if (r < 0)
		return r;
	_cleanup_fd_ int fd = openat(loc.dir->fd, loc.disk, flags | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? -ESTALE : -errno;
	if (fstat(fd, &sb) != 0)
		return -errno;
	if (!node_is(fs, n, &sb))
		return -ESTALE;
	*out = TAKE_FD(fd);
	return 0;
}

int node_open(struct fs *fs, struct node *n, int flags, int *out)
{
	struct node_try try = node_try_begin(fs);
	int r;
	do
		r = node_open_once(fs, n, flags, out);
	while (r == -ESTALE && node_try_again(&try));
	return r;
}

int node_fd_get(struct fs *fs, struct node *n, struct node_fd *out)
{
	*out = (struct node_fd){ .fs = fs, .fd = -1 };
	if (S_ISDIR(n->type)) {
		struct dir *d;
		int r = node_dir_get(fs, n, &d);
		if (r == 0) {
			out->node = n;
			out->fd = d->fd;
			return 0;
		}
		if (r != -EUCLEAN && r != -EACCES)
			return r; /* one that is damaged, or closed to its owner, can still be looked at */
	}
	struct file *f = node_file_peek(fs, n);
	if (f) {
		out->node = n;
		out->is_file = true;
		out->fd = file_fd(f);
		return 0;
	}
	int r = node_open(fs, n, O_PATH, &out->fd);
	out->own = r == 0;
	return r;
}

void node_fd_cleanup(struct node_fd *f)
{
	if (f->own)
		close(f->fd);
	else if (f->node && f->is_file)
		node_file_put(f->fs, f->node);
	else if (f->node)
		node_dir_put(f->fs, f->node);
}

/* ---- status ---- */

static void node_told(struct fs *fs, struct node *n, bool by_hint)
{
	SCOPED_LOCK(inode_lock(&fs->inodes, n));
	n->by_hint = by_hint;
}

/* What the size hint lies about, found out at an earlier opening. In shared mode another may have written since. */
static bool node_known_size(struct fs *fs, struct node *n, const struct stat *sb, uint64_t *size)
{
	SCOPED_LOCK(inode_lock(&fs->inodes, n));
	if (!n->size_known ||
	    (fs->shared && (sb->st_size != n->raw_size || sb->st_ctim.tv_sec != n->raw_ctime.tv_sec ||
			    sb->st_ctim.tv_nsec != n->raw_ctime.tv_nsec)))
		return false;
	*size = n->true_size;
	return true;
}

/* The size of a regular file, if that is known for certain. Else its hint is what the kernel is told. */
static bool node_size_at_hand(struct fs *fs, struct node *n, struct stat *sb)
{
	uint64_t size;
	struct file *f = node_file_peek(fs, n);
	bool known = f || node_known_size(fs, n, sb, &size);
	if (f) {
		(void)file_revalidate(f);
		size = file_size(f);
		node_file_put(fs, n);
	}
	node_told(fs, n, !known);
	if (known)
		sb->st_size = (off_t)size;
	return known;
}

int node_plain(struct fs *fs, struct node *n, const struct dir *dir, const char *disk, struct stat *sb)
{
	return S_ISREG(n->type) && node_size_at_hand(fs, n, sb) ? 0 : attr_plain(dir, disk, sb);
}

static int node_enter_found(struct fs *fs, const struct node_dir *d, const char *disk, struct node **n,
			    struct stat *sb)
{
	struct node *found;
	int r = inode_lookup(&fs->inodes, d->node, disk, sb, &found);
	if (r < 0)
		return r;
	r = node_plain(fs, found, d->dir, disk, sb);
	if (r < 0)
		inode_forget(&fs->inodes, found, 1);
	else
		*n = found;
	return r;
}

int node_enter(struct fs *fs, const struct node_dir *d, const char *disk, struct node **n, struct stat *sb)
{
	int r = dir_stat(d->dir, disk, sb);
	return r < 0 ? r : node_enter_found(fs, d, disk, n, sb);
}

/* What has just been made has this number: a node that has it, too, is of something that went behind our back, and
 * what the kernel keeps of that must not be taken for this. */
static void node_lose_number(struct fs *fs, const struct stat *sb)
{
	struct node *old = inode_find(&fs->inodes, sb->st_ino);
	if (!old)
		return;
	inode_lose_name(&fs->inodes, old, NULL, "", -1, true);
	rest_leave(fs, old);
	inode_unref(&fs->inodes, old);
}

int node_enter_made(struct fs *fs, const struct node_dir *d, const char *disk, struct node **n, struct stat *sb)
{
	int r = dir_stat(d->dir, disk, sb);
	if (r < 0)
		return r;
	if (S_ISDIR(sb->st_mode) || sb->st_nlink == 1)
		node_lose_number(fs, sb);
	return node_enter_found(fs, d, disk, n, sb);
}

int node_drop_bits(struct fs *fs, struct node *n, node_bits_fn *which, fuse_req_t req)
{
	_cleanup_node_fd_ struct node_fd fd;
	char path[IO_FD_PATH];
	struct stat sb;
	int r = node_fd_get(fs, n, &fd);
	if (r < 0)
		return r;
	{
		SCOPED_READ(&fs->st->modes);
		if (fstat(fd.fd, &sb) != 0)
			return -errno;
	}
	if ((sb.st_mode & which(req, &sb)) == 0)
		return 0;
	SCOPED_WRITE(&fs->st->modes); /* nobody sets another mode between the two */
	if (fstat(fd.fd, &sb) != 0)
		return -errno;
	mode_t bits = sb.st_mode & which(req, &sb);
	io_fd_path(path, fd.fd);
	return bits == 0 ? 0 : chmod(path, sb.st_mode & 07777 & ~bits) == 0 ? 1 : -errno;
}

static mode_t node_set_id_bits(fuse_req_t req, const struct stat *sb)
{
	(void)req;
	return S_ISUID | (sb->st_mode & S_IXGRP ? S_ISGID : 0);
}

int node_clear_set_id(struct fs *fs, struct node *n, fuse_req_t req)
{
	int r = node_drop_bits(fs, n, node_set_id_bits, req);
	if (r == -EPERM && !fs->serve_others)
		r = 1; /* a file of another's that one may write: the change below takes them away */
	if (r == 1)
		(void)fuse_lowlevel_notify_inval_inode(fs->se, fs_ino(fs, n), -1, 0);
	return r < 0 ? r : 0;
}

int node_clear_asked(struct fs *fs, struct node *n, fuse_req_t req)
{
	return channel_kills_set_id(req) ? node_clear_set_id(fs, n, req) : 0;
}

/* A nameless inode without open content: its pin. */
static int node_stat_pinned(struct fs *fs, struct node *n, struct stat *sb)
{
	_cleanup_node_fd_ struct node_fd fd;
	int r = node_fd_get(fs, n, &fd);
	if (r < 0)
		return r;
	if (fstat(fd.fd, sb) != 0)
		return -errno;
	if (S_ISREG(n->type) && !node_size_at_hand(fs, n, sb) && !attr_by_hint(sb)) {
		_cleanup_node_file_ struct node_file f;
		r = node_file_hold(fs, n, false, &f);
		sb->st_size = r == 0 ? (off_t)file_size(f.file) : 0;
	} else if (S_ISLNK(n->type)) {
		ssize_t len = name_link_len((size_t)sb->st_size);
		sb->st_size = len > 0 ? len : 0;
	}
	return 0;
}

/* Neither loaded content nor a directory. */
static int node_stat_closed(struct fs *fs, struct node *n, struct stat *sb)
{
	_cleanup_node_loc_ struct node_loc loc;
	int r = node_loc_find(fs, n, &loc, sb);
	return r == -ENOENT ? node_stat_pinned(fs, n, sb)
	       : r < 0      ? r
			    : node_plain(fs, n, loc.dir, loc.disk, sb);
}

int node_stat(struct fs *fs, struct node *n, struct stat *sb)
{
	struct file *f = S_ISREG(n->type) ? node_file_peek(fs, n) : NULL;
	if (f) {
		int r = file_stat(f, sb);
		node_file_put(fs, n);
		return r;
	}
	if (S_ISDIR(n->type)) {
		_cleanup_node_fd_ struct node_fd fd;
		int r = node_fd_get(fs, n, &fd);
		if (r < 0)
			return r;
		SCOPED_READ(&fs->st->modes);
		return fstat(fd.fd, sb) == 0 ? 0 : -errno;
	}
	return node_stat_closed(fs, n, sb);
}
