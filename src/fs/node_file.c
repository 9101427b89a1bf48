/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The content of nodes: one object for all who have it open. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "fs/node_impl.h"
#include "fs/tender.h"
#include "store/force.h"

struct file *node_file_get(struct fs *fs, struct node *n)
{
	struct file *made = NULL, *f;
	bool whole;
	{
		SCOPED_LOCK(inode_lock(&fs->inodes, n));
		if (n->file) {
			n->file_users++;
			n->refs++;
			return n->file;
		}
		whole = n->whole;
	}
	made = file_new(fs->st, whole && !fs->shared);
	if (!made)
		return NULL;
	{
		SCOPED_LOCK(inode_lock(&fs->inodes, n));
		if (!n->file) {
			n->file = made;
			made = NULL;
			atomic_fetch_add_explicit(&fs->open_files, 1, memory_order_relaxed);
		}
		n->file_users++;
		n->refs++;
		f = n->file;
	}
	file_free(made);
	return f;
}

struct file *node_file_peek(struct fs *fs, struct node *n)
{
	struct file *f;
	{
		SCOPED_LOCK(inode_lock(&fs->inodes, n));
		f = n->file;
		if (!f)
			return NULL;
		n->file_users++;
		n->refs++;
	}
	if (file_is_open(f, false))
		return f;
	node_file_put(fs, n);
	return NULL;
}

/* While it is still the inode's: what must not race with somebody who opens it anew. */
static void node_file_finish(struct fs *fs, struct node *n, struct file *f)
{
	if (fs->read_only || !file_is_open(f, true))
		return;
	int r = file_settle(f);
	if (r == 0 && file_wants_raise(f) && file_is_synced(f))
		r = file_raise(f);
	damage_report(fs, n, DAMAGE_CONTENT, "close", r);
	if (r < 0 && !store_is_damage(r))
		log_warn("inode %llu: closing: %s", (unsigned long long)file_ino(f), strerror(-r));
	if (file_wants_raise(f))
		tender_add(fs->tender, n);
}

/* The last user leaves: what the node is to remember. The shard's lock is held, and nobody has the file's. */
static void node_file_leave(struct node *n, struct file *f)
{
	n->file = NULL;
	if (!file_is_open(f, false))
		return; /* it could not be opened: nothing has been learnt */
	n->whole = file_is_whole(f);
	n->true_size = file_size(f);
	file_seen(f, &n->raw_size, &n->raw_ctime);
}

void node_file_put(struct fs *fs, struct node *n)
{
	struct file *f, *gone = NULL;
	bool finished = false;
	uint64_t seen = 0;
	while (true) {
		{
			SCOPED_LOCK(inode_lock(&fs->inodes, n));
			f = n->file;
			bool last = n->file_users == 1;
			/* While we finished somebody may have come, changed it and gone: not finished then. */
			if (!last || (finished && seen == file_changes(f))) {
				n->file_users--;
				if (last) {
					node_file_leave(n, f);
					gone = f;
				}
				break;
			}
		}
		seen = file_changes(f);
		node_file_finish(fs, n, f);
		finished = true;
	}
	if (gone)
		atomic_fetch_sub_explicit(&fs->open_files, 1, memory_order_relaxed);
	file_free(gone);
	inode_unref(&fs->inodes, n);
}

/* Open what its mode keeps even its owner out of. */
static int node_open_forced(struct fs *fs, struct node *n, int flags, int *out)
{
	_cleanup_fd_ int path_fd = -1;
	int r = node_open(fs, n, O_PATH, &path_fd);
	return r < 0 ? r : force_open(fs->st, path_fd, flags, out);
}

static int node_open_content(struct fs *fs, struct node *n, bool writable, int *fd)
{
	int flags = (writable ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_NOCTTY;
	/* Whoever opens it to write has not read it; only its owner may say so. */
	int r = writable ? node_open(fs, n, flags | O_NOATIME, fd) : -EPERM;
	if (r == -EPERM)
		r = node_open(fs, n, flags, fd);
	return r == -EACCES ? node_open_forced(fs, n, flags, fd) : r;
}

int node_file_open(struct fs *fs, struct node *n, struct file *f, bool writable)
{
	if (file_is_open(f, writable)) {
		file_count_reads(f, !writable);
		return 0;
	}
	if (writable && fs->read_only)
		return -EROFS;
	int fd = -1, r = node_open_content(fs, n, writable, &fd);
	if (r == -EMFILE || r == -ENFILE) {
		rest_end(fs);
		r = node_open_content(fs, n, writable, &fd);
	}
	return r < 0 ? r : file_attach(f, fd, writable);
}

int node_file_hold(struct fs *fs, struct node *n, bool writable, struct node_file *out)
{
	out->fs = fs;
	out->node = NULL;
	if (S_ISDIR(n->type))
		return -EISDIR;
	if (!S_ISREG(n->type))
		return -EINVAL;
	out->file = node_file_get(fs, n);
	if (!out->file)
		return -ENOMEM;
	out->node = n;
	return node_file_open(fs, n, out->file, writable);
}

void node_file_cleanup(struct node_file *f)
{
	if (f->node)
		node_file_put(f->fs, f->node);
}
