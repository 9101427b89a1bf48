/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/damage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "fs/fs.h"
#include "store/badblock.h"

/* What of a path goes into a line of the log, which has room for 1024 bytes. */
#define DAMAGE_LOG_PATH 800
#define DAMAGE_CUT "..."

static const char *const damage_kinds[] = {
	[DAMAGE_CONTENT] = "block",
	[DAMAGE_LINK] = "link",
	[DAMAGE_ATTRIBUTE] = "attribute",
	[DAMAGE_NAME] = "name",
	[DAMAGE_ID] = "directory-id",
};

void damage_init(struct damage *d)
{
	memset(d, 0, sizeof(*d));
	pthread_mutex_init(&d->lock, NULL);
}

/* ---- in words ---- */

const char *damage_kind_name(enum damage_kind kind)
{
	return damage_kinds[kind];
}

void damage_what(char out[static DAMAGE_WHAT], const struct damage_found *found)
{
	if (found->kind == DAMAGE_CONTENT && found->block_known)
		(void)snprintf(out, DAMAGE_WHAT, "block %" PRIu64, found->block);
	else
		(void)snprintf(out, DAMAGE_WHAT, "%s", found->kind == DAMAGE_CONTENT ? "content"
						       : found->kind == DAMAGE_ID    ? "directory ID"
										     : damage_kinds[found->kind]);
}

const char *damage_wrong(const struct damage_found *found)
{
	return found->newer ? "sealed by a newer cryptfs" : found->missing ? "is missing" : "does not open";
}

/* ---- where it is ---- */

/* A path that is put together from its end. */
struct damage_path {
	char *buf;
	size_t at;
};

/* Returns false if it does not fit: then the path begins there. Names on disk are of few letters; what else there
 * is, somebody else has put there. */
static bool damage_prepend(struct damage_path *p, const char *disk)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.=+,@~";
	size_t n = strlen(disk), slash = p->buf[p->at] != '\0';
	if (p->at < n + slash + strlen(DAMAGE_CUT "/")) {
		p->at -= strlen(DAMAGE_CUT "/");
		memcpy(p->buf + p->at, DAMAGE_CUT "/", strlen(DAMAGE_CUT "/"));
		return false;
	}
	if (slash)
		p->buf[--p->at] = '/';
	p->at -= n;
	for (size_t i = 0; i < n; i++)
		p->buf[p->at + i] = strchr(plain, disk[i]) ? disk[i] : '?';
	return true;
}

/* Where the node is, as far as that is known. */
static void damage_locate(struct fs *fs, struct node *n, struct damage_path *p)
{
	struct inode_table *t = &fs->inodes;
	char disk[NAME_DISK_SIZE];
	struct node *parent;
	bool fits = true;
	inode_ref(n);
	while (fits && n != &t->root && inode_where(t, n, 0, &parent, disk)) {
		inode_unref(t, n);
		n = parent;
		fits = damage_prepend(p, disk);
	}
	if (fits && n != &t->root)
		p->at = DAMAGE_PATH - 1; /* it, or something above it, has no name any more */
	inode_unref(t, n);
}

/* Of what has this node; in it that of 'disk', unless it is NULL. */
static void damage_find(struct fs *fs, struct node *n, const char *disk, char out[static DAMAGE_PATH])
{
	char buf[DAMAGE_PATH];
	struct damage_path p = { buf, DAMAGE_PATH - 1 };
	buf[p.at] = '\0';
	if (disk)
		(void)damage_prepend(&p, disk);
	if (n)
		damage_locate(fs, n, &p);
	bool root = n == &fs->inodes.root && !disk;
	(void)snprintf(out, DAMAGE_PATH, "%s", root ? "." : n ? buf + p.at : "");
}

/* ---- telling ---- */

static void damage_log(const struct damage_found *f, uint64_t unsaid)
{
	char what[DAMAGE_WHAT], more[64] = "";
	size_t n = strlen(f->path);
	const char *path = n > DAMAGE_LOG_PATH ? f->path + n - DAMAGE_LOG_PATH : f->path;
	damage_what(what, f);
	if (unsaid > 0)
		(void)snprintf(more, sizeof(more), "; %" PRIu64 " times before it were not logged", unsaid);
	log_error("damaged: %s%s: %s: %s (%s, inode %llu)%s", path != f->path ? DAMAGE_CUT : "",
		  *path ? path : "without a name", what, damage_wrong(f), f->doing, (unsigned long long)f->ino, more);
}

/* Everything passes here. */
static void damage_take(struct fs *fs, const struct damage_found *f)
{
	struct damage *d = &fs->damage;
	struct timespec now;
	uint64_t unsaid = 0;
	bool say;
	clock_gettime(CLOCK_MONOTONIC, &now);
	{
		SCOPED_LOCK(&d->lock);
		d->count++;
		d->last = *f;
		say = choke_may(&d->choke, f->ino * 8 + f->kind, (uint64_t)now.tv_sec, &unsaid);
	}
	if (say)
		damage_log(f, unsaid);
	fs_tell(fs, SESSION_DAMAGED);
}

void damage_report(struct fs *fs, struct node *n, enum damage_kind kind, const char *doing, int r)
{
	if (!store_is_damage(r) && r != -EPROTONOSUPPORT)
		return;
	struct badblock bad = { .known = false };
	if (kind == DAMAGE_CONTENT)
		bad = badblock_take();
	struct damage_found f = {
		.kind = kind,
		.block_known = bad.known,
		.missing = bad.known && bad.missing,
		.newer = r == -EPROTONOSUPPORT,
		.block = bad.block,
		.ino = n->ino,
		.when = time(NULL),
		.doing = doing,
	};
	damage_find(fs, n, NULL, f.path);
	damage_take(fs, &f);
}

void damage_told(void *arg, enum store_damage what, ino_t ino, const char *disk)
{
	struct fs *fs = arg;
	bool root = ino == fs->inodes.root.ino;
	struct node *n = root ? &fs->inodes.root : inode_find(&fs->inodes, ino);
	struct damage_found f = {
		.kind = what == STORE_DAMAGED_NAME ? DAMAGE_NAME : DAMAGE_ID,
		.missing = what == STORE_MISSING_ID,
		.ino = ino,
		.when = time(NULL),
		.doing = what == STORE_DAMAGED_NAME ? "list" : "open",
	};
	damage_find(fs, n, disk, f.path);
	inode_unref(&fs->inodes, root ? NULL : n);
	damage_take(fs, &f);
}

uint64_t damage_get(struct damage *d, struct damage_found *last)
{
	SCOPED_LOCK(&d->lock);
	*last = d->last;
	return d->count;
}

void damage_end(struct damage *d)
{
	if (d->choke.unsaid > 0)
		log_warn("damage was met %" PRIu64 " times since the mount, and not logged each time; to find all that "
			 "is damaged: cryptfs check",
			 d->count);
}
