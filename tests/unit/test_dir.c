/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directories: names, listing, IDs, making and removing. test_dir_rename.c moves. */
#include "dirs.h"

/* ---- names ---- */

/* That of the worked example in doc/format.md. */
static void test_known_name(void **state)
{
	struct dir *d _cleanup_dir_ = root_of(*state);
	char name[NAME_PADDED_MAX];
	struct sealed_name s = seal(d, "greeting");
	assert_string_equal(s.disk, "fJ5C5bUWH9Xc6LLCkvgbMN6h58F_BN6Urt_4_QftPDo");
	assert_false(s.hashed);
	assert_int_equal(dir_open_name(d, s.disk, name), 8);
	assert_memory_equal(name, "greeting", 8);
}

static void test_names_refused(void **state)
{
	struct dir *d _cleanup_dir_ = root_of(*state);
	struct sealed_name s;
	char big[256];
	memset(big, 'x', sizeof(big));
	assert_int_equal(dir_seal_name(d, big, 256, &s), -ENAMETOOLONG);
	assert_int_equal(dir_seal_name(d, big, 0, &s), -EINVAL);
	assert_int_equal(dir_seal_name(d, ".", 1, &s), -EINVAL);
	assert_int_equal(dir_seal_name(d, "..", 2, &s), -EINVAL);
	assert_int_equal(dir_seal_name(d, "a/b", 3, &s), -EINVAL);
	assert_int_equal(dir_seal_name(d, "a\0b", 3, &s), -EINVAL);
	assert_int_equal(dir_seal_name(d, "...", 3, &s), 0);
}

/* n bytes, of all the values that a name can have. */
static void any_name(char *name, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned int c = (unsigned int)(n * 7 + i) % 255 + 1;
		name[i] = (char)(c == '/' ? '.' : c);
	}
	name[n] = '\0';
	if (n <= 2)
		name[0] = '~';
}

static void test_name_lengths(void **state)
{
	struct dir *root _cleanup_dir_ = root_of(*state);
	struct dir *d _cleanup_dir_ = make_dir(root, "d");
	char name[256], opened[NAME_PADDED_MAX], side[NAME_DISK_SIZE];
	for (size_t n = 1; n <= 255; n++) {
		any_name(name, n);
		struct sealed_name s = seal(d, name);
		int fd = -1;
		assert_int_equal(s.hashed, n > 160);
		assert_int_equal(dirops_create(d, &s, 0640, &nobody, &fd), 0);
		close(fd);
		assert_int_equal(dir_open_name(d, s.disk, opened), n);
		assert_memory_equal(opened, name, n);
		name_long_side(side, s.disk);
		assert_int_equal(has_raw(d, side), s.hashed);
		assert_int_equal(dirops_create(d, &s, 0640, &nobody, &fd), -EEXIST);
		assert_int_equal(has_raw(d, side), s.hashed);
	}
	assert_int_equal(list(d), 255);
	assert_int_equal(SIDES(d), 255 - 160);
	for (size_t n = 1; n <= 255; n++) {
		any_name(name, n);
		assert_int_equal(unlink_in(d, name), 0);
		assert_int_equal(unlink_in(d, name), -ENOENT);
	}
	assert_int_equal(RAW(d), 1); /* its ID */
}

/* The same name is another one in another directory, and opens nowhere else. */
static void test_names_are_bound(void **state)
{
	struct dir *root _cleanup_dir_ = root_of(*state);
	struct dir *a _cleanup_dir_ = make_dir(root, "a");
	struct dir *b _cleanup_dir_ = make_dir(root, "b");
	char name[NAME_PADDED_MAX];
	struct sealed_name in_a = seal(a, "x"), in_b = seal(b, "x");
	assert_string_not_equal(in_a.disk, in_b.disk);
	assert_int_equal(dir_open_name(b, in_a.disk, name), -EUCLEAN);
	assert_int_equal(dir_open_name(a, in_a.disk, name), 1);
}

/* What cannot be an entry is not shown, and the rest is. */
static void test_listing_passes_over(void **state)
{
	struct dir *d _cleanup_dir_ = root_of(*state);
	make_file(d, "seen");
	make_file(d, name_of('l', 200));
	make_file(d, name_of('m', 200));
	make_file(d, name_of('n', 200));
	char side[NAME_DISK_SIZE];
	name_long_side(side, seal(d, name_of('l', 200)).disk);
	assert_int_equal(unlinkat(d->fd, side, 0), 0);
	/* Another long name's. */
	struct sealed_name n = seal(d, name_of('n', 200));
	name_long_side(side, seal(d, name_of('m', 200)).disk);
	assert_int_equal(unlinkat(d->fd, side, 0), 0);
	put_raw(d, side, n.sealed, n.len);
	put_raw(d, "cryptfs.json", "{}", 2);
	put_raw(d, "cryptfs.tmp.0", "", 0);
	put_raw(d, "cryptfs.unknown", "", 0);
	put_raw(d, "not ours", "", 0);
	put_raw(d, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "", 0);
	assert_int_equal(list(d), 2);
}

