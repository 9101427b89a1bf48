/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an import could not do, said as it comes (the first of each kind), and what it came to in the end.
 */
#ifndef CRYPTFS_CLI_IMPORT_REPORT_H
#define CRYPTFS_CLI_IMPORT_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "cli/progress.h"
#include "transfer/transfer.h"

struct import_report {
	const char *src, *dst; /* as they were given */
	enum transfer_mode mode;
	bool json, quiet;
	struct progress *progress;
	json_t *list; /* of all, for JSON */
	FILE *file;   /* for all, a line each; may be NULL */
	bool no_memory;
	uint64_t n[TRANSFER_TROUBLES];
};

/* file may be NULL; else it must not exist. Returns 0 or an exit code (said). */
int import_report_begin(struct import_report *r, const char *file);

void import_report_event(struct import_report *r, const struct transfer_event *e);

/* The summary; err is what transfer_run returned. Frees what r holds. Returns an exit code. */
int import_report_end(struct import_report *r, const struct transfer_counts *c, int err);

#endif
