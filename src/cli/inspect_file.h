/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looking into what one path of a vault is: the parts of inspect for files, directories, links and the format's own.
 */
#ifndef CRYPTFS_CLI_INSPECT_FILE_H
#define CRYPTFS_CLI_INSPECT_FILE_H

#include <sys/stat.h>

#include "cli/inspect_report.h"
#include "offline/place.h"

struct inspection {
	struct inspect_report report;
	const struct tree *tree; /* with the key, or NULL */
	int parent;		 /* the directory in which it lies (O_PATH) */
	const char *disk;	 /* its name there */
	int fd;			 /* a regular file, open; else -1 */
	enum place_kind kind;
	struct dir *dir;	 /* with the key: where it lies; NULL if that is not known */
	struct stat sb;
	bool root;		 /* it lies in the vault's root */
	bool blocks;		 /* tell of each page */
};

/* Each prints what it finds, and returns 0 or an exit code (said). */
int inspect_file_content(struct inspection *x);
int inspect_other(struct inspection *x); /* inspect_other.c: all others */

#endif