static void test_list_seek_and_back(void **state)
{
	struct dir *d _cleanup_dir_ = root_of(*state);
	struct dirlist *l _cleanup_dirlist_ = NULL;
	static struct dirlist_entry all[700], e;
	char name[32];
	size_t n = 0;
	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "entry %d", i);
		make_file(d, name);
	}
	assert_int_equal(dirlist_open(d, &l), 0);
	while (n < N_OF(all) && dirlist_next(l, &all[n]) == 1)
		n++;
	assert_int_equal(n, 602);
	for (size_t i = 1; i < n; i += 97) {
		assert_int_equal(dirlist_seek(l, d, all[i - 1].next), 0);
		for (int twice = 0; twice < 2; twice++) {
			assert_int_equal(dirlist_next(l, &e), 1);
			assert_string_equal(e.name, all[i].name);
			if (twice == 0)
				dirlist_back(l);
		}
	}
	assert_int_equal(dirlist_seek(l, d, 0), 0);
	assert_int_equal(dirlist_next(l, &e), 1);
	assert_string_equal(e.name, all[0].name);
}

/* A long name whose side file a power cut has taken gets it back from one who knows the name. */
static void test_side_mend(void **state)
{
	struct fixture *x = *state;
	struct dir *d _cleanup_dir_ = root_of(x);
	struct sealed_name s = seal(d, name_of('l', 200)), plain = seal(d, "short");
	char side[NAME_DISK_SIZE];
	make_file(d, name_of('l', 200));
	make_file(d, "short");
	name_long_side(side, s.disk);
	const char *const bad[] = { NULL, "", "damaged" };
	for (size_t i = 0; i < N_OF(bad); i++) {
		assert_int_equal(unlinkat(d->fd, side, 0), 0);
		if (bad[i])
			put_raw(d, side, bad[i], strlen(bad[i]));
		assert_int_equal(list(d), 1);
		x->st->read_only = true;
		dirops_side_mend(d, &s);
		assert_int_equal(list(d), 1);
		x->st->read_only = false;
		dirops_side_mend(d, &s);
		assert_int_equal(list(d), 2);
	}
	dirops_side_mend(d, &plain);
	assert_int_equal(SIDES(d), 1);
}

/* ---- IDs ---- */

/* Returns what opening says once the ID file of "d" holds this (none if NULL). */
static int open_with_id(const struct dir *parent, const struct dir *d, const void *id, size_t n)
{
	struct dir *again _cleanup_dir_ = NULL;
	(void)unlinkat(d->fd, NAME_DIR_FILE, 0);
	if (id)
		put_raw(d, NAME_DIR_FILE, id, n);
	return dir_open(parent, seal(parent, "d").disk, &again);
}

static void test_id_damaged(void **state)
{
	struct dir *root _cleanup_dir_ = root_of(*state);
	struct dir *d _cleanup_dir_ = make_dir(root, "d");
	struct id_file id = id_of(d);
	uint8_t longer[33] = { 0 };
	make_file(d, "x");
	assert_int_equal(open_with_id(root, d, NULL, 0), -EUCLEAN);
	assert_false(has_raw(d, NAME_DIR_FILE));
	assert_int_equal(open_with_id(root, d, "", 0), -EUCLEAN);
	assert_int_equal(open_with_id(root, d, id.b, 31), -EUCLEAN);
	memcpy(longer, id.b, 32);
	assert_int_equal(open_with_id(root, d, longer, 33), -EUCLEAN);
	for (size_t i = 0; i < 32; i++) {
		id.b[i] ^= 0x10;
		assert_int_equal(open_with_id(root, d, id.b, 32), -EUCLEAN);
		assert_same_id(id_of(d), id);
		id.b[i] ^= 0x10;
	}
	assert_int_equal(open_with_id(root, d, id.b, 32), 0);
	assert_int_equal(symlinkat("/dev/zero", d->fd, "link"), 0);
	assert_int_equal(renameat(d->fd, "link", d->fd, NAME_DIR_FILE), 0);
	struct dir *again = NULL;
	assert_int_equal(dir_open(root, seal(root, "d").disk, &again), -EUCLEAN);
}

