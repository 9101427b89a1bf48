/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Targets of symbolic links: sealed ones with something done to them, odd ones sealed by who has the key, raw
 * ones, and side files that are missing, exchanged or of another kind. What is read is what was sealed, or an
 * error; and the length that stat tells agrees with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/io.h"
#include "crypto/rng.h"
#include "fuzz_vault.h"
#include "store/symlink.h"

#define LINK "link"
#define OTHER "cryptfs.slink.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define BOX_MAX (NAME_LINK_OVERHEAD + NAME_LINK_TARGET_MAX + 64)

struct link {
	size_t n;			/* of the plaintext, which may be odd */
	uint8_t plain[BOX_MAX];
	char disk[8192];
	bool odd;			/* no target that a link may have */
	bool changed;			/* not what was sealed any more */
};

static void seal(const struct fuzz_vault *v, struct link *l, uint8_t *box)
{
	rng_bytes(box, AEAD_NONCE_LEN);
	aead_set_key(v->aead, &v->vault.keys->links);
	FUZZ_PROMISE(aead_seal(v->aead, box, NAME_LINK_LABEL, strlen(NAME_LINK_LABEL), l->plain, l->n,
			       box + NAME_LINK_OVERHEAD, box + AEAD_NONCE_LEN) == 0);
}

/* The plaintext: from the recipe, made as long as it says. */
static void take_target(struct recipe *in, struct link *l)
{
	size_t got, n = recipe_u16(in) % (NAME_LINK_TARGET_MAX + 8);
	const uint8_t *p = recipe_bytes(in, recipe_u8(in), &got);
	l->n = n;
	memset(l->plain, 't', n);
	memcpy(l->plain, p, got < n ? got : n);
	l->odd = n == 0 || n > NAME_LINK_TARGET_MAX || memchr(l->plain, 0, n);
}

/* What lies where a side file should. Returns whether that is what was sealed, 'right'. */
static bool put_side(const struct fuzz_vault *v, struct recipe *in, const char *name, uint8_t *box, size_t n,
		     const uint8_t *right)
{
	uint8_t kind = recipe_u8(in) % 8;
	uint16_t at = recipe_u16(in);
	size_t was = n;
	switch (kind) {
	case 1:
		return false;
	case 2:
		(void)mkfifoat(v->root_fd, name, 0600);
		return false;
	case 3:
		(void)mkdirat(v->root_fd, name, 0700);
		return false;
	case 4:
		fuzz_tried(symlinkat(LINK, v->root_fd, name));
		return false;
	case 5:
		box[at % n] ^= (uint8_t)(1u << (at >> 13));
		break;
	case 6: /* cut, or grown */
		n = at % (2 * BOX_MAX) == n ? 0 : at % (2 * BOX_MAX);
		break;
	default:
		break;
	}
	static uint8_t bytes[2 * BOX_MAX];
	memcpy(bytes, box, BOX_MAX);
	FUZZ_PROMISE(io_create_file(v->root_fd, name, bytes, n, 0444, NULL) == 0);
	return n == was && memcmp(bytes, right, n) == 0;
}

/* What the link holds for this target. Returns whether it names a side file. */
static bool encode(char disk[static NAME_LINK_TARGET_MAX + 1], const uint8_t *box, size_t n, bool side)
{
	uint8_t hash[NAME_HASH_LEN];
	if (!side && CODEC_B64_LEN(n) <= NAME_LINK_TARGET_MAX) {
		codec_b64_encode(disk, box, n);
		return false;
	}
	kdf_hash(hash, sizeof(hash), NULL, 0, box, n, NULL, 0);
	name_encode_hashed(disk, NAME_SLINK_PREFIX, hash);
	return true;
}

/* Two changes may undo each other: what counts is what there is in the end. */
static void make_sealed(const struct fuzz_vault *v, struct recipe *in, struct link *l)
{
	uint8_t box[BOX_MAX] = { 0 }, right[BOX_MAX], how = recipe_u8(in);
	char right_disk[NAME_LINK_TARGET_MAX + 1];
	take_target(in, l);
	seal(v, l, box);
	size_t n = l->n + NAME_LINK_OVERHEAD;
	memcpy(right, box, sizeof(right));
	(void)encode(right_disk, right, n, how & 2);
	if (how & 1) { /* a bit of it */
		uint16_t at = recipe_u16(in);
		box[at % n] ^= (uint8_t)(1u << (at >> 13));
	}
	bool side = encode(l->disk, box, n, how & 2);
	if (side)
		l->changed = !put_side(v, in, l->disk, box, n, right);
	if (how & 4) { /* a character of what the link holds */
		uint16_t at = recipe_u16(in);
		l->disk[(at & 4095) % strlen(l->disk)] = (char)('-' + (at >> 9) % 78);
	}
	l->changed = l->changed || strcmp(l->disk, right_disk) != 0;
}

