/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a check has found, for people (at once) or for programs (at the end), and kept for the repair.
 */
#ifndef CRYPTFS_CLI_CHECK_REPORT_H
#define CRYPTFS_CLI_CHECK_REPORT_H

#include "cli/cli.h"
#include "cli/progress.h"
#include "offline/check.h"

/* Of a finding, what a repair needs. */
struct check_report_item {
	enum check_kind kind;
	char *path;
	char *cipher;
	uint64_t findings; /* of this kind in this file: one repair is for all */
	bool mended;
	bool hopeless; /* a step has found that it cannot mend it */
};

struct check_report {
	bool json;
	bool keep;	       /* items, for a repair */
	struct progress *progress; /* out of the way while something is printed */
	uint64_t n[CHECK_KINDS];   /* found */
	uint64_t mended[CHECK_KINDS];
	uint64_t put_away; /* of the damage: it is out of the way, and still somebody has to look at it */
	json_t *list[3];       /* by enum check_class */
	json_t *repaired;
	struct check_report_item *item;
	size_t n_items, cap;
	bool no_memory;
};

/* Returns 0 or -ENOMEM. */
int check_report_begin(struct check_report *r, bool json, bool keep, struct progress *progress);
void check_report_free(struct check_report *r);

/* A struct check_options.found; arg is the report. */
void check_report_found(void *arg, const struct check_finding *f);

/* All of a directory beside each other, what lies in it behind itself. */
void check_report_sort(struct check_report *r);

/* An item has been mended; done says how. If it is damage and 'kept', that remains damage in this run. */
void check_report_mended(struct check_report *r, struct check_report_item *i, const char *done, bool kept);

/* How many of a class there are (still). */
uint64_t check_report_count(const struct check_report *r, enum check_class class);

/* The end of it; so much lies in the quarantine (or -errno). Returns an exit code of the printing alone. */
int check_report_print(struct check_report *r, const char *vault, const struct check_counts *c, long lost,
		       bool quiet);

#endif
