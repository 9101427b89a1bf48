/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tender does with files that cannot be opened, synced or recorded: try again, but not too often, or leave. */
#include "fs/tender_impl.h"

#include "dirs.h"
#include "fs/node.h"
#include "store/file_impl.h"

#define FILES_MAX 400

/* So many of the next calls fail with that. */
struct failing {
	unsigned int calls, times;
	int error;
};

static struct failing opens, news, raises;

int __real_node_file_open(struct fs *fs, struct node *n, struct file *f, bool writable);
int __wrap_node_file_open(struct fs *fs, struct node *n, struct file *f, bool writable);
struct file *__real_file_new(struct store *st, bool whole);
struct file *__wrap_file_new(struct store *st, bool whole);
int __real_file_raise(struct file *f);
int __wrap_file_raise(struct file *f);

static int fails(struct failing *f)
{
	f->calls++;
	if (f->times == 0)
		return 0;
	f->times--;
	return f->error;
}

int __wrap_node_file_open(struct fs *fs, struct node *n, struct file *f, bool writable)
{
	int r = fails(&opens);
	return r < 0 ? r : __real_node_file_open(fs, n, f, writable);
}

struct file *__wrap_file_new(struct store *st, bool whole)
{
	return fails(&news) < 0 ? NULL : __real_file_new(st, whole);
}

int __wrap_file_raise(struct file *f)
{
	int r = fails(&raises);
	return r < 0 ? r : __real_file_raise(f);
}

/* ---- a mount without a kernel ---- */

struct mount {
	struct fixture *x;
	struct fs fs;
	struct tender t;
	struct node *nodes[FILES_MAX];
};

static const struct session_options options; /* tells nobody of damage */

static int setup(void **state)
{
	struct mount *m = calloc(1, sizeof(*m));
	void *x = NULL;
	struct dir *root = NULL;
	memset(&opens, 0, sizeof(opens));
	memset(&news, 0, sizeof(news));
	memset(&raises, 0, sizeof(raises));
	if (!m || wrap_setup(&x) != 0)
		return -1;
	m->x = x;
	m->fs.st = m->x->st;
	m->fs.st->alone = true;
	m->fs.tender = &m->t;
	m->fs.opt = &options;
	m->t.fs = &m->fs;
	pthread_mutex_init(&m->t.lock, NULL);
	pthread_cond_init(&m->t.wake, NULL);
	node_dircache_init(&m->fs.dirs, 16);
	if (dir_open_root(m->fs.st, &root) != 0 || inode_table_init(&m->fs.inodes, root) != 0)
		return -1;
	m->fs.inodes.dying = node_dying;
	m->fs.inodes.dying_arg = &m->fs;
	log_set_level(LOG_LEVEL_NONE);
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct mount *m = *state;
	void *x = m->x;
	inode_table_destroy(&m->fs.inodes);
	pthread_cond_destroy(&m->t.wake);
	pthread_mutex_destroy(&m->t.lock);
	pthread_mutex_destroy(&m->fs.dirs.lock);
	free(m);
	return fixture_teardown(&x);
}

/* Written and closed, never synced: on the list. */
static void write_file(struct mount *m, int i)
{
	struct node_dir d;
	struct stat sb;
	char name[16];
	int fd = -1;
	snprintf(name, sizeof(name), "f%d", i);
	assert_int_equal(node_dir_hold(&m->fs, FUSE_ROOT_ID, &d), 0);
	struct sealed_name s = seal(d.dir, name);
	assert_int_equal(dirops_create(d.dir, &s, 0600, &nobody, &fd), 0);
	assert_int_equal(node_enter(&m->fs, &d, s.disk, &m->nodes[i], &sb), 0);
	struct file *f = node_file_get(&m->fs, m->nodes[i]);
	assert_non_null(f);
	assert_int_equal(file_attach(f, fd, true), 0);
	assert_int_equal(file_write(f, name, strlen(name), 0), 0);
	node_file_put(&m->fs, m->nodes[i]);
	node_dir_cleanup(&d);
}

static struct mount *with_files(void **state, int n)
{
	struct mount *m = *state;
	for (int i = 0; i < n; i++)
		write_file(m, i);
	assert_int_equal(m->t.list.n, n);
	opens.calls = 0;
	return m;
}

