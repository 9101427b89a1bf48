/* SPDX-License-Identifier: GPL-3.0-or-later */
/* src/offline/tree.c: paths, entries, lists; and that nothing below is changed by looking. */
#include <limits.h>

#include "dirs.h"
#include "disk.h"
#include "offline/tree.h"
#include "wrap.h"

static struct tree tree_of(const struct fixture *x)
{
	struct tree t;
	assert_int_equal(tree_open(&x->vault, x->dir->fd, &t), 0);
	assert_true(t.st->read_only);
	return t;
}

static void link_in(struct dir *d, const char *name, const char *target)
{
	struct sealed_name s = seal(d, name);
	assert_int_equal(dirops_symlink(d, &s, target, &nobody), 0);
}

static void content_in(struct dir *d, const char *name, const char *text)
{
	struct sealed_name s = seal(d, name);
	int fd = -1;
	assert_int_equal(dirops_create(d, &s, 0644, &nobody, &fd), 0);
	struct file *f _cleanup_file_ = file_new(d->st, false);
	assert_int_equal(file_attach(f, fd, true), 0);
	assert_int_equal(file_write(f, text, strlen(text), 0), 0);
	assert_int_equal(file_settle(f), 0);
}

/* a/b/file, a/link -> b, a/up -> ../a/link/file, out -> /etc, loop -> loop, LONG in the root */
static struct dir *build(const struct fixture *x)
{
	struct dir *root = root_of(x);
	struct dir *a _cleanup_dir_ = make_dir(root, "a");
	struct dir *b _cleanup_dir_ = make_dir(a, "b");
	content_in(b, "file", "hello\n");
	link_in(a, "link", "b");
	link_in(a, "up", "../a/link/file");
	link_in(root, "out", "/etc");
	link_in(root, "loop", "loop");
	content_in(root, name_of('n', 255), "long\n");
	content_in(root, "new\nline \x1b[31m", "odd\n");
	return root;
}

