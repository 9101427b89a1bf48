/* SPDX-License-Identifier: GPL-3.0-or-later */
/* src/offline/walk.c: order, paths, what cannot be read, and ends before the end. */
#include "dirs.h"
#include "disk.h"
#include "offline/walk.h"
#include "wrap.h"

/* What was seen: "+path" an entry, "-path" a directory left, "!path:what" trouble. */
struct log {
	char text[4096];
	const char *skip; /* not into this directory */
	const char *stop; /* end the walk at this entry */
	const struct fixture *x;
};

static void log_add(struct log *l, char mark, const char *path)
{
	size_t n = strlen(l->text);
	assert_true(n + strlen(path) + 3 < sizeof(l->text));
	(void)snprintf(l->text + n, sizeof(l->text) - n, "%c%s ", mark, path);
}

/* Both paths, parent and status are of one and the same entry. */
static void check_item(const struct log *l, const struct walk_item *i)
{
	struct stat a, b;
	assert_int_equal(fstatat(i->parent->fd, i->disk, &a, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(fstatat(l->x->dir->fd, i->cipher[0] ? i->cipher : ".", &b, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(a.st_ino, i->sb.st_ino);
	const char *slash = strrchr(i->path, '/');
	assert_string_equal(slash ? slash + 1 : i->depth ? i->path : i->name, i->name);
	size_t depth = i->path[0] != '\0';
	for (const char *p = i->path; *p; p++)
		depth += *p == '/';
	assert_int_equal(i->depth, depth);
}

static int on_entry(void *arg, const struct walk_item *i)
{
	struct log *l = arg;
	check_item(l, i);
	log_add(l, '+', i->path);
	if (l->stop && strcmp(i->path, l->stop) == 0)
		return -ECANCELED;
	return l->skip && strcmp(i->path, l->skip) == 0 ? WALK_SKIP : WALK_ON;
}

static int on_leave(void *arg, const struct walk_item *i)
{
	check_item(arg, i);
	assert_true(S_ISDIR(i->sb.st_mode));
	log_add(arg, '-', i->path);
	return 0;
}

static int on_trouble(void *arg, const struct walk_item *i, enum walk_trouble what, int err)
{
	static const char *const names[] = { "name", "status", "dir" };
	struct log *l = arg;
	char text[512];
	assert_int_equal(err, -EUCLEAN);
	(void)snprintf(text, sizeof(text), "%s:%s", i->path, names[what]);
	assert_true(has_raw(i->parent, i->disk));
	log_add(l, '!', text);
	return l->stop && strcmp(text, l->stop) == 0 ? -ECANCELED : 0;
}

static const struct walk_ops ops = { on_entry, on_leave, on_trouble };

/* Walk from a path; the log is as expected, and the answer. */
static void walk_is(const struct fixture *x, const char *from, const char *skip, const char *stop, int want,
		    const char *log)
{
	struct tree t _cleanup_tree_ = { NULL, NULL };
	struct tree_entry e _cleanup_tree_entry_ = { .dir = NULL };
	struct log l = { .skip = skip, .stop = stop, .x = x };
	assert_int_equal(tree_open(&x->vault, x->dir->fd, &t), 0);
	assert_int_equal(tree_resolve(&t, from, 0, &e), 0);
	assert_int_equal(walk_tree(&e, &ops, &l), want);
	assert_string_equal(l.text, log);
}

/* a/b/f, a/b/g, a/c, d */
static struct dir *build(const struct fixture *x)
{
	struct dir *root = root_of(x);
	struct dir *a _cleanup_dir_ = make_dir(root, "a");
	struct dir *b _cleanup_dir_ = make_dir(a, "b");
	make_file(b, "g");
	make_file(b, "f");
	make_file(a, "c");
	make_file(root, "d");
	return root;
}

static void depth_first_by_name(void **state)
{
	const struct fixture *x = *state;
	dir_free(build(x));
	walk_is(x, "", NULL, NULL, 0, "+ +a +a/b +a/b/f +a/b/g -a/b +a/c -a +d - ");
}

static void from_below_paths_begin_there(void **state)
{
	const struct fixture *x = *state;
	dir_free(build(x));
	walk_is(x, "a", NULL, NULL, 0, "+ +b +b/f +b/g -b +c - ");
	walk_is(x, "a/b/../b/f", NULL, NULL, 0, "+ ");
}

static void skipped_and_stopped(void **state)
{
	const struct fixture *x = *state;
	dir_free(build(x));
	walk_is(x, "", "a", NULL, 0, "+ +a +d - ");
	walk_is(x, "", NULL, "a/b/f", -ECANCELED, "+ +a +a/b +a/b/f ");
}

static void damage_is_told_and_passed_over(void **state)
{
	const struct fixture *x = *state;
	struct dir *root _cleanup_dir_ = build(x);
	struct dir *a _cleanup_dir_ = open_dir(root, "a");
	put_raw(root, "stranger.txt", "x", 1);
	put_raw(a, NAME_DIR_FILE, "0123456789abcdef0123456789abcdef", 32);
	walk_is(x, "", NULL, NULL, 0, "+ +a !a:dir -a +d !:name - ");
	walk_is(x, "", NULL, ":name", -ECANCELED, "+ +a !a:dir -a +d !:name ");
	walk_is(x, "a", NULL, ":dir", -ECANCELED, "+ !:dir ");
}

static void deep_and_wide(void **state)
{
	const struct fixture *x = *state;
	struct dir *d = root_of(x);
	char name[16];
	for (int i = 0; i < 50; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		make_file(d, name);
		struct dir *next = make_dir(d, "d");
		dir_free(d);
		d = next;
	}
	dir_free(d);
	struct tree t _cleanup_tree_ = { NULL, NULL };
	struct log l = { .x = x };
	assert_int_equal(tree_open(&x->vault, x->dir->fd, &t), 0);
	struct tree_entry e _cleanup_tree_entry_ = { .dir = NULL };
	assert_int_equal(tree_resolve(&t, "d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d", 0, &e), 0);
	assert_int_equal(walk_tree(&e, &ops, &l), 0);
	assert_non_null(strstr(l.text, "+d/d/d/d/d/f35 -d/d/d/d/d "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(depth_first_by_name),	    FIXTURE_TEST(from_below_paths_begin_there),
		FIXTURE_TEST(skipped_and_stopped),	    FIXTURE_TEST(damage_is_told_and_passed_over),
		FIXTURE_TEST(deep_and_wide),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
