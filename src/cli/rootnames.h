/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Are keys those of a vault, where no settings say so? The names in its root tell.
 */
#ifndef CRYPTFS_CLI_ROOTNAMES_H
#define CRYPTFS_CLI_ROOTNAMES_H

#include "vault/vault.h"

/* v is unlocked, with settings of any origin; fd is the vault's directory. Returns 0 if a name in its root opens, or if
 * there is none (*empty, which may be NULL); else an exit code, with the reason said. what ("these settings") and path
 * are for people. */
int rootnames_check(const struct vault *v, int fd, const char *what, const char *path, bool *empty);

#endif
