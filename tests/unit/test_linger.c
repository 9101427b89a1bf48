/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a thread looks out for the next request, and when it does not. */
#include "unit.h"

#include <poll.h>

#include "fs/linger.h"

static int polls;
static int ready_after; /* so many of them */

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	(void)fds;
	assert_int_equal(n, 1);
	assert_int_equal(timeout, 0);
	return ++polls >= ready_after;
}

static struct linger lately(int64_t gap)
{
	struct linger l = { .use = true };
	atomic_store(&l.gap, gap);
	polls = 0;
	ready_after = 1;
	return l;
}

static void test_only_if_it_pays(void **state)
{
	struct linger l = lately(0);
	(void)state;
	linger_wait(&l, 0);
	assert_int_equal(polls, 1);

	l = lately(1000000);
	linger_wait(&l, 0);
	assert_int_equal(polls, 0);
	assert_true(atomic_load(&l.since) > 0); /* known all the same, or it would never pay again */

	l = lately(0);
	l.use = false;
	linger_wait(&l, 0);
	assert_int_equal(polls, 0);
}

static void test_one_at_a_time(void **state)
{
	struct linger l = lately(0);
	(void)state;
	atomic_store(&l.taken, true);
	linger_wait(&l, 0);
	assert_int_equal(polls, 0);
	atomic_store(&l.taken, false);
	linger_wait(&l, 0);
	assert_int_equal(polls, 1);
	assert_false(atomic_load(&l.taken));
}

static void test_ends_by_itself(void **state)
{
	struct linger l = lately(0);
	(void)state;
	ready_after = INT32_MAX;
	linger_wait(&l, 0);
	assert_true(polls > 0);
	assert_false(atomic_load(&l.taken));
}

/* Requests that come at once bring it about, pauses end it, and the longest counts as one pause. */
static void test_learns(void **state)
{
	struct linger l;
	(void)state;
	linger_init(&l);
	l.use = true;
	ready_after = 1;
	polls = 0;
	linger_wait(&l, 0);
	assert_int_equal(polls, 0); /* nothing is known in the beginning */
	for (int i = 0; i < 100; i++) {
		atomic_store(&l.since, INT64_MAX); /* none at all */
		linger_note(&l);
	}
	linger_wait(&l, 0);
	assert_int_equal(polls, 1);
	atomic_store(&l.since, 0); /* since the machine was started */
	linger_note(&l);
	int64_t once = atomic_load(&l.gap);
	assert_true(once > 0);
	for (int i = 0; i < 100; i++) {
		atomic_store(&l.since, 0);
		linger_note(&l);
	}
	assert_true(atomic_load(&l.gap) > once && atomic_load(&l.gap) <= 8 * once);
	linger_wait(&l, 0);
	assert_int_equal(polls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_if_it_pays),
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_ends_by_itself),
		cmocka_unit_test(test_learns),
	};
	return RUN_TAP(tests, NULL, NULL);
}
