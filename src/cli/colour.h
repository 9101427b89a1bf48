/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Colour on terminals, for those who want it: not where TERM is dumb or missing, nor where NO_COLOR is set
 * (https://no-color.org: to anything but the empty string).
 */
#ifndef CRYPTFS_CLI_COLOUR_H
#define CRYPTFS_CLI_COLOUR_H

#include <stdio.h>

enum colour {
	COLOUR_NONE, /* as it was */
	COLOUR_BAD,
	COLOUR_ODD,
	COLOUR_GOOD,
	COLOUR_HEAD,
};

/* What to print to f before text of this colour; COLOUR_NONE behind it. Static; empty where f has none. */
const char *colour(FILE *f, enum colour c);

#endif
