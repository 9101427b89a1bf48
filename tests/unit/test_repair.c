/* SPDX-License-Identifier: GPL-3.0-or-later */
/* src/offline/repair_rebuild.c and repair_ids.c: what lies in another's place is put right, at no moment is any of it
 * gone, and the work grows with the damage and no faster. */
#include "base/io.h"
#include "dirs.h"
#include "disk.h"
#include "offline/repair.h"
#include "wrap.h"

#define FEW 12u
#define MANY 400u

/* ---- what is counted, and what some filesystems cannot do ---- */

static unsigned int reads, listings;
static bool no_exchange;

ssize_t __real_io_read_file(int dirfd, const char *name, void *buf, size_t cap);
ssize_t __wrap_io_read_file(int dirfd, const char *name, void *buf, size_t cap);
int __real_io_opendir(int dirfd, const char *name, DIR **out);
int __wrap_io_opendir(int dirfd, const char *name, DIR **out);
int __real_renameat2(int from, const char *a, int to, const char *b, unsigned int flags);
int __wrap_renameat2(int from, const char *a, int to, const char *b, unsigned int flags);

ssize_t __wrap_io_read_file(int dirfd, const char *name, void *buf, size_t cap)
{
	reads++;
	return __real_io_read_file(dirfd, name, buf, cap);
}

int __wrap_io_opendir(int dirfd, const char *name, DIR **out)
{
	listings++;
	return __real_io_opendir(dirfd, name, out);
}

int __wrap_renameat2(int from, const char *a, int to, const char *b, unsigned int flags)
{
	if (no_exchange && flags != 0) {
		errno = EINVAL;
		return -1;
	}
	return __real_renameat2(from, a, to, b, flags);
}

/* ---- a vault to be mended ---- */

struct bytes {
	uint8_t b[NAME_SEALED_MAX];
	size_t n;
};

/* The directories that were made, and what was in their side files or ID files. */
static struct {
	struct dir *root, *dir[MANY];
	struct bytes right[MANY];
	char disk[MANY][NAME_DISK_SIZE];
	size_t n;
	struct repair r;
} t;

static void begin(const struct fixture *x)
{
	memset(&t, 0, sizeof(t));
	wrap.before = NULL;
	no_exchange = false;
	t.root = root_of(x);
	assert_int_equal(repair_open(&x->vault, x->dir->fd, &t.r), 0);
}

static void end(void)
{
	wrap.before = NULL;
	assert_int_equal(repair_close(&t.r), 0);
	for (size_t i = 0; i < t.n; i++)
		dir_free(t.dir[i]);
	dir_free(t.root);
}

static const char *long_name(size_t i)
{
	static char name[256];
	(void)snprintf(name, sizeof(name), "%0200zu", i);
	return name;
}

/* Entries with long names in the root. */
static void make_long(size_t n)
{
	for (; t.n < n; t.n++) {
		struct sealed_name s = seal(t.root, long_name(t.n));
		make_file(t.root, long_name(t.n));
		memcpy(t.right[t.n].b, s.sealed, s.len);
		t.right[t.n].n = s.len;
		strcpy(t.disk[t.n], s.disk);
	}
}

/* Directories with a name in each. */
static void make_dirs(size_t n)
{
	char name[32];
	for (; t.n < n; t.n++) {
		(void)snprintf(name, sizeof(name), "dir %zu", t.n);
		t.dir[t.n] = make_dir(t.root, name);
		make_file(t.dir[t.n], "file");
		strcpy(t.disk[t.n], seal(t.root, name).disk);
		struct id_file id = id_of(t.dir[t.n]);
		memcpy(t.right[t.n].b, id.b, sizeof(id.b));
		t.right[t.n].n = sizeof(id.b);
	}
}

/* Where that of the i-th belongs. */
static const struct dir *place_of(size_t i, char name[static NAME_DISK_SIZE])
{
	if (t.dir[i])
		strcpy(name, NAME_DIR_FILE);
	else
		name_long_side(name, t.disk[i]);
	return t.dir[i] ? t.dir[i] : t.root;
}