/* An empty one without a valid ID was being made or removed when the power went. */
static void test_id_adopted(void **state)
{
	struct dir *root _cleanup_dir_ = root_of(*state);
	struct dir *d _cleanup_dir_ = make_dir(root, "d");
	struct id_file before = id_of(d), after;
	before.b[3] ^= 1;
	for (int damaged = 0; damaged < 2; damaged++) {
		put_raw(d, "cryptfs.tmp.0123", "left over", 9);
		assert_int_equal(open_with_id(root, d, damaged ? before.b : NULL, 32), 0);
		after = id_of(d);
		assert_memory_not_equal(after.b, before.b, 16);
		struct dir *again _cleanup_dir_ = open_dir(root, "d");
		assert_memory_equal(again->id, after.b, 16);
		assert_same_id(id_of(again), after);
		make_file(again, "x");
		assert_int_equal(list(again), 1);
		assert_int_equal(unlink_in(again, "x"), 0);
	}
}

static void test_id_adopted_read_only(void **state)
{
	struct fixture *x = *state;
	struct dir *root _cleanup_dir_ = root_of(x);
	struct dir *d _cleanup_dir_ = make_dir(root, "d");
	x->st->read_only = true;
	assert_int_equal(open_with_id(root, d, NULL, 0), 0);
	assert_int_equal(RAW(d), 0);
}

static void test_open_what_is_none(void **state)
{
	struct dir *root _cleanup_dir_ = root_of(*state);
	struct dir *d = NULL;
	make_file(root, "f");
	assert_int_equal(symlinkat(".", root->fd, seal(root, "l").disk), 0);
	assert_int_equal(dir_open(root, seal(root, "f").disk, &d), -ENOTDIR);
	assert_int_equal(dir_open(root, seal(root, "l").disk, &d), -ENOTDIR);
	assert_int_equal(dir_open(root, seal(root, "none").disk, &d), -ENOENT);
	assert_null(d);
}

/* ---- making ---- */

static void test_mkdir(void **state)
{
	struct dir *root _cleanup_dir_ = root_of(*state);
	struct dir *a _cleanup_dir_ = make_dir(root, "a");
	struct dir *b _cleanup_dir_ = make_dir(root, name_of('b', 255));
	struct sealed_name s = seal(root, "a"), file = seal(root, "f"),
			   l = seal(root, name_of('b', 255));
	struct stat sb;
	assert_int_equal(dir_stat(root, s.disk, &sb), 0);
	assert_int_equal(sb.st_mode, S_IFDIR | 0755);
	assert_memory_not_equal(a->id, b->id, sizeof(a->id));
	struct id_file id = id_of(a);
	assert_memory_equal(id.b, a->id, sizeof(a->id));
	make_file(root, "f");
	assert_int_equal(dirops_mkdir(root, &s, 0755, &nobody), -EEXIST);
	assert_int_equal(dirops_mkdir(root, &file, 0755, &nobody), -EEXIST);
	assert_int_equal(dirops_mkdir(root, &l, 0755, &nobody), -EEXIST);
	assert_same_id(id_of(a), id);
	assert_int_equal(TEMPORARIES(root), 0);
	assert_int_equal(SIDES(root), 1);
	assert_int_equal(list(root), 3);
}

/* The side file cannot be made: no directory, and no temporary. */
static void test_mkdir_fails(void **state)
{
	struct dir *root _cleanup_dir_ = root_of(*state);
	struct sealed_name s = seal(root, name_of('l', 200));
	char side[NAME_DISK_SIZE];
	name_long_side(side, s.disk);
	assert_int_equal(mkdirat(root->fd, side, 0700), 0);
	assert_true(dirops_mkdir(root, &s, 0755, &nobody) < 0);
	assert_false(has_raw(root, s.disk));
	assert_int_equal(TEMPORARIES(root), 0);
}

/* No kind of entry takes the place of another, long name or short; no side file is lost or left. */
static void test_taken(void **state)
{
	struct dir *d _cleanup_dir_ = root_of(*state);
	for (size_t n = 10; n <= 250; n += 240) {
		struct sealed_name s = seal(d, name_of('x', n));
		int fd = -1;
		make_file(d, name_of('x', n));
		size_t raw = RAW(d);
		_cleanup_fd_ int from = openat(d->fd, s.disk, O_PATH | O_CLOEXEC);
		assert_int_equal(dirops_create(d, &s, 0600, &nobody, &fd), -EEXIST);
		assert_int_equal(dirops_mknod(d, &s, S_IFIFO | 0600, 0, &nobody), -EEXIST);
		assert_int_equal(dirops_mkdir(d, &s, 0700, &nobody), -EEXIST);
		assert_int_equal(dirops_symlink(d, &s, "t", &nobody), -EEXIST);
		assert_int_equal(dirops_symlink(d, &s, name_of('t', 255), &nobody), -EEXIST);
		assert_int_equal(dirops_link(from, d, s.disk, d, &s), -EEXIST);
		assert_int_equal(RAW(d), raw);
	}
	assert_int_equal(list(d), 2);
}

