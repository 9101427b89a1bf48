/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an export could not do, kept until it is over, and then said.
 */
#ifndef CRYPTFS_CLI_EXPORT_REPORT_H
#define CRYPTFS_CLI_EXPORT_REPORT_H

#include "offline/export.h"

struct export_report {
	const char *vault;
	const char *path; /* as it was asked for */
	const char *dest;
	char **lines;
	size_t n;
	size_t attrs;	  /* how many are there, but not with all their attributes */
	char *first_attrs; /* one of them */
	size_t set_id;	  /* how many are there without their set-ID bits */
	char *first_set_id;
	bool forgotten;	  /* there was no memory for some */
	int code;
};

void export_report_event(struct export_report *r, const struct export_event *e);
void export_report_walk(struct export_report *r, const struct walk_item *i, enum walk_trouble what, int err);

/* What was written may not be on disk. */
void export_report_sync(struct export_report *r, int err);

/* Say it all; err is what ended the export, or 0. Returns an exit code and frees what r holds. */
int export_report_end(struct export_report *r, int err);

#endif
