/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The login keyring: a random secret for each slot of the kind "keyring", kept by whatever answers as the Secret
 * Service on the session's D-Bus (GNOME Keyring, KWallet, KeePassXC). Knows neither vaults nor people.
 *
 * All of it runs in a child process, which ends with each call: libraries that start threads and keep copies never see
 * a key of ours. Call before the process gives up its powers. Secrets are read and written straight from and to the
 * caller's memory, which is the arena.
 */
#ifndef CRYPTFS_KEYRING_KEYRING_H
#define CRYPTFS_KEYRING_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYRING_SECRET_LEN 32u

/* What an item is found by; both are attributes that the keyring keeps in the clear. */
struct keyring_item {
	const char *vault_id; /* hexadecimal */
	unsigned int slot;
};

/* Was this program built with it? */
bool keyring_is_built(void);

/* Keep a secret, replacing one that is there. label is what the keyring's own program shows. Returns 0; -EOPNOTSUPP
 * (not built); -EHOSTUNREACH (no session bus, or nobody who answers as a keyring); -EACCES (it is locked, and nobody
 * has unlocked it); -ETIMEDOUT; -ENOMEM; or -EIO. */
int keyring_store(const struct keyring_item *item, const char *label, const uint8_t secret[static KEYRING_SECRET_LEN]);

/* Get it back. Also returns -ENOKEY (there is no such item) and -EBADMSG (it is none that we have made). */
int keyring_lookup(const struct keyring_item *item, uint8_t secret[static KEYRING_SECRET_LEN]);

/* Remove it. Returns as keyring_lookup; -ENOKEY if there was none. */
int keyring_remove(const struct keyring_item *item);

#endif
