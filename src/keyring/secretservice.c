/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libsecret is loaded here and now, not linked: no other process of ours is to have it, and a program that never
 * meets a keyring is to do without (doc/decisions/0004-loading-libsecret.md).
 *
 * The secret is kept as 64 digits, for keyrings show passwords as text, and some keep nothing else.
 */
#include "config.h"

#include "keyring/secretservice.h"

#include <errno.h>

#ifdef HAVE_LIBSECRET

#include <dlfcn.h>
#include <libsecret/secret.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"

#define SECRETSERVICE_LIBRARY "libsecret-1.so.0"
#define SECRETSERVICE_TEXT_LEN ((size_t)2 * KEYRING_SECRET_LEN)

#define SECRETSERVICE_FUNCTIONS(F)          \
	F(g_dbus_error_quark)               \
	F(g_io_error_quark)                 \
	F(g_utf8_make_valid)                \
	F(secret_attributes_build)          \
	F(secret_collection_for_alias_sync) \
	F(secret_collection_get_locked)     \
	F(secret_error_get_quark)           \
	F(secret_item_delete_sync)          \
	F(secret_item_get_locked)           \
	F(secret_item_get_modified)         \
	F(secret_item_get_secret)           \
	F(secret_item_load_secret_sync)     \
	F(secret_service_get_sync)          \
	F(secret_service_search_sync)       \
	F(secret_service_store_sync)        \
	F(secret_service_unlock_sync)       \
	F(secret_value_get)                 \
	F(secret_value_new)

#define SECRETSERVICE_MEMBER(name) __typeof__(name) *name;
static struct {
	SECRETSERVICE_FUNCTIONS(SECRETSERVICE_MEMBER)
} lib;

/* Found by "application" and the two that follow: some keyrings lose the schema's name. */
static const SecretSchema schema = {
	.name = "org.cryptfs.Vault",
	.flags = SECRET_SCHEMA_DONT_MATCH_NAME,
	.attributes = {
		{ "application", SECRET_SCHEMA_ATTRIBUTE_STRING },
		{ "vault-id", SECRET_SCHEMA_ATTRIBUTE_STRING },
		{ "slot", SECRET_SCHEMA_ATTRIBUTE_INTEGER },
	},
};

struct secretservice {
	SecretService *service;
	GHashTable *attributes;
	bool may_ask;
};

/* ---- beginning ---- */

static bool secretservice_find(void *library, const char *name, void *function)
{
	void *p = dlsym(library, name);
	memcpy(function, &p, sizeof(p));
	return p != NULL;
}

