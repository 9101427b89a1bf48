/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Extended attributes from a hostile disk, which here is memory: getxattr and its kin are wrapped. The recipe
 * makes attributes, properly sealed under the names of a pool or with something wrong. Whatever is listed is of
 * the pool, once; whatever can be read is what was sealed under that name.
 */
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/bytes.h"
#include "base/codec.h"
#include "crypto/rng.h"
#include "fuzz_vault.h"
#include "store/xattr.h"

#define ATTRS 12
#define POOL 8
#define OLD 8
#define DISK_VALUE 4096
#define NAME_SIZE 300

/* ---- the disk ---- */

struct attr {
	char name[NAME_SIZE];
	size_t len;
	uint8_t value[DISK_VALUE];
};

static struct attr disk[ATTRS];
static unsigned int n_disk;

ssize_t __wrap_getxattr(const char *path, const char *name, void *value, size_t size);
ssize_t __wrap_listxattr(const char *path, char *list, size_t size);
int __wrap_setxattr(const char *path, const char *name, const void *value, size_t size, int flags);
int __wrap_removexattr(const char *path, const char *name);

static struct attr *find(const char *name)
{
	for (unsigned int i = 0; i < n_disk; i++)
		if (strcmp(disk[i].name, name) == 0)
			return &disk[i];
	return NULL;
}

static ssize_t give(void *to, size_t size, const void *from, size_t n)
{
	if (size > 0 && n > size) {
		errno = ERANGE;
		return -1;
	}
	if (size > 0)
		memcpy(to, from, n);
	return (ssize_t)n;
}

ssize_t __wrap_getxattr(const char *path, const char *name, void *value, size_t size)
{
	const struct attr *a = find(name);
	(void)path;
	if (a)
		return give(value, size, a->value, a->len);
	errno = ENODATA;
	return -1;
}

ssize_t __wrap_listxattr(const char *path, char *list, size_t size)
{
	char all[ATTRS * NAME_SIZE];
	size_t n = 0;
	(void)path;
	for (unsigned int i = 0; i < n_disk; i++) {
		size_t len = strlen(disk[i].name) + 1;
		memcpy(all + n, disk[i].name, len);
		n += len;
	}
	return give(list, size, all, n);
}

int __wrap_setxattr(const char *path, const char *name, const void *value, size_t size, int flags)
{
	struct attr *a = find(name);
	(void)path;
	(void)flags;
	if (!a && n_disk == ATTRS) {
		errno = ENOSPC;
		return -1;
	}
	if (!a)
		a = &disk[n_disk++];
	FUZZ_PROMISE(strlen(name) < NAME_SIZE && size <= DISK_VALUE);
	strcpy(a->name, name);
	memcpy(a->value, value, size);
	a->len = size;
	return 0;
}

int __wrap_removexattr(const char *path, const char *name)
{
	struct attr *a = find(name);
	(void)path;
	if (!a) {
		errno = ENODATA;
		return -1;
	}
	*a = disk[--n_disk];
	return 0;
}

/* ---- what the user has set ---- */

/* A name and the values it has had: an old one put back is not noticed. */
struct pool {
	char name[NAME_SIZE];
	unsigned int n;
	struct {
		size_t len;
		uint8_t b[256];
	} value[OLD];
};

static struct pool pool[POOL];

static void pool_begin(void)
{
	static const size_t lengths[POOL] = { 1, 5, 30, 157, 158, 159, 200, 250 };
	for (size_t i = 0; i < POOL; i++) {
		struct pool *p = &pool[i];
		strcpy(p->name, "user.");
		memset(p->name + 5, 'a' + (int)i, lengths[i]);
		p->name[5 + lengths[i]] = '\0';
		p->n = 0;
	}
}

static const struct pool *pool_of(const char *name)
{
	for (size_t i = 0; i < POOL; i++)
		if (strcmp(pool[i].name, name) == 0)
			return &pool[i];
	return NULL;
}

/* ---- the recipe ---- */

