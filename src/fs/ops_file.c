/* SPDX-License-Identifier: GPL-3.0-or-later */
/* create open read write flush release fsync fallocate lseek copy_file_range */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "fs/make.h"
#include "fs/node.h"
#include "fs/ops.h"
#include "fs/reply.h"
#include "fs/seeker.h"
#include "fs/tender.h"
#include "store/scratch.h"

/* An open file's handle is its content, held. */
static struct file *file_of(const struct fuse_file_info *fi)
{
	struct file *f = (struct file *)(uintptr_t)fi->fh;
	fs_hand_in(f);
	return f;
}

/* ---- opening ---- */

/* The size hint told the kernel a wrong size, and it goes by that. Once it hears another generation it
 * takes the file for a new one and asks again: ESTALE makes it look. */
static bool file_misled(struct fs *fs, struct node *n, struct file *f)
{
	if (!file_hint_was_wrong(f))
		return false;
	uint64_t size = file_size(f);
	{
		SCOPED_LOCK(inode_lock(&fs->inodes, n));
		if (n->size_known && n->true_size == size && !n->by_hint)
			return false;
	}
	inode_renew(&fs->inodes, n, f);
	return true;
}

/* Where the kernel truncates by a request of its own, after the open, a damaged file (r is what opening it has come
 * to) can be opened for that. Reading and writing fail until it has been. */
static bool file_may_be_emptied(const struct fs *fs, int flags, int r)
{
	return !fs->shared && (flags & O_ACCMODE) == O_WRONLY && store_is_damage(r);
}

/* r is what opening it has come to: a file that is damaged can still be emptied. */
static int file_open_truncate(fuse_req_t req, struct fs *fs, struct node *n, struct file *f, int r)
{
	if (r < 0 && !store_is_damage(r))
		return r;
	r = node_clear_asked(fs, n, req);
	return r == 0 ? file_truncate(f, 0) : r;
}

static int file_open_node(fuse_req_t req, struct fs *fs, struct node *n, int flags, struct fuse_file_info *fi)
{
	struct node_file f;
	bool writable = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
	bool changed = false;
	int r = node_file_hold(fs, n, writable, &f);
	if (r == 0 && fs->shared) {
		r = file_revalidate(f.file);
		changed = r > 0;
	}
	if (flags & O_TRUNC)
		r = file_open_truncate(req, fs, n, f.file, r);
	else if (file_may_be_emptied(fs, flags, r))
		r = 0;
	if (r >= 0 && file_misled(fs, n, f.file))
		r = -ESTALE;
	if (r < 0) {
		if (f.node)
			damage_report(fs, n, DAMAGE_CONTENT, "open", r);
		node_file_cleanup(&f);
		return r;
	}
	fs_hand_out(f.file);
	fi->fh = (uintptr_t)f.file;
	fi->keep_cache = !fs->shared && !changed;
	return 0;
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct node *n = fs_node(fs, ino);
	int r = file_open_node(req, fs, n, fi->flags, fi);
	if (r < 0)
		reply_result(req, r);
	else if (fuse_reply_open(req, fi) == -ENOENT)
		node_file_put(fs, n);
}

/* The new file's content, held, with the descriptor it was made with. */
static int file_adopt(struct fs *fs, struct node *n, int fd, struct fuse_file_info *fi)
{
	struct file *f = node_file_get(fs, n);
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	int r = file_attach(f, fd, true);
	if (r < 0) {
		node_file_put(fs, n);
		return r;
	}
	fs_hand_out(f);
	fi->fh = (uintptr_t)f;
	fi->keep_cache = !fs->shared;
	return 0;
}

static int file_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		       struct fuse_file_info *fi, struct node **n, struct stat *sb)
{
	struct fs *fs = fs_of(req);
	const struct dirops_owner owner = make_owner(req);
	_cleanup_node_dir_ struct node_dir d;
	_cleanup_fd_ int fd = -1;
	struct sealed_name sealed;
	int r = make_begin(fs, parent, name, &d, &sealed);
	if (r == 0)
		r = dirops_create(d.dir, &sealed, mode, &owner, &fd);
	bool there = r == -EEXIST && !(fi->flags & O_EXCL); /* somebody else made it meanwhile */
	if (r < 0 && !there)
		return r;
	r = (there ? node_enter : node_enter_made)(fs, &d, sealed.disk, n, sb);
	if (r == 0) {
		r = there ? file_open_node(req, fs, *n, fi->flags, fi) : file_adopt(fs, *n, TAKE_FD(fd), fi);
		if (r == 0 && there)
			(void)node_stat(fs, *n, sb); /* it may have been emptied */
		if (r < 0)
			inode_forget(&fs->inodes, *n, 1);
	}
	if (r < 0 && !there)
		make_undo(fs, d.dir, &sealed);
	return r;
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param e;
	struct node *n = NULL;
	struct stat sb;
	int r = file_create(req, parent, name, mode, fi, &n, &sb);
	if (r < 0) {
		reply_result(req, r);
		return;
	}
	reply_fill_entry(fs, n, &sb, &e);
	if (fuse_reply_create(req, &e, fi) == -ENOENT) {
		node_file_put(fs, n);
		inode_forget(&fs->inodes, n, 1);
	}
}

/* ---- content ---- */

