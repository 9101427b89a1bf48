/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every call that making, moving, removing and listing entries makes fails once: the tree is the old or the new. */
#include <sys/xattr.h>

#include "disk.h"
#include "faults.h"
#include "store/attr.h"
#include "store/xattr.h"

/*
 * The tree: files "a" and "b" and a long one, of which "b" has a second name "b2"; "l", a link; "L", one whose
 * target is in a side file; "d" with a file "e" in it; empty directories "empty" and a long one. What an inode is
 * can be told by its mode.
 */
#define LONG_FILE name_of('f', 200)
#define LONG_DIR name_of('d', 200)
#define LONG_NEW name_of('n', 200)
#define TARGET_MAX 3500
#define LONG_XATTR                                                                                      \
	"user.long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-" \
	"long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-"

struct tree {
	struct dir *root;
	struct dir *d;
	struct dir *empty;
	struct dir *long_dir;
	int fd; /* of "a" */
};

static char target[TARGET_MAX + 1];

static struct tree *tree_of(const struct faults *z)
{
	return z->own;
}

static void tree_file(struct dir *d, const char *name, mode_t mode)
{
	struct sealed_name s = seal(d, name);
	_cleanup_fd_ int fd = -1;
	assert_int_equal(dirops_create(d, &s, mode, &nobody, &fd), 0);
}

static struct dir *tree_dir(struct dir *d, const char *name, mode_t mode)
{
	struct sealed_name s = seal(d, name);
	assert_int_equal(dirops_mkdir(d, &s, mode, &nobody), 0);
	return open_dir(d, name);
}

static void tree_link(struct dir *d, const char *name, const char *to)
{
	struct sealed_name s = seal(d, name);
	assert_int_equal(dirops_symlink(d, &s, to, &nobody), 0);
}

static void tree_begin(struct faults *z)
{
	struct tree *t = calloc(1, sizeof(*t));
	assert_non_null(t);
	z->own = t;
	t->root = root_of(z->x);
	tree_file(t->root, "a", 0601);
	tree_file(t->root, "b", 0602);
	tree_file(t->root, LONG_FILE, 0603);
	tree_link(t->root, "l", "short");
	tree_link(t->root, "L", target);
	t->d = tree_dir(t->root, "d", 0704);
	tree_file(t->d, "e", 0604);
	t->empty = tree_dir(t->root, "empty", 0705);
	t->long_dir = tree_dir(t->root, LONG_DIR, 0706);
	t->fd = openat(t->root->fd, seal(t->root, "b").disk, O_RDWR | O_CLOEXEC);
	assert_true(t->fd >= 0);
	struct sealed_name s = seal(t->root, "b2");
	assert_int_equal(dirops_link(t->fd, t->root, seal(t->root, "b").disk, t->root, &s), 0);
	(void)xattr_set(z->x->st, t->fd, "user.old", "value", 5, 0);
	assert_int_equal(store_drain(z->x->st), 0);
	scratch_drop(); /* so that it is made, or not, while things fail */
}

static void tree_end(struct faults *z)
{
	struct tree *t = tree_of(z);
	close(t->fd);
	dir_free(t->long_dir);
	dir_free(t->empty);
	dir_free(t->d);
	dir_free(t->root);
	free(t);
}

/* ---- what is there ---- */

/* A tree as text, a line an entry, sorted. */
struct view {
	char lines[32][512];
	size_t n;
	size_t raw; /* names on disk, side files and leftovers too */
};

