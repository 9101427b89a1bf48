/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "fs/node.h"
#include "fs/tender_impl.h"

#define TENDER_BATCH 256

/* A file of the pass: held open from the mark to the raise, so that nothing it knows is lost between. */
struct tender_file {
	struct node *node;
	struct file *file; /* NULL: there is nothing to be done, or it could not be opened */
	int error;	   /* why */
};

/* What has failed for now. */
struct tender_failures {
	size_t n;
	int error;
};

static struct node *tender_pop(struct tender_list *l)
{
	struct node *n = l->first;
	l->first = n->tend_next;
	l->n--;
	return n;
}

/* ---- a file ---- */

/* Taken off the list: is there a name of it, or somebody who has it open? */
static bool tender_take(struct fs *fs, struct node *n)
{
	SCOPED_LOCK(inode_lock(&fs->inodes, n));
	n->tended = false;
	return n->names || n->file;
}

/* It could not be found: has it just been deleted, and forgotten by all? In shared mode by somebody else, for all that
 * can be known. */
static bool tender_is_deleted(struct fs *fs, struct node *n)
{
	SCOPED_LOCK(inode_lock(&fs->inodes, n));
	return fs->shared || !n->names;
}

static void tender_mark(struct fs *fs, struct tender_file *e)
{
	struct node *n = e->node;
	if (!tender_take(fs, n))
		return;
	e->file = node_file_get(fs, n);
	e->error = e->file ? node_file_open(fs, n, e->file, true) : -ENOMEM;
	damage_report(fs, n, DAMAGE_CONTENT, "sync", e->error);
	if (e->error == 0) {
		file_mark(e->file);
	} else if (e->file) {
		node_file_put(fs, n);
		e->file = NULL;
		if (e->error == -ESTALE && tender_is_deleted(fs, n))
			e->error = 0;
	}
}

/* With 'trusted' the disk has all that was marked. */
static int tender_record(struct fs *fs, struct node *n, struct file *f, bool trusted)
{
	int r = 0;
	if (trusted)
		file_marked(f);
	else if (!file_is_synced(f))
		r = file_sync(f, true);
	if (r == 0)
		r = file_raise(f);
	damage_report(fs, n, DAMAGE_CONTENT, "sync", r);
	return r;
}

/* Will it be better another time? Not if it is damaged or gone, nor if the disk has refused some of it: the kernel has
 * forgotten what that was, and would say the next time that all is well. */
static bool tender_is_passing(const struct tender_file *e)
{
	int r = e->error;
	return !store_is_damage(r) && r != -EPROTONOSUPPORT && r != -ENOENT && r != -ESTALE &&
	       !(e->file && file_is_lost(e->file));
}

/* Takes the count on the node. */
static void tender_later(struct tender *t, struct node *n)
{
	bool listed;
	{
		SCOPED_LOCK(inode_lock(&t->fs->inodes, n));
		listed = n->tended; /* by somebody else meanwhile */
		n->tended = true;
	}
	if (listed)
		inode_unref(&t->fs->inodes, n);
	else
		tender_push(&t->late, n);
}

static void tender_done(struct tender *t, const struct tender_file *e, struct tender_failures *failures)
{
	if (e->error < 0 && tender_is_passing(e)) {
		failures->n++;
		failures->error = e->error;
		inode_ref(e->node);
		tender_later(t, e->node); /* before its last user leaves, who would put it on the list */
	} else if (e->error < 0 && !store_is_damage(e->error)) {
		log_warn("inode %llu: durable length not raised: %s", (unsigned long long)e->node->ino,
			 strerror(-e->error));
	}
	if (e->file)
		node_file_put(t->fs, e->node);
	inode_unref(&t->fs->inodes, e->node);
}

/* ---- many ---- */

/* syncfs for what has been marked: did all of it reach the disk? The kernel says once that something did not, to
 * whoever asks next, and does not say what: from then on each file's own fsync is asked. */
static bool tender_sync(struct fs *fs)
{
	int r = store_sync(fs->st);
	if (r < 0)
		log_error("writing to disk: %s", strerror(-r));
	return r == 0 && atomic_load(&fs->st->side.failures) == 0;
}

/* One batch under one syncfs, unless all of it has been fsynced; as many descriptors as it has files are open
 * meanwhile. */
static void tender_batch(struct tender *t, struct tender_list *from, size_t n, struct tender_failures *failures)
{
	struct tender_file files[TENDER_BATCH];
	bool synced = true;
	for (size_t i = 0; i < n; i++) {
		files[i] = (struct tender_file){ .node = tender_pop(from) };
		tender_mark(t->fs, &files[i]);
		synced = synced && (!files[i].file || file_is_synced(files[i].file));
	}
	bool trusted = synced || tender_sync(t->fs);
	for (size_t i = 0; i < n; i++) {
		if (files[i].file)
			files[i].error = tender_record(t->fs, files[i].node, files[i].file, trusted);
		tender_done(t, &files[i], failures);
	}
}

/* The first n of them. */
static struct tender_failures tender_batches(struct tender *t, struct tender_list *from, size_t n)
{
	struct tender_failures failures = { 0, 0 };
	size_t most = io_fd_share(8, 1, TENDER_BATCH);
	for (size_t some; n > 0; n -= some) {
		some = n < most ? n : most;
		tender_batch(t, from, some, &failures);
	}
	return failures;
}

void tender_pass(struct tender *t, size_t late)
{
	struct tender_list list;
	struct tender_failures failures;
	(void)tender_batches(t, &t->late, late < t->late.n ? late : t->late.n);
	{
		SCOPED_LOCK(&t->lock);
		list = t->list;
		memset(&t->list, 0, sizeof(t->list));
	}
	failures = tender_batches(t, &list, list.n);
	{
		SCOPED_LOCK(&t->lock);
		t->n_late = t->late.n;
	}
	if (failures.n > 0)
		log_info("durable lengths of %zu files not raised for now: %s", failures.n,
			 strerror(-failures.error));
}

void tender_last_pass(struct tender *t)
{
	struct fs *fs = t->fs;
	struct node **nodes;
	size_t n = inode_open_files(&fs->inodes, &nodes);
	for (size_t i = 0; i < n; i++) {
		if (!file_is_open(nodes[i]->file, true))
			continue;
		(void)file_settle(nodes[i]->file);
		file_mark(nodes[i]->file);
	}
	tender_pass(t, SIZE_MAX);
	bool trusted = tender_sync(fs);
	for (size_t i = 0; i < n; i++) {
		if (file_is_open(nodes[i]->file, true))
			(void)tender_record(fs, nodes[i], nodes[i]->file, trusted);
		inode_unref(&fs->inodes, nodes[i]);
	}
	free(nodes);
}