/* What does the path lead to? Returns tree_resolve's answer and checks the plain name. */
static int find(const struct tree *t, const char *path, unsigned int follow, const char *plain, mode_t type)
{
	struct tree_entry e _cleanup_tree_entry_ = { .dir = NULL };
	int r = tree_resolve(t, path, follow, &e);
	if (r < 0)
		return r;
	assert_string_equal(e.plain, plain);
	assert_int_equal(e.sb.st_mode & S_IFMT, type);
	assert_int_equal(tree_is_root(&e), plain[0] == '\0');
	struct stat sb;
	assert_int_equal(fstatat(t->st->root_fd, e.cipher, &sb, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(sb.st_ino, e.sb.st_ino);
	assert_int_equal(fstatat(e.dir->fd, e.name.disk, &sb, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(sb.st_ino, e.sb.st_ino);
	return 0;
}

#define WAY TREE_FOLLOW_WAY
#define ALL (TREE_FOLLOW_WAY | TREE_FOLLOW_LAST)

static void paths_lead_where_they_say(void **state)
{
	const struct fixture *x = *state;
	dir_free(build(x));
	struct tree t _cleanup_tree_ = tree_of(x);
	const char *longest = name_of('n', 255);
	static const struct {
		const char *path;
		unsigned int follow;
		const char *plain;
		mode_t type;
	} cases[] = {
		{ "", 0, "", S_IFDIR },
		{ "/", 0, "", S_IFDIR },
		{ "..", 0, "", S_IFDIR },
		{ "/../../.", 0, "", S_IFDIR },
		{ "a", 0, "a", S_IFDIR },
		{ "/a/", 0, "a", S_IFDIR },
		{ "a/b/..", 0, "a", S_IFDIR },
		{ "a/..", 0, "", S_IFDIR },
		{ "//a///b//.//file", 0, "file", S_IFREG },
		{ "a/../a/b/file", 0, "file", S_IFREG },
		{ "a/link", 0, "link", S_IFLNK },
		{ "a/link", WAY, "link", S_IFLNK },
		{ "a/link", ALL, "b", S_IFDIR },
		{ "a/link/", WAY, "b", S_IFDIR },
		{ "a/link/..", WAY, "a", S_IFDIR },
		{ "a/link/file", WAY, "file", S_IFREG },
		{ "a/up", ALL, "file", S_IFREG },
		{ "new\nline \x1b[31m", 0, "new\nline \x1b[31m", S_IFREG },
	};
	for (size_t i = 0; i < N_OF(cases); i++)
		CHECK_CASE(find(&t, cases[i].path, cases[i].follow, cases[i].plain, cases[i].type) == 0,
			   cases[i].path);
	assert_int_equal(find(&t, longest, 0, longest, S_IFREG), 0);
}

static void paths_that_lead_nowhere(void **state)
{
	const struct fixture *x = *state;
	dir_free(build(x));
	struct tree t _cleanup_tree_ = tree_of(x);
	char too_long[258];
	memset(too_long, 'x', 257);
	too_long[256] = '\0';
	static const struct {
		const char *path;
		unsigned int follow;
		int err;
	} cases[] = {
		{ "none", 0, -ENOENT },	       { "a/none/file", 0, -ENOENT },
		{ "a/b/file/", 0, -ENOTDIR },  { "a/b/file/x", 0, -ENOTDIR },
		{ "a/link/file", 0, -ELOOP },  { "a/link/", 0, -ELOOP },
		{ "out", ALL, -EXDEV },	       { "out/passwd", WAY, -EXDEV },
		{ "loop", ALL, -ELOOP },       { "a/b/...", 0, -ENOENT },
		{ "cryptfs.json", 0, -ENOENT },
	};
	for (size_t i = 0; i < N_OF(cases); i++)
		CHECK_CASE(find(&t, cases[i].path, cases[i].follow, "", 0) == cases[i].err, cases[i].path);
	assert_int_equal(find(&t, too_long, 0, "", 0), -ENAMETOOLONG);
}

static void damaged_directory_on_the_way(void **state)
{
	const struct fixture *x = *state;
	struct dir *root _cleanup_dir_ = build(x);
	struct tree t _cleanup_tree_ = tree_of(x);
	struct dir *a _cleanup_dir_ = open_dir(root, "a");
	put_raw(a, NAME_DIR_FILE, "0123456789abcdef0123456789abcdef", 32);
	assert_int_equal(find(&t, "a", 0, "a", S_IFDIR), 0);
	assert_int_equal(find(&t, "a/b", 0, "", 0), -EUCLEAN);
}

static void files_are_read(void **state)
{
	const struct fixture *x = *state;
	dir_free(build(x));
	struct tree t _cleanup_tree_ = tree_of(x);
	struct tree_entry e _cleanup_tree_entry_ = { .dir = NULL };
	struct file *f _cleanup_file_ = NULL;
	char buf[32];
	assert_int_equal(tree_resolve(&t, "a/b/file", 0, &e), 0);
	assert_int_equal(e.sb.st_size, 6);
	assert_int_equal(tree_open_file(e.dir, e.name.disk, &f), 0);
	assert_int_equal(file_read(f, buf, sizeof(buf), 0), 6);
	assert_memory_equal(buf, "hello\n", 6);
	assert_int_equal(file_write(f, "x", 1, 0), -EBADF);
}

static void only_files_are_files(void **state)
{
	const struct fixture *x = *state;
	struct dir *root _cleanup_dir_ = build(x);
	struct sealed_name pipe = seal(root, "pipe"), loop = seal(root, "loop"), a = seal(root, "a");
	assert_int_equal(dirops_mknod(root, &pipe, S_IFIFO | 0600, 0, &nobody), 0);
	int fd = -1;
	assert_int_equal(tree_open_fd(root, pipe.disk, &fd), -EUCLEAN); /* and does not wait for a writer */
	assert_int_equal(tree_open_fd(root, loop.disk, &fd), -EUCLEAN);
	assert_int_equal(tree_open_fd(root, a.disk, &fd), -EUCLEAN);
	assert_int_equal(tree_open_fd(root, seal(root, "none").disk, &fd), -ENOENT);
	assert_int_equal(fd, -1);
}

static void a_damaged_file_says_so(void **state)
{
	const struct fixture *x = *state;
	struct dir *root _cleanup_dir_ = build(x);
	struct dir *a _cleanup_dir_ = open_dir(root, "a");
	struct dir *b _cleanup_dir_ = open_dir(a, "b");
	int fd = openat(b->fd, seal(b, "file").disk, O_RDWR | O_CLOEXEC);
	disk_flip(fd, 200);
	close(fd);
	struct file *f = NULL;
	assert_int_equal(tree_open_file(b, seal(b, "file").disk, &f), -EBADMSG);
	assert_null(f);
}

static void directories_are_opened_again(void **state)
{
	const struct fixture *x = *state;
	struct dir *root _cleanup_dir_ = build(x);
	struct dir *again _cleanup_dir_ = NULL, *a _cleanup_dir_ = NULL, *none = NULL;
	assert_int_equal(tree_open_dir(root, ".", &again), 0);
	assert_true(again->root);
	assert_int_equal(tree_open_dir(root, seal(root, "a").disk, &a), 0);
	assert_int_equal(a->ino, ino_of(root, "a"));
	assert_int_equal(tree_open_dir(root, seal(root, "loop").disk, &none), -ENOTDIR);
}

static void lists_are_sorted_and_whole(void **state)
{
	const struct fixture *x = *state;
	struct dir *root _cleanup_dir_ = build(x);
	const char *longest = name_of('n', 255);
	const char *const want[] = { "a", "loop", "new\nline \x1b[31m", longest, "out" };
	struct tree_list l _cleanup_tree_list_ = { NULL, 0 };
	assert_int_equal(tree_list(root, &l), 0);
	assert_int_equal(l.n, N_OF(want));
	for (size_t i = 0; i < l.n; i++) {
		assert_int_equal(l.child[i]->err, 0);
		assert_string_equal(l.child[i]->name, want[i]);
		assert_int_equal(l.child[i]->len, strlen(want[i]));
		assert_string_equal(l.child[i]->disk, seal(root, want[i]).disk);
		assert_int_equal(l.child[i]->ino, ino_of(root, want[i]));
	}
	assert_int_equal(l.child[0]->type, DT_DIR);
}

static void lists_tell_what_does_not_open(void **state)
{
	const struct fixture *x = *state;
	struct dir *root _cleanup_dir_ = build(x);
	char side[NAME_DISK_SIZE];
	struct sealed_name moved = seal(root, "a"), longest = seal(root, name_of('n', 255));
	struct dir *a _cleanup_dir_ = open_dir(root, "a");
	assert_int_equal(renameat(a->fd, seal(a, "up").disk, root->fd, seal(a, "up").disk), 0);
	name_long_side(side, longest.disk);
	assert_int_equal(unlinkat(root->fd, side, 0), 0);
	put_raw(root, "a stranger's.txt", "x", 1);

	struct tree_list l _cleanup_tree_list_ = { NULL, 0 };
	assert_int_equal(tree_list(root, &l), 0);
	assert_int_equal(l.n, 7);
	size_t bad = 0;
	for (size_t i = 0; i < l.n; i++) {
		bad += l.child[i]->err == -EUCLEAN && l.child[i]->len == 0;
		assert_true(l.child[i]->err == 0 || i >= 4);
	}
	assert_int_equal(bad, 3);
	assert_string_equal(l.child[0]->disk, moved.disk);
}

static void an_empty_vault(void **state)
{
	const struct fixture *x = *state;
	struct tree t _cleanup_tree_ = tree_of(x);
	struct tree_list l _cleanup_tree_list_ = { NULL, 0 };
	assert_int_equal(tree_list(t.root, &l), 0);
	assert_int_equal(l.n, 0);
	assert_int_equal(find(&t, "/", 0, "", S_IFDIR), 0);
}

static void looking_changes_nothing(void **state)
{
	const struct fixture *x = *state;
	struct dir *root _cleanup_dir_ = build(x);
	struct dir *bare _cleanup_dir_ = make_dir(root, "bare");
	assert_int_equal(unlinkat(bare->fd, NAME_DIR_FILE, 0), 0); /* as a power cut leaves it */
	struct tree t _cleanup_tree_ = tree_of(x);
	struct dir *seen _cleanup_dir_ = NULL;
	assert_int_equal(tree_open_dir(t.root, seal(root, "bare").disk, &seen), 0);
	assert_int_equal(RAW(bare), 0);
	assert_int_equal(find(&t, "bare/x", 0, "", 0), -ENOENT);
	assert_int_equal(RAW(bare), 0);
}

static void a_deep_path(void **state)
{
	const struct fixture *x = *state;
	char path[PATH_MAX] = "";
	struct dir *d = root_of(x);
	for (int i = 0; i < 60; i++) {
		struct dir *next = make_dir(d, "deep");
		dir_free(d);
		d = next;
		strcat(path, "/deep");
	}
	dir_free(d);
	struct tree t _cleanup_tree_ = tree_of(x);
	struct tree_entry e _cleanup_tree_entry_ = { .dir = NULL };
	assert_int_equal(tree_resolve(&t, path, 0, &e), 0);
	assert_string_equal(e.plain, "deep");
	for (int i = 0; i < 59; i++)
		strcat(path, "/..");
	tree_entry_free(&e);
	assert_int_equal(tree_resolve(&t, path, 0, &e), 0);
	assert_true(e.dir->root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(paths_lead_where_they_say),
		FIXTURE_TEST(paths_that_lead_nowhere),
		FIXTURE_TEST(damaged_directory_on_the_way),
		FIXTURE_TEST(files_are_read),
		FIXTURE_TEST(only_files_are_files),
		FIXTURE_TEST(a_damaged_file_says_so),
		FIXTURE_TEST(directories_are_opened_again),
		FIXTURE_TEST(lists_are_sorted_and_whole),
		FIXTURE_TEST(lists_tell_what_does_not_open),
		FIXTURE_TEST(an_empty_vault),
		FIXTURE_TEST(looking_changes_nothing),
		FIXTURE_TEST(a_deep_path),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
