/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/change.h"

#include <errno.h>
#include <string.h>

#include "base/codec.h"
#include "cli/cli.h"
#include "keyring/keyring.h"
#include "vault/lock.h"

void change_free(struct change *c)
{
	keymem_free(c->master);
	vault_free(c->vault);
	cleanup_fd(&c->lock);
	unlock_free(&c->u);
	*c = (struct change)CHANGE_NONE;
}

int change_open(struct change *c, const char *verb, const char *operand, const struct credential_args *a)
{
	int code = unlock_open(&c->u, operand);
	if (code == EXIT_NO_VAULT)
		unlock_hint(operand, verb);
	return code != 0 ? code : unlock_source(&c->u, a);
}

int change_authorise(struct change *c)
{
	c->master = keymem_alloc(sizeof(*c->master));
	return c->master ? unlock_master(&c->u, c->master) : exit_crypto(-ENOMEM, "cannot keep the master key");
}

int change_begin(struct change *c)
{
	const char *path = c->u.path, *why = NULL;
	const struct vault_secret *secret = &c->u.credential.secret;
	vault_free(c->vault);
	c->vault = NULL;
	change_end(c);
	int err = lock_settings(c->u.fd, &c->lock);
	if (err == -EBUSY)
		return exit_settings_busy(path);
	if (err == 0)
		err = vault_open(c->u.fd, &c->vault, &why);
	if (err == 0)
		err = vault_master(c->vault, secret, c->master, NULL, &why);
	if (err == -EKEYREJECTED)
		return exit_wrong_secret(secret->kind, path);
	return err < 0 ? exit_vault(err, path, why) : 0;
}

void change_end(struct change *c)
{
	cleanup_fd(&c->lock);
	c->lock = -1;
}

bool change_is_there(int dirfd, const struct vault *saved)
{
	struct vault *v _cleanup_vault_ = NULL;
	const char *why;
	return vault_open(dirfd, &v, &why) == 0 &&
	       memcmp(v->settings.mac, saved->settings.mac, VAULTFILE_MAC_LEN) == 0;
}

bool change_is_in_place(const struct change *c)
{
	return change_is_there(c->u.fd, c->vault);
}

int change_save(struct change *c, struct new_secret *n, uint32_t slot)
{
	int code = n ? new_secret_hand_over(n, &(struct new_secret_slot){ c->u.path, &c->vault->settings, slot }) : 0;
	if (code != 0)
		return code;
	int err = vault_save(c->vault, c->u.fd, c->master);
	if (err == 0)
		return 0;
	bool in_place = change_is_in_place(c);
	if (n && !in_place)
		new_secret_take_back(n);
	return exit_save(err, c->u.path, in_place);
}

void change_forget_item(const struct change *c, uint32_t slot)
{
	char id[2 * VAULTFILE_ID_LEN + 1];
	codec_hex_encode(id, c->vault->settings.vault_id, VAULTFILE_ID_LEN);
	int err = keyring_remove(&(struct keyring_item){ id, slot });
	if (err < 0 && err != -ENOKEY)
		exit_note("the login keyring still has the secret, which opens nothing now: "
			  "%s", exit_keyring_reason(err));
}
