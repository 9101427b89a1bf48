/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "offline/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "offline/check_impl.h"

#define CHECK_TICK_MS 250
#define CHECK_DIRS_MAX 512u /* descriptors of directories kept open */
#define CHECK_DIRS_MIN 8u

/* ---- kinds ---- */

static const struct {
	enum check_class class;
	const char *name;
	const char *message;
} kinds[CHECK_KINDS] = {
	[CHECK_HEADER] = { CHECK_DAMAGE, "header", "its first block is damaged: nothing of the file can be read" },
	[CHECK_BLOCK] = { CHECK_DAMAGE, "block", "damaged, or from another place" },
	[CHECK_ZEROED] = { CHECK_DAMAGE, "zeroed", "zeros where data had been synced" },
	[CHECK_MISSING] = { CHECK_DAMAGE, "missing", "cut off: data had been synced there" },
	[CHECK_SHORT] = { CHECK_DAMAGE, "short", "the block ends before the data that had been synced" },
	[CHECK_NEWER] = { CHECK_DAMAGE, "newer", "of a newer format than this program knows" },
	[CHECK_DISK] = { CHECK_DAMAGE, "disk", "the storage below cannot read it" },
	[CHECK_NAME] = { CHECK_DAMAGE, "name", "an entry whose name does not open here: changed, or moved" },
	[CHECK_LONG_NAME] = { CHECK_DAMAGE, "long-name",
			      "an entry with a long name, the side file of which is missing or damaged" },
	[CHECK_DIR_ID] = { CHECK_DAMAGE, "directory-id",
			   "its directory ID is missing or damaged: names in it cannot be read" },
	[CHECK_OTHER_ID] = { CHECK_DAMAGE, "other-directory-id",
			     "no name in it opens: its directory ID may be another directory's" },
	[CHECK_FOREIGN] = { CHECK_DAMAGE, "foreign", "something that does not belong into a vault" },
	[CHECK_LINK] = { CHECK_DAMAGE, "link", "the target of the symbolic link is damaged or missing" },
	[CHECK_XATTR] = { CHECK_DAMAGE, "attribute", "an extended attribute is damaged" },
	[CHECK_TEMPORARY] = { CHECK_LEFTOVER, "temporary", "a temporary of something that was interrupted" },
	[CHECK_ORPHAN] = { CHECK_LEFTOVER, "orphan", "a side file that nothing needs" },
	[CHECK_NO_ID] = { CHECK_LEFTOVER, "empty-directory", "an empty directory without a valid ID" },
	[CHECK_UNFINISHED] = { CHECK_LEFTOVER, "unfinished",
			       "a write that was not synced and did not reach the disk whole: reads as zeros" },
	[CHECK_BACKUP] = { CHECK_LEFTOVER, "settings-backup",
			   "the copy of the previous settings is damaged, or another vault's: of no use" },
	[CHECK_OUTSIDE] = { CHECK_LEFTOVER, "outside", "kept there by a sync client or the filesystem; left alone" },
	[CHECK_EMPTY] = { CHECK_LEFTOVER, "empty", "an empty directory" },
	[CHECK_HINT] = { CHECK_LEFTOVER, "size-hint", "the size hint is off" },
	[CHECK_UNREADABLE] = { CHECK_UNCHECKED, "unreadable", "not checked: it cannot be opened" },
	[CHECK_ELSEWHERE] = { CHECK_UNCHECKED, "other-filesystem",
			      "not checked: something else is mounted there" },
};

enum check_class check_class_of(enum check_kind kind)
{
	return kinds[kind].class;
}

const char *check_kind_name(enum check_kind kind)
{
	return kinds[kind].name;
}

const char *check_kind_text(enum check_kind kind)
{
	return kinds[kind].message;
}

/* ---- telling ---- */

/* A string that grows; a NULL in it is without memory. */
struct text {
	char *s;
	size_t n;
};

static void text_free(struct text *t)
{
	free(t->s);
}

static void text_add(struct text *t, const char *s, const char *after)
{
	size_t n = strlen(s), m = strlen(after);
	char *more = t->s || t->n == 0 ? realloc(t->s, t->n + n + m + 1) : NULL;
	if (!more) {
		free(t->s);
		t->s = NULL;
		t->n = 1;
		return;
	}
	memcpy(more + t->n, s, n);
	memcpy(more + t->n + n, after, m + 1);
	t->s = more;
	t->n += n + m;
}

