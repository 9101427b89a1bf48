/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What has been counted, by more threads than there are places. */
#include "unit.h"

#include <linux/fuse.h>
#include <pthread.h>

#include "fs/tally.h"

#define THREADS (3 * TALLY_CELLS)
#define TIMES 5000

static void *count(void *arg)
{
	struct tally *t = arg;
	for (int i = 0; i < TIMES; i++) {
		tally_request(t, i % 2 ? FUSE_READ : FUSE_READDIRPLUS);
		tally_add_bytes(t, TALLY_BYTES_READ, 3);
	}
	return NULL;
}

static void test_nothing_is_lost(void **state)
{
	struct tally *t = NULL;
	struct tally_sums s;
	pthread_t threads[THREADS];
	(void)state;
	assert_int_equal(posix_memalign((void **)&t, TALLY_LINE, sizeof(*t)), 0);
	memset(t, 0, sizeof(*t));
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count, t), 0);
	tally_sum(t, &s); /* while they are at it */
	assert_true(s.all <= (uint64_t)THREADS * TIMES);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	tally_sum(t, &s);
	assert_int_equal(s.all, THREADS * TIMES);
	assert_int_equal(s.requests[TALLY_READ], THREADS * TIMES / 2);
	assert_int_equal(s.requests[TALLY_READDIR], THREADS * TIMES / 2);
	assert_int_equal(s.bytes[TALLY_BYTES_READ], 3 * THREADS * TIMES);
	assert_int_equal(s.bytes[TALLY_BYTES_WRITTEN], 0);
	free(t);
}

/* The kernel may send what did not exist when this was written. */
static void test_any_opcode(void **state)
{
	static struct tally t;
	struct tally_sums s;
	(void)state;
	for (uint32_t op = 0; op < 200; op++)
		tally_request(&t, op);
	tally_request(&t, UINT32_MAX);
	tally_sum(&t, &s);
	assert_int_equal(s.all, 201);
	assert_int_equal(s.requests[TALLY_FORGET], 2);
	assert_int_equal(s.requests[TALLY_RENAME], 2);
	assert_int_equal(s.requests[TALLY_LOOKUP], 1);
}

static void test_every_kind_has_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < TALLY_KINDS; i++) {
		assert_non_null(tally_name((enum tally_kind)i));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(tally_name((enum tally_kind)i), tally_name((enum tally_kind)k));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_lost),
		cmocka_unit_test(test_any_opcode),
		cmocka_unit_test(test_every_kind_has_a_name),
	};
	return RUN_TAP(tests, NULL, NULL);
}
