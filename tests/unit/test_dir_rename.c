/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Moving entries: what takes whose place, what the disk must hold first, and what goes with a name. */
#include "dirs.h"

struct two {
	struct dir *root;
	struct dir *a;
	struct dir *b;
};

static void two_cleanup(struct two *t)
{
	dir_free(t->a);
	dir_free(t->b);
	dir_free(t->root);
}

/* Two directories, all of them on disk. */
static struct two two_dirs(const struct fixture *x)
{
	struct two t = { .root = root_of(x) };
	t.a = make_dir(t.root, "a");
	t.b = make_dir(t.root, "b");
	assert_int_equal(store_drain(x->st), 0);
	wrap.sync.calls = 0;
	return t;
}

#define _cleanup_two_ _cleanup_(two_cleanup)

/* ---- what takes whose place ---- */

/* Every move between short and long names, in one directory and to another. */
static void test_rename(void **state)
{
	struct two t _cleanup_two_ = two_dirs(*state);
	const size_t lengths[] = { 5, 160, 161, 255 };
	for (size_t i = 0; i < N_OF(lengths) * N_OF(lengths) * 2; i++) {
		const char *from = name_of('x', lengths[i % 4]),
			   *to = name_of('y', lengths[i / 4 % 4]);
		struct dir *to_dir = i < 16 ? t.a : t.b;
		make_file(t.a, from);
		ino_t ino = ino_of(t.a, from);
		assert_int_equal(rename_to(t.a, from, to_dir, to, NULL, 0), 0);
		assert_false(has(t.a, from));
		assert_int_equal(ino_of(to_dir, to), ino);
		assert_int_equal(SIDES(t.a) + SIDES(t.b), strlen(to) > 160);
		assert_int_equal(list(to_dir), 1);
		assert_int_equal(unlink_in(to_dir, to), 0);
		assert_int_equal(RAW(t.a) + RAW(t.b), 2);
	}
}

static void test_over_a_file(void **state)
{
	struct two t _cleanup_two_ = two_dirs(*state);
	const char *x = name_of('x', 200), *y = name_of('y', 200);
	make_file(t.a, x);
	make_file(t.b, y);
	ino_t ino = ino_of(t.a, x);
	assert_int_equal(rename_to(t.a, x, t.b, y, NULL, 0), 0);
	assert_int_equal(ino_of(t.b, y), ino);
	assert_int_equal(list(t.b), 1);
	assert_int_equal(SIDES(t.a), 0);
	assert_int_equal(SIDES(t.b), 1);
}

static void test_fails(void **state)
{
	struct two t _cleanup_two_ = two_dirs(*state);
	const char *x = name_of('x', 200), *y = name_of('y', 200);
	make_file(t.a, x);
	assert_int_equal(rename_to(t.a, "none", t.b, y, NULL, 0), -ENOENT);
	assert_int_equal(rename_to(t.a, x, t.b, "none", NULL, RENAME_EXCHANGE), -ENOENT);
	assert_int_equal(rename_to(t.a, x, t.b, y, NULL, RENAME_EXCHANGE), -ENOENT);
	assert_int_equal(rename_to(t.a, x, t.b, y, NULL, 1u << 31), -EINVAL);
	assert_int_equal(SIDES(t.b), 0);
	assert_int_equal(SIDES(t.a), 1);
	assert_int_equal(list(t.a), 1);
}

static void test_noreplace(void **state)
{
	struct two t _cleanup_two_ = two_dirs(*state);
	const char *x = name_of('x', 200), *y = name_of('y', 200), *z = name_of('z', 200);
	make_file(t.a, x);
	make_file(t.b, y);
	ino_t ino = ino_of(t.a, x), there = ino_of(t.b, y);
	assert_int_equal(rename_to(t.a, x, t.b, y, NULL, RENAME_NOREPLACE), -EEXIST);
	assert_int_equal(ino_of(t.b, y), there);
	assert_int_equal(ino_of(t.a, x), ino);
	assert_int_equal(SIDES(t.a), 1);
	assert_int_equal(SIDES(t.b), 1);
	assert_int_equal(rename_to(t.a, x, t.b, z, NULL, RENAME_NOREPLACE), 0);
	assert_int_equal(SIDES(t.a), 0);
	assert_int_equal(list(t.b), 2);
}

