/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The verbs of one word, in the order in which help lists them.
 */
#ifndef CRYPTFS_CLI_VERBS_H
#define CRYPTFS_CLI_VERBS_H

#include <stddef.h>

struct verb {
	const char *name;
	int (*func)(int argc, char **argv);
	const char *summary;
	const char *usage;
};

extern const struct verb verbs[];
extern const size_t verbs_count;

#endif
