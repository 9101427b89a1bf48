/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names on disk, as bytes (doc/format.md sections 4 to 6): padding, what a directory entry is, and the
 * names that belong to the format. Pure: sealing is the store's.
 */
#ifndef CRYPTFS_FORMAT_NAME_H
#define CRYPTFS_FORMAT_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NAME_LABEL "cryptfs name v1"
#define NAME_LINK_LABEL "cryptfs link v1"
#define NAME_XATTR_LABEL "cryptfs xattr v1"
#define NAME_DIR_LABEL "cryptfs directory v1"

#define NAME_SETTINGS_FILE "cryptfs.json"
#define NAME_SETTINGS_BACKUP "cryptfs.json.bak"
#define NAME_DIR_FILE "cryptfs.dir"
#define NAME_RESERVED_PREFIX "cryptfs."
#define NAME_LONG_PREFIX "cryptfs.long."
#define NAME_LONG_SUFFIX ".name"
#define NAME_SLINK_PREFIX "cryptfs.slink."
#define NAME_TMP_PREFIX "cryptfs.tmp."
#define NAME_LOST_DIR "cryptfs.lost"
#define NAME_XATTR_PREFIX "user.cryptfs."
#define NAME_XATTR_LONG_PREFIX "user.cryptfs.long."

#define NAME_MAX_LEN 255u	    /* of a plaintext name, and of one on disk */
#define NAME_PAD 16u
#define NAME_PADDED_MAX 256u
#define NAME_SIV_TAG 16u
#define NAME_SEALED_MAX (NAME_PADDED_MAX + NAME_SIV_TAG)
#define NAME_HASH_LEN 32u
#define NAME_DIR_ID_LEN 16u
#define NAME_DIR_MAC_LEN 16u
#define NAME_DIR_FILE_LEN (NAME_DIR_ID_LEN + NAME_DIR_MAC_LEN)
#define NAME_DISK_SIZE 256u	    /* an array for a name on disk, with its NUL */

#define NAME_LINK_TARGET_MAX 4095u  /* of a symbolic link's plaintext target, and of one on disk */
#define NAME_LINK_OVERHEAD 40u	    /* nonce and tag */
#define NAME_SLINK_LEN 57u	    /* "cryptfs.slink." and 43 characters */

/* Is this a name that a plaintext entry can have? */
bool name_is_valid(const char *name, size_t len);

/* Pad a valid name; out has NAME_PADDED_MAX bytes. Returns the padded length. */
size_t name_pad(uint8_t *out, const char *name, size_t len);

/* Take the padding off n bytes. Returns the name's length, or -EUCLEAN if the padding is not minimal
 * or what is left is no valid name. */
ssize_t name_unpad(const uint8_t *padded, size_t n);

enum name_kind {
	NAME_SEALED,	/* base64url of a sealed name */
	NAME_LONG,	/* cryptfs.long.H */
	NAME_OURS,	/* any other of the format's own: not an entry */
	NAME_FOREIGN,	/* none of these: not an entry, and nothing we made ("." and ".." too) */
};

/* What an entry of a ciphertext directory is, by its name alone. */
enum name_kind name_classify(const char *disk);

/* The name on disk for a sealed name: base64url, or if that is too long the long form from its hash
 * (BLAKE2b-256). out has NAME_DISK_SIZE characters. */
bool name_needs_hash(size_t sealed_len);
void name_encode_short(char *out, const uint8_t *sealed, size_t n);
void name_encode_hashed(char *out, const char *prefix, const uint8_t hash[static NAME_HASH_LEN]);

/* Of a NAME_FOREIGN name: is it one that sync clients and filesystems give what they keep for themselves? */
bool name_is_outside(const char *disk, bool root);

/* Decode a NAME_SEALED name; out has NAME_SEALED_MAX bytes. Returns its length or -EUCLEAN. */
ssize_t name_decode_short(uint8_t *out, const char *disk);

/* The side file of a NAME_LONG name: that with ".name". out has NAME_DISK_SIZE characters. */
void name_long_side(char *out, const char *disk);

/* The other way round: is this the name of such a side file? Then entry is the NAME_LONG name. */
bool name_long_entry(const char *side, char entry[static NAME_DISK_SIZE]);

/* Plaintext length of a symbolic link whose target on disk has n characters. Returns -EUCLEAN if no
 * sealed target has that length, and -ENAMETOOLONG if n is NAME_SLINK_LEN: the target is in a side file. */
ssize_t name_link_len(size_t n);

#endif
