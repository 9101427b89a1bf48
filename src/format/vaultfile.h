/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs.json as a structure (doc/format.md section 7): strict parsing, printing, and the binary
 * encodings that are authenticated. Knows bytes and JSON, no keys and no files.
 */
#ifndef CRYPTFS_FORMAT_VAULTFILE_H
#define CRYPTFS_FORMAT_VAULTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define VAULTFILE_VERSION 1u
#define VAULTFILE_MAX 262144u	   /* bytes of JSON */
#define VAULTFILE_ID_LEN 16u
#define VAULTFILE_LABEL_MAX 128u
#define VAULTFILE_SLOTS 32u
#define VAULTFILE_SALT_LEN 16u
#define VAULTFILE_COMMITMENT_LEN 32u
#define VAULTFILE_NONCE_LEN 24u
#define VAULTFILE_WRAPPED_LEN 48u
#define VAULTFILE_MAC_LEN 32u
#define VAULTFILE_RECORD_MAX 16384u
#define VAULTFILE_PARAMS_MAX 512u
#define VAULTFILE_EPOCH_MAX 65535u
#define VAULTFILE_PREVIOUS_LABEL "cryptfs previous v1"
#define VAULTFILE_SLOT_LABEL "cryptfs slot v1"
#define VAULTFILE_SETTINGS_LABEL "cryptfs settings v1"

#define VAULTFILE_KDF_MEMORY_MIN 8192u	    /* KiB */
#define VAULTFILE_KDF_MEMORY_MAX 4194304u
#define VAULTFILE_KDF_PASSES_MAX 64u
#define VAULTFILE_KDF_LANES_MAX 16u
#define VAULTFILE_KDF_WORK_MAX 67108864u    /* memory * passes, KiB */
#define VAULTFILE_KDF_WORK_ALL 134217728u   /* of all slots together */

enum vaultfile_kind {
	VAULTFILE_PASSPHRASE = 1,
	VAULTFILE_RECOVERY = 2,
	VAULTFILE_KEYFILE = 3,
	VAULTFILE_KEYRING = 4,
	VAULTFILE_KEYFILE_PASSPHRASE = 5,
};

enum vaultfile_kdf { VAULTFILE_ARGON2ID = 1, VAULTFILE_BLAKE2B = 2 };

enum vaultfile_coherency { VAULTFILE_PRIVATE = 0, VAULTFILE_SHARED = 1 };

#define VAULTFILE_FEATURE_HIDE_SIZES 1u	  /* "hide-sizes" */

struct vaultfile_slot {
	uint32_t slot;
	uint8_t kind; /* enum vaultfile_kind */
	char label[VAULTFILE_LABEL_MAX + 1];
	uint64_t created;
	uint8_t kdf; /* enum vaultfile_kdf */
	uint32_t memory_kib;
	uint32_t passes;
	uint32_t lanes;
	uint8_t salt[VAULTFILE_SALT_LEN];
	uint8_t commitment[VAULTFILE_COMMITMENT_LEN];
	uint8_t nonce[VAULTFILE_NONCE_LEN];
	uint8_t wrapped[VAULTFILE_WRAPPED_LEN]; /* tag || ciphertext */
};

/* The master key of the epoch before, wrapped under the present one. */
struct vaultfile_previous {
	bool there; /* while a vault is being given a new master key */
	uint8_t nonce[VAULTFILE_NONCE_LEN];
	uint8_t wrapped[VAULTFILE_WRAPPED_LEN]; /* tag || ciphertext */
};

struct vaultfile {
	uint32_t version;
	uint8_t vault_id[VAULTFILE_ID_LEN];
	uint64_t created; /* seconds since 1970 */
	uint32_t epoch;	  /* of what is new */
	struct vaultfile_previous previous;
	uint8_t coherency; /* enum vaultfile_coherency */
	uint32_t features; /* VAULTFILE_FEATURE_* */
	char label[VAULTFILE_LABEL_MAX + 1];
	uint32_t n_slots;
	struct vaultfile_slot slots[VAULTFILE_SLOTS]; /* ascending */
	uint8_t mac[VAULTFILE_MAC_LEN];
	uint8_t checksum[VAULTFILE_MAC_LEN];
};

/* Parse len bytes. *why is set to a static phrase on failure ("a member is missing"). Returns 0,
 * -EUCLEAN (not valid settings) or -EPROTONOSUPPORT (a newer format, an unknown feature or kind).
 * Checks neither mac nor checksum; does check KDF limits. */
int vaultfile_parse(struct vaultfile *vf, const char *json, size_t len, const char **why);

/* Print as JSON, indented, with a final newline. Returns a string to free(), or NULL without memory. */
char *vaultfile_print(const struct vaultfile *vf);

/* The binary record that mac and checksum cover; out has VAULTFILE_RECORD_MAX bytes. Returns its length. */
size_t vaultfile_record(uint8_t *out, const struct vaultfile *vf);

/* A slot's additional data: label, vault ID, params; out has VAULTFILE_PARAMS_MAX bytes. Returns its length. */
size_t vaultfile_slot_ad(uint8_t *out, const uint8_t vault_id[static VAULTFILE_ID_LEN],
			 const struct vaultfile_slot *s);

/* The additional data of 'previous': label, vault ID, epoch; out has VAULTFILE_PARAMS_MAX bytes. Returns its length. */
size_t vaultfile_previous_ad(uint8_t *out, const struct vaultfile *vf);

/* Are these KDF parameters within the format's limits? Returns 0 or -EUCLEAN. */
int vaultfile_check_kdf(uint8_t kind, uint8_t kdf, uint32_t memory_kib, uint32_t passes, uint32_t lanes);

/* Can this be a label? At most VAULTFILE_LABEL_MAX bytes of UTF-8 without control characters. */
bool vaultfile_label_is_valid(const char *label);

/* "passphrase" and so on, or NULL; and back, or 0. */
const char *vaultfile_kind_name(uint8_t kind);
uint8_t vaultfile_kind_of(const char *name);
const char *vaultfile_kdf_name(uint8_t kdf);

#endif