/* Is all of it recorded as durable, as whoever opens it anew sees? */
static bool is_durable(struct mount *m, int i)
{
	struct node *n = m->nodes[i];
	struct file *f = __real_file_new(m->fs.st, false);
	assert_non_null(f);
	assert_int_equal(__real_node_file_open(&m->fs, n, f, false), 0);
	bool durable = f->durable == f->len && f->len > 0;
	file_free(f);
	return durable;
}

static int durable_among(struct mount *m, int n)
{
	int sum = 0;
	for (int i = 0; i < n; i++)
		sum += is_durable(m, i);
	return sum;
}

/* ---- tests ---- */

static void all_is_well(void **state)
{
	struct mount *m = with_files(state, 3);
	assert_int_equal(durable_among(m, 3), 0);
	tender_pass(&m->t, TENDER_LATE);
	assert_int_equal(durable_among(m, 3), 3);
	assert_int_equal(m->t.list.n + m->t.late.n, 0);
	assert_int_equal(wrap.syncfs.calls, 1);
	assert_int_equal(wrap.sync.calls, 0);
}

/* What passes: kept for a later pass, and tried in none but those meant for it. */
static void tried_again(struct mount *m, struct failing *what)
{
	tender_pass(&m->t, TENDER_LATE);
	assert_int_equal(what->times, 0);
	assert_int_equal(durable_among(m, 3), 2);
	assert_int_equal(m->t.list.n, 0);
	assert_int_equal(m->t.late.n, 1);
	unsigned int calls = opens.calls;
	tender_pass(&m->t, 0);
	assert_int_equal(opens.calls, calls);
	what->times = 1; /* and fails once more */
	tender_pass(&m->t, TENDER_LATE);
	assert_int_equal(m->t.late.n, 1);
	assert_int_equal(durable_among(m, 3), 2);
	tender_pass(&m->t, TENDER_LATE);
	assert_int_equal(durable_among(m, 3), 3);
	assert_int_equal(m->t.list.n + m->t.late.n, 0);
}

static void an_open_that_fails(void **state)
{
	struct mount *m = with_files(state, 3);
	opens = (struct failing){ .times = 1, .error = -EMFILE };
	tried_again(m, &opens);
}

static void no_memory_for_it(void **state)
{
	struct mount *m = with_files(state, 3);
	news = (struct failing){ .times = 1, .error = -ENOMEM };
	tried_again(m, &news);
}

static void a_raise_that_fails(void **state)
{
	struct mount *m = with_files(state, 3);
	raises = (struct failing){ .times = 1, .error = -EIO };
	tried_again(m, &raises);
}

static void a_side_file_that_is_not_on_disk(void **state)
{
	struct mount *m = with_files(state, 2);
	m->fs.st->side.overflow = true; /* all is to be synced before anything is acknowledged */
	wrap.syncfs.fail = 5;
	tender_pass(&m->t, TENDER_LATE);
	assert_int_equal(durable_among(m, 2), 0);
	assert_int_equal(m->t.late.n, 2);
	wrap.syncfs.fail = 0;
	tender_pass(&m->t, TENDER_LATE);
	assert_int_equal(durable_among(m, 2), 2);
}

/* syncfs has failed, and told whom it liked: each file is asked, now and later. */
static void files_are_asked_one_by_one(void **state)
{
	struct mount *m = with_files(state, 3);
	wrap.syncfs.fail = 1;
	wrap.sync.fail = 1;
	tender_pass(&m->t, TENDER_LATE);
	assert_int_equal(wrap.sync.calls, 3);
	assert_int_equal(durable_among(m, 3), 2);
	/* what the disk has refused is never taken for durable */
	assert_int_equal(m->t.list.n + m->t.late.n, 0);
	write_file(m, 3);
	write_file(m, 4);
	wrap.sync = (struct wrap_call){ .fail = 1 };
	tender_pass(&m->t, TENDER_LATE);
	assert_int_equal(wrap.sync.calls, 2);
	assert_int_equal(durable_among(m, 5), 3);
	tender_pass(&m->t, TENDER_LATE);
	assert_int_equal(durable_among(m, 5), 3);
}

