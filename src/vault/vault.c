/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vault/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "vault/keyslot.h"
#include "vault/vault_impl.h"

/* MAC (under a subkey of the master key) and checksum of the settings; the record is no secret. */

static void checksum_of(uint8_t out[static VAULTFILE_MAC_LEN], const uint8_t *record, size_t n,
			const uint8_t mac[static VAULTFILE_MAC_LEN])
{
	kdf_hash(out, VAULTFILE_MAC_LEN, NULL, 0, record, n, mac, VAULTFILE_MAC_LEN);
}

static int mac_of(uint8_t out[static VAULTFILE_MAC_LEN], const uint8_t *record, size_t n,
		  const struct key32 *master)
{
	_cleanup_key_ struct key32 *key = keymem_alloc(sizeof(*key));
	if (!key)
		return -ENOMEM;
	kdf_derive(master, "cfs-sett", key->b, sizeof(key->b));
	kdf_hash(out, VAULTFILE_MAC_LEN, key->b, sizeof(key->b), record, n, NULL, 0);
	return 0;
}

static bool checksum_is_right(const struct vaultfile *vf)
{
	uint8_t record[VAULTFILE_RECORD_MAX];
	uint8_t sum[VAULTFILE_MAC_LEN];
	checksum_of(sum, record, vaultfile_record(record, vf), vf->mac);
	return memcmp(sum, vf->checksum, sizeof(sum)) == 0;
}

static int check_previous(const struct vaultfile *vf, const struct key32 *master)
{
	if (!vf->previous.there)
		return 0;
	_cleanup_key_ struct key32 *previous = keymem_alloc(sizeof(*previous));
	return previous ? vault_open_previous(vf, master, previous) : -ENOMEM;
}

int vault_check_mac(const struct vaultfile *vf, const struct key32 *master)
{
	uint8_t record[VAULTFILE_RECORD_MAX];
	uint8_t mac[VAULTFILE_MAC_LEN];
	int r = mac_of(mac, record, vaultfile_record(record, vf), master);
	if (r < 0)
		return r;
	return keymem_equal(mac, vf->mac, sizeof(mac)) ? check_previous(vf, master) : -EBADMSG;
}

int vault_set_mac(struct vaultfile *vf, const struct key32 *master)
{
	uint8_t record[VAULTFILE_RECORD_MAX];
	size_t n = vaultfile_record(record, vf);
	int r = mac_of(vf->mac, record, n, master);
	if (r == 0)
		checksum_of(vf->checksum, record, n, vf->mac);
	return r;
}

/* Opening. */

int vault_parse(const char *text, size_t n, struct vault **out, const char **why)
{
	struct vault *v _cleanup_vault_ = calloc(1, sizeof(*v));
	if (!v) {
		*why = "out of memory";
		return -ENOMEM;
	}
	int r = vaultfile_parse(&v->settings, text, n, why);
	if (r < 0)
		return r;
	if (!checksum_is_right(&v->settings)) {
		*why = "the checksum is wrong";
		return -EUCLEAN;
	}
	*out = TAKE_PTR(v);
	return 0;
}

static const char *read_failure(ssize_t r)
{
	switch (r) {
	case -ENOENT:
		return "there is none";
	case -EUCLEAN:
		return "no regular file";
	case -EFBIG:
		return "it is too long";
	default:
		return "it can't be read";
	}
}

int vault_read(int dirfd, const char *name, struct vault **out, const char **why)
{
	*out = NULL;
	*why = "out of memory";
	_cleanup_free_ char *text = malloc(VAULTFILE_MAX);
	if (!text)
		return -ENOMEM;
	ssize_t n = io_read_file(dirfd, name, text, VAULTFILE_MAX);
	if (n >= 0)
		return vault_parse(text, (size_t)n, out, why);
	*why = read_failure(n);
	return n == -EFBIG ? -EUCLEAN : (int)n;
}

/* On an overlay of several filesystems (without xino) files have other device numbers than directories, and change
 * their inode numbers: what the store goes by. */
static bool is_patched_together(int dirfd)
{
	struct stat dir, file;
	return fstat(dirfd, &dir) == 0 && fstatat(dirfd, NAME_SETTINGS_FILE, &file, AT_SYMLINK_NOFOLLOW) == 0 &&
	       dir.st_dev != file.st_dev;
}

int vault_open(int dirfd, struct vault **out, const char **why)
{
	*out = NULL;
	*why = "it lies on an overlay of several filesystems, whose files cannot be told apart; move it to one of them";
	if (is_patched_together(dirfd))
		return -EXDEV;
	return vault_read(dirfd, NAME_SETTINGS_FILE, out, why);
}

int vault_check_backup(const struct vault *v, int dirfd)
{
	struct vault *old _cleanup_vault_ = NULL;
	const char *why;
	int r = vault_read(dirfd, NAME_SETTINGS_BACKUP, &old, &why);
	if (r < 0)
		return r;
	return memcmp(old->settings.vault_id, v->settings.vault_id, VAULTFILE_ID_LEN) == 0 ? 0 : -EUCLEAN;
}

/* Unlocking. */

/* Which of two failures to report: that a slot could not be tried says more than that it did not
 * open. */
static int worse(int a, int b)
{
	return a == -EKEYREJECTED ? b : a;
}