#define SECRETSERVICE_FIND(name) secretservice_find(library, #name, &lib.name) &&
static int secretservice_load(void)
{
	void *library = dlopen(SECRETSERVICE_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	return library && SECRETSERVICE_FUNCTIONS(SECRETSERVICE_FIND) true ? 0 : -EOPNOTSUPP;
}

/* Where there is none, glib would have dbus-launch start one, which stays. */
static bool secretservice_has_bus(void)
{
	char path[PATH_MAX];
	struct stat sb;
	const char *address = getenv("DBUS_SESSION_BUS_ADDRESS"), *dir = getenv("XDG_RUNTIME_DIR");
	if (address && *address)
		return true;
	if (!dir || *dir != '/' || snprintf(path, sizeof(path), "%s/bus", dir) >= (int)sizeof(path))
		return false;
	return stat(path, &sb) == 0 && S_ISSOCK(sb.st_mode) && sb.st_uid == geteuid();
}

static int secretservice_dbus_error(int code)
{
	switch (code) {
	case G_DBUS_ERROR_TIMEOUT:
	case G_DBUS_ERROR_TIMED_OUT: return -ETIMEDOUT;
	case G_DBUS_ERROR_ACCESS_DENIED:
	case G_DBUS_ERROR_AUTH_FAILED: return -EACCES;
	case G_DBUS_ERROR_NO_REPLY: /* it has ended over our question */
	case G_DBUS_ERROR_NAME_HAS_NO_OWNER:
	case G_DBUS_ERROR_SERVICE_UNKNOWN: return -EHOSTUNREACH;
	case G_DBUS_ERROR_NO_MEMORY: return -ENOMEM;
	default: return -EIO;
	}
}

static int secretservice_io_error(int code)
{
	switch (code) {
	case G_IO_ERROR_TIMED_OUT: return -ETIMEDOUT;
	case G_IO_ERROR_CANCELLED: /* somebody has closed the window that asked */
	case G_IO_ERROR_PERMISSION_DENIED: return -EACCES;
	case G_IO_ERROR_CLOSED: return -EHOSTUNREACH;
	default: return -EIO;
	}
}

static int secretservice_secret_error(int code)
{
	switch (code) {
	case SECRET_ERROR_IS_LOCKED: return -EACCES;
	case SECRET_ERROR_NO_SUCH_OBJECT: return -ENOKEY;
	default: return -EIO;
	}
}

static int secretservice_error(const GError *e)
{
	if (e && e->domain == lib.g_dbus_error_quark())
		return secretservice_dbus_error(e->code);
	if (e && e->domain == lib.g_io_error_quark())
		return secretservice_io_error(e->code);
	if (e && e->domain == lib.secret_error_get_quark())
		return secretservice_secret_error(e->code);
	return -EIO;
}

/* All that can go wrong with a bus, an address and a program that is to be started comes to the same: nobody is there.
 * Unless somebody is, and does not answer. */
static int secretservice_begin(struct secretservice *s, const struct keyring_item *item, bool may_ask)
{
	GError *e = NULL;
	int r = secretservice_load();
	if (r < 0)
		return r;
	if (!secretservice_has_bus())
		return -EHOSTUNREACH;
	s->may_ask = may_ask;
	s->service = lib.secret_service_get_sync(SECRET_SERVICE_OPEN_SESSION, NULL, &e);
	if (!s->service)
		return secretservice_error(e) == -ETIMEDOUT ? -ETIMEDOUT : -EHOSTUNREACH;
	s->attributes = lib.secret_attributes_build(&schema, "application", "cryptfs", "vault-id", item->vault_id,
						    "slot", (gint)item->slot, NULL);
	return s->attributes ? 0 : -EIO;
}

/* ---- finding, unlocking ---- */

/* Asks somebody, and comes back when they have answered. Whether they said yes is seen afterwards. */
static int secretservice_unlock(struct secretservice *s, GList *objects)
{
	GError *e = NULL;
	if (!s->may_ask)
		return -EACCES;
	(void)lib.secret_service_unlock_sync(s->service, objects, NULL, NULL, &e);
	return e ? secretservice_error(e) : 0;
}

/* Unlock the default keyring. Returns 1 if that has changed anything, 0 if it was open, -ENOKEY if there is none. */
static int secretservice_open_default(struct secretservice *s)
{
	GError *e = NULL;
	SecretCollection *c = lib.secret_collection_for_alias_sync(s->service, SECRET_COLLECTION_DEFAULT,
								   SECRET_COLLECTION_NONE, NULL, &e);
	if (!c)
		return e ? secretservice_error(e) : -ENOKEY;
	if (!lib.secret_collection_get_locked(c))
		return 0;
	int r = secretservice_unlock(s, &(GList){ .data = c });
	return r < 0 ? r : 1;
}

static int secretservice_search(struct secretservice *s, GList **items)
{
	GError *e = NULL;
	*items = lib.secret_service_search_sync(s->service, &schema, s->attributes, SECRET_SEARCH_ALL, NULL, &e);
	return e ? secretservice_error(e) : *items ? 0 : -ENOKEY;
}

static bool secretservice_any_locked(const GList *items)
{
	for (; items; items = items->next)
		if (lib.secret_item_get_locked(items->data))
			return true;
	return false;
}

/* All items of ours, unlocked. KWallet finds none in a keyring that is locked. */
static int secretservice_items(struct secretservice *s, GList **items)
{
	int r = secretservice_search(s, items);
	if (r == -ENOKEY && (r = secretservice_open_default(s)) == 0)
		return -ENOKEY;
	else if (r == 0 && !secretservice_any_locked(*items))
		return 0;
	else if (r == 0)
		r = secretservice_unlock(s, *items);
	if (r >= 0)
		r = secretservice_search(s, items);
	return r == 0 && secretservice_any_locked(*items) ? -EACCES : r;
}

static int secretservice_read(SecretItem *item, uint8_t secret[static KEYRING_SECRET_LEN])
{
	char text[SECRETSERVICE_TEXT_LEN + 1] = "";
	GError *e = NULL;
	gsize n = 0;
	if (!lib.secret_item_load_secret_sync(item, NULL, &e))
		return secretservice_error(e);
	SecretValue *value = lib.secret_item_get_secret(item);
	const char *kept = value ? lib.secret_value_get(value, &n) : NULL;
	if (kept && n == SECRETSERVICE_TEXT_LEN)
		memcpy(text, kept, n);
	int r = codec_hex_decode(secret, KEYRING_SECRET_LEN, text);
	explicit_bzero(text, sizeof(text));
	return r < 0 ? -EBADMSG : 0;
}

/* ---- the three ---- */

int secretservice_store(const struct keyring_item *item, const char *label,
			const uint8_t secret[static KEYRING_SECRET_LEN], bool may_ask)
{
	struct secretservice s;
	char text[SECRETSERVICE_TEXT_LEN + 1];
	GError *e = NULL;
	int r = secretservice_begin(&s, item, may_ask);
	if (r < 0)
		return r;
	r = secretservice_open_default(&s);
	if (r == -ENOKEY && !may_ask)
		return -EHOSTUNREACH;
	if (r < 0 && r != -ENOKEY) /* if there is none somebody is asked for a new one's password */
		return r;
	codec_hex_encode(text, secret, KEYRING_SECRET_LEN);
	SecretValue *value = lib.secret_value_new(text, SECRETSERVICE_TEXT_LEN, "text/plain");
	explicit_bzero(text, sizeof(text));
	bool done = lib.secret_service_store_sync(s.service, &schema, s.attributes, SECRET_COLLECTION_DEFAULT,
						  lib.g_utf8_make_valid(label, -1), value, NULL, &e);
	return done ? 0 : e ? secretservice_error(e) : -EACCES;
}

/* The youngest. Others may have put things there that look like ours and hold no secret of ours. */
int secretservice_lookup(const struct keyring_item *item, uint8_t secret[static KEYRING_SECRET_LEN], bool may_ask)
{
	struct secretservice s;
	uint8_t read[KEYRING_SECRET_LEN];
	GList *items = NULL;
	SecretItem *best = NULL;
	int r = secretservice_begin(&s, item, may_ask);
	if (r == 0)
		r = secretservice_items(&s, &items);
	for (; (r == 0 || r == -EBADMSG) && items; items = items->next) {
		if (best && lib.secret_item_get_modified(items->data) <= lib.secret_item_get_modified(best))
			continue;
		r = secretservice_read(items->data, read);
		if (r == 0) {
			memcpy(secret, read, sizeof(read));
			best = items->data;
		}
	}
	explicit_bzero(read, sizeof(read));
	return best ? 0 : r;
}

int secretservice_remove(const struct keyring_item *item, bool may_ask)
{
	struct secretservice s;
	GList *items = NULL;
	GError *e = NULL;
	int r = secretservice_begin(&s, item, may_ask);
	if (r == 0)
		r = secretservice_items(&s, &items);
	for (; r == 0 && items; items = items->next)
		if (!lib.secret_item_delete_sync(items->data, NULL, &e))
			r = e ? secretservice_error(e) : -EACCES;
	return r;
}

bool secretservice_is_built(void)
{
	return true;
}

#else

bool secretservice_is_built(void)
{
	return false;
}

int secretservice_store(const struct keyring_item *item, const char *label,
			const uint8_t secret[static KEYRING_SECRET_LEN], bool may_ask)
{
	(void)item, (void)label, (void)secret, (void)may_ask;
	return -EOPNOTSUPP;
}

int secretservice_lookup(const struct keyring_item *item, uint8_t secret[static KEYRING_SECRET_LEN], bool may_ask)
{
	(void)item, (void)secret, (void)may_ask;
	return -EOPNOTSUPP;
}

int secretservice_remove(const struct keyring_item *item, bool may_ask)
{
	(void)item, (void)may_ask;
	return -EOPNOTSUPP;
}

#endif
