/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "offline/export.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/io.h"
#include "crypto/rng.h"
#include "offline/export_impl.h"
#include "store/symlink.h"

#define EXPORT_TMP_PREFIX ".cryptfs-export-"
#define EXPORT_TMP_SIZE (sizeof(EXPORT_TMP_PREFIX) + 16)

/* A file with several names, by its inode in the vault, and the first of the names it has got. */
struct export_link {
	ino_t from;
	dev_t dev; /* of what was made */
	ino_t ino;
	char path[]; /* below the top of the destination */
};

/* One thing to be made in a directory. */
struct export_make {
	struct export *x;
	const struct walk_item *item;
	int dir;
	const char *name;
};

/* ---- telling ---- */

static void export_event(const struct export *x, const struct walk_item *i, enum export_trouble what, int err,
			 const struct pour_range *bad, const struct salvage *s)
{
	const struct export_event e = { .item = i, .what = what, .err = err, .bad = bad, .salvage = s };
	x->opt->trouble(x->opt->arg, &e);
}

/* It can't be read. Goes on. */
static int export_unread(const struct export_make *m, int err, const struct pour_range *bad)
{
	export_event(m->x, m->item, EXPORT_UNREAD, err, bad, NULL);
	return 0;
}

/* It can't be written. Goes on, unless nothing else can be either. */
static int export_unwritten(const struct export_make *m, int err)
{
	export_event(m->x, m->item, EXPORT_UNWRITTEN, err, NULL, NULL);
	return err == -ENOSPC || err == -EDQUOT || err == -EROFS || err == -EIO ? err : 0;
}

/* It is there, but not with all that it had. */
static void export_attrs(const struct export_make *m, int err)
{
	if (err < 0)
		export_event(m->x, m->item, EXPORT_ATTRS, err, NULL, NULL);
}

/* ---- making room ---- */

