/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The streams of listings under way: which one a request gets, and how long one stays. */
#include "dirs.h"
#include "fs/listings.h"

#define MANY 40

/* Nothing looks into a node here. */
static const struct node *node_number(uintptr_t n)
{
	static char nodes[4];
	return (const struct node *)(const void *)&nodes[n];
}

static const char *file_number(int i)
{
	static char name[16];
	(void)snprintf(name, sizeof(name), "f%d", i);
	return name;
}

static struct dir *filled(const struct fixture *x)
{
	struct dir *d = root_of(x);
	for (int i = 0; i < MANY; i++)
		make_file(d, file_number(i));
	return d;
}

static struct listings *new_listings(void)
{
	struct listings *all = calloc(1, sizeof(*all));
	assert_non_null(all);
	pthread_mutex_init(&all->lock, NULL);
	return all;
}

static void drop(struct listings **all)
{
	listings_forget(*all, NULL);
	assert_int_equal((*all)->n, 0);
	pthread_mutex_destroy(&(*all)->lock);
	free(*all);
}

static struct dirlist *get(struct listings *all, const struct node *n, const struct dir *d, off_t at)
{
	struct dirlist *stream = NULL;
	assert_int_equal(listings_get(all, n, d, at, &stream), 0);
	return stream;
}

/* Read up to so many; counts those that are no dots. Returns where it goes on, or -1 at the end. */
static off_t take(struct dirlist *stream, size_t most, size_t *files)
{
	struct dirlist_entry e = { .next = -1 };
	for (size_t i = 0; i < most; i++) {
		int r = dirlist_next(stream, &e);
		assert_true(r >= 0);
		if (r == 0)
			return -1;
		*files += e.disk[0] != '\0';
	}
	return e.next;
}

static void test_goes_on(void **state)
{
	struct dir *d _cleanup_dir_ = filled(*state);
	struct listings *all _cleanup_(drop) = new_listings();
	struct dirlist *first = get(all, node_number(0), d, 0);
	size_t files = 0;
	off_t at = take(first, 7, &files);
	listings_give(all, node_number(0), at, first);
	assert_ptr_equal(get(all, node_number(0), d, at), first);
	assert_int_equal(all->n, 0);
	assert_int_equal(take(first, 1000, &files), -1);
	assert_int_equal(files, MANY);
	dirlist_close(first);
}

/* Another place, another directory and the beginning are no business of a stream that is kept. */
static void test_not_anothers(void **state)
{
	struct dir *d _cleanup_dir_ = filled(*state);
	struct listings *all _cleanup_(drop) = new_listings();
	struct dirlist *first = get(all, node_number(0), d, 0);
	size_t files = 0, more = 0;
	off_t at = take(first, 7, &files), later;
	listings_give(all, node_number(0), at, first);

	struct dirlist *other = get(all, node_number(1), d, at);
	assert_ptr_not_equal(other, first);
	later = take(other, 5, &more);
	dirlist_close(other);
	other = get(all, node_number(0), d, later);
	assert_ptr_not_equal(other, first);
	assert_int_equal(take(other, 1000, &more), -1);
	assert_int_equal(files + more, MANY); /* a new stream goes on just so */
	dirlist_close(other);
	other = get(all, node_number(0), d, 0);
	assert_ptr_not_equal(other, first);
	dirlist_close(other);
	assert_int_equal(all->n, 1);
}

/* Two readers at one place have one each. */
static void test_two_at_one_place(void **state)
{
	struct dir *d _cleanup_dir_ = filled(*state);
	struct listings *all _cleanup_(drop) = new_listings();
	struct dirlist *a = get(all, node_number(0), d, 0), *b = get(all, node_number(0), d, 0);
	size_t files = 0, more = 0;
	off_t at = take(a, 9, &files);
	assert_int_equal(take(b, 9, &more), at);
	listings_give(all, node_number(0), at, a);
	listings_give(all, node_number(0), at, b);
	struct dirlist *one = get(all, node_number(0), d, at), *two = get(all, node_number(0), d, at);
	assert_ptr_not_equal(one, two);
	assert_int_equal(take(one, 1000, &files), -1);
	assert_int_equal(take(two, 1000, &more), -1);
	assert_int_equal(files, MANY);
	assert_int_equal(more, MANY);
	dirlist_close(one);
	dirlist_close(two);
}

/* What was read ahead may be gone by the time that somebody goes on there. */
static void test_as_it_is_now(void **state)
{
	struct dir *d _cleanup_dir_ = filled(*state);
	struct listings *all _cleanup_(drop) = new_listings();
	struct dirlist *stream = get(all, node_number(0), d, 0);
	size_t files = 0;
	off_t at = take(stream, 7, &files);
	listings_give(all, node_number(0), at, stream);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(unlink_in(d, file_number(i)), 0);
	stream = get(all, node_number(0), d, at);
	files = 0;
	assert_int_equal(take(stream, 1000, &files), -1);
	assert_int_equal(files, 0);
	dirlist_close(stream);
}

static void test_bounded(void **state)
{
	struct dir *d _cleanup_dir_ = filled(*state);
	struct listings *all _cleanup_(drop) = new_listings();
	for (int i = 0; i < 3 * LISTINGS_IDLE; i++) {
		struct dirlist *stream = get(all, node_number(i % 2), d, 0);
		size_t files = 0;
		off_t at = take(stream, 5, &files);
		listings_give(all, node_number(i % 2), at, stream);
		assert_true(all->n <= LISTINGS_IDLE);
	}
	assert_int_equal(all->n, LISTINGS_IDLE);
	listings_forget(all, node_number(0));
	assert_int_equal(all->n, LISTINGS_IDLE / 2);
	for (size_t i = 0; i < all->n; i++)
		assert_ptr_equal(all->idle[i].node, node_number(1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRAP_TEST(test_goes_on),
		WRAP_TEST(test_not_anothers),
		WRAP_TEST(test_two_at_one_place),
		WRAP_TEST(test_as_it_is_now),
		WRAP_TEST(test_bounded),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
