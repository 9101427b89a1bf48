/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/colour.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_wanted(FILE *f)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	return !(no && *no) && term && *term && strcmp(term, "dumb") != 0 && isatty(fileno(f)) == 1;
}

const char *colour(FILE *f, enum colour c)
{
	static const char *const codes[] = {
		[COLOUR_NONE] = "\033[0m",
		[COLOUR_BAD] = "\033[1;31m",
		[COLOUR_ODD] = "\033[33m",
		[COLOUR_GOOD] = "\033[32m",
		[COLOUR_HEAD] = "\033[1m",
	};
	return is_wanted(f) ? codes[c] : "";
}