/* NOREPLACE leaves a directory alone, empty or not. */
static void test_noreplace_directory(void **state)
{
	struct two t _cleanup_two_ = two_dirs(*state);
	struct id_file id = id_of(t.b);
	assert_int_equal(rename_to(t.root, "a", t.root, "b", t.b, RENAME_NOREPLACE), -EEXIST);
	assert_same_id(id_of(t.b), id);
	assert_int_equal(TEMPORARIES(t.root), 0);
	assert_int_equal(list(t.root), 2);
}

static void test_exchange(void **state)
{
	struct two t _cleanup_two_ = two_dirs(*state);
	const char *x = name_of('x', 200), *y = name_of('y', 201);
	struct dir *inner _cleanup_dir_ = make_dir(t.a, x);
	struct id_file id = id_of(inner);
	make_file(inner, "in it");
	make_file(t.b, y);
	ino_t one = ino_of(t.a, x), other = ino_of(t.b, y);
	assert_int_equal(rename_to(t.a, x, t.b, y, NULL, RENAME_EXCHANGE), 0);
	assert_int_equal(ino_of(t.a, x), other);
	assert_int_equal(ino_of(t.b, y), one);
	assert_int_equal(list(t.a), 1);
	assert_int_equal(list(t.b), 1);
	struct dir *again _cleanup_dir_ = open_dir(t.b, y);
	assert_same_id(id_of(again), id);
	assert_int_equal(list(again), 1);
}

/* ---- directories ---- */

static void test_over_an_empty_directory(void **state)
{
	struct two t _cleanup_two_ = two_dirs(*state);
	struct dir *inner _cleanup_dir_ = make_dir(t.b, name_of('v', 200));
	struct id_file id = id_of(t.a);
	put_raw(inner, "cryptfs.tmp.0", "", 0);
	make_file(t.a, "in it");
	assert_int_equal(rename_to(t.root, "a", t.b, name_of('v', 200), inner, 0), 0);
	assert_false(has(t.root, "a"));
	struct dir *again _cleanup_dir_ = open_dir(t.b, name_of('v', 200));
	assert_same_id(id_of(again), id);
	assert_true(has(again, "in it"));
	assert_int_equal(TEMPORARIES(t.b) + TEMPORARIES(t.root), 0);
	assert_int_equal(SIDES(t.b), 1);
}

static void test_over_a_full_directory(void **state)
{
	struct two t _cleanup_two_ = two_dirs(*state);
	struct id_file id = id_of(t.b);
	make_file(t.b, name_of('x', 200));
	assert_int_equal(rename_to(t.root, "a", t.root, "b", t.b, 0), -ENOTEMPTY);
	assert_same_id(id_of(t.b), id);
	assert_int_equal(list(t.b), 1);
	assert_int_equal(list(t.root), 2);
	assert_int_equal(TEMPORARIES(t.root), 0);
}

