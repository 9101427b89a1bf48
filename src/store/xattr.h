/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Extended attributes (doc/format.md section 6) of what a descriptor, O_PATH or not, refers to. user.*
 * is sealed, name and value; security.* and trusted.* pass as they are, and so do POSIX ACLs where the filesystem
 * below keeps them: owners, modes and ACLs are for the kernel to enforce. The rest of system.* is refused.
 */
#ifndef CRYPTFS_STORE_XATTR_H
#define CRYPTFS_STORE_XATTR_H

#include "store/dir.h"
#include "store/store.h"

#define XATTR_ACL_ACCESS "system.posix_acl_access"
#define XATTR_ACL_DEFAULT "system.posix_acl_default"

/* Each as the call of that name; size 0 asks for the length needed. Only the trusted are told of trusted.*. */
ssize_t xattr_get(const struct store *st, int fd, const char *name, void *value, size_t size);
ssize_t xattr_list(const struct store *st, int fd, bool trusted, char *list, size_t size);
int xattr_set(const struct store *st, int fd, const char *name, const void *value, size_t size, int flags);
int xattr_remove(const struct store *st, int fd, const char *name);

/* Does the filesystem of fd keep POSIX ACLs? */
bool xattr_knows_acls(int fd);

/* Has the directory an ACL that new entries inherit? Then that counts instead of a umask. */
bool xattr_is_inherited(const struct dir *d);

/* Open name and value of each sealed attribute. 'bad' is called for those that do not open, with the plain name
 * or, if that is not known, NULL. Returns 0 or -errno. */
int xattr_verify(const struct store *st, int fd, void (*bad)(void *arg, const char *name), void *arg);

/* Seal those of the epoch before under the present keys, each set anew before the old one goes; st has both. What does
 * not open stays as it is. Returns 0; -EBADMSG or -EUCLEAN (some do not open); -E2BIG (no room for one twice,
 * for a moment); or -errno. */
int xattr_renew(const struct store *st, int fd);

#endif
