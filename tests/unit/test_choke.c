/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which messages are said, and how many are not. */
#include "unit.h"

#include "fs/choke.h"

static void test_one_thing(void **state)
{
	struct choke c = { .n = 0 };
	uint64_t unsaid = 99;
	(void)state;
	assert_true(choke_may(&c, 7, 1000, &unsaid));
	assert_int_equal(unsaid, 0);
	for (uint64_t t = 1000; t < 1000 + CHOKE_AGAIN; t += 60)
		assert_false(choke_may(&c, 7, t, &unsaid));
	assert_true(choke_may(&c, 7, 1000 + CHOKE_AGAIN, &unsaid));
	assert_int_equal(unsaid, CHOKE_AGAIN / 60);
	assert_false(choke_may(&c, 7, 1000 + CHOKE_AGAIN, &unsaid));
}

/* Many at once: a burst of them, and then one now and then. */
static void test_a_flood(void **state)
{
	struct choke c = { .n = 0 };
	uint64_t unsaid, said = 0, left = 0;
	(void)state;
	for (uint64_t key = 0; key < 100000; key++)
		said += choke_may(&c, key, 5000, &unsaid);
	assert_int_equal(said, CHOKE_BURST);
	assert_int_equal(c.unsaid, 100000 - CHOKE_BURST);
	assert_false(choke_may(&c, 200000, 5000 + CHOKE_REFILL - 1, &unsaid));
	assert_true(choke_may(&c, 200001, 5000 + CHOKE_REFILL, &left));
	assert_int_equal(left, 100000 - CHOKE_BURST + 1);
	assert_false(choke_may(&c, 200002, 5000 + CHOKE_REFILL, &unsaid));
}

/* A long time without any is worth a burst, and no more than that. */
static void test_a_rest(void **state)
{
	struct choke c = { .n = 0 };
	uint64_t unsaid, said = 0;
	(void)state;
	for (uint64_t key = 0; key < 100; key++)
		(void)choke_may(&c, key, 10, &unsaid);
	for (uint64_t key = 1000; key < 1100; key++)
		said += choke_may(&c, key, 10 + 1000 * CHOKE_REFILL, &unsaid);
	assert_int_equal(said, CHOKE_BURST);
}

/* More things than are remembered, each met again and again, are no flood either. */
static void test_many_things(void **state)
{
	struct choke c = { .n = 0 };
	uint64_t unsaid, said = 0;
	(void)state;
	for (uint64_t t = 0; t < 1000; t++)
		for (uint64_t key = 0; key < 3 * CHOKE_THINGS; key++)
			said += choke_may(&c, key, t, &unsaid);
	assert_true(said >= CHOKE_BURST);
	assert_true(said <= CHOKE_BURST + 1000 / CHOKE_REFILL + 1);
	assert_true(c.n <= CHOKE_THINGS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_thing),
		cmocka_unit_test(test_a_flood),
		cmocka_unit_test(test_a_rest),
		cmocka_unit_test(test_many_things),
	};
	return RUN_TAP(tests, NULL, NULL);
}