static void test_mknod_and_link(void **state)
{
	struct dir *d _cleanup_dir_ = root_of(*state);
	struct sealed_name s = seal(d, name_of('p', 170)), other = seal(d, name_of('q', 171));
	struct stat sb;
	assert_int_equal(dirops_mknod(d, &s, S_IFIFO | 0600, 0, &nobody), 0);
	assert_int_equal(dir_stat(d, s.disk, &sb), 0);
	assert_int_equal(sb.st_mode, S_IFIFO | 0600);
	_cleanup_fd_ int from = openat(d->fd, s.disk, O_PATH | O_CLOEXEC);
	assert_int_equal(dirops_link(from, d, s.disk, d, &other), 0);
	assert_int_equal(SIDES(d), 2);
	assert_int_equal(list(d), 2);
	assert_int_equal(unlink_in(d, name_of('p', 170)), 0);
	assert_int_equal(SIDES(d), 1);
	assert_int_equal(unlink_in(d, name_of('q', 171)), 0);
	assert_int_equal(RAW(d), 0);
}

static void test_owner(void **state)
{
	struct dir *d _cleanup_dir_ = root_of(*state);
	const struct dirops_owner owner = { .set = true, .uid = 1234, .gid = 2345 };
	struct sealed_name f = seal(d, "f"), dir = seal(d, "d"), link = seal(d, "l");
	struct stat sb;
	int fd = -1;
	SKIP_IF(geteuid() != 0, "not root");
	assert_int_equal(dirops_create(d, &f, 04711, &owner, &fd), 0);
	close(fd);
	assert_int_equal(dirops_mkdir(d, &dir, 0750, &owner), 0);
	assert_int_equal(dirops_symlink(d, &link, "t", &owner), 0);
	const struct sealed_name *all[] = { &f, &dir, &link };
	for (size_t i = 0; i < N_OF(all); i++) {
		assert_int_equal(dir_stat(d, all[i]->disk, &sb), 0);
		assert_int_equal(sb.st_uid, 1234);
		assert_int_equal(sb.st_gid, 2345);
		assert_int_equal(S_ISREG(sb.st_mode) ? sb.st_mode & 07777 : 04711, 04711);
	}
}

/* ---- removing ---- */

static void test_rmdir(void **state)
{
	struct dir *root _cleanup_dir_ = root_of(*state);
	for (size_t n = 10; n <= 250; n += 240) {
		struct dir *d _cleanup_dir_ = make_dir(root, name_of('d', n));
		assert_int_equal(rmdir_in(root, name_of('d', n), d), 0);
		assert_int_equal(RAW(root), 0);
	}
}

static void test_rmdir_not_empty(void **state)
{
	struct dir *root _cleanup_dir_ = root_of(*state);
	struct dir *d _cleanup_dir_ = make_dir(root, "d");
	struct id_file id = id_of(d);
	make_file(d, name_of('x', 200));
	put_raw(d, "cryptfs.tmp.0", "", 0);
	assert_int_equal(rmdir_in(root, "d", d), -ENOTEMPTY);
	assert_same_id(id_of(d), id);
	assert_int_equal(TEMPORARIES(root), 0);
	assert_int_equal(SIDES(d), 1);
	assert_int_equal(list(d), 1);
	/* What the format does not know counts, too. */
	assert_int_equal(unlink_in(d, name_of('x', 200)), 0);
	put_raw(d, "not ours", "", 0);
	assert_int_equal(rmdir_in(root, "d", d), -ENOTEMPTY);
	assert_same_id(id_of(d), id);
	assert_int_equal(RAW(root), 1);
}

