/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An entry that is no directory: is it to be copied, there already, or in the way of what is there? */
#include <errno.h>
#include <fcntl.h>

#include "base/bytes.h"
#include "transfer/transfer_impl.h"

/* An entry is over: what progress does not know of yet, such as holes. */
static int item_done(struct transfer_item *i)
{
	uint64_t all = S_ISREG(i->sb.st_mode) ? (uint64_t)i->sb.st_size : 0;
	return transfer_done(i->x, 1, all - min_u64(all, i->told_done));
}

static bool item_is_older(const struct transfer_item *i)
{
	const struct timespec *a = &i->there_sb.st_mtim, *b = &i->sb.st_mtim;
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

/* How does what is there differ? Returns differences, or -errno with the side that failed. */
static int item_differs(struct transfer_item *i, bool *src_failed)
{
	const struct transfer_link *l = transfer_links_apply(&i->sb) ? transfer_links_find(i) : NULL;
	*src_failed = false;
	if (l)
		return l->dst_ino == i->there_sb.st_ino && l->dst_dev == i->there_sb.st_dev ? 0 : TRANSFER_LINKS;
	int d = transfer_compare_quick(i);
	if (d != 0 || !i->x->opt->verify_all || !S_ISREG(i->sb.st_mode))
		return d;
	int r = transfer_compare_content(i, src_failed);
	return r < 0 ? r : r == 1 ? 0 : TRANSFER_CONTENT;
}

/* It is there, and the same. */
static void item_skip(struct transfer_item *i)
{
	struct transfer_link *l = transfer_links_apply(&i->sb) ? transfer_links_find(i) : NULL;
	i->x->counts->skipped++;
	if (l)
		transfer_links_met(i->x, l);
	else if (transfer_links_apply(&i->sb))
		transfer_links_add(i, &i->there_sb);
}

static int item_copy(struct transfer_item *i)
{
	bool src_failed;
	if (!i->there)
		return transfer_place(i);
	int d = item_differs(i, &src_failed);
	if (d == -ECANCELED)
		return d;
	if (d < 0)
		return transfer_tell(i->x, src_failed ? TRANSFER_UNREAD : TRANSFER_MISREAD, d);
	if (d == 0) {
		item_skip(i);
		return 0;
	}
	enum transfer_replace how = i->x->opt->replace;
	i->replace = !S_ISDIR(i->there_sb.st_mode) &&
		     (how == TRANSFER_OVERWRITE || (how == TRANSFER_UPDATE && item_is_older(i)));
	if (i->replace)
		return transfer_place(i);
	transfer_tell_event(i->x, (struct transfer_event){ .what = TRANSFER_CONFLICT, .differences = (unsigned int)d });
	return 0;
}

int transfer_item_entry(struct transfer *x, const char *name, const struct stat *sb, bool mounted)
{
	struct transfer_level *l = transfer_last(x);
	struct transfer_item i = { .x = x, .src = l->src, .dst = l->dst, .name = name, .sb = *sb };
	int r = 0;
	if (mounted && !x->opt->cross_mounts)
		return transfer_tell(x, TRANSFER_MOUNTED, 0);
	x->counts->files++;
	x->counts->bytes += S_ISREG(sb->st_mode) ? (uint64_t)sb->st_size : 0;
	i.there = l->dst >= 0 && fstatat(l->dst, name, &i.there_sb, AT_SYMLINK_NOFOLLOW) == 0;
	if (l->dst >= 0 && !i.there && errno != ENOENT)
		r = transfer_tell(x, TRANSFER_UNWRITTEN, -errno);
	else if (x->opt->mode == TRANSFER_CHECK)
		r = transfer_compare_item(&i);
	else if (x->opt->mode != TRANSFER_COUNT)
		r = item_copy(&i);
	int done = item_done(&i);
	return r < 0 ? r : done;
}