/* The directories from the root to d, d last. */
static const struct check_dir **way_to(const struct check_dir *d, size_t *n)
{
	*n = 0;
	for (const struct check_dir *up = d; up->parent; up = up->parent)
		(*n)++;
	const struct check_dir **way = calloc(*n + 1, sizeof(*way));
	for (size_t i = *n; way && i > 0; i--, d = d->parent)
		way[i - 1] = d;
	return way;
}

/* Both paths of a place. */
static int paths_of(struct check_place at, struct text *path, struct text *cipher)
{
	size_t n;
	_cleanup_free_ const struct check_dir **way = way_to(at.dir, &n);
	if (!way)
		return -ENOMEM;
	bool known = true;
	text_add(path, "/", "");
	for (size_t i = 0; i < n; i++) {
		bool last = i + 1 == n && !at.disk;
		text_add(cipher, way[i]->disk, last ? "" : "/");
		known = known && way[i]->plain;
		if (known)
			text_add(path, way[i]->plain, last ? "" : "/");
	}
	if (at.disk)
		text_add(cipher, at.disk, "");
	else if (n == 0)
		text_add(cipher, ".", "");
	if (known && at.disk && at.plain)
		text_add(path, at.plain, "");
	return path->s && cipher->s ? 0 : -ENOMEM;
}

static void tell(struct check *c, struct check_finding *f, struct check_place at)
{
	_cleanup_(text_free) struct text path = { NULL, 0 };
	_cleanup_(text_free) struct text cipher = { NULL, 0 };
	if (c->opt->measure)
		return;
	if (paths_of(at, &path, &cipher) < 0) {
		check_stop(c, -ENOMEM);
		return;
	}
	f->path = path.s;
	f->cipher = cipher.s;
	f->message = kinds[f->kind].message;
	SCOPED_LOCK(&c->found);
	c->opt->found(c->opt->arg, f);
}

void check_tell(struct check *c, enum check_kind kind, struct check_place at)
{
	struct check_finding f = { .kind = kind };
	tell(c, &f, at);
}

void check_tell_range(struct check *c, enum check_kind kind, struct check_place at, uint64_t offset,
		      uint64_t length)
{
	struct check_finding f = { .kind = kind, .has_range = true, .offset = offset, .length = length };
	tell(c, &f, at);
}

void check_tell_xattr(struct check *c, struct check_place at, const char *name)
{
	struct check_finding f = { .kind = CHECK_XATTR, .detail = name };
	tell(c, &f, at);
}

void check_failed(struct check *c, int err, struct check_place at)
{
	switch (-err) {
	case ENOMEM:
		check_stop(c, err);
		break;
	case ENOENT: /* removed meanwhile, by a shared mount */
		break;
	case EIO:
		check_tell(c, CHECK_DISK, at);
		break;
	case EXDEV:
		check_tell(c, CHECK_ELSEWHERE, at);
		break;
	default:
		check_tell(c, CHECK_UNREADABLE, at);
	}
}

void check_stop(struct check *c, int err)
{
	SCOPED_LOCK(&c->lock);
	if (c->error == 0)
		c->error = err;
	c->done = true;
	pthread_cond_broadcast(&c->more);
	pthread_cond_signal(&c->ended);
}

/* ---- the whole ---- */

/* Seal the next part of the path for d, which is held. Returns 1, 0 at its end, or -errno. */
static int part_of(const struct check_dir *d, const char **path, struct sealed_name *name, char *plain)
{
	const char *part = *path + strspn(*path, "/");
	size_t n = strcspn(part, "/");
	*path = part + n + strspn(part + n, "/");
	if (n == 0)
		return 0;
	int r = d->named ? dir_seal_name(&d->d, part, n, name) : -EUCLEAN;
	if (r < 0)
		return r;
	memcpy(plain, part, n);
	plain[n] = '\0';
	return 1;
}

/* Go down one directory that is on the way only: its ID is needed, its entries are not looked at. */
static int step_into(struct check *c, struct check_dir **d, const char *disk, const char *plain)
{
	struct check_dir *child = check_dirs_new(c, *d, disk, plain);
	if (!child)
		return -ENOMEM;
	check_dirs_drop(c, *d);
	*d = child;
	int r = check_dirs_hold(c, child);
	if (r == 0) {
		r = check_names_enter(c, child);
		check_dirs_release(c, child);
	}
	return r;
}

