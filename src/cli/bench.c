/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/bench.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/patience.h"

double bench_now(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void bench_tell(const char *what)
{
	if (patience_is_off() || isatty(STDERR_FILENO) != 1)
		return;
	(void)fprintf(stderr, "\r\033[K%s%s", what ? what : "", what ? "..." : "");
	(void)fflush(stderr);
}
