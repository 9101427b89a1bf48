/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/tender.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "fs/node.h"

#define TENDER_TICK 1	  /* seconds: side files */
#define TENDER_PASS 30	  /* ticks: durable lengths */
#define TENDER_CROWD 4096 /* so many files bring the pass forward */

struct tender_list {
	struct node **nodes; /* each counted, each marked 'tended' */
	size_t n;
	size_t cap;
};

struct tender {
	struct fs *fs;
	pthread_t thread;
	pthread_mutex_t lock; /* guards the rest; after an inode's lock, before none */
	pthread_cond_t wake;
	bool stop;
	struct tender_list list;
};

static bool tender_list_add(struct tender_list *l, struct node *n)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 256;
		struct node **nodes = reallocarray(l->nodes, cap, sizeof(*nodes));
		if (!nodes)
			return false;
		l->nodes = nodes;
		l->cap = cap;
	}
	l->nodes[l->n++] = n;
	return true;
}

void tender_add(struct tender *t, struct node *n)
{
	if (!t)
		return;
	{
		SCOPED_LOCK(inode_lock(&t->fs->inodes, n));
		if (n->tended)
			return;
		n->tended = true;
	}
	inode_ref(n);
	bool kept;
	{
		SCOPED_LOCK(&t->lock);
		kept = tender_list_add(&t->list, n);
		if (t->list.n == TENDER_CROWD)
			pthread_cond_signal(&t->wake);
	}
	if (kept)
		return;
	{
		SCOPED_LOCK(inode_lock(&t->fs->inodes, n));
		n->tended = false;
	}
	inode_unref(&t->fs->inodes, n);
}

/* ---- a pass ---- */

/* A file of the pass: held open from the mark to the raise, so that nothing it knows is lost between. */
static struct file *tender_mark(struct fs *fs, struct node *n)
{
	{
		SCOPED_LOCK(inode_lock(&fs->inodes, n));
		n->tended = false;
		if (!n->names && !n->file)
			return NULL; /* its name is gone and nobody has it open */
	}
	struct file *f = node_file_get(fs, n);
	if (!f)
		return NULL;
	if (node_file_open(fs, n, f, true) < 0) {
		node_file_put(fs, n);
		return NULL;
	}
	file_mark(f);
	return f;
}

static void tender_raise(struct fs *fs, struct node *n, struct file *f)
{
	file_marked(f);
	int r = file_raise(f);
	if (r < 0)
		log_warn("inode %llu: durable length not raised: %s", (unsigned long long)n->ino,
			 strerror(-r));
	node_file_put(fs, n);
}

#define TENDER_BATCH 256

/* syncfs for what has been marked since the count of failures was 'failures': did all of it reach the disk? */
static bool tender_sync(struct fs *fs, uint64_t failures)
{
	int r = store_sync(fs->st);
	if (r < 0)
		log_error("writing to disk: %s", strerror(-r));
	return r == 0 && atomic_load(&fs->st->side.failures) == failures;
}

/* One batch under one syncfs, unless all of it has been fsynced; as many descriptors as it has files are open
 * meanwhile. If the disk fails, their durable lengths stay as they are. */
static void tender_batch(struct fs *fs, struct node **nodes, size_t n)
{
	struct file *files[TENDER_BATCH];
	uint64_t failures = atomic_load(&fs->st->side.failures);
	bool synced = true;
	for (size_t i = 0; i < n; i++) {
		files[i] = tender_mark(fs, nodes[i]);
		synced = synced && (!files[i] || file_is_synced(files[i]));
	}
	bool good = synced || tender_sync(fs, failures);
	for (size_t i = 0; i < n; i++) {
		if (files[i] && good)
			tender_raise(fs, nodes[i], files[i]);
		else if (files[i])
			node_file_put(fs, nodes[i]);
		inode_unref(&fs->inodes, nodes[i]);
	}
}

static void tender_pass(struct tender *t)
{
	struct tender_list list;
	{
		SCOPED_LOCK(&t->lock);
		list = t->list;
		memset(&t->list, 0, sizeof(t->list));
	}
	size_t most = io_fd_share(8, 1, TENDER_BATCH);
	for (size_t i = 0; i < list.n; i += most)
		tender_batch(t->fs, list.nodes + i, list.n - i < most ? list.n - i : most);
	free(list.nodes);
}

/* ---- the thread ---- */

/* Wait for a tick. Returns false when it is time to stop; *crowd says that the list has grown long. */
static bool tender_wait(struct tender *t, bool *crowd)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += TENDER_TICK;
	SCOPED_LOCK(&t->lock);
	int r = 0;
	while (!t->stop && r == 0 && t->list.n < TENDER_CROWD)
		r = pthread_cond_timedwait(&t->wake, &t->lock, &until);
	*crowd = t->list.n >= TENDER_CROWD;
	return !t->stop;
}

static void *tender_main(void *arg)
{
	struct tender *t = arg;
	bool crowd;
	int ticks = 0;
	while (tender_wait(t, &crowd)) {
		struct store *st = t->fs->st;
		if (sidefile_pending(&st->side)) {
			int r = store_drain(st);
			if (r < 0)
				log_error("writing side files to disk: %s", strerror(-r));
		}
		if (crowd || ++ticks >= TENDER_PASS) {
			tender_pass(t);
			ticks = 0;
		}
	}
	return NULL;
}

int tender_start(struct fs *fs, struct tender **out)
{
	struct tender *t = calloc(1, sizeof(*t));
	pthread_condattr_t attr;
	if (!t)
		return -ENOMEM;
	t->fs = fs;
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wake, &attr);
	pthread_condattr_destroy(&attr);
	int r = pthread_create(&t->thread, NULL, tender_main, t);
	if (r != 0) {
		free(t);
		return -r;
	}
	*out = t;
	return 0;
}

/* The last pass: what is on the list, and what is still open, for the kernel need not have released it. */
static void tender_last_pass(struct tender *t)
{
	struct fs *fs = t->fs;
	struct node **nodes;
	size_t n = inode_open_files(&fs->inodes, &nodes);
	uint64_t failures = atomic_load(&fs->st->side.failures);
	for (size_t i = 0; i < n; i++) {
		if (!file_is_open(nodes[i]->file, true))
			continue;
		(void)file_settle(nodes[i]->file);
		file_mark(nodes[i]->file);
	}
	tender_pass(t);
	bool good = tender_sync(fs, failures);
	for (size_t i = 0; i < n; i++) {
		if (good && file_is_open(nodes[i]->file, true)) {
			file_marked(nodes[i]->file);
			(void)file_raise(nodes[i]->file);
		}
		inode_unref(&fs->inodes, nodes[i]);
	}
	free(nodes);
}

void tender_stop(struct tender *t)
{
	if (!t)
		return;
	{
		SCOPED_LOCK(&t->lock);
		t->stop = true;
		pthread_cond_signal(&t->wake);
	}
	pthread_join(t->thread, NULL);

	tender_last_pass(t);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t->list.nodes);
	free(t);
}