/* Look at the one entry that the path leads to. */
static int start_entry(struct check *c, struct check_dir *d, const char *disk)
{
	struct check_dir *children = NULL;
	struct stat sb;
	int r = check_dirs_hold(c, d);
	if (r < 0)
		return r;
	r = fstatat(d->d.fd, disk, &sb, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
	if (r == 0)
		check_names_entry(c, d, disk, &children);
	check_dirs_release(c, d);
	if (children)
		check_walk_push(c, children);
	return r;
}

/* Follow the path down from d, whose reference goes over, and begin there. */
static int start_at(struct check *c, struct check_dir *d, const char *path)
{
	struct sealed_name name;
	char plain[NAME_PADDED_MAX + 1];
	int r;
	for (;;) {
		r = part_of(d, &path, &name, plain);
		if (r <= 0 || *path == '\0')
			break;
		r = step_into(c, &d, name.disk, plain);
		if (r < 0)
			break;
	}
	if (r == 0) {
		check_walk_push(c, d);
		return 0;
	}
	if (r > 0)
		r = start_entry(c, d, name.disk);
	check_dirs_drop(c, d);
	/* The directory on the way has been told of. */
	return r == -EUCLEAN ? 0 : r;
}

static int start(struct check *c)
{
	struct check_dir *root = check_dirs_new(c, NULL, "", "");
	if (!root)
		return -ENOMEM;
	int r = check_dirs_hold(c, root);
	if (r < 0) {
		check_dirs_drop(c, root);
		return r;
	}
	check_dirs_release(c, root);
	return start_at(c, root, c->opt->path ? c->opt->path : "");
}

static void wait_for_all(struct check *c)
{
	struct timespec until;
	pthread_mutex_lock(&c->lock);
	while (!c->done) {
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += CHECK_TICK_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		(void)pthread_cond_timedwait(&c->ended, &c->lock, &until);
		pthread_mutex_unlock(&c->lock);
		if (c->opt->tick)
			c->opt->tick(c->opt->arg, c->counts);
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
}

static int run_threads(struct check *c)
{
	pthread_t thread[CHECK_JOBS_MAX];
	unsigned int n = 0;
	int r = 0;
	c->running = true;
	while (r == 0 && n < c->opt->jobs) {
		r = -pthread_create(&thread[n], NULL, check_walk_thread, c);
		n += r == 0;
	}
	if (n == 0)
		return r;
	wait_for_all(c); /* fewer will do as well */
	while (n > 0)
		(void)pthread_join(thread[--n], NULL);
	return c->error;
}

/* What is left after a check that was stopped. */
static void drop_rest(struct check *c)
{
	while (c->stack) {
		struct check_dir *d = c->stack;
		c->stack = d->below;
		check_dirs_drop(c, d);
	}
	for (; c->queue_n > 0; c->queue_n--, c->queue_first++)
		check_dirs_drop(c, c->queue[c->queue_first % CHECK_QUEUE].dir);
	free(c->queue);
	free(c->seen.ino);
}

int check_run(struct store *st, const struct check_options *opt, struct check_counts *counts)
{
	struct check c = { .st = st, .opt = opt, .counts = counts };
	memset(counts, 0, sizeof(*counts));
	c.max_open = io_fd_share(4, CHECK_DIRS_MIN, CHECK_DIRS_MAX);
	c.queue = calloc(CHECK_QUEUE, sizeof(*c.queue));
	if (!c.queue)
		return -ENOMEM;
	pthread_mutex_init(&c.found, NULL);
	pthread_mutex_init(&c.dirs, NULL);
	pthread_mutex_init(&c.lock, NULL);
	pthread_cond_init(&c.more, NULL);
	pthread_cond_init(&c.ended, NULL);
	int r = start(&c);
	if (r == 0)
		r = run_threads(&c);
	drop_rest(&c);
	pthread_cond_destroy(&c.ended);
	pthread_cond_destroy(&c.more);
	pthread_mutex_destroy(&c.lock);
	pthread_mutex_destroy(&c.dirs);
	pthread_mutex_destroy(&c.found);
	return r;
}