/* A name that has been taken by something else may be given to ours if that is no directory. Returns 0 or -errno. */
static int export_clear(const struct export_make *m)
{
	struct stat sb;
	if (fstatat(m->dir, m->name, &sb, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!m->x->opt->overwrite)
		return -EEXIST;
	if (S_ISDIR(sb.st_mode))
		return -EISDIR;
	return export_made_has(m->x, &sb) ? -ENOTUNIQ : 0;
}

static void export_tmp_name(char out[static EXPORT_TMP_SIZE])
{
	uint8_t random[8];
	rng_bytes(random, sizeof(random));
	strcpy(out, EXPORT_TMP_PREFIX);
	codec_hex_encode(out + strlen(EXPORT_TMP_PREFIX), random, sizeof(random));
}

/* Give what has been made under the name 'tmp' the one it is to have. What was there, if anything, was allowed to
 * go. */
static int export_place(const struct export_make *m, const char *tmp)
{
	unsigned int flags = m->x->opt->overwrite ? 0 : RENAME_NOREPLACE;
	struct stat sb;
	bool known = !flags && fstatat(m->dir, tmp, &sb, AT_SYMLINK_NOFOLLOW) == 0;
	int r = renameat2(m->dir, tmp, m->dir, m->name, flags);
	if (r != 0 && (errno == EINVAL || errno == ENOSYS) && flags) /* a filesystem without that flag */
		r = faccessat(m->dir, m->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? (errno = EEXIST, -1)
									      : renameat(m->dir, tmp, m->dir, m->name);
	if (r == 0) {
		m->x->placed++;
		if (known)
			export_made_add(m->x, &sb);
		return 0;
	}
	r = -errno;
	(void)unlinkat(m->dir, tmp, 0);
	return r;
}

/* ---- files ---- */

/* Counts what is written, and lets the caller end it. */
struct export_sink {
	struct export *x;
	int fd;
	uint64_t at;
};

static int export_sink(void *arg, const uint8_t *buf, uint64_t n)
{
	struct export_sink *s = arg;
	int r = buf ? io_pwrite_full(s->fd, buf, (size_t)n, (off_t)s->at) : 0;
	s->at += n;
	return r < 0 ? r : (s->x->stop = s->x->opt->done(s->x->opt->arg, 0, buf ? n : 0));
}

/* The content of a file that cannot be read as a whole. Returns 0, 1 if it is not to be kept, or -errno. */
static int export_salvage(const struct export_make *m, struct export_sink *sink, int err,
			  const struct pour_range *bad)
{
	_cleanup_(salvage_free) struct salvage s = { .lost = NULL };
	_cleanup_fd_ int fd = -1;
	if (!m->x->opt->salvage || !(store_is_damage(err) || err == -EIO))
		return (err = export_unread(m, err, bad)) < 0 ? err : 1;
	if (ftruncate(sink->fd, 0) != 0)
		return -errno;
	sink->at = 0;
	int r = tree_open_fd(m->item->parent, m->item->disk, &fd);
	if (r == 0)
		r = salvage_file(m->item->parent->st, fd, export_sink, sink, &s);
	if (r == -EBADMSG || fd < 0)
		return (r = export_unread(m, r, NULL)) < 0 ? r : 1;
	if (r == 0)
		export_event(m->x, m->item, EXPORT_SALVAGED, err, NULL, &s);
	return r;
}

/* Returns as export_salvage. */
static int export_content(const struct export_make *m, int fd)
{
	struct file _cleanup_file_ *f = NULL;
	struct export_sink sink = { .x = m->x, .fd = fd };
	struct pour_range bad = { 0, 0 };
	bool sunk = false;
	int r = tree_open_file(m->item->parent, m->item->disk, &f);
	if (r == 0)
		r = pour_file(f, export_sink, &sink, &bad, &sunk);
	if (r < 0 && !sunk)
		r = export_salvage(m, &sink, r, bad.to > 0 ? &bad : NULL);
	if (r == 0 && ftruncate(fd, (off_t)sink.at) != 0)
		r = -errno;
	return r;
}

/* Remember where the first name of a file with several is. Without memory it is a file of its own. */
static void export_remember(struct export *x, const struct walk_item *i, const struct stat *sb)
{
	size_t n = strlen(i->path);
	struct export_link *l = malloc(sizeof(*l) + n + 1);
	if (!l)
		return;
	*l = (struct export_link){ .from = i->sb.st_ino, .dev = sb->st_dev, .ino = sb->st_ino };
	memcpy(l->path, i->path, n + 1);
	struct export_link **at = tsearch(l, &x->links, export_link_compare);
	if (!at || *at != l)
		free(l);
}

int export_link_compare(const void *a, const void *b)
{
	const struct export_link *x = a, *y = b;
	return x->from < y->from ? -1 : x->from > y->from;
}

/* Make it another name of what was made before. Whatever the path to that leads to by now, it must be that. Returns 0,
 * or -errno with nothing made: then it becomes a file of its own. */
static int export_another_name(const struct export_make *m, const char *tmp)
{
	const struct export_link want = { .from = m->item->sb.st_ino };
	struct export_link **at = tfind(&want, &m->x->links, export_link_compare);
	struct stat sb;
	if (!at)
		return -ENOENT;
	if (linkat(m->x->level[0].fd, (*at)->path, m->dir, tmp, 0) != 0)
		return -errno;
	if (fstatat(m->dir, tmp, &sb, AT_SYMLINK_NOFOLLOW) == 0 && sb.st_dev == (*at)->dev &&
	    sb.st_ino == (*at)->ino)
		return 0;
	(void)unlinkat(m->dir, tmp, 0);
	return -ESTALE;
}

/* Some filesystems tell only now that there was no room, or no connection. Closes it. */
static int export_finish(const struct export *x, int *fd)
{
	int synced = x->sync_each ? io_fsync(*fd, false) : 0;
	int closed = close(TAKE_FD(*fd)) == 0 || errno == EINTR ? 0 : -errno;
	return synced < 0 ? synced : closed;
}

/* Write the file under a temporary name. Returns 0, 1 if it could not be read (told), or -errno; unless it is 0
 * nothing is left. */
static int export_write(const struct export_make *m, const char *tmp)
{
	_cleanup_fd_ int fd = openat(m->dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	struct stat sb;
	int attrs = 0, r = export_content(m, fd);
	if (r == 0) {
		attrs = export_set_attrs(m->x, m->item, fd);
		r = fstat(fd, &sb) == 0 ? export_finish(m->x, &fd) : -errno;
	}
	if (r != 0) {
		(void)unlinkat(m->dir, tmp, 0);
		return r;
	}
	export_attrs(m, attrs);
	if (export_drops_set_id(m->x, &m->item->sb))
		export_event(m->x, m->item, EXPORT_SET_ID, 0, NULL, NULL);
	if (m->item->sb.st_nlink > 1 && m->item->depth > 0)
		export_remember(m->x, m->item, &sb);
	return 0;
}

static int export_regular(const struct export_make *m)
{
	char tmp[EXPORT_TMP_SIZE];
	export_tmp_name(tmp);
	int r = export_clear(m);
	if (r == 0 && (m->item->sb.st_nlink < 2 || export_another_name(m, tmp) < 0))
		r = export_write(m, tmp);
	if (r == 0)
		r = export_place(m, tmp);
	if (m->x->stop < 0)
		return m->x->stop;
	return r < 0 ? export_unwritten(m, r) : 0;
}

/* ---- the rest ---- */

/* What cannot be opened is made under the name 'tmp', or it could not be (r): all that it has else. */
static int export_made_at(const struct export_make *m, const char *tmp, int r)
{
	if (r < 0)
		return export_unwritten(m, r);
	export_attrs(m, export_set_attrs_at(m->x, m->item, m->dir, tmp));
	r = export_place(m, tmp);
	return r < 0 ? export_unwritten(m, r) : 0;
}

static int export_symlink(const struct export_make *m)
{
	char target[NAME_LINK_TARGET_MAX + 1], tmp[EXPORT_TMP_SIZE];
	ssize_t n = symlink_read(m->item->parent, m->item->disk, target);
	if (n < 0)
		return export_unread(m, (int)n, NULL);
	export_tmp_name(tmp);
	int r = export_clear(m);
	if (r == 0 && symlinkat(target, m->dir, tmp) != 0)
		r = -errno;
	return export_made_at(m, tmp, r);
}

/* FIFOs, sockets and devices. */
static int export_special(const struct export_make *m)
{
	char tmp[EXPORT_TMP_SIZE];
	const struct stat *sb = &m->item->sb;
	bool device = S_ISCHR(sb->st_mode) || S_ISBLK(sb->st_mode);
	export_tmp_name(tmp);
	if (device && !(m->x->opt->owners && m->x->opt->privileged)) {
		export_event(m->x, m->item, EXPORT_LEFT_OUT, -EPERM, NULL, NULL);
		return 0;
	}
	int r = export_clear(m);
	if (r == 0 && mknodat(m->dir, tmp, sb->st_mode & (S_IFMT | 0777), device ? sb->st_rdev : 0) != 0)
		r = -errno;
	return export_made_at(m, tmp, r);
}

/* Returns WALK_ON with a level for it, or WALK_SKIP, or -errno. */
static int export_directory(const struct export_make *m)
{
	int r = mkdirat(m->dir, m->name, 0700) == 0 ? 0 : -errno;
	if (r == -EEXIST && m->x->opt->overwrite)
		r = 0;
	_cleanup_fd_ int fd = -1;
	if (r == 0) {
		fd = openat(m->dir, m->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = fd < 0 ? -errno : export_push(m->x, fd, true);
	}
	if (r < 0)
		return (r = export_unwritten(m, r)) < 0 ? r : WALK_SKIP;
	int top = TAKE_FD(fd);
	if (m->item->depth == 0 && m->x->opt->inside)
		r = m->x->opt->inside(m->x->opt->arg, top);
	return r < 0 ? r : WALK_ON;
}

/* ---- the walk ---- */

static int export_entry(void *arg, const struct walk_item *i)
{
	struct export *x = arg;
	if (i->depth == 0 && x->name[0] == '\0')
		return S_ISDIR(i->sb.st_mode) ? export_push(x, fcntl(x->dest, F_DUPFD_CLOEXEC, 0), false) : -EINVAL;
	const struct export_make m = {
		.x = x,
		.item = i,
		.dir = x->n > 0 ? x->level[x->n - 1].fd : x->dest,
		.name = i->depth > 0 ? i->name : x->name,
	};
	if (S_ISDIR(i->sb.st_mode))
		return export_directory(&m);
	uint64_t before = x->placed;
	int r = S_ISREG(i->sb.st_mode)	 ? export_regular(&m)
		: S_ISLNK(i->sb.st_mode) ? export_symlink(&m)
					 : export_special(&m);
	if (r == 0)
		r = x->opt->done(x->opt->arg, x->placed - before, 0);
	return r < 0 ? r : WALK_SKIP;
}

static int export_leave(void *arg, const struct walk_item *i)
{
	struct export *x = arg;
	const struct export_make m = { .x = x, .item = i };
	const struct export_level *l = &x->level[x->n - 1];
	if (l->ours)
		export_attrs(&m, export_set_attrs(x, i, l->fd));
	export_pop(x);
	return 0;
}

static int export_walk_trouble(void *arg, const struct walk_item *i, enum walk_trouble what, int err)
{
	const struct export *x = arg;
	return x->opt->walk_trouble(x->opt->arg, i, what, err);
}

int export_tree(const struct tree_entry *from, int dest_fd, const char *name, const struct export_options *opt)
{
	static const struct walk_ops ops = { export_entry, export_leave, export_walk_trouble };
	struct export x = { .opt = opt, .dest = dest_fd, .name = name };
	struct statfs sf;
	x.sync_each = fstatfs(dest_fd, &sf) == 0 && sf.f_type == FUSE_SUPER_MAGIC;
	int r = walk_tree(from, &ops, &x);
	while (x.n > 0)
		export_pop(&x);
	free(x.level);
	tdestroy(x.links, free);
	export_made_free(&x);
	return r;
}