static void put(size_t place, size_t what)
{
	char name[NAME_DISK_SIZE];
	const struct dir *d = place_of(place, name);
	(void)unlinkat(d->fd, name, 0);
	put_raw(d, name, t.right[what].b, t.right[what].n);
}

static void take_away(size_t place)
{
	char name[NAME_DISK_SIZE];
	const struct dir *d = place_of(place, name);
	assert_int_equal(unlinkat(d->fd, name, 0), 0);
}

static bool holds(const struct dir *d, const char *name, const struct bytes *what)
{
	uint8_t b[NAME_SEALED_MAX];
	return __real_io_read_file(d->fd, name, b, sizeof(b)) == (ssize_t)what->n && memcmp(b, what->b, what->n) == 0;
}

static bool dir_holds(const struct dir *d, const struct bytes *what)
{
	DIR _cleanup_dir_stream_ *stream = NULL;
	assert_int_equal(__real_io_opendir(d->fd, ".", &stream), 0);
	for (const struct dirent *e = readdir(stream); e; e = readdir(stream))
		if (holds(d, e->d_name, what))
			return true;
	return false;
}

/* Each of them lies somewhere. */
static void all_there(int fd)
{
	(void)fd;
	for (size_t i = 0; i < t.n; i++) {
		bool there = dir_holds(t.root, &t.right[i]);
		for (size_t k = 0; k < t.n && t.dir[k] && !there; k++)
			there = dir_holds(t.dir[k], &t.right[i]);
		assert_true(there);
	}
}

static int mend(enum check_kind kind, size_t i)
{
	for (size_t k = 0; k < repair_n_steps; k++)
		if (repair_steps[k].kind == kind && repair_steps[k].when == REPAIR_REBUILD)
			return repair_steps[k].mend(&t.r, t.disk[i]);
	fail();
	return -1;
}

static void assert_right(size_t i)
{
	char name[NAME_DISK_SIZE];
	const struct dir *d = place_of(i, name);
	assert_true(holds(d, name, &t.right[i]));
}

/* In the place of the i-th lies that of perm[i]; all are put right, the last one first. */
static void permuted(const size_t perm[FEW], enum check_kind kind)
{
	for (size_t i = 0; i < FEW; i++)
		put(i, perm[i]);
	wrap.before = all_there;
	for (size_t i = FEW; i-- > 0;) {
		assert_int_equal(mend(kind, i), 0);
		assert_right(i);
		all_there(-1);
	}
	wrap.before = NULL;
	for (size_t i = 0; i < FEW; i++)
		assert_right(i);
	assert_int_equal(TEMPORARIES(t.root), 0);
}

/* Pairs, a circle of three, one of four, a single one. */
static const size_t circles[FEW] = { 1, 0, 4, 2, 3, 8, 5, 6, 7, 10, 9, 11 };

/* ---- long names ---- */

static void test_long_permuted(void **state)
{
	struct fixture *x = *state;
	for (int by_hand = 0; by_hand < 2; by_hand++) {
		begin(x);
		no_exchange = by_hand;
		make_long(FEW);
		permuted(circles, CHECK_LONG_NAME);
		for (size_t i = 0; i < FEW; i++)
			assert_int_equal(unlink_in(t.root, long_name(i)), 0);
		end();
	}
}

/* One is missing, so that nothing goes round; another is damaged, another lies in a temporary. */
static void test_long_chain(void **state)
{
	begin(*state);
	make_long(6);
	take_away(0);
	put(1, 0);
	put(2, 1);
	take_away(3);
	put_raw(t.root, "cryptfs.tmp.1", t.right[2].b, t.right[2].n);
	put_raw(t.root, "cryptfs.tmp.2", t.right[3].b, t.right[3].n);
	t.right[4].b[30] ^= 9;
	put(4, 4);
	t.right[4].b[30] ^= 9;
	take_away(5);
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(mend(CHECK_LONG_NAME, i), 0);
		assert_right(i);
	}
	assert_int_equal(mend(CHECK_LONG_NAME, 5), REPAIR_CANNOT);
	end();
}