/* Put an attribute whose name and value are sealed as the recipe likes: any name, any body. */
static void seal_odd(const struct fuzz_vault *v, struct recipe *in)
{
	uint8_t plain[300], body[600], box[700], sealed[320], hash[NAME_HASH_LEN], ad[400];
	char name[NAME_SIZE];
	uint8_t how = recipe_u8(in);
	size_t n = recipe_u8(in) + (how & 1 ? 45u : 0), got;
	const uint8_t *p = recipe_bytes(in, n, &got);
	memcpy(plain, p, got);
	memset(plain + got, 'x', n - got);
	siv_seal(v->vault.xattr_names, NAME_XATTR_LABEL, strlen(NAME_XATTR_LABEL), (const uint8_t[16]){ 0 }, 16, plain,
		 n, sealed);
	size_t sealed_len = n + SIV_TAG_LEN;
	kdf_hash(hash, sizeof(hash), NULL, 0, sealed, sealed_len, NULL, 0);
	bool hashed = how & 2 || CODEC_B64_LEN(sealed_len) > 240;
	strcpy(name, hashed ? NAME_XATTR_LONG_PREFIX : NAME_XATTR_PREFIX);
	codec_b64_encode(name + strlen(name), hashed ? hash : sealed, hashed ? sizeof(hash) : sealed_len);

	size_t body_len = 0;
	if (hashed) {
		put_le16(body, how & 4 ? recipe_u16(in) : (uint16_t)sealed_len);
		memcpy(body + 2, sealed, sealed_len);
		body_len = 2 + sealed_len;
	}
	if (how & 8)
		body_len = recipe_u8(in) % 200; /* cut */
	size_t ad_len = strlen(NAME_XATTR_LABEL), x_len = hashed ? sizeof(hash) : sealed_len;
	memcpy(ad, NAME_XATTR_LABEL, ad_len);
	memcpy(ad + ad_len, hashed ? hash : sealed, x_len);
	memset(body + body_len, 0, sizeof(body) - body_len);
	rng_bytes(box, AEAD_NONCE_LEN);
	aead_set_key(v->aead, &v->vault.keys->xattr_values);
	FUZZ_PROMISE(aead_seal(v->aead, box, ad, ad_len + x_len, body, body_len, box + AEAD_NONCE_LEN + AEAD_TAG_LEN,
			       box + AEAD_NONCE_LEN) == 0);
	(void)__wrap_setxattr("", name, box, AEAD_NONCE_LEN + AEAD_TAG_LEN + body_len, 0);
}

/* What the user does. */
static void use(const struct fuzz_vault *v, struct recipe *in, bool set)
{
	struct pool *p = &pool[recipe_u8(in) % POOL];
	size_t got;
	if (!set) {
		(void)xattr_remove(v->st, 0, p->name);
		return;
	}
	const uint8_t *value = recipe_bytes(in, recipe_u8(in), &got);
	if (p->n == OLD)
		return;
	int r = xattr_set(v->st, 0, p->name, value, got, 0);
	FUZZ_PROMISE(r == 0 || r == -ENOSPC);
	if (r == 0) {
		memcpy(p->value[p->n].b, value, got);
		p->value[p->n++].len = got;
	}
}

/* What the adversary does to what lies there. */
static void attack(struct recipe *in)
{
	struct attr *a = n_disk > 0 ? &disk[recipe_u8(in) % n_disk] : NULL;
	struct attr *b = n_disk > 0 ? &disk[recipe_u8(in) % n_disk] : NULL;
	uint16_t at = recipe_u16(in);
	char name[NAME_SIZE];
	if (!a)
		return;
	switch (recipe_u8(in) % 6) {
	case 0:
		if (a->len > 0)
			a->value[at % a->len] ^= (uint8_t)(1u << (at >> 12) % 8);
		break;
	case 1:
		a->len = at % (a->len + 1);
		break;
	case 2:
		memmove(a->value, b->value, b->len);
		a->len = b->len;
		break;
	case 3: /* names exchanged */
		strcpy(name, a->name);
		if (a != b)
			strcpy(a->name, b->name);
		strcpy(b->name, name);
		break;
	case 4:
		strcpy(name, a->name);
		if (strlen(name) > 0)
			name[at % strlen(name)] = (char)('-' + (at >> 8) % 78);
		if (!find(name))
			strcpy(a->name, name);
		break;
	default:
		memset(a->value + a->len, (int)(at & 255), sizeof(a->value) - a->len);
		a->len = at % sizeof(a->value);
		break;
	}
}

