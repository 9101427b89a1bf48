/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz_vault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "store/scratch.h"

/* What keeps a pointer in the arena only is lost to LeakSanitizer, if there is one. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static struct fuzz_vault the_vault;
static pid_t owner;

/* ---- random numbers that are none ---- */

static uint64_t random_state;

void fuzz_random_restart(void)
{
	random_state = 0x9e3779b97f4a7c15u;
}

FUZZ_PLAIN static uint32_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16);
}

FUZZ_PLAIN static void random_fill(void *out, const size_t n)
{
	uint8_t *p = out;
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)random_next();
}

static const char *random_name(void)
{
	return "fixed";
}

static struct randombytes_implementation fixed = {
	.implementation_name = random_name,
	.random = random_next,
	.buf = random_fill,
};

/* ---- the vault ---- */

static void unlock(struct fuzz_vault *v)
{
	uint8_t siv_key[SIV_KEY_LEN];
	struct vault_keys *k = v->vault.keys = keymem_alloc(sizeof(*k));
	v->master = keymem_alloc(sizeof(*v->master));
	FUZZ_PROMISE(k && v->master);
	for (size_t i = 0; i < sizeof(v->master->b); i++)
		v->master->b[i] = (uint8_t)i;
	kdf_derive(v->master, "cfs-cont", k->content.b, sizeof(k->content.b));
	kdf_derive(v->master, "cfs-xavl", k->xattr_values.b, sizeof(k->xattr_values.b));
	kdf_derive(v->master, "cfs-link", k->links.b, sizeof(k->links.b));
	kdf_derive(v->master, "cfs-dmac", k->dir_mac.b, sizeof(k->dir_mac.b));
	kdf_derive(v->master, "cfs-root", k->root_id, sizeof(k->root_id));
	kdf_derive(v->master, "cfs-name", siv_key, sizeof(siv_key));
	v->vault.names = siv_new(siv_key);
	kdf_derive(v->master, "cfs-xanm", siv_key, sizeof(siv_key));
	v->vault.xattr_names = siv_new(siv_key);
	FUZZ_PROMISE(v->vault.names && v->vault.xattr_names);
	if (__lsan_disable && __lsan_enable)
		__lsan_disable();
	v->aead = aead_new();
	FUZZ_PROMISE(v->aead && scratch_get());
	if (__lsan_disable && __lsan_enable)
		__lsan_enable();
}

static void clear_at(int fd)
{
	DIR *d = fdopendir(fd);
	if (!d) {
		close(fd);
		return;
	}
	for (struct dirent *e; (e = readdir(d));) {
		if (io_is_dot(e->d_name) || unlinkat(dirfd(d), e->d_name, 0) == 0)
			continue;
		int sub = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub >= 0)
			clear_at(sub);
		(void)unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
	}
	closedir(d);
}

void fuzz_clear_root(const struct fuzz_vault *v)
{
	int fd = openat(v->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		clear_at(fd);
}

static void remove_root(void)
{
	if (getpid() != owner)
		return;
	fuzz_clear_root(&the_vault);
	(void)rmdir(the_vault.root);
}

static void make_root(struct fuzz_vault *v)
{
	const char *dirs[] = { getenv("TMPDIR"), "/dev/shm", "/tmp" };
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (!dirs[i])
			continue;
		int n = snprintf(v->root, sizeof(v->root), "%s/cryptfs-fuzz.XXXXXX", dirs[i]);
		if (n < (int)sizeof(v->root) && mkdtemp(v->root)) {
			owner = getpid();
			atexit(remove_root);
			v->root_fd = open(v->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			FUZZ_PROMISE(v->root_fd >= 0);
			return;
		}
	}
	abort(); /* nowhere to go */
}

struct fuzz_vault *fuzz_vault(void)
{
	struct fuzz_vault *v = &the_vault;
	if (v->st)
		return v;
	umask(0);
	FUZZ_PROMISE(randombytes_set_implementation(&fixed) == 0);
	fuzz_random_restart();
	FUZZ_PROMISE(keymem_init() == 0 && aead_init() == 0);
	if (!getenv("FUZZ_LOG"))
		log_set_level((enum log_level)-1);
	unlock(v);
	make_root(v);
	FUZZ_PROMISE(store_open(&v->vault, v->root_fd, false, &v->st) == 0);
	/* There was no process before this one. */
	v->st->side.overflow = false;
	return v;
}

bool fuzz_is_damage(int r)
{
	return r == -EBADMSG || r == -EUCLEAN || r == -EPROTONOSUPPORT;
}

/* ---- recipes ---- */

uint64_t recipe_uint(struct recipe *r, size_t bytes)
{
	uint64_t v = 0;
	for (size_t i = 0; i < bytes && r->n > 0; i++, r->p++, r->n--)
		v |= (uint64_t)*r->p << (8 * i);
	return v;
}

const uint8_t *recipe_bytes(struct recipe *r, size_t n, size_t *got)
{
	const uint8_t *p = r->p;
	*got = n < r->n ? n : r->n;
	r->p += *got;
	r->n -= *got;
	return p;
}