/* "name=value" of each. */
static void view_xattrs(const struct dir *d, const char *disk, char *out, size_t size)
{
	char list[512], value[16];
	_cleanup_fd_ int fd = openat(d->fd, disk, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : xattr_list(d->st, fd, true, list, sizeof(list));
	for (char *p = list; n > 0 && p < list + n; p += strlen(p) + 1) {
		ssize_t len = xattr_get(d->st, fd, p, value, sizeof(value));
		size_t at = strlen(out);
		snprintf(out + at, size - at, "%.12s=%.*s ", p, len > 0 ? (int)len : 0, value);
	}
}

static void view_add(struct view *v, const struct dir *d, const char *where, const struct dirlist_entry *e)
{
	struct stat sb;
	char *line = v->lines[v->n++], to[NAME_LINK_TARGET_MAX + 1] = "", xattrs[64] = "";
	assert_true(v->n < N_OF(v->lines));
	FAULTS_EQUAL(dir_stat(d, e->disk, &sb), 0);
	if (S_ISLNK(sb.st_mode)) {
		ssize_t n = symlink_read(d, e->disk, to);
		FAULTS_CHECK(n > 0);
		if (n > 40)
			snprintf(to, sizeof(to), "%zd characters", n);
	}
	if (S_ISREG(sb.st_mode))
		view_xattrs(d, e->disk, xattrs, sizeof(xattrs));
	snprintf(line, sizeof(v->lines[0]), "%s%s %o %u %.40s %s", where, e->name, sb.st_mode,
		 S_ISDIR(sb.st_mode) ? 0 : (unsigned int)sb.st_nlink, to, xattrs);
}

static void view_dir(struct view *v, const struct dir *d, const char *where)
{
	struct dirlist_entry e;
	struct dirlist *l _cleanup_dirlist_ = NULL;
	v->raw += RAW(d);
	FAULTS_EQUAL(dirlist_open(d, &l), 0);
	int r;
	while (l && (r = dirlist_next(l, &e)) != 0) {
		if (r < 0) {
			FAULTS_EQUAL(r, 0);
			break;
		}
		if (e.disk[0] == '\0')
			continue;
		view_add(v, d, where, &e);
		if (e.type != DT_DIR)
			continue;
		struct dir *child _cleanup_dir_ = NULL;
		FAULTS_EQUAL(dir_open(d, e.disk, &child), 0);
		char below[300];
		snprintf(below, sizeof(below), "%s%.8s/", where, e.name);
		if (child)
			view_dir(v, child, below);
	}
}

static int view_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* As somebody finds it who mounts the vault now. */
static void view_anew(const struct faults *z, struct view *v)
{
	struct store *st = NULL;
	memset(v, 0, sizeof(*v));
	assert_int_equal(store_open(&z->x->vault, z->x->dir->fd, false, &st), 0);
	struct dir *root = NULL;
	assert_int_equal(dir_open_root(st, &root), 0);
	view_dir(v, root, "");
	dir_free(root);
	store_free(st);
	qsort(v->lines, v->n, sizeof(v->lines[0]), view_order);
}

static bool view_same(const struct view *a, const struct view *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->lines[i], b->lines[i]) != 0)
			return false;
	return true;
}

/* Is what is there the one that should be? */
static void view_check(const struct view *v, const struct view *want)
{
	FAULTS_CHECK(view_same(v, want));
	if (view_same(v, want) || faults_bad > FAULTS_TOLD)
		return;
	size_t i = 0;
	while (i < v->n && i < want->n && strcmp(v->lines[i], want->lines[i]) == 0)
		i++;
	print_message("#   from here: '%.120s'\n#   not:       '%.120s'\n", i < v->n ? v->lines[i] : "",
		      i < want->n ? want->lines[i] : "");
}

/* ---- what is done ---- */

struct move {
	const char *from, *to;
	unsigned int flags;
	bool from_d, to_d; /* in "d", else in the root */
	int victim;	   /* 1: "empty", 2: the long one */
	bool owner;	   /* of another's */
	bool in_place;	   /* it can be done twice */
};

static const struct move *move_of(const struct faults *z)
{
	return z->op->arg;
}

static const char *named(const char *name)
{
	return strcmp(name, "LONG FILE") == 0  ? LONG_FILE
	       : strcmp(name, "LONG DIR") == 0 ? LONG_DIR
	       : strcmp(name, "LONG NEW") == 0 ? LONG_NEW
					       : name;
}

static struct dir *from_of(const struct faults *z)
{
	return move_of(z)->from_d ? tree_of(z)->d : tree_of(z)->root;
}

static struct dir *to_of(const struct faults *z)
{
	return move_of(z)->to_d ? tree_of(z)->d : tree_of(z)->root;
}

static struct dirops_owner owner_of(const struct faults *z)
{
	return (struct dirops_owner){ .set = move_of(z)->owner && geteuid() == 0, .uid = 1000, .gid = 1000 };
}

static int run_create(struct faults *z)
{
	struct sealed_name s = seal(to_of(z), named(move_of(z)->to));
	struct dirops_owner owner = owner_of(z);
	_cleanup_fd_ int fd = -1;
	return dirops_create(to_of(z), &s, 04755, &owner, &fd);
}

static int run_mkdir(struct faults *z)
{
	struct sealed_name s = seal(to_of(z), named(move_of(z)->to));
	struct dirops_owner owner = owner_of(z);
	return dirops_mkdir(to_of(z), &s, 0755, &owner);
}