static void test_long_linear(void **state)
{
	struct dice d = { 3 };
	char name[64];
	begin(*state);
	make_long(MANY);
	for (size_t i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), NAME_TMP_PREFIX "%zu", (size_t)dice_below(&d, 1000) * MANY + i);
		put_raw(t.root, name, t.right[i].b, t.right[i].n);
		take_away(i);
	}
	reads = listings = 0;
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(mend(CHECK_LONG_NAME, i), 0);
		assert_right(i);
	}
	assert_in_range(reads, MANY, 10 * MANY);
	assert_in_range(listings, 1, 10);
	end();
}

/* ---- directory IDs ---- */

static void test_ids_permuted(void **state)
{
	struct fixture *x = *state;
	char name[32];
	for (int by_hand = 0; by_hand < 2; by_hand++) {
		begin(x);
		no_exchange = by_hand;
		make_dirs(FEW);
		permuted(circles, CHECK_OTHER_ID);
		for (size_t i = 0; i < FEW; i++) {
			(void)snprintf(name, sizeof(name), "dir %zu", i);
			assert_int_equal(unlink_in(t.dir[i], "file"), 0);
			assert_int_equal(rmdir_in(t.root, name, t.dir[i]), 0);
		}
		end();
	}
}

/* One lies in a file of another name, in the place of an empty directory's, or in that of a directory which loses its
 * own by it: that one cannot be mended, and is left as it is. */
static void test_ids_moved(void **state)
{
	begin(*state);
	make_dirs(4);
	put_raw(t.dir[3], "a stranger", t.right[0].b, t.right[0].n);
	take_away(0);
	assert_int_equal(unlink_in(t.dir[2], "file"), 0);
	put(2, 1);
	take_away(1);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(mend(CHECK_DIR_ID, i), 0);
		assert_right(i);
	}
	struct id_file other = id_of(t.dir[2]);
	assert_memory_not_equal(other.b, t.right[1].b, sizeof(other.b));
	assert_int_equal(dir_read_id(t.dir[2]), 0);
	end();
}

static void test_ids_overwritten(void **state)
{
	begin(*state);
	make_dirs(3);
	put(1, 0);
	take_away(0);
	assert_int_equal(mend(CHECK_DIR_ID, 0), 0);
	assert_right(0);
	assert_int_equal(mend(CHECK_OTHER_ID, 1), REPAIR_CANNOT);
	assert_memory_equal(id_of(t.dir[1]).b, t.right[0].b, NAME_DIR_FILE_LEN);
	assert_right(2);
	end();
}

/* A name that was moved to where nothing else is proves nothing against the ID there. */
static void test_ids_name_moved(void **state)
{
	begin(*state);
	make_dirs(2);
	make_file(t.dir[0], "other");
	assert_int_equal(unlink_in(t.dir[1], "file"), 0);
	const char *disk = seal(t.dir[0], "other").disk;
	assert_int_equal(renameat(t.dir[0]->fd, disk, t.dir[1]->fd, disk), 0);
	assert_int_equal(mend(CHECK_OTHER_ID, 1), REPAIR_CANNOT);
	assert_right(0);
	assert_right(1);
	end();
}

/* However many are lost, the vault is looked through once. */
static void test_ids_linear(void **state)
{
	begin(*state);
	make_dirs(MANY);
	for (size_t i = 0; i < MANY; i++)
		take_away(i);
	reads = listings = 0;
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(mend(CHECK_DIR_ID, i), REPAIR_CANNOT);
	assert_in_range(reads, MANY, 10 * MANY);
	assert_in_range(listings, MANY, 10 * MANY);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_long_permuted), FIXTURE_TEST(test_long_chain), FIXTURE_TEST(test_long_linear),
		FIXTURE_TEST(test_ids_permuted),  FIXTURE_TEST(test_ids_moved),	 FIXTURE_TEST(test_ids_overwritten),
		FIXTURE_TEST(test_ids_name_moved), FIXTURE_TEST(test_ids_linear),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
