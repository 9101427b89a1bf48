/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A vault: its settings, and once unlocked its subkeys. Making one, unlocking one, locking it again.
 */
#ifndef CRYPTFS_VAULT_VAULT_H
#define CRYPTFS_VAULT_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/kdf.h"
#include "crypto/keymem.h"
#include "crypto/siv.h"
#include "format/name.h"
#include "format/vaultfile.h"

/* Subkeys of doc/format.md section 2; lives in the arena. */
struct vault_keys {
	struct key32 content;
	struct key32 xattr_values;
	struct key32 links;
	struct key32 dir_mac;
	uint8_t root_id[NAME_DIR_ID_LEN];
};

struct vault {
	struct vaultfile settings;
	struct vault_keys *keys; /* NULL while locked, as is what follows */
	struct siv *names;
	struct siv *xattr_names;
	/* The keys of the epoch before, unlocked with the others, while the vault is being given a new master key and
	 * both are in use; else NULL. Its settings are these with that epoch. */
	struct vault *past;
};

/* A secret that may open a slot. The bytes live in the arena and belong to the caller. */
struct vault_secret {
	uint8_t kind; /* enum vaultfile_kind */
	const uint8_t *bytes;
	size_t len;
};

/* Choices at creation. Zero or NULL means the default. */
struct vault_options {
	uint8_t coherency;	/* enum vaultfile_coherency */
	bool hide_sizes;
	const char *label;
	const char *slot_label;
	struct kdf_cost cost;	/* must be set */
};

/* Make a new vault in the directory dirfd (open for reading, not O_PATH): writes cryptfs.json,
 * durably, or leaves nothing. Returns 0; -EEXIST if there are settings; -EINVAL for parameters out
 * of the format's limits; or -errno. The caller has checked that the directory is empty. */
int vault_create(int dirfd, const struct vault_secret *secret, const struct vault_options *opt);

/* Read the settings of the vault in dirfd; *out is locked. *why (static) explains a failure. Returns 0;
 * -ENOENT (no cryptfs.json: not a vault); -EUCLEAN (damaged: not parsable, or the checksum is wrong);
 * -EPROTONOSUPPORT (newer format); -EXDEV (on an overlay of several filesystems); or -errno. */
int vault_open(int dirfd, struct vault **out, const char **why);

/* Is the copy of the previous settings in dirfd whole, by its checksum, and of this vault? What it says is not
 * authenticated: that it is when it is put back and the vault unlocked. Returns 0, -ENOENT (there is none), -EUCLEAN
 * (no), -EPROTONOSUPPORT (newer format), or -errno. */
int vault_check_backup(const struct vault *v, int dirfd);

/* Unlock with the secret. Returns 0 with *slot (may be NULL) the number that opened; -EKEYREJECTED if
 * no slot of its kind opens; -EBADMSG if a slot or the settings have been tampered with (*why says
 * which); -ENOMEM; or -errno. */
int vault_unlock(struct vault *v, const struct vault_secret *secret, uint32_t *slot, const char **why);

/* The master key, for changes to slots and settings: opened with the secret, and the settings' MAC found right by it. v
 * stays as it is. Returns 0 with *slot (may be NULL), or as vault_unlock. */
int vault_master(const struct vault *v, const struct vault_secret *secret, struct key32 *master, uint32_t *slot,
		 const char **why);

/* vault_unlock with the master key, which vault_master has given of it (its MAC is not checked once more). Returns 0,
 * -EALREADY, -EBADMSG (the key of the epoch before), or -ENOMEM. */
int vault_unlock_with(struct vault *v, const struct key32 *master);

/* Settings for a vault that has lost them, from its master key and that key's epoch: a fresh ID, and of opt all but
 * what is about a slot. *out is unlocked, to see whether it reads the vault, and has no slot: add one (slots_add), and
 * then vault_save. Returns 0, -EINVAL or -ENOMEM. */
int vault_remake(const struct key32 *master, uint32_t epoch, const struct vault_options *opt, struct vault **out);

/* As vault_open, from a file of any name below dirfd. */
int vault_read(int dirfd, const char *name, struct vault **out, const char **why);

/* Write the settings of v, as they have been changed, to dirfd: with a new MAC, atomically and durably, what was there
 * before kept as cryptfs.json.bak. What is about to be written is parsed, and its MAC checked, first. lock_settings is
 * held. Returns 0, -EIO (it would not open), -ENOMEM, or -errno: then the old settings are in place, or (if it is the
 * directory that could not be synced) the new ones. */
int vault_save(struct vault *v, int dirfd, const struct key32 *master);

/* Wipe the subkeys and free. vault_free(NULL) does nothing. */
void vault_free(struct vault *v);

static inline void vault_cleanup(struct vault **v)
{
	vault_free(*v);
}

#define _cleanup_vault_ _cleanup_(vault_cleanup)

#endif
