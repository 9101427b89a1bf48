/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is imported, and where to.
 */
#ifndef CRYPTFS_CLI_IMPORT_PLACE_H
#define CRYPTFS_CLI_IMPORT_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

struct import_place {
	const char *src_name, *dst_name; /* as they were given */
	int src, dst;
	bool has_vault; /* the directory of the vault below dst, which is not to be copied into itself */
	dev_t vault_dev;
	ino_t vault_ino;
};

/* Open both and see that dst is in a mount of ours (which may be read-only unless 'change'), and that neither is in the
 * other; to change it, that nobody else imports into it. Returns 0 or an exit code (said). To be closed in any case. */
int import_place_open(struct import_place *p, const char *src, const char *dst, bool change);
void import_place_close(struct import_place *p);

#endif
