/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Key files: any file can be one, and its contents as a whole are the secret (doc/format.md 7.1). Read through the
 * arena. A passphrase may come on top.
 */
#ifndef CRYPTFS_CLI_KEYFILE_H
#define CRYPTFS_CLI_KEYFILE_H

#include <stddef.h>
#include <stdint.h>

#define KEYFILE_SECRET_LEN 64u
#define KEYFILE_NEW_LEN 64u /* bytes of one that we make */
#define KEYFILE_MAX (16u * 1024 * 1024)

/* Open one: a file, a device, a pipe, or "-", standard input. Returns a descriptor or -errno. */
int keyfile_open(const char *path);

/* Read it to its end. secret is in the arena. Returns 0, -ENODATA (empty), -EFBIG (more than KEYFILE_MAX), -EISDIR,
 * -ENOMEM or -errno. */
int keyfile_read(int fd, uint8_t secret[static KEYFILE_SECRET_LEN]);

/* The secret of contents that are at hand. */
void keyfile_secret(uint8_t secret[static KEYFILE_SECRET_LEN], const uint8_t *content, size_t n);

/* The secret of a key file and a passphrase together, from that of the file. All in the arena; out is not secret. */
void keyfile_combine(uint8_t out[static KEYFILE_SECRET_LEN], const uint8_t secret[static KEYFILE_SECRET_LEN],
		     const uint8_t *passphrase, size_t n);

#endif
