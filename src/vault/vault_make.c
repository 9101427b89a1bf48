/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings as they are written: those of a new vault, and changed ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/io.h"
#include "crypto/rng.h"
#include "vault/slots.h"
#include "vault/vault_impl.h"

#define SETTINGS_MODE 0600

/* Making. */

static int set_label(char out[static VAULTFILE_LABEL_MAX + 1], const char *label)
{
	if (!label)
		return 0;
	if (!vaultfile_label_is_valid(label))
		return -EINVAL;
	memcpy(out, label, strlen(label) + 1);
	return 0;
}

/* All but the slots. */
static int fill(struct vaultfile *vf, const struct vault_options *opt)
{
	if (opt->coherency > VAULTFILE_SHARED)
		return -EINVAL;
	vf->version = VAULTFILE_VERSION;
	rng_bytes(vf->vault_id, sizeof(vf->vault_id));
	vf->created = (uint64_t)time(NULL);
	vf->coherency = opt->coherency;
	vf->features = opt->hide_sizes ? VAULTFILE_FEATURE_HIDE_SIZES : 0;
	return set_label(vf->label, opt->label);
}

static int build(struct vaultfile *vf, const struct vault_secret *secret,
		 const struct vault_options *opt)
{
	int r = fill(vf, opt);
	if (r < 0)
		return r;

	_cleanup_key_ struct key32 *master = keymem_alloc(sizeof(*master));
	if (!master)
		return -ENOMEM;
	rng_bytes(master->b, sizeof(master->b));
	const struct slot_choice choice = { .label = opt->slot_label, .cost = opt->cost };
	uint32_t slot;
	r = slots_add(vf, master, secret, &choice, &slot);
	return r < 0 ? r : vault_set_mac(vf, master);
}

/* The text that is about to be written must open: nobody finds out later, with data in the vault. */
static int self_check(const char *text, const struct vault_secret *secret)
{
	struct vault *v _cleanup_vault_ = NULL;
	const char *why;
	int r = vault_parse(text, strlen(text), &v, &why);
	if (r == 0)
		r = vault_unlock(v, secret, NULL, &why);
	return r == 0 || r == -ENOMEM ? r : -EIO;
}

static int must_be_new(int dirfd)
{
	struct stat st;
	if (fstatat(dirfd, NAME_SETTINGS_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return errno == ENOENT ? 0 : -errno;
}

int vault_create(int dirfd, const struct vault_secret *secret, const struct vault_options *opt)
{
	int r = must_be_new(dirfd);
	if (r < 0)
		return r;
	_cleanup_free_ struct vaultfile *vf = calloc(1, sizeof(*vf));
	if (!vf)
		return -ENOMEM;
	r = build(vf, secret, opt);
	if (r < 0)
		return r;
	_cleanup_free_ char *text = vaultfile_print(vf);
	if (!text)
		return -ENOMEM;
	r = self_check(text, secret);
	if (r == 0)
		r = must_be_new(dirfd); /* the above takes seconds */
	if (r < 0)
		return r;
	return io_replace_file(dirfd, NAME_SETTINGS_FILE, NULL, text, strlen(text), SETTINGS_MODE);
}

int vault_remake(const struct key32 *master, uint32_t epoch, const struct vault_options *opt, struct vault **out)
{
	struct vault *v _cleanup_vault_ = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	int r = epoch <= VAULTFILE_EPOCH_MAX ? fill(&v->settings, opt) : -EINVAL;
	v->settings.epoch = epoch;
	if (r == 0)
		r = vault_unlock_with(v, master);
	if (r == 0)
		*out = TAKE_PTR(v);
	return r;
}

/* Changing. */

int vault_write(const struct vaultfile *vf, int dirfd, const char *name, const char *backup)
{
	_cleanup_free_ char *text = vaultfile_print(vf);
	if (!text)
		return -ENOMEM;
	return io_replace_file(dirfd, name, backup, text, strlen(text), SETTINGS_MODE);
}

/* As a reader will find it. */
static int check_saved(const struct vaultfile *vf, const struct key32 *master)
{
	struct vault *v _cleanup_vault_ = NULL;
	const char *why;
	_cleanup_free_ char *text = vaultfile_print(vf);
	if (!text)
		return -ENOMEM;
	int r = vault_parse(text, strlen(text), &v, &why);
	if (r == 0)
		r = vault_check_mac(&v->settings, master);
	return r == 0 || r == -ENOMEM ? r : -EIO;
}

static bool is_whole(int dirfd, const char *name)
{
	struct vault *v _cleanup_vault_ = NULL;
	const char *why;
	return vault_read(dirfd, name, &v, &why) == 0;
}

/* A copy that is of use is not given up for settings that are not. */
static const char *backup_of(int dirfd)
{
	bool keep = !is_whole(dirfd, NAME_SETTINGS_FILE) && is_whole(dirfd, NAME_SETTINGS_BACKUP);
	return keep ? NULL : NAME_SETTINGS_BACKUP;
}

int vault_save(struct vault *v, int dirfd, const struct key32 *master)
{
	int r = vault_set_mac(&v->settings, master);
	if (r == 0)
		r = check_saved(&v->settings, master);
	return r < 0 ? r : vault_write(&v->settings, dirfd, NAME_SETTINGS_FILE, backup_of(dirfd));
}
