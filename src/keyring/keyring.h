/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The login keyring: a random secret for each slot of the kind "keyring", kept by whatever answers as the Secret
 * Service on the session's D-Bus (GNOME Keyring, KWallet, KeePassXC). Knows neither vaults nor people.
 *
 * All of it runs in a child process, which ends with each call: libraries that start threads and keep copies never
 * see a key but the one that they are to keep. Call with one thread only, and before the process gives up its powers.
 * Secrets are read and written straight from and to the caller's memory, which is the arena.
 *
 * No call takes longer than 10 seconds; or 60 if there is a screen (DISPLAY or WAYLAND_DISPLAY) on which the keyring
 * may ask to be unlocked. Without one nobody is asked.
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

/* Was this program built with it? (libsecret, which does the work, may be missing nevertheless.) */
bool keyring_is_built(void);

/* Keep a secret in the default keyring, replacing one that is there. label is what the keyring's own program shows.
 * Returns 0; -EOPNOTSUPP (not built, or no libsecret on this machine); -EHOSTUNREACH (no session bus, nobody who
 * answers as a keyring, or no default keyring and no screen to ask for one); -EACCES (it is locked, and nobody has
 * unlocked it, or it refuses); -ETIMEDOUT (what it did by then is unknown); -ENOMEM; -EIO; or what socketpair and
 * fork say. */
int keyring_store(const struct keyring_item *item, const char *label, const uint8_t secret[static KEYRING_SECRET_LEN]);

/* Get it back; if there are several (the default keyring has changed), the youngest. On failure secret is zeros.
 * Returns as keyring_store, and -ENOKEY (there is no such item) or -EBADMSG (it is none that we have made). */
int keyring_lookup(const struct keyring_item *item, uint8_t secret[static KEYRING_SECRET_LEN]);

/* Remove all that keyring_lookup might find. Returns as keyring_store; -ENOKEY if there was none. */
int keyring_remove(const struct keyring_item *item);

#endif
