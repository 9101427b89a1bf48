/* SPDX-License-Identifier: GPL-3.0-or-later */
/* src/cli/progress.c: what a line says. When it is drawn is the clock's business, and no test's. */
#include "unit.h"

#include "cli/progress.h"

static void sizes_for_people(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 1, "1 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ 1048575, "1.0 MiB" },
		{ 1048576, "1.0 MiB" },
		{ (uint64_t)5 << 30, "5.0 GiB" },
		{ (uint64_t)3 << 40, "3.0 TiB" },
		{ UINT64_MAX, "16.0 EiB" },
	};
	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		char text[PROGRESS_SIZE];
		progress_size(text, cases[i].bytes);
		assert_string_equal(text, cases[i].text);
	}
}

#define MIB ((uint64_t)1 << 20)

static void lines(void **state)
{
	static const struct {
		struct progress_state s;
		const char *text;
	} cases[] = {
		{ { "reading", 0, 0, 0, 0, 0 }, "reading: 0 B, 0 files, 0 B/s" },
		{ { "reading", 7, 10 * MIB, 0, 0, 5 }, "reading: 10.0 MiB, 7 files, 2.0 MiB/s" },
		{ { "reading", 1, MIB, 4, 4 * MIB, 1 },
		  "reading: 25 %, 1.0 MiB of 4.0 MiB, 1 of 4 files, 1.0 MiB/s" },
		{ { "reading", 1, MIB, 4, 4 * MIB, 10 },
		  "reading: 25 %, 1.0 MiB of 4.0 MiB, 1 of 4 files, 102.4 KiB/s, 31 s left" },
		{ { "reading", 1, MIB, 4, 4 * MIB, 100 },
		  "reading: 25 %, 1.0 MiB of 4.0 MiB, 1 of 4 files, 10.2 KiB/s, 5 min 01 s left" },
		{ { "reading", 1, MIB, 4, 4 * MIB, 4000 },
		  "reading: 25 %, 1.0 MiB of 4.0 MiB, 1 of 4 files, 262 B/s, 3 h 20 min left" },
		{ { "reading", 1, MIB, 4, 4 * MIB, 1e9 },
		  "reading: 25 %, 1.0 MiB of 4.0 MiB, 1 of 4 files, 0 B/s" },
		/* More than was counted before: it has grown. */
		{ { "reading", 5, 5 * MIB, 4, 4 * MIB, 10 },
		  "reading: 100 %, 5.0 MiB of 4.0 MiB, 5 of 4 files, 512.0 KiB/s" },
	};
	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		char line[PROGRESS_LINE];
		progress_line(line, sizeof(line), &cases[i].s, 0);
		assert_string_equal(line, cases[i].text);
	}
}

static void the_largest_numbers_fit(void **state)
{
	const struct progress_state s = { "checking what there is", UINT64_MAX, UINT64_MAX / 2, UINT64_MAX,
					  UINT64_MAX, 4000 };
	char line[PROGRESS_LINE];
	(void)state;
	progress_line(line, sizeof(line), &s, 0);
	assert_non_null(strstr(line, " left"));
}

static void a_narrow_terminal(void **state)
{
	const struct progress_state s = { "reading", 1, MIB, 4, 4 * MIB, 1 };
	char line[PROGRESS_LINE];
	(void)state;
	for (size_t width = 1; width < PROGRESS_LINE; width++) {
		progress_line(line, sizeof(line), &s, width);
		assert_true(strlen(line) <= width);
	}
	progress_line(line, sizeof(line), &s, 12);
	assert_string_equal(line, "reading: 25 ");
	progress_line(line, 8, &s, 0);
	assert_true(strlen(line) < 8);
}

static void counts_add_up(void **state)
{
	struct progress p;
	(void)state;
	progress_begin(&p, "reading", true);
	for (int i = 0; i < 1000; i++)
		progress_add(&p, 1, 4096);
	progress_totals(&p, 1000, 4096000);
	assert_int_equal(p.files, 1000);
	assert_int_equal(p.bytes, 4096000);
	assert_int_equal(p.files_total, 1000);
	assert_false(p.shown);
	progress_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_for_people),	   cmocka_unit_test(lines),
		cmocka_unit_test(the_largest_numbers_fit), cmocka_unit_test(a_narrow_terminal),
		cmocka_unit_test(counts_add_up),
	};
	return RUN_TAP(tests, NULL, NULL);
}
