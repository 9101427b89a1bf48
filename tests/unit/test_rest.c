/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that have just been closed: how many rest, how long, and who lets go when. */
#include "unit.h"

#include "fs/node.h"

#define NODES (3 * REST_MAX)

static struct node nodes[NODES];
static unsigned int let_go[NODES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tender *const some_tender = (void *)&lock;

/* What rest.c needs of the others. */
pthread_mutex_t *inode_lock(struct inode_table *t, const struct node *n)
{
	(void)t;
	(void)n;
	return &lock;
}

int file_keep_time(struct file *f)
{
	(void)f;
	return 0;
}

void node_file_put(struct fs *fs, struct node *n)
{
	(void)fs;
	let_go[n - nodes]++;
}

static int setup(void **state)
{
	static struct fs fs;
	static struct node_name name;
	memset(&fs, 0, sizeof(fs));
	memset(let_go, 0, sizeof(let_go));
	for (size_t i = 0; i < NODES; i++)
		nodes[i] = (struct node){ .names = &name, .file = (void *)&name };
	fs.tender = some_tender;
	rest_init(&fs.rest);
	assert_true(fs.rest.max > 0);
	*state = &fs;
	return 0;
}

static void assert_gone(size_t from, size_t to, unsigned int times)
{
	for (size_t i = from; i < to; i++)
		assert_int_equal(let_go[i], times);
}

static void test_a_tick(void **state)
{
	struct fs *fs = *state;
	rest_put(fs, &nodes[0]);
	rest_tick(fs);
	rest_put(fs, &nodes[1]);
	assert_gone(0, 2, 0);
	rest_tick(fs);
	assert_gone(0, 1, 1);
	assert_gone(1, 2, 0);
	rest_tick(fs);
	rest_tick(fs);
	assert_gone(0, 2, 1);
	assert_int_equal(fs->rest.n, 0);
}

/* Opened and closed again meanwhile: one count of it rests, the others go. */
static void test_again(void **state)
{
	struct fs *fs = *state;
	for (int i = 0; i < 5; i++)
		rest_put(fs, &nodes[0]);
	assert_gone(0, 1, 4);
	rest_end(fs);
	assert_gone(0, 1, 5);
}

static void test_too_many(void **state)
{
	struct fs *fs = *state;
	size_t max = fs->rest.max;
	for (size_t i = 0; i < max + 3; i++)
		rest_put(fs, &nodes[i]);
	assert_gone(0, 3, 1);
	assert_gone(3, max + 3, 0);
	rest_end(fs);
	assert_gone(0, max + 3, 1);
}

static void test_names(void **state)
{
	struct fs *fs = *state;
	for (size_t i = 0; i < 3; i++)
		rest_put(fs, &nodes[i]);
	nodes[1].names = NULL;
	rest_leave(fs, &nodes[1]);
	rest_leave(fs, &nodes[1]);
	rest_put(fs, &nodes[1]); /* somebody else had it open */
	assert_gone(1, 2, 2);
	assert_int_equal(fs->rest.n, 2);
	rest_end(fs);
	assert_gone(0, 1, 1);
	assert_gone(1, 2, 2);
	assert_gone(2, 3, 1);
}

static void test_not_at_all(void **state)
{
	struct fs *fs = *state;
	fs->shared = true;
	rest_put(fs, &nodes[0]);
	fs->shared = false;
	fs->tender = NULL;
	rest_put(fs, &nodes[0]);
	assert_gone(0, 1, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_tick, setup),   cmocka_unit_test_setup(test_again, setup),
		cmocka_unit_test_setup(test_too_many, setup), cmocka_unit_test_setup(test_names, setup),
		cmocka_unit_test_setup(test_not_at_all, setup),
	};
	return RUN_TAP(tests, NULL, NULL);
}
