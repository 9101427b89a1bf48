/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two directories that the user works in, by src/store, while the adversary works below: names, side files and
 * directory IDs are removed, exchanged, cut, changed and replaced by FIFOs, links and directories. Promises:
 *
 *   - a listing always comes to its end, and shows what is sealed under its name on disk, each once, and nothing else;
 *   - what an operation has made can be seen, what it has removed is gone;
 *   - a directory is opened if its ID is right or nothing is in it, and else not;
 *   - stat answers for everything that is listed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "fuzz_vault.h"
#include "store/attr.h"
#include "store/dirops.h"

#define POOL 7
#define ODD 8
#define STEPS 40

struct run {
	const struct fuzz_vault *v;
	struct dir *dirs[2]; /* the root, and 'below' in it */
	char name[POOL][NAME_DISK_SIZE];
	struct sealed_name sealed[2][POOL];
	/* Names that who has the key has sealed from something else. */
	unsigned int n_odd;
	struct sealed_name odd[ODD];
	bool odd_valid[ODD];
	uint8_t odd_dir[ODD];
};

static const struct dirops_owner nobody = { .set = false };

/* ---- what lies there ---- */

static bool is_there(const struct dir *d, const char *disk)
{
	struct stat sb;
	return fstatat(d->fd, disk, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Must a listing show it? By its name on disk, and its side file if it has one. */
static bool is_shown(const struct dir *d, const struct sealed_name *s)
{
	char side[NAME_DISK_SIZE];
	uint8_t there[NAME_SEALED_MAX + 1];
	struct stat sb;
	if (!is_there(d, s->disk))
		return false;
	if (!s->hashed)
		return true;
	name_long_side(side, s->disk);
	if (fstatat(d->fd, side, &sb, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(sb.st_mode))
		return false;
	return io_read_file(d->fd, side, there, sizeof(there)) == (ssize_t)s->len &&
	       memcmp(there, s->sealed, s->len) == 0;
}

/* Is nothing in it but what begins like our own? */
static bool is_empty(int fd)
{
	bool empty = true;
	DIR *stream = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	FUZZ_PROMISE(stream);
	for (struct dirent *e; (e = readdir(stream));)
		empty = empty && (io_is_dot(e->d_name) || name_classify(e->d_name) == NAME_OURS);
	closedir(stream);
	return empty;
}

static bool id_is_right(const struct run *r, int fd)
{
	uint8_t buf[NAME_DIR_FILE_LEN + 1], mac[NAME_DIR_MAC_LEN];
	const struct key32 *key = &r->v->vault.keys->dir_mac;
	if (io_read_file(fd, NAME_DIR_FILE, buf, sizeof(buf)) != NAME_DIR_FILE_LEN)
		return false;
	kdf_hash(mac, sizeof(mac), key->b, sizeof(key->b), NAME_DIR_LABEL, strlen(NAME_DIR_LABEL), buf,
		 NAME_DIR_ID_LEN);
	return memcmp(mac, buf + NAME_DIR_ID_LEN, sizeof(mac)) == 0;
}

/* ---- looking ---- */

static const struct sealed_name *known(const struct run *r, unsigned int which, const char *disk)
{
	for (unsigned int i = 0; i < POOL; i++)
		if (strcmp(r->sealed[which][i].disk, disk) == 0)
			return &r->sealed[which][i];
	for (unsigned int i = 0; i < r->n_odd; i++)
		if (r->odd_valid[i] && r->odd_dir[i] == which && strcmp(r->odd[i].disk, disk) == 0)
			return &r->odd[i];
	return NULL;
}

static void check_entry(const struct dir *d, const struct dirlist_entry *e)
{
	struct sealed_name again;
	struct stat sb;
	FUZZ_PROMISE(e->len == strlen(e->name) && name_is_valid(e->name, e->len));
	FUZZ_PROMISE(dir_seal_name(d, e->name, e->len, &again) == 0 && strcmp(again.disk, e->disk) == 0);
	FUZZ_PROMISE(dir_stat(d, e->disk, &sb) == 0);
	off_t cipher = sb.st_size;
	FUZZ_PROMISE(attr_plain(d, e->disk, &sb) == 0);
	FUZZ_PROMISE(sb.st_size >= 0 && (S_ISREG(sb.st_mode) || S_ISLNK(sb.st_mode) || sb.st_size == cipher));
}

static void look(const struct run *r, unsigned int which)
{
	const struct dir *d = r->dirs[which];
	struct dirlist_entry e;
	struct dirlist *l = NULL;
	unsigned int shown = 0, want = 0;
	int more;
	FUZZ_PROMISE(dirlist_open(d, &l) == 0);
	while ((more = dirlist_next(l, &e)) > 0) {
		if (e.disk[0] == '\0')
			continue;
		const struct sealed_name *s = known(r, which, e.disk);
		FUZZ_PROMISE(s && is_shown(d, s));
		check_entry(d, &e);
		shown++;
	}
	FUZZ_PROMISE(more == 0);
	dirlist_close(l);
	for (unsigned int i = 0; i < POOL; i++)
		want += is_shown(d, &r->sealed[which][i]);
	for (unsigned int i = 0; i < r->n_odd; i++)
		if (r->odd_valid[i] && r->odd_dir[i] == which && known(r, which, r->odd[i].disk) == &r->odd[i])
			want += is_shown(d, &r->odd[i]);
	FUZZ_PROMISE(shown == want);
}

/* ---- the user ---- */

static struct dir *open_child(const struct run *r, const struct dir *d, const struct sealed_name *s)
{
	struct dir *child = NULL;
	int fd = openat(d->fd, s->disk, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool may = fd >= 0 && (id_is_right(r, fd) || is_empty(fd));
	int done = dir_open(d, s->disk, &child);
	FUZZ_PROMISE((done == 0) == (child != NULL) && (done < 0 || may));
	/* An ID file that cannot be removed (a directory) is in the way of a new one. */
	FUZZ_PROMISE(!may || done == 0 || done == -EISDIR || done == -EPERM || done == -ENOTEMPTY);
	if (done == 0)
		FUZZ_PROMISE(id_is_right(r, fd));
	if (fd >= 0)
		close(fd);
	return child;
}

static void use_make(const struct run *r, unsigned int which, unsigned int i, uint8_t how)
{
	struct dir *d = r->dirs[which];
	const struct sealed_name *s = &r->sealed[which][i];
	const char *target = how & 64 ? r->name[POOL - 1] : "t";
	bool before = is_there(d, s->disk);
	int fd = -1, done;
	switch (how % 4) {
	case 0:
		done = dirops_mkdir(d, s, 0755, &nobody);
		break;
	case 1:
		done = dirops_symlink(d, s, target, &nobody);
		break;
	case 2:
		done = dirops_mknod(d, s, S_IFIFO | 0600, 0, &nobody);
		break;
	default:
		done = dirops_create(d, s, 0644, &nobody, &fd);
		if (fd >= 0)
			close(fd);
		break;
	}
	FUZZ_PROMISE(done < 0 || (!before && is_shown(d, s)));
	FUZZ_PROMISE(done == 0 || is_there(d, s->disk) == before);
}

static void use_remove(const struct run *r, unsigned int which, unsigned int i)
{
	struct dir *d = r->dirs[which], *child = NULL;
	const struct sealed_name *s = &r->sealed[which][i];
	struct stat sb;
	int done;
	if (fstatat(d->fd, s->disk, &sb, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	if (!S_ISDIR(sb.st_mode)) {
		done = dirops_unlink(d, s);
		FUZZ_PROMISE(done == 0 && !is_there(d, s->disk));
		return;
	}
	child = open_child(r, d, s);
	if (!child)
		return;
	bool empty = is_empty(child->fd);
	done = dirops_rmdir(d, s, child);
	FUZZ_PROMISE(done == 0 ? empty : is_there(d, s->disk));
	FUZZ_PROMISE(done == 0 || empty || id_is_right(r, child->fd));
	dir_free(child);
}

static void use_rename(const struct run *r, unsigned int which, unsigned int i, uint8_t how, uint8_t more)
{
	struct dir *from = r->dirs[which], *to = r->dirs[how & 1], *victim = NULL;
	const struct sealed_name *a = &r->sealed[which][i], *b = &r->sealed[how & 1][more % POOL];
	unsigned int flags = (how >> 1) % 4;
	struct stat sa, sb;
	if (fstatat(from->fd, a->disk, &sa, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	bool replaces = fstatat(to->fd, b->disk, &sb, AT_SYMLINK_NOFOLLOW) == 0;
	if (replaces && S_ISDIR(sb.st_mode) && sa.st_ino != sb.st_ino) {
		victim = open_child(r, to, b);
		if (!victim)
			return;
	}
	int done = dirops_rename(from, a, to, b, victim, flags);
	FUZZ_PROMISE(done < 0 || is_shown(to, b));
	if (done == 0 && !(flags & 2) && sa.st_ino != (replaces ? sb.st_ino : 0))
		FUZZ_PROMISE(!is_there(from, a->disk));
	if (done < 0)
		FUZZ_PROMISE(is_there(from, a->disk) && is_there(to, b->disk) == replaces);
	dir_free(victim);
}

static void use_link(const struct run *r, unsigned int which, unsigned int i, uint8_t how)
{
	struct dir *d = r->dirs[which], *to = r->dirs[how & 1];
	const struct sealed_name *s = &r->sealed[which][i], *b = &r->sealed[how & 1][how / 2 % POOL];
	int fd = openat(d->fd, s->disk, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	int done = dirops_link(fd, d, s->disk, to, b);
	FUZZ_PROMISE(done < 0 || is_shown(to, b));
	close(fd);
}

/* A name is looked up: what a power cut has taken is made again. */
static void use_lookup(const struct run *r, unsigned int which, unsigned int i)
{
	struct dir *d = r->dirs[which];
	const struct sealed_name *s = &r->sealed[which][i];
	struct stat sb;
	if (dir_stat(d, s->disk, &sb) == 0) {
		dirops_side_mend(d, s);
		if (S_ISDIR(sb.st_mode))
			dir_free(open_child(r, d, s));
	}
}

/* ---- the adversary ---- */

static void clear_name(int fd, const char *name)
{
	if (unlinkat(fd, name, 0) != 0 && errno == EISDIR)
		(void)unlinkat(fd, name, AT_REMOVEDIR);
}

/* Replace a file of ours by something else. */
static void spoil(int fd, const char *name, struct recipe *in)
{
	uint8_t buf[1024] = { 0 }, how = recipe_u8(in);
	uint16_t x = recipe_u16(in);
	ssize_t n = io_read_file(fd, name, buf, sizeof(buf));
	if (how % 8 != 7)
		clear_name(fd, name);
	switch (how % 8) {
	case 0:
		break;
	case 1:
		(void)mkfifoat(fd, name, 0600);
		break;
	case 2:
		(void)mkdirat(fd, name, 0700);
		break;
	case 3:
		fuzz_tried(symlinkat("cryptfs.dir", fd, name));
		break;
	case 4:
		if (n > 0)
			buf[x % (size_t)n] ^= (uint8_t)(1u << (x >> 13));
		(void)io_create_file(fd, name, buf, n > 0 ? (size_t)n : 0, 0444, NULL);
		break;
	case 5:
		(void)io_create_file(fd, name, buf, x % sizeof(buf), 0444, NULL);
		break;
	case 6:
		(void)mknodat(fd, name, S_IFSOCK | 0600, 0);
		break;
	default: /* a name more */
		fuzz_tried(linkat(fd, name, fd, "cryptfs.tmp.more", 0));
		break;
	}
}

static void attack_side(const struct run *r, unsigned int which, unsigned int i, struct recipe *in)
{
	char side[NAME_DISK_SIZE];
	const struct sealed_name *s = &r->sealed[which][i];
	name_long_side(side, s->disk);
	if (s->hashed)
		spoil(r->dirs[which]->fd, side, in);
}

static void attack_id(const struct run *r, unsigned int which, unsigned int i, struct recipe *in)
{
	int fd = openat(r->dirs[which]->fd, r->sealed[which][i].disk,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	uint8_t how = recipe_u8(in);
	if (how & 1)
		spoil(fd, NAME_DIR_FILE, in);
	if (how & 2)
		(void)io_create_file(fd, how & 4 ? "cryptfs.tmp.x" : "x", NULL, 0, 0600, NULL);
	if (how & 8)
		(void)mkdirat(fd, how & 4 ? "cryptfs.tmp.y" : "cryptfs.long.z.name", 0700);
	close(fd);
}

/* On disk, from one name to another. */
static void attack_names(const struct run *r, unsigned int which, unsigned int i, struct recipe *in)
{
	uint8_t how = recipe_u8(in), to = recipe_u8(in);
	const struct dir *d = r->dirs[which], *other = r->dirs[to & 1];
	const char *a = r->sealed[which][i].disk, *b = r->sealed[to & 1][to / 2 % POOL].disk;
	char side[NAME_DISK_SIZE];
	switch (how % 4) {
	case 0:
		(void)renameat(d->fd, a, other->fd, b);
		break;
	case 1:
		(void)renameat(d->fd, a, other->fd, a);
		break;
	case 2:
		fuzz_tried(linkat(d->fd, a, other->fd, b, 0));
		break;
	default:
		name_long_side(side, a);
		(void)renameat(d->fd, side, d->fd, b);
		break;
	}
}

/* A file with any name, or instead of one, with anything in it. */
static void attack_raw(const struct run *r, unsigned int which, unsigned int i, struct recipe *in)
{
	static const char *const prefixes[] = { "", "cryptfs.", "cryptfs.long.", "cryptfs.tmp." };
	char name[NAME_DISK_SIZE];
	uint8_t how = recipe_u8(in);
	size_t n, got;
	strcpy(name, prefixes[how % 4]);
	const uint8_t *p = recipe_bytes(in, recipe_u8(in) % 230, &n);
	size_t at = strlen(name);
	for (size_t k = 0; k < n && p[k] && p[k] != '/'; k++) {
		name[at++] = (char)p[k];
		name[at] = '\0';
	}
	if (how & 4)
		strcpy(name, r->sealed[which][i].disk);
	p = recipe_bytes(in, recipe_u8(in), &got);
	int fd = openat(r->dirs[which]->fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	struct stat sb;
	if (fd >= 0 && fstat(fd, &sb) == 0 && S_ISREG(sb.st_mode)) {
		(void)!write(fd, p, got);
		(void)!ftruncate(fd, (off_t)(recipe_u16(in) * (how & 8 ? 1u << 16 : 1u)));
	}
	if (fd >= 0)
		close(fd);
}

/* Sealed by who has the key, from anything. */
static void attack_odd(struct run *r, unsigned int which, struct recipe *in)
{
	uint8_t plain[NAME_PADDED_MAX], hash[NAME_HASH_LEN], how = recipe_u8(in);
	size_t got, n = how & 1 ? 16 * (1 + recipe_u8(in) % 16u) : 1u + recipe_u8(in);
	const struct dir *d = r->dirs[which];
	const uint8_t *p = recipe_bytes(in, n, &got);
	char side[NAME_DISK_SIZE];
	if (r->n_odd == ODD)
		return;
	struct sealed_name *s = &r->odd[r->n_odd];
	memset(plain, how & 2 ? 'o' : 0, sizeof(plain));
	memcpy(plain, p, got);
	siv_seal(r->v->vault.names, NAME_LABEL, strlen(NAME_LABEL), d->id, sizeof(d->id), plain, n, s->sealed);
	s->len = (uint16_t)(n + SIV_TAG_LEN);
	bool must = name_needs_hash(s->len);
	s->hashed = must || how & 4;
	if (s->hashed) {
		kdf_hash(hash, sizeof(hash), NULL, 0, s->sealed, s->len, NULL, 0);
		name_encode_hashed(s->disk, NAME_LONG_PREFIX, hash);
		name_long_side(side, s->disk);
		(void)io_create_file(d->fd, side, s->sealed, s->len, 0444, NULL);
	} else {
		name_encode_short(s->disk, s->sealed, s->len);
	}
	r->odd_valid[r->n_odd] = name_unpad(plain, n) > 0 && s->hashed == must;
	r->odd_dir[r->n_odd++] = (uint8_t)which;
	(void)io_create_file(d->fd, s->disk, NULL, 0, 0600, NULL);
}

/* ---- a run ---- */

static void begin(struct run *r)
{
	static const uint8_t lengths[POOL] = { 1, 16, 100, 160, 161, 200, 255 };
	uint8_t id[NAME_DIR_ID_LEN] = { 'b' };
	r->v = fuzz_vault();
	fuzz_random_restart();
	r->n_odd = 0;
	FUZZ_PROMISE(dir_open_root(r->v->st, &r->dirs[0]) == 0);
	FUZZ_PROMISE(mkdirat(r->v->root_fd, "below", 0755) == 0);
	int fd = openat(r->v->root_fd, "below", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_PROMISE(dir_write_id(r->v->st, fd, id) == 0);
	close(fd);
	FUZZ_PROMISE(dir_open(r->dirs[0], "below", &r->dirs[1]) == 0);
	for (unsigned int i = 0; i < POOL; i++) {
		memset(r->name[i], 'a' + (int)i, lengths[i]);
		r->name[i][lengths[i]] = '\0';
		for (unsigned int k = 0; k < 2; k++)
			FUZZ_PROMISE(dir_seal_name(r->dirs[k], r->name[i], lengths[i], &r->sealed[k][i]) == 0);
	}
}

static void step(struct run *r, struct recipe *in)
{
	uint8_t what = recipe_u8(in), where = recipe_u8(in);
	unsigned int which = where & 1, i = where / 2 % POOL;
	switch (what % 16) {
	case 0:
	case 1:
	case 2:
		use_make(r, which, i, recipe_u8(in));
		break;
	case 3:
	case 4:
		use_remove(r, which, i);
		break;
	case 5:
	case 6:
		what = recipe_u8(in);
		use_rename(r, which, i, what, recipe_u8(in));
		break;
	case 7:
		use_link(r, which, i, recipe_u8(in));
		break;
	case 8:
		use_lookup(r, which, i);
		break;
	case 9:
		look(r, which);
		break;
	case 10:
		attack_side(r, which, i, in);
		break;
	case 11:
		attack_id(r, which, i, in);
		break;
	case 12:
		attack_names(r, which, i, in);
		break;
	case 13:
	case 14:
		attack_raw(r, which, i, in);
		break;
	default:
		attack_odd(r, which, in);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run r;
	struct recipe in = { data, size };
	begin(&r);
	for (int i = 0; i < STEPS && in.n > 0; i++)
		step(&r, &in);
	look(&r, 0);
	look(&r, 1);
	dir_free(r.dirs[0]);
	dir_free(r.dirs[1]);
	(void)store_drain(r.v->st); /* the queue's descriptors */
	fuzz_clear_root(r.v);
	return 0;
}