static void raw(struct recipe *in)
{
	static const char *const prefixes[] = { "", "user.", "user.cryptfs.", "user.cryptfs.long.", "security.",
						"trusted.", "system.", "user.cryptfs" };
	char name[NAME_SIZE];
	size_t n, got;
	strcpy(name, prefixes[recipe_u8(in) % 8]);
	const uint8_t *p = recipe_bytes(in, recipe_u8(in) % 230, &n);
	for (size_t i = 0, at = strlen(name); i < n && p[i]; i++) {
		name[at + i] = (char)p[i];
		name[at + i + 1] = '\0';
	}
	p = recipe_bytes(in, recipe_u8(in), &got);
	if (name[0] && strlen(name) < 256)
		(void)__wrap_setxattr("", name, p, got, 0);
}

/* ---- judging ---- */

static void check_get(const struct fuzz_vault *v, const struct pool *p)
{
	uint8_t value[DISK_VALUE];
	ssize_t need = xattr_get(v->st, 0, p->name, NULL, 0);
	ssize_t n = xattr_get(v->st, 0, p->name, value, sizeof(value));
	FUZZ_PROMISE(n == need);
	if (n < 0) {
		FUZZ_PROMISE(n == -ENODATA || fuzz_is_damage((int)n));
		return;
	}
	bool known = false;
	for (unsigned int i = 0; i < p->n; i++)
		known = known || (p->value[i].len == (size_t)n && memcmp(p->value[i].b, value, (size_t)n) == 0);
	FUZZ_PROMISE(known);
	if (n > 1)
		FUZZ_PROMISE(xattr_get(v->st, 0, p->name, value, (size_t)n - 1) == -ERANGE);
}

static void check_list(const struct fuzz_vault *v, bool sealed_odd)
{
	char list[ATTRS * NAME_SIZE];
	bool seen[POOL] = { false };
	ssize_t need = xattr_list(v->st, 0, true, NULL, 0), n = xattr_list(v->st, 0, true, list, sizeof(list));
	FUZZ_PROMISE(n == need && n >= 0);
	if (n > 1)
		FUZZ_PROMISE(xattr_list(v->st, 0, true, list, (size_t)n - 1) == -ERANGE);
	for (const char *p = list; p < list + n; p += strlen(p) + 1) {
		const struct pool *is = pool_of(p);
		FUZZ_PROMISE(strlen(p) > 0 && strlen(p) < 256);
		if (!is) {
			FUZZ_PROMISE(sealed_odd || strncmp(p, "user.", 5) != 0);
			continue;
		}
		FUZZ_PROMISE(!seen[is - pool] || sealed_odd);
		seen[is - pool] = true;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recipe in = { data, size };
	const struct fuzz_vault *v = fuzz_vault();
	bool odd = false;
	fuzz_random_restart();
	n_disk = 0;
	pool_begin();
	for (int i = 0; i < 32 && in.n > 0; i++) {
		switch (recipe_u8(&in) % 8) {
		case 0:
		case 1:
		case 2:
			use(v, &in, true);
			break;
		case 3:
			use(v, &in, false);
			break;
		case 4:
		case 5:
			attack(&in);
			break;
		case 6:
			raw(&in);
			break;
		default:
			seal_odd(v, &in);
			odd = true;
			break;
		}
	}
	check_list(v, odd);
	for (size_t i = 0; i < POOL && !odd; i++)
		check_get(v, &pool[i]);
	for (size_t i = 0; i < POOL && odd; i++)
		(void)xattr_get(v->st, 0, pool[i].name, NULL, 0);
	return 0;
}