static int run_mknod(struct faults *z)
{
	struct sealed_name s = seal(to_of(z), named(move_of(z)->to));
	struct dirops_owner owner = owner_of(z);
	return dirops_mknod(to_of(z), &s, S_IFIFO | 0600, 0, &owner);
}

static int run_symlink(struct faults *z)
{
	struct sealed_name s = seal(to_of(z), named(move_of(z)->to));
	struct dirops_owner owner = owner_of(z);
	return dirops_symlink(to_of(z), &s, move_of(z)->from ? move_of(z)->from : target, &owner);
}

static int run_link(struct faults *z)
{
	struct sealed_name from = seal(from_of(z), named(move_of(z)->from));
	struct sealed_name to = seal(to_of(z), named(move_of(z)->to));
	_cleanup_fd_ int fd = openat(from_of(z)->fd, from.disk, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : dirops_link(fd, from_of(z), from.disk, to_of(z), &to);
}

static int run_unlink(struct faults *z)
{
	struct sealed_name s = seal(from_of(z), named(move_of(z)->from));
	return dirops_unlink(from_of(z), &s);
}

static struct dir *victim_of(const struct faults *z)
{
	return move_of(z)->victim == 1 ? tree_of(z)->empty : move_of(z)->victim == 2 ? tree_of(z)->long_dir : NULL;
}

static int run_rmdir(struct faults *z)
{
	struct sealed_name s = seal(from_of(z), named(move_of(z)->from));
	return dirops_rmdir(from_of(z), &s, victim_of(z));
}

static int run_rename(struct faults *z)
{
	struct sealed_name from = seal(from_of(z), named(move_of(z)->from));
	struct sealed_name to = seal(to_of(z), named(move_of(z)->to));
	return dirops_rename(from_of(z), &from, to_of(z), &to, victim_of(z), move_of(z)->flags);
}

static int run_setxattr(struct faults *z)
{
	return xattr_set(z->x->st, tree_of(z)->fd, named(move_of(z)->to), "new", 3, 0);
}

static int run_removexattr(struct faults *z)
{
	return xattr_remove(z->x->st, tree_of(z)->fd, "user.old");
}

/* Looking: an error, or the truth. */
static int run_getxattr(struct faults *z)
{
	char value[16];
	ssize_t n = xattr_get(z->x->st, tree_of(z)->fd, "user.old", value, sizeof(value));
	if (n >= 0)
		FAULTS_CHECK(n == 5 && memcmp(value, "value", 5) == 0);
	return n < 0 ? (int)n : 0;
}

static int run_listxattr(struct faults *z)
{
	char list[512];
	ssize_t n = xattr_list(z->x->st, tree_of(z)->fd, true, list, sizeof(list));
	if (n >= 0)
		FAULTS_EQUAL(n, sizeof("user.old") + sizeof(LONG_XATTR));
	return n < 0 ? (int)n : 0;
}

static int run_list(struct faults *z)
{
	struct dirlist_entry e;
	struct dirlist *l _cleanup_dirlist_ = NULL;
	size_t n = 0;
	int r = dirlist_open(tree_of(z)->root, &l);
	while (r == 0 && (r = dirlist_next(l, &e)) > 0) {
		n += e.disk[0] != '\0';
		r = 0;
	}
	if (r == 0)
		FAULTS_EQUAL(n, 9);
	return r;
}

static int run_open(struct faults *z)
{
	struct dir *d _cleanup_dir_ = NULL;
	int r = dir_open(tree_of(z)->root, seal(tree_of(z)->root, named(move_of(z)->from)).disk, &d);
	if (r == 0)
		FAULTS_CHECK(memcmp(d->id, (move_of(z)->victim ? tree_of(z)->long_dir : tree_of(z)->d)->id,
				    sizeof(d->id)) == 0);
	return r;
}

static int run_readlink(struct faults *z)
{
	char got[NAME_LINK_TARGET_MAX + 1];
	ssize_t n = symlink_read(tree_of(z)->root, seal(tree_of(z)->root, "L").disk, got);
	if (n >= 0)
		FAULTS_EQUAL(n, TARGET_MAX);
	return n < 0 ? (int)n : 0;
}

static int run_mend(struct faults *z)
{
	struct sealed_name s = seal(tree_of(z)->root, LONG_FILE);
	dirops_side_mend(tree_of(z)->root, &s);
	return 0;
}

/* The status of a file whose size hint says nothing. */
static int run_stat(struct faults *z)
{
	struct stat sb;
	const char *disk = seal(tree_of(z)->root, "a").disk;
	int r = dir_stat(tree_of(z)->root, disk, &sb);
	if (r == 0)
		r = attr_plain(tree_of(z)->root, disk, &sb);
	if (r == 0)
		FAULTS_EQUAL(sb.st_size, 5);
	return r;
}

static void begin_stat(struct faults *z)
{
	tree_begin(z);
	struct tree *t = tree_of(z);
	struct file *f _cleanup_file_ = file_new(z->x->st, false);
	int fd = openat(t->root->fd, seal(t->root, "a").disk, O_RDWR | O_CLOEXEC);
	assert_int_equal(file_attach(f, fd, true), 0);
	assert_int_equal(file_write(f, "bytes", 5, 0), 0);
	scratch_drop();
}

/* One with a name that is stored as a hash. */
static void begin_xattrs(struct faults *z)
{
	tree_begin(z);
	assert_int_equal(xattr_set(z->x->st, tree_of(z)->fd, LONG_XATTR, "value", 5, 0), 0);
	scratch_drop();
}

/* ---- a run ---- */

static struct view before, after, now;
static bool looks; /* the operation changes nothing */

static void tree_judge(struct faults *z)
{
	if (z->fault.kind < 0) {
		FAULTS_EQUAL(z->result, 0);
		view_anew(z, &after);
		if (!looks)
			FAULTS_CHECK(!view_same(&before, &after));
		return;
	}
	if (fault_is_harmless(&z->fault))
		FAULTS_EQUAL(z->result, 0);
	if (z->result < 0)
		FAULTS_EQUAL(-z->result, fault_errno(&z->fault));
	const struct view *want = z->result == 0 ? &after : &before;
	view_anew(z, &now);
	view_check(&now, want);
	/* What was made for nothing is taken away again, if only one thing failed. */
	if (!z->fault.rest && z->fault.kind != INJECT_UNLINK)
		FAULTS_EQUAL(now.raw, want->raw);
	if (z->result == 0 && !move_of(z)->in_place && !looks)
		return;
	FAULTS_EQUAL(z->op->run(z), 0);
	view_anew(z, &now);
	view_check(&now, &after);
}

static int run_nothing(struct faults *z)
{
	(void)z;
	return 0;
}

static void judge_nothing(struct faults *z)
{
	view_anew(z, &before);
}

static void faults_of(const char *name, int (*run)(struct faults *z), const struct move *m)
{
	struct faults_op op = { .name = name, .begin = tree_begin, .run = run_nothing, .judge = judge_nothing,
				.end = tree_end, .arg = m };
	if (run == run_stat)
		op.begin = begin_stat;
	else if (run == run_listxattr)
		op.begin = begin_xattrs;
	faults_once(&op, &(struct fault){ .kind = -1 });
	op.run = run;
	op.judge = tree_judge;
	faults_all(&op);
}

struct named_move {
	const char *name;
	int (*run)(struct faults *z);
	struct move m;
};

static void faults_of_all(const struct named_move *moves, size_t n)
{
	memset(target, 't', TARGET_MAX);
	for (size_t i = 0; i < n; i++)
		faults_of(moves[i].name, moves[i].run, &moves[i].m);
	faults_end();
}

static void test_making(void **state)
{
	static const struct named_move moves[] = {
		{ "create", run_create, { .to = "new" } },
		{ "create another's", run_create, { .to = "new", .owner = true } },
		{ "create long", run_create, { .to = "LONG NEW", .owner = true } },
		{ "mkdir", run_mkdir, { .to = "new" } },
		{ "mkdir another's", run_mkdir, { .to = "new", .owner = true } },
		{ "mkdir long", run_mkdir, { .to = "LONG NEW" } },
		{ "mknod", run_mknod, { .to = "new", .owner = true } },
		{ "mknod long", run_mknod, { .to = "LONG NEW" } },
		{ "symlink", run_symlink, { .from = "somewhere", .to = "new", .owner = true } },
		{ "symlink far", run_symlink, { .to = "new" } },
		{ "symlink far, long", run_symlink, { .to = "LONG NEW", .owner = true } },
		{ "link", run_link, { .from = "a", .to = "new" } },
		{ "link long", run_link, { .from = "LONG FILE", .to = "LONG NEW" } },
		{ "link of a far link", run_link, { .from = "L", .to = "new", .to_d = true } },
		{ "link of a far link, long", run_link, { .from = "L", .to = "LONG NEW", .to_d = true } },
	};
	(void)state;
	looks = false;
	faults_of_all(moves, N_OF(moves));
}

static void test_removing(void **state)
{
	static const struct named_move moves[] = {
		{ "unlink", run_unlink, { .from = "a" } },
		{ "unlink one of two", run_unlink, { .from = "b" } },
		{ "unlink long", run_unlink, { .from = "LONG FILE" } },
		{ "unlink a far link", run_unlink, { .from = "L" } },
		{ "rmdir", run_rmdir, { .from = "empty", .victim = 1 } },
		{ "rmdir long", run_rmdir, { .from = "LONG DIR", .victim = 2 } },
	};
	(void)state;
	looks = false;
	faults_of_all(moves, N_OF(moves));
}

static void test_moving(void **state)
{
	static const struct named_move moves[] = {
		{ "rename", run_rename, { .from = "a", .to = "new" } },
		{ "rename, not replacing", run_rename, { .from = "a", .to = "new", .flags = RENAME_NOREPLACE } },
		{ "rename to long", run_rename, { .from = "a", .to = "LONG NEW" } },
		{ "rename from long", run_rename, { .from = "LONG FILE", .to = "new" } },
		{ "rename long to long", run_rename, { .from = "LONG FILE", .to = "LONG NEW" } },
		{ "rename over a file", run_rename, { .from = "a", .to = "b" } },
		{ "rename over a long one", run_rename, { .from = "a", .to = "LONG FILE" } },
		{ "rename over a far link", run_rename, { .from = "a", .to = "L" } },
		{ "rename over a directory", run_rename, { .from = "d", .to = "empty", .victim = 1 } },
		{ "rename over a long directory", run_rename, { .from = "d", .to = "LONG DIR", .victim = 2 } },
		{ "rename into a directory", run_rename, { .from = "a", .to = "new", .to_d = true } },
		{ "rename a directory into another", run_rename,
		  { .from = "LONG DIR", .to = "LONG NEW", .to_d = true } },
		{ "rename a far link into a directory", run_rename, { .from = "L", .to = "new", .to_d = true } },
		{ "rename out of a directory, over", run_rename, { .from = "e", .to = "LONG FILE", .from_d = true } },
		{ "exchange", run_rename, { .from = "a", .to = "d", .flags = RENAME_EXCHANGE } },
		{ "exchange long", run_rename, { .from = "a", .to = "LONG FILE", .flags = RENAME_EXCHANGE } },
		{ "exchange a far link with what is in a directory", run_rename,
		  { .from = "L", .to = "e", .to_d = true, .flags = RENAME_EXCHANGE } },
	};
	(void)state;
	looks = false;
	faults_of_all(moves, N_OF(moves));
}

static void test_xattrs(void **state)
{
	static const struct named_move moves[] = {
		{ "setxattr", run_setxattr, { .to = "user.new", .in_place = true } },
		{ "setxattr over", run_setxattr, { .to = "user.old", .in_place = true } },
		{ "setxattr long", run_setxattr, { .to = LONG_XATTR, .in_place = true } },
		{ "removexattr", run_removexattr, { .to = NULL } },
	};
	static const struct named_move views[] = {
		{ "getxattr", run_getxattr, { .to = NULL } },
		{ "listxattr", run_listxattr, { .to = NULL } },
	};
	struct fixture *x = NULL;
	void *own = NULL;
	(void)state;
	assert_int_equal(fixture_setup(&own), 0);
	x = own;
	bool have = fsetxattr(x->dir->fd, "user.test", "x", 1, 0) == 0;
	assert_int_equal(fixture_teardown(&own), 0);
	SKIP_IF(!have, "no extended attributes here");
	looks = false;
	faults_of_all(moves, N_OF(moves));
	looks = true;
	faults_of_all(views, N_OF(views));
}

static void test_looking(void **state)
{
	static const struct named_move moves[] = {
		{ "list", run_list, { .to = NULL } },
		{ "open a directory", run_open, { .from = "d" } },
		{ "open a long directory", run_open, { .from = "LONG DIR", .victim = 2 } },
		{ "readlink", run_readlink, { .to = NULL } },
		{ "stat", run_stat, { .to = NULL } },
		{ "mend a side file", run_mend, { .to = NULL } },
	};
	(void)state;
	looks = true;
	faults_of_all(moves, N_OF(moves));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_making),
		cmocka_unit_test(test_removing),
		cmocka_unit_test(test_moving),
		cmocka_unit_test(test_xattrs),
		cmocka_unit_test(test_looking),
	};
	return RUN_TAP(tests, faults_group_setup, faults_group_teardown);
}