static void damage_is_not_tried_again(void **state)
{
	static const int errors[] = { -EBADMSG, -EUCLEAN, -ESTALE, -ENOENT };
	struct mount *m = with_files(state, N_OF(errors));
	for (size_t i = 0; i < N_OF(errors); i++) {
		if (i > 0)
			tender_add(&m->t, m->nodes[i]);
		opens = (struct failing){ .times = N_OF(errors), .error = errors[i] };
		tender_pass(&m->t, TENDER_LATE);
		assert_int_equal(m->t.list.n + m->t.late.n, 0);
	}
}

static void removed_meanwhile(void **state)
{
	struct mount *m = with_files(state, 2);
	opens = (struct failing){ .times = 2, .error = -EMFILE };
	tender_pass(&m->t, TENDER_LATE);
	assert_int_equal(m->t.late.n, 2);
	struct dir *root = root_of(m->x);
	struct sealed_name s = seal(root, "f0");
	assert_int_equal(dirops_unlink(root, &s), 0);
	inode_lose_name(&m->fs.inodes, m->nodes[0], &m->fs.inodes.root, s.disk, -1, true);
	dir_free(root);
	tender_pass(&m->t, TENDER_LATE);
	assert_int_equal(opens.calls, 3);
	assert_int_equal(m->t.late.n, 0);
	assert_true(is_durable(m, 1));
}

/* Changed and closed again while it waits: once on a list, not twice. */
static void changed_meanwhile(void **state)
{
	struct mount *m = with_files(state, 2);
	opens = (struct failing){ .times = 1, .error = -EMFILE };
	tender_pass(&m->t, TENDER_LATE);
	for (int i = 0; i < 2; i++) {
		struct node_file f;
		assert_int_equal(node_file_hold(&m->fs, m->nodes[i], true, &f), 0);
		assert_int_equal(file_write(f.file, "more", 4, 9000), 0);
		node_file_cleanup(&f);
	}
	assert_int_equal(m->t.late.n, 1);
	assert_int_equal(m->t.list.n, 1);
	tender_pass(&m->t, TENDER_LATE);
	assert_int_equal(durable_among(m, 2), 2);
	assert_int_equal(m->t.list.n + m->t.late.n, 0);
}

static void a_pass_has_bounds(void **state)
{
	struct mount *m = with_files(state, FILES_MAX);
	opens = (struct failing){ .times = 3 * FILES_MAX, .error = -EACCES };
	tender_pass(&m->t, TENDER_LATE);
	assert_int_equal(opens.calls, FILES_MAX);
	assert_int_equal(m->t.late.n, FILES_MAX);
	opens.calls = 0;
	tender_pass(&m->t, TENDER_LATE);
	assert_int_equal(opens.calls, TENDER_LATE);
	assert_int_equal(m->t.late.n, FILES_MAX);
	opens.times = 0; /* all get their turn */
	tender_pass(&m->t, TENDER_LATE);
	tender_pass(&m->t, TENDER_LATE);
	assert_int_equal(m->t.late.n, 0);
	assert_int_equal(durable_among(m, FILES_MAX), FILES_MAX);
}

static void the_last_pass_tries_all(void **state)
{
	struct mount *m = with_files(state, FILES_MAX);
	opens = (struct failing){ .times = FILES_MAX, .error = -ENFILE };
	tender_pass(&m->t, TENDER_LATE);
	assert_int_equal(m->t.late.n, FILES_MAX);
	tender_last_pass(&m->t);
	assert_int_equal(m->t.late.n, 0);
	assert_int_equal(durable_among(m, FILES_MAX), FILES_MAX);
}

#define TENDER_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TENDER_TEST(all_is_well),
		TENDER_TEST(an_open_that_fails),
		TENDER_TEST(no_memory_for_it),
		TENDER_TEST(a_raise_that_fails),
		TENDER_TEST(a_side_file_that_is_not_on_disk),
		TENDER_TEST(files_are_asked_one_by_one),
		TENDER_TEST(damage_is_not_tried_again),
		TENDER_TEST(removed_meanwhile),
		TENDER_TEST(changed_meanwhile),
		TENDER_TEST(a_pass_has_bounds),
		TENDER_TEST(the_last_pass_tries_all),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
