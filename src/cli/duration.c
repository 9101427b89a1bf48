/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/duration.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static uint64_t unit(char c)
{
	switch (c) {
	case 's': return 1;
	case 'm': return 60;
	case 'h': return 60 * 60;
	case 'd': return 24 * 60 * 60;
	default: return 0;
	}
}

/* One number and its unit; *s moves behind them. More than the maximum stays so. */
static int part(const char **s, uint64_t *sum)
{
	const size_t digits = strspn(*s, "0123456789");
	uint64_t n = 0;
	if (digits == 0)
		return -EINVAL;
	for (size_t i = 0; i < digits; i++)
		n = n > DURATION_MAX ? n : n * 10 + (uint64_t)((*s)[i] - '0');
	const uint64_t factor = unit((*s)[digits]);
	if (factor == 0)
		return (*s)[digits] == '\0' ? -ENODATA : -EINVAL;
	*sum += n * factor;
	*sum = *sum > DURATION_MAX ? (uint64_t)DURATION_MAX + 1 : *sum;
	*s += digits + 1;
	return 0;
}

int duration_parse(const char *text, unsigned int *seconds)
{
	uint64_t sum = 0;
	int r;
	do
		r = part(&text, &sum);
	while (r == 0 && *text);
	if (r == 0 && (sum == 0 || sum > DURATION_MAX))
		r = -ERANGE;
	if (r == 0)
		*seconds = (unsigned int)sum;
	return r;
}