static void test_rmdir_leftovers(void **state)
{
	struct dir *root _cleanup_dir_ = root_of(*state);
	struct dir *d _cleanup_dir_ = make_dir(root, "d");
	put_raw(d, "cryptfs.tmp.0123", "x", 1);
	put_raw(d, "cryptfs.slink.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x", 1);
	put_raw(d, "cryptfs.long.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.name", "x", 1);
	assert_int_equal(mkdirat(d->fd, "cryptfs.tmp.4567", 0700), 0);
	assert_int_equal(mkdirat(d->fd, "cryptfs.tmp.89ab", 0700), 0);
	_cleanup_fd_ int tmp =
		openat(d->fd, "cryptfs.tmp.89ab", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(linkat(d->fd, NAME_DIR_FILE, tmp, NAME_DIR_FILE, 0), 0);
	assert_int_equal(rmdir_in(root, "d", d), 0);
	assert_int_equal(RAW(root), 0);
}

/* A mode that keeps its owner out is no hindrance, and is put back where the directory stays. */
static void test_rmdir_mode(void **state)
{
	struct dir *root _cleanup_dir_ = root_of(*state);
	struct dir *d _cleanup_dir_ = make_dir(root, "d");
	struct stat sb;
	make_file(d, "x");
	assert_int_equal(fchmodat(root->fd, seal(root, "d").disk, 0050, 0), 0);
	assert_int_equal(rmdir_in(root, "d", d), -ENOTEMPTY);
	assert_int_equal(dir_stat(root, seal(root, "d").disk, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0050);
	assert_int_equal(fchmodat(root->fd, seal(root, "d").disk, 0700, 0), 0); /* for who is not root */
	assert_int_equal(unlink_in(d, "x"), 0);
	assert_int_equal(fchmodat(root->fd, seal(root, "d").disk, 0050, 0), 0);
	assert_int_equal(rmdir_in(root, "d", d), 0);
}

/* The directory itself cannot be removed, though it is empty. */
static bool rmdir_fails;

int __real_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags);

int __wrap_unlinkat(int fd, const char *name, int flags)
{
	if (!rmdir_fails || !(flags & AT_REMOVEDIR))
		return __real_unlinkat(fd, name, flags);
	rmdir_fails = false;
	errno = EBUSY;
	return -1;
}

static void test_rmdir_fails(void **state)
{
	struct dir *root _cleanup_dir_ = root_of(*state);
	struct dir *d _cleanup_dir_ = make_dir(root, name_of('d', 222));
	struct id_file id = id_of(d);
	rmdir_fails = true;
	assert_int_equal(rmdir_in(root, name_of('d', 222), d), -EBUSY);
	assert_false(rmdir_fails);
	assert_same_id(id_of(d), id);
	assert_int_equal(TEMPORARIES(root), 0);
	assert_int_equal(list(root), 1);
}

/* Its other name may be a new one, whose side file must be on disk first. */
static void test_unlink_drains(void **state)
{
	struct fixture *x = *state;
	struct dir *d _cleanup_dir_ = root_of(x);
	make_file(d, "a");
	make_file(d, "c");
	_cleanup_fd_ int from = openat(d->fd, seal(d, "a").disk, O_PATH | O_CLOEXEC);
	struct sealed_name b = seal(d, name_of('b', 200));
	assert_int_equal(dirops_link(from, d, seal(d, "a").disk, d, &b), 0);
	assert_true(sidefile_pending(&x->st->side));
	assert_int_equal(unlink_in(d, "c"), 0);
	assert_int_equal(wrap.sync.calls, 0);
	wrap.sync.fail = 1;
	assert_int_equal(unlink_in(d, "a"), -EIO);
	assert_true(has(d, "a"));
	assert_int_equal(unlink_in(d, "a"), 0);
	assert_int_equal(wrap.sync.calls, 2);
	assert_false(sidefile_pending(&x->st->side));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRAP_TEST(test_known_name),
		WRAP_TEST(test_names_refused),
		WRAP_TEST(test_name_lengths),
		WRAP_TEST(test_names_are_bound),
		WRAP_TEST(test_listing_passes_over),
		WRAP_TEST(test_list_seek_and_back),
		WRAP_TEST(test_side_mend),
		WRAP_TEST(test_id_damaged),
		WRAP_TEST(test_id_adopted),
		WRAP_TEST(test_id_adopted_read_only),
		WRAP_TEST(test_open_what_is_none),
		WRAP_TEST(test_mkdir),
		WRAP_TEST(test_mkdir_fails),
		WRAP_TEST(test_taken),
		WRAP_TEST(test_mknod_and_link),
		WRAP_TEST(test_owner),
		WRAP_TEST(test_rmdir),
		WRAP_TEST(test_rmdir_not_empty),
		WRAP_TEST(test_rmdir_leftovers),
		WRAP_TEST(test_rmdir_mode),
		WRAP_TEST(test_rmdir_fails),
		WRAP_TEST(test_unlink_drains),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