static void make_raw(struct recipe *in, struct link *l)
{
	static const char *const prefixes[] = { "", NAME_SLINK_PREFIX, OTHER, "cryptfs.slink./" };
	size_t n;
	strcpy(l->disk, prefixes[recipe_u8(in) % 4]);
	const uint8_t *p = recipe_bytes(in, recipe_u16(in) % 4096, &n);
	for (size_t i = 0, at = strlen(l->disk); i < n && p[i] && at + i < NAME_LINK_TARGET_MAX; i++) {
		l->disk[at + i] = (char)p[i];
		l->disk[at + i + 1] = '\0';
	}
	l->changed = true;
}

static void judge(const struct dir *d, struct link *l)
{
	char target[NAME_LINK_TARGET_MAX + 1], side[NAME_LINK_TARGET_MAX + 1];
	struct stat sb;
	ssize_t n = symlink_read(d, LINK, target);
	FUZZ_PROMISE(n > 0 || fuzz_is_damage((int)n) || n == -ENOENT);
	FUZZ_PROMISE((n > 0) == (!l->odd && !l->changed));
	FUZZ_PROMISE(fstatat(d->fd, LINK, &sb, AT_SYMLINK_NOFOLLOW) == 0);
	ssize_t told = symlink_len(d, LINK, (size_t)sb.st_size);
	FUZZ_PROMISE(told == -EUCLEAN || (told > 0 && told <= (ssize_t)NAME_LINK_TARGET_MAX));
	if (n > 0) {
		FUZZ_PROMISE((size_t)n == l->n && memcmp(target, l->plain, l->n) == 0 && target[n] == '\0');
		FUZZ_PROMISE(told == n);
	}
	int has = symlink_side_of(d, LINK, side, true);
	FUZZ_PROMISE(has == 0 || has == 1 || fuzz_is_damage(has));
	FUZZ_PROMISE(has != 1 || (strlen(side) == NAME_SLINK_LEN && !strchr(side, '/')));
}

/* Into another directory, as when it is renamed; then the side file goes. */
static void move(const struct fuzz_vault *v, struct dir *d, struct link *l)
{
	struct dir to = { .st = v->st };
	char target[NAME_LINK_TARGET_MAX + 1], side[NAME_LINK_TARGET_MAX + 1], made[NAME_DISK_SIZE];
	FUZZ_PROMISE(mkdirat(v->root_fd, "to", 0700) == 0);
	to.fd = openat(v->root_fd, "to", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = symlink_copy_side(d, LINK, &to, made);
	FUZZ_PROMISE(renameat(d->fd, LINK, to.fd, LINK) == 0);
	ssize_t n = symlink_read(&to, LINK, target);
	FUZZ_PROMISE((n > 0) == (!l->odd && !l->changed));
	FUZZ_PROMISE(r == 0 || n < 0);
	if (n > 0)
		FUZZ_PROMISE((size_t)n == l->n && memcmp(target, l->plain, l->n) == 0);
	if (symlink_side_of(&to, LINK, side, true) > 0)
		symlink_drop_side(&to, side);
	close(to.fd);
	(void)store_drain(v->st); /* the queue's descriptors */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct link l;
	struct recipe in = { data, size };
	const struct fuzz_vault *v = fuzz_vault();
	struct dir *d = NULL;
	fuzz_random_restart();
	memset(&l, 0, sizeof(l));
	FUZZ_PROMISE(dir_open_root(v->st, &d) == 0);
	if (recipe_u8(&in) % 4 == 0)
		make_raw(&in, &l);
	else
		make_sealed(v, &in, &l);
	if (l.disk[0] && symlinkat(l.disk, d->fd, LINK) == 0) {
		judge(d, &l);
		move(v, d, &l);
	}
	dir_free(d);
	fuzz_clear_root(v);
	return 0;
}