/* Open a slot of the secret's kind. A damaged one ends the search: the settings' MAC covers it. */
static int open_slot(const struct vaultfile *vf, const struct vault_secret *secret,
		     struct key32 *master, uint32_t *slot)
{
	int result = -EKEYREJECTED;
	for (uint32_t i = 0; i < vf->n_slots; i++) {
		const struct vaultfile_slot *s = &vf->slots[i];
		if (s->kind != secret->kind)
			continue;
		int r = keyslot_open(s, vf->vault_id, secret, master);
		if (r == 0)
			*slot = s->slot;
		if (r == 0 || r == -EBADMSG)
			return r;
		result = worse(result, r);
	}
	return result;
}

int vault_open_previous(const struct vaultfile *vf, const struct key32 *master, struct key32 *previous)
{
	uint8_t ad[VAULTFILE_PARAMS_MAX];
	size_t ad_len = vaultfile_previous_ad(ad, vf);
	struct aead *a _cleanup_(keyslot_aead_free) = keyslot_wrapper(master, "cfs-prev");
	if (!a)
		return -ENOMEM;
	return aead_open(a, vf->previous.nonce, ad, ad_len, vf->previous.wrapped + AEAD_TAG_LEN, sizeof(previous->b),
			 previous->b, vf->previous.wrapped);
}

static struct siv *derive_siv(const struct key32 *master, const char *ctx)
{
	_cleanup_key_ uint8_t *key = keymem_alloc(SIV_KEY_LEN);
	if (!key)
		return NULL;
	kdf_derive(master, ctx, key, SIV_KEY_LEN);
	return siv_new(key);
}

static void forget_keys(struct vault *v)
{
	vault_free(v->past);
	v->past = NULL;
	keymem_free(v->keys);
	siv_free(v->names);
	siv_free(v->xattr_names);
	v->keys = NULL;
	v->names = NULL;
	v->xattr_names = NULL;
}

static int derive_own(struct vault *v, const struct key32 *master)
{
	v->keys = keymem_alloc(sizeof(*v->keys));
	v->names = derive_siv(master, "cfs-name");
	v->xattr_names = derive_siv(master, "cfs-xanm");
	if (!v->keys || !v->names || !v->xattr_names) {
		forget_keys(v);
		return -ENOMEM;
	}
	struct vault_keys *k = v->keys;
	kdf_derive(master, "cfs-cont", k->content.b, sizeof(k->content.b));
	kdf_derive(master, "cfs-xavl", k->xattr_values.b, sizeof(k->xattr_values.b));
	kdf_derive(master, "cfs-link", k->links.b, sizeof(k->links.b));
	kdf_derive(master, "cfs-dmac", k->dir_mac.b, sizeof(k->dir_mac.b));
	kdf_derive(master, "cfs-root", k->root_id, sizeof(k->root_id));
	return 0;
}

/* The keys of the epoch before, in a vault of their own. */
static int derive_past(struct vault *v, const struct key32 *master)
{
	_cleanup_key_ struct key32 *previous = keymem_alloc(sizeof(*previous));
	struct vault *past _cleanup_vault_ = calloc(1, sizeof(*past));
	if (!previous || !past)
		return -ENOMEM;
	int r = vault_open_previous(&v->settings, master, previous);
	if (r < 0)
		return r;
	past->settings = v->settings;
	past->settings.epoch--;
	past->settings.previous.there = false;
	r = derive_own(past, previous);
	if (r == 0)
		v->past = TAKE_PTR(past);
	return r;
}

static int derive_keys(struct vault *v, const struct key32 *master)
{
	int r = derive_own(v, master);
	if (r == 0 && v->settings.previous.there)
		r = derive_past(v, master);
	if (r < 0)
		forget_keys(v);
	return r;
}

static const char *unlock_failure(int r)
{
	switch (r) {
	case -EKEYREJECTED:
		return "no key slot opens with this secret";
	case -EBADMSG:
		return "the key slot is damaged";
	case -ENOMEM:
		return "there is not enough memory";
	default:
		return "a key slot can't be tried";
	}
}

int vault_master(const struct vault *v, const struct vault_secret *secret, struct key32 *master, uint32_t *slot,
		 const char **why)
{
	uint32_t opened = 0;
	int r = open_slot(&v->settings, secret, master, &opened);
	if (r < 0) {
		*why = unlock_failure(r);
		return r;
	}
	r = vault_check_mac(&v->settings, master);
	if (r < 0) {
		keymem_wipe(master, sizeof(*master));
		*why = r == -EBADMSG ? "the settings have been changed" : unlock_failure(r);
		return r;
	}
	if (slot)
		*slot = opened;
	return 0;
}

int vault_unlock_with(struct vault *v, const struct key32 *master)
{
	return v->keys ? -EALREADY : derive_keys(v, master);
}

int vault_unlock(struct vault *v, const struct vault_secret *secret, uint32_t *slot, const char **why)
{
	*why = "it is unlocked already";
	if (v->keys)
		return -EALREADY;
	_cleanup_key_ struct key32 *master = keymem_alloc(sizeof(*master));
	*why = unlock_failure(-ENOMEM);
	if (!master)
		return -ENOMEM;
	int r = vault_master(v, secret, master, slot, why);
	if (r < 0)
		return r;
	r = derive_keys(v, master);
	if (r < 0)
		*why = unlock_failure(r);
	return r;
}

void vault_free(struct vault *v)
{
	if (!v)
		return;
	forget_keys(v);
	free(v);
}