/* The victim is empty, but the rename fails all the same: it is as it was. */
static void test_over_a_directory_fails(void **state)
{
	struct two t _cleanup_two_ = two_dirs(*state);
	struct dir *inner _cleanup_dir_ = make_dir(t.a, "inner");
	struct id_file id = id_of(inner), id_b = id_of(t.b);
	struct stat sb;
	make_file(t.root, "f");
	assert_int_equal(fchmodat(t.a->fd, seal(t.a, "inner").disk, 0500, 0), 0);
	assert_int_equal(rename_to(t.root, "a", t.a, "inner", inner, 0), -EINVAL);
	assert_int_equal(rename_to(t.root, "f", t.a, "inner", inner, 0), -EISDIR);
	assert_int_equal(rename_to(t.root, "none", t.a, "inner", inner, 0), -ENOENT);
	assert_same_id(id_of(inner), id);
	assert_int_equal(dir_stat(t.a, seal(t.a, "inner").disk, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0500);
	assert_int_equal(fchmodat(t.a->fd, seal(t.a, "inner").disk, 0700, 0), 0); /* teardown, if not root */
	assert_int_equal(TEMPORARIES(t.a), 0);
	assert_int_equal(rename_to(t.root, "b", t.root, "f", NULL, 0), -ENOTDIR);
	assert_same_id(id_of(t.b), id_b);
}

/* ---- what the disk must hold first ---- */

static void test_drains(void **state)
{
	struct fixture *x = *state;
	struct two t _cleanup_two_ = two_dirs(x);
	const char *l = name_of('l', 200);
	make_file(t.a, "f");
	/* Nothing depends on a side file. */
	assert_int_equal(rename_to(t.a, "f", t.a, "g", NULL, 0), 0);
	assert_int_equal(wrap.sync.calls, 0);
	/* To a long name. */
	assert_int_equal(rename_to(t.a, "g", t.a, l, NULL, 0), 0);
	assert_int_equal(wrap.sync.calls, 1);
	assert_false(sidefile_pending(&x->st->side));
	/* From one: what is queued can wait. */
	make_file(t.a, name_of('m', 200));
	assert_int_equal(rename_to(t.a, l, t.a, "g", NULL, 0), 0);
	assert_int_equal(wrap.sync.calls, 1);
	/* To another directory, which may be a new one. */
	assert_int_equal(rename_to(t.a, "g", t.b, "g", NULL, 0), 0);
	assert_int_equal(wrap.sync.calls, 2);
	assert_false(sidefile_pending(&x->st->side));
	/* A long name that is new for the one that comes here. */
	make_file(t.b, name_of('m', 200));
	assert_int_equal(rename_to(t.b, name_of('m', 200), t.b, "g", NULL, RENAME_EXCHANGE), 0);
	assert_int_equal(wrap.sync.calls, 3);
	assert_false(sidefile_pending(&x->st->side));
}

/* If that fails nothing has moved, and the side file of the new name is not left. */
static void test_drain_fails(void **state)
{
	struct two t _cleanup_two_ = two_dirs(*state);
	const char *l = name_of('l', 200);
	struct id_file id;
	make_file(t.a, "f");
	wrap.sync.fail = 1;
	assert_int_equal(rename_to(t.a, "f", t.a, l, NULL, 0), -EIO);
	assert_true(has(t.a, "f"));
	assert_false(has(t.a, l));
	assert_int_equal(SIDES(t.a), 0);
	struct dir *inner _cleanup_dir_ = make_dir(t.b, "inner");
	id = id_of(inner);
	wrap.sync.fail = 1;
	assert_int_equal(rename_to(t.root, "a", t.b, "inner", inner, 0), -EIO);
	assert_same_id(id_of(inner), id);
	assert_int_equal(rename_to(t.root, "a", t.b, "inner", inner, 0), 0);
	assert_int_equal(wrap.syncfs.calls, 0);
}

/* ---- long targets of symbolic links ---- */

#define SHORT_TARGET 3031 /* the longest that is kept in the link itself */

/* n times the same. */
static const char *target_of(size_t n)
{
	static char target[NAME_LINK_TARGET_MAX + 2];
	assert_true(n < sizeof(target));
	memset(target, 't', n);
	target[n] = '\0';
	return target;
}

static void make_link(struct dir *d, const char *name, size_t n)
{
	struct sealed_name s = seal(d, name);
	assert_int_equal(dirops_symlink(d, &s, target_of(n), &nobody), 0);
}

/* The whiteout keeps the old name, and its side file until it goes; so does a long link target go its way. */
static void test_whiteout(void **state)
{
	struct two t _cleanup_two_ = two_dirs(*state);
	const char *x = name_of('x', 200), *y = name_of('y', 200), *z = name_of('z', 200);
	make_file(t.a, x);
	ino_t ino = ino_of(t.a, x);
	if (rename_to(t.a, x, t.b, y, NULL, RENAME_WHITEOUT) == -EINVAL)
		skip(); /* not on this filesystem */
	assert_int_equal(ino_of(t.b, y), ino);
	assert_true(ino_of(t.a, x) != ino);
	assert_int_equal(SIDES(t.a), 1);
	assert_int_equal(SIDES(t.b), 1);
	assert_int_equal(list(t.a), 1);
	assert_int_equal(unlink_in(t.a, x), 0);
	assert_int_equal(SIDES(t.a), 0);
	make_link(t.a, z, 4000);
	assert_int_equal(rename_to(t.a, z, t.b, z, NULL, RENAME_WHITEOUT), 0);
	assert_int_equal(LINK_SIDES(t.a), 0);
	assert_int_equal(LINK_SIDES(t.b), 1);
}

static void assert_link(const struct dir *d, const char *name, size_t n)
{
	char got[NAME_LINK_TARGET_MAX + 1];
	assert_int_equal(symlink_read(d, seal(d, name).disk, got), n);
	assert_string_equal(got, target_of(n));
}

static void test_link_targets(void **state)
{
	struct dir *d _cleanup_dir_ = root_of(*state);
	const size_t lengths[] = { 1, 2, 3, 100, 255, SHORT_TARGET, SHORT_TARGET + 1, 4000, 4095 };
	struct sealed_name s = seal(d, "l");
	struct stat sb;
	for (size_t i = 0; i < N_OF(lengths); i++) {
		make_link(d, "l", lengths[i]);
		assert_link(d, "l", lengths[i]);
		assert_int_equal(dir_stat(d, s.disk, &sb), 0);
		assert_int_equal(symlink_len(d, s.disk, (size_t)sb.st_size), lengths[i]);
		assert_int_equal(LINK_SIDES(d), lengths[i] > SHORT_TARGET);
		assert_int_equal(unlink_in(d, "l"), 0);
		assert_int_equal(RAW(d), 0);
	}
	assert_int_equal(dirops_symlink(d, &s, target_of(4096), &nobody), -ENAMETOOLONG);
	assert_int_equal(dirops_symlink(d, &s, "", &nobody), -ENOENT);
	assert_int_equal(RAW(d), 0);
}

static void test_link_damaged(void **state)
{
	struct dir *d _cleanup_dir_ = root_of(*state);
	char raw[NAME_LINK_TARGET_MAX + 1], got[NAME_LINK_TARGET_MAX + 1];
	struct sealed_name l = seal(d, "l"), m = seal(d, "m");
	make_link(d, "l", 4000);
	ssize_t n = readlinkat(d->fd, l.disk, raw, sizeof(raw) - 1);
	assert_int_equal(n, NAME_SLINK_LEN);
	raw[n] = '\0';
	put_raw(d, raw, "other", 5);
	assert_int_equal(symlink_read(d, l.disk, got), -EUCLEAN);
	/* Another link's, sound in itself. */
	make_link(d, "m", 4000);
	char other[NAME_LINK_TARGET_MAX + 1];
	n = readlinkat(d->fd, m.disk, other, sizeof(other) - 1);
	assert_int_equal(n, NAME_SLINK_LEN);
	other[n] = '\0';
	assert_int_equal(renameat(d->fd, other, d->fd, raw), 0);
	assert_int_equal(symlink_read(d, l.disk, got), -EUCLEAN);
	assert_int_equal(unlink_in(d, "m"), 0);
	assert_int_equal(unlinkat(d->fd, raw, 0), 0);
	assert_int_equal(symlink_read(d, l.disk, got), -EUCLEAN);
	assert_int_equal(symlink_len(d, l.disk, NAME_SLINK_LEN), -EUCLEAN);
	make_link(d, "m", 100);
	n = readlinkat(d->fd, m.disk, raw, sizeof(raw) - 1);
	assert_true(n > 0);
	raw[n] = '\0';
	raw[50] = raw[50] == 'A' ? 'B' : 'A';
	assert_int_equal(symlinkat(raw, d->fd, seal(d, "n").disk), 0);
	assert_int_equal(symlink_read(d, seal(d, "n").disk, got), -EBADMSG);
	assert_int_equal(symlinkat("../plain", d->fd, seal(d, "o").disk), 0);
	assert_int_equal(symlink_read(d, seal(d, "o").disk, got), -EUCLEAN);
	assert_int_equal(symlink_read(d, seal(d, "none").disk, got), -ENOENT);
}

static void test_link_moves(void **state)
{
	struct fixture *x = *state;
	struct two t _cleanup_two_ = two_dirs(x);
	make_link(t.a, "l", 4000);
	assert_int_equal(store_drain(x->st), 0);
	wrap.sync.calls = 0;
	assert_int_equal(rename_to(t.a, "l", t.a, "m", NULL, 0), 0);
	assert_int_equal(LINK_SIDES(t.a), 1);
	assert_int_equal(wrap.sync.calls, 0);
	assert_int_equal(rename_to(t.a, "m", t.b, "l", NULL, 0), 0);
	assert_int_equal(wrap.sync.calls, 1);
	assert_link(t.b, "l", 4000);
	assert_int_equal(LINK_SIDES(t.a), 0);
	assert_int_equal(LINK_SIDES(t.b), 1);
	/* Replaced, it goes. */
	make_file(t.b, "f");
	assert_int_equal(rename_to(t.b, "f", t.b, "l", NULL, 0), 0);
	assert_int_equal(LINK_SIDES(t.b), 0);
}

static void test_link_replaced_by_link(void **state)
{
	struct two t _cleanup_two_ = two_dirs(*state);
	make_link(t.a, "l", 4000);
	make_link(t.b, "l", 3500);
	make_link(t.a, "m", 3600);
	assert_int_equal(rename_to(t.a, "l", t.b, "l", NULL, 0), 0);
	assert_link(t.b, "l", 4000);
	assert_int_equal(LINK_SIDES(t.a), 1);
	assert_int_equal(LINK_SIDES(t.b), 1);
	assert_int_equal(rename_to(t.b, "l", t.a, "m", NULL, RENAME_EXCHANGE), 0);
	assert_link(t.a, "m", 4000);
	assert_link(t.b, "l", 3600);
	assert_int_equal(LINK_SIDES(t.a), 1);
	assert_int_equal(LINK_SIDES(t.b), 1);
}

/* The side file stays while a name of the link does. */
static void test_link_of_link(void **state)
{
	struct two t _cleanup_two_ = two_dirs(*state);
	make_link(t.a, "l", 4000);
	struct sealed_name l = seal(t.a, "l"), m = seal(t.a, "m"), n = seal(t.b, "n");
	_cleanup_fd_ int from = openat(t.a->fd, l.disk, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	assert_int_equal(dirops_link(from, t.a, l.disk, t.a, &m), 0);
	assert_int_equal(dirops_link(from, t.a, l.disk, t.b, &n), 0);
	assert_int_equal(unlink_in(t.a, "l"), 0);
	assert_link(t.a, "m", 4000);
	assert_link(t.b, "n", 4000);
	/* Two names of one link: nothing is done, and nothing may go. */
	assert_int_equal(rename_to(t.a, "m", t.b, "n", NULL, 0), 0);
	assert_link(t.a, "m", 4000);
	assert_link(t.b, "n", 4000);
	assert_int_equal(unlink_in(t.a, "m"), 0);
	assert_link(t.b, "n", 4000);
	assert_int_equal(unlink_in(t.b, "n"), 0);
	assert_int_equal(LINK_SIDES(t.b), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRAP_TEST(test_rename),
		WRAP_TEST(test_over_a_file),
		WRAP_TEST(test_fails),
		WRAP_TEST(test_whiteout),
		WRAP_TEST(test_noreplace),
		WRAP_TEST(test_noreplace_directory),
		WRAP_TEST(test_exchange),
		WRAP_TEST(test_over_an_empty_directory),
		WRAP_TEST(test_over_a_full_directory),
		WRAP_TEST(test_over_a_directory_fails),
		WRAP_TEST(test_drains),
		WRAP_TEST(test_drain_fails),
		WRAP_TEST(test_link_targets),
		WRAP_TEST(test_link_damaged),
		WRAP_TEST(test_link_moves),
		WRAP_TEST(test_link_replaced_by_link),
		WRAP_TEST(test_link_of_link),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