/* What a request for content has come to: n bytes that were read or written, or -errno. */
static void file_note(struct fs *fs, fuse_ino_t ino, enum tally_bytes which, const char *doing, ssize_t n)
{
	if (n < 0)
		damage_report(fs, fs_node(fs, ino), DAMAGE_CONTENT, doing, (int)n);
	else
		tally_add_bytes(&fs->tally, which, (uint64_t)n);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct scratch *sc = scratch_get();
	ssize_t n = -ENOMEM;
	if (sc)
		n = file_read(file_of(fi), sc->out, size, (uint64_t)off);
	file_note(fs_of(req), ino, TALLY_BYTES_READ, "read", n);
	reply_data(req, sc ? sc->out : NULL, n);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
		     struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	int r = node_clear_asked(fs, fs_node(fs, ino), req);
	if (r == 0)
		r = file_write(file_of(fi), buf, size, (uint64_t)off);
	file_note(fs, ino, TALLY_BYTES_WRITTEN, "write", r < 0 ? r : (ssize_t)size);
	if (r < 0) {
		reply_stored(req, r);
	} else {
		(void)fuse_reply_write(req, size);
	}
}

/* In private mode the kernel has written everything when it asks, and tells of errors by itself: the rest is left to
 * the release, and it need not ask again. */
static void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	if (fs_of(req)->no_flush)
		(void)fuse_reply_err(req, ENOSYS);
	else
		reply_stored(req, file_settle(file_of(fi)));
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	(void)fi;
	rest_put(fs, fs_node(fs, ino));
	reply_result(req, 0);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct file *f = file_of(fi);
	int r = file_sync(f, datasync);
	if (r == 0 && file_wants_raise(f))
		tender_add(fs->tender, fs_node(fs, ino));
	reply_stored(req, r);
}

/* Before a change of which the kernel does not say whether set-id bits have to go: they stay for root alone. */
static int file_clear_set_id(fuse_req_t req, fuse_ino_t ino)
{
	struct fs *fs = fs_of(req);
	return fuse_req_ctx(req)->uid == 0 ? 0 : node_clear_set_id(fs, fs_node(fs, ino), req);
}

static void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len,
			 struct fuse_file_info *fi)
{
	int r = off < 0 || len <= 0 ? -EINVAL : file_clear_set_id(req, ino);
	if (r == 0)
		r = file_allocate(file_of(fi), mode, (uint64_t)off, (uint64_t)len);
	damage_report(fs_of(req), fs_node(fs_of(req), ino), DAMAGE_CONTENT, "fallocate", r);
	reply_result(req, r);
}

static void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	/* The kernel may hold data back that fills what is a hole to us: by its writeback cache, or from a mapping. */
	if (file_is_open(file_of(fi), true))
		seeker_ask(fs->seeker, req, ino, file_of(fi), off, whence);
	else
		seeker_reply(req, file_of(fi), off, whence);
}

/* One end of a copy. */
struct file_end {
	fuse_ino_t ino;
	struct file *file;
	uint64_t off;
};

/* Without a round trip of the data. Returns the count (less at the end of the source, or where an error or an
 * interrupt came after something was copied) or -errno. */
static ssize_t file_copy(fuse_req_t req, const struct file_end *from, const struct file_end *to, size_t len)
{
	struct scratch *sc = scratch_get();
	struct fs *fs = fs_of(req);
	size_t done = 0;
	if (!sc)
		return -ENOMEM;
	while (done < len && !fuse_req_interrupted(req)) {
		size_t want = len - done < SCRATCH_BYTES ? len - done : SCRATCH_BYTES;
		ssize_t n = file_read(from->file, sc->out, want, from->off + done);
		file_note(fs, from->ino, TALLY_BYTES_READ, "copy", n);
		if (n == 0)
			break;
		int r = n < 0 ? (int)n : file_write(to->file, sc->out, (size_t)n, to->off + done);
		if (n > 0)
			file_note(fs, to->ino, TALLY_BYTES_WRITTEN, "copy", r < 0 ? r : n);
		if (r < 0)
			return done > 0 ? (ssize_t)done : r;
		done += (size_t)n;
	}
	return done > 0 || !fuse_req_interrupted(req) ? (ssize_t)done : -EINTR;
}

static void op_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in, struct fuse_file_info *fi_in,
			       fuse_ino_t ino_out, off_t off_out, struct fuse_file_info *fi_out, size_t len,
			       int flags)
{
	const struct file_end from = { ino_in, file_of(fi_in), (uint64_t)off_in };
	const struct file_end to = { ino_out, file_of(fi_out), (uint64_t)off_out };
	/* One request keeps a thread for so much; the caller goes on with the rest. */
	size_t most = 16 * SCRATCH_BYTES;
	ssize_t n = flags != 0 ? -EINVAL : file_clear_set_id(req, ino_out);
	if (n == 0)
		n = file_copy(req, &from, &to, len < most ? len : most);
	if (n < 0)
		reply_result(req, (int)n);
	else
		(void)fuse_reply_write(req, (size_t)n);
}

void ops_file_install(struct fuse_lowlevel_ops *ops)
{
	ops->create = op_create;
	ops->open = op_open;
	ops->read = op_read;
	ops->write = op_write;
	ops->flush = op_flush;
	ops->release = op_release;
	ops->fsync = op_fsync;
	ops->fallocate = op_fallocate;
	ops->lseek = op_lseek;
	ops->copy_file_range = op_copy_file_range;
}
