/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long "1h30m" is, and what is no time. */
#include "unit.h"

#include "cli/duration.h"

#define DAY (24u * 60 * 60)

static const struct {
	const char *text;
	int r;
	unsigned int seconds;
} texts[] = {
	{ "15m", 0, 900 },
	{ "900s", 0, 900 },
	{ "1h", 0, 3600 },
	{ "1h30m", 0, 5400 },
	{ "1m1s", 0, 61 },
	{ "007s", 0, 7 },
	{ "0m1s", 0, 1 },
	{ "365d", 0, 365 * DAY },
	{ "31536000s", 0, 365 * DAY },
	{ "15", -ENODATA, 0 },
	{ "0", -ENODATA, 0 },
	{ "1h30", -ENODATA, 0 },
	{ "0s", -ERANGE, 0 },
	{ "0h0m", -ERANGE, 0 },
	{ "366d", -ERANGE, 0 },
	{ "31536001s", -ERANGE, 0 },
	{ "365d1s", -ERANGE, 0 },
	{ "18446744073709551617s", -ERANGE, 0 }, /* 2^64 + 1 */
	{ "213503982334602d", -ERANGE, 0 },	  /* times a day is 2^64 and some */
	{ "99999999999999999999999999999999h", -ERANGE, 0 },
	{ "31536001s31536001s31536001s31536001s", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "m", -EINVAL, 0 },
	{ "-5m", -EINVAL, 0 },
	{ "+5m", -EINVAL, 0 },
	{ " 5m", -EINVAL, 0 },
	{ "5m ", -EINVAL, 0 },
	{ "5 m", -EINVAL, 0 },
	{ "1.5h", -EINVAL, 0 },
	{ "5M", -EINVAL, 0 },
	{ "5min", -EINVAL, 0 },
	{ "never", -EINVAL, 0 },
};

static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(texts); i++) {
		unsigned int seconds = 0;
		int r = duration_parse(texts[i].text, &seconds);
		if (r != texts[i].r || seconds != texts[i].seconds)
			fail_msg("'%s': %d, %u s", texts[i].text, r, seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_texts) };
	return RUN_TAP(tests, NULL, NULL);
}
