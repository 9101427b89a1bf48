/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rename(2) with all its flags, over all kinds of things. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "posix.h"

#ifndef RENAME_WHITEOUT
#define RENAME_WHITEOUT 4
#endif

static const char *const kinds[] = { "none", "file", "link", "fifo", "empty", "full" };
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void make_kind(const char *path, const char *what)
{
	if (strcmp(what, "file") == 0)
		make_file(path, path);
	else if (strcmp(what, "link") == 0)
		MUST(symlink("nowhere", path));
	else if (strcmp(what, "fifo") == 0)
		MUST(mkfifo(path, 0644));
	else if (strcmp(what, "empty") == 0)
		MUST(mkdir(path, 0755));
	else if (strcmp(what, "full") == 0)
		make_full_dir(path);
}

static void remove_any(const char *path)
{
	(void)unlink(label_of("%s/inside", path));
	if (unlink(path) != 0)
		(void)rmdir(path);
}

/* How many things a directory lists, and how many of them are there when asked for by name. */
static const char *listed(const char *path)
{
	int n = 0, there = 0;
	struct dirent *e;
	DIR *dir = opendir(path);
	while ((e = readdir(dir))) {
		n++;
		there += faccessat(dirfd(dir), e->d_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	}
	closedir(dir);
	return label_of("%d of %d", there, n);
}

static void over_all(unsigned int flags, const char *new_name)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		for (size_t j = 0; j < N_KINDS; j++) {
			make_kind("old", kinds[i]);
			make_kind(new_name, kinds[j]);
			int r = renameat2(AT_FDCWD, "old", AT_FDCWD, new_name, flags), error = errno;
			say(label_of("%s to %s", kinds[i], kinds[j]), "%s, then %s%s and %s%s, listed %s",
			    r < 0 ? error_name(error) : "0", kind_of("old"),
			    access("old/inside", F_OK) == 0 ? " full" : "", kind_of(new_name),
			    access(label_of("%s/inside", new_name), F_OK) == 0 ? " full" : "",
			    listed(strchr(new_name, '/') ? "dir" : "."));
			remove_any("old");
			remove_any(new_name);
		}
	}
}

static void plain(void)
{
	over_all(0, "new");
}

static void noreplace(void)
{
	over_all(RENAME_NOREPLACE, "new");
}

static void exchange(void)
{
	over_all(RENAME_EXCHANGE, "new");
}

static void whiteout(void)
{
	over_all(RENAME_WHITEOUT, "new");
	over_all(RENAME_WHITEOUT | RENAME_NOREPLACE, "new");
}

/* In another directory, and with names whose ciphertext is too long for a name. */
static void elsewhere(void)
{
	char path[300];
	MUST(mkdir("dir", 0755));
	over_all(0, "dir/new");
	over_all(RENAME_EXCHANGE, "dir/new");
	snprintf(path, sizeof(path), "dir/%s", letters('n', 255));
	over_all(0, path);
	over_all(RENAME_NOREPLACE, path);
	over_all(RENAME_EXCHANGE, path);
	over_all(RENAME_WHITEOUT, path);
}

static void bad_flags(void)
{
	static const unsigned int flags[] = { RENAME_NOREPLACE | RENAME_EXCHANGE, RENAME_EXCHANGE | RENAME_WHITEOUT,
					      8, 0x80000000 };
	make_file("old", "");
	make_file("new", "new");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		say_result(label_of("flags %x", flags[i]), renameat2(AT_FDCWD, "old", AT_FDCWD, "new", flags[i]));
}

/* A whiteout is a character device 0:0. */
static void whiteout_left(void)
{
	make_file("old", "content");
	RESULT(renameat2(AT_FDCWD, "old", AT_FDCWD, "new", RENAME_WHITEOUT));
	look("old", "old");
	content("new", "new");
	RESULT(unlink("old"));
	look("old removed", "old");
	MUST(mkdir("d", 0755));
	make_file(label_of("d/%s", letters('w', 240)), "long");
	RESULT(renameat2(AT_FDCWD, label_of("d/%s", letters('w', 240)), AT_FDCWD, "d/short", RENAME_WHITEOUT));
	look("old long name", label_of("d/%s", letters('w', 240)));
	RESULT(rename("d/short", label_of("d/%s", letters('w', 240))));
	content("over the whiteout", label_of("d/%s", letters('w', 240)));
	RESULT(unlink(label_of("d/%s", letters('w', 240))));
	RESULT(rmdir("d"));
}

static void to_itself(void)
{
	make_file("f", "content");
	make_full_dir("d");
	RESULT(rename("f", "f"));
	RESULT(renameat2(AT_FDCWD, "f", AT_FDCWD, "f", RENAME_NOREPLACE));
	RESULT(renameat2(AT_FDCWD, "f", AT_FDCWD, "f", RENAME_EXCHANGE));
	RESULT(rename("d", "d"));
	RESULT(rename("d", "./d"));
	RESULT(renameat2(AT_FDCWD, "d", AT_FDCWD, "d", RENAME_EXCHANGE));
	content("f", "f");
	look("d", "d");
}

static void hard_links(void)
{
	make_file("a", "content");
	MUST(link("a", "b"));
	MUST(mkdir("d", 0755));
	MUST(link("a", "d/c"));
	RESULT(rename("a", "b"));
	RESULT(rename("a", "d/c"));
	RESULT(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
	RESULT(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE));
	RESULT(renameat2(AT_FDCWD, "a", AT_FDCWD, "d/c", RENAME_EXCHANGE));
	RESULT(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_WHITEOUT));
	look("a", "a");
	look("b", "b");
	look("d/c", "d/c");
	MUST(unlink("d/c"));
	make_file("x", "x");
	RESULT(rename("x", "b"));
	look("a, b replaced", "a");
	look("b, replaced", "b");
}

static void own_subdirectory(void)
{
	MUST(mkdir("a", 0755));
	MUST(mkdir("a/b", 0755));
	MUST(mkdir("a/b/c", 0755));
	MUST(mkdir("x", 0755));
	RESULT(rename("a", "a/b/new"));
	RESULT(rename("a", "a/b"));
	RESULT(rename("a", "a/b/c"));
	RESULT(rename("a/b/c", "a/b"));
	RESULT(rename("a/b/c", "a"));
	RESULT(renameat2(AT_FDCWD, "a", AT_FDCWD, "a/b/c", RENAME_EXCHANGE));
	RESULT(renameat2(AT_FDCWD, "a/b/c", AT_FDCWD, "a", RENAME_EXCHANGE));
	RESULT(renameat2(AT_FDCWD, "a/b", AT_FDCWD, "x", RENAME_EXCHANGE));
	say("where c is", "%s and %s", kind_of("a/b/c"), kind_of("x/c"));
}

static void dots_and_slashes(void)
{
	MUST(mkdir("d", 0755));
	make_file("f", "");
	MUST(symlink("d", "l"));
	RESULT(rename(".", "x"));
	RESULT(rename("d", "."));
	RESULT(rename("d", ".."));
	RESULT(rename("d/.", "x"));
	RESULT(rename("d/..", "x"));
	RESULT(rename("f/", "x"));
	RESULT(rename("f", "x/"));
	RESULT(rename("f", "d/"));
	RESULT(rename("l/", "x"));
	RESULT(rename("l", "x"));
	RESULT(rename("d/", "y"));
	RESULT(rename("y", "z/"));
	RESULT(rename("", "x"));
	RESULT(rename("f", ""));
	RESULT(rename("f", "/proc/self/x"));
	RESULT(rename("/proc/version", "x"));
}

/* Counts of links, and what ".." is. */
static void between_directories(void)
{
	struct stat a, b;
	MUST(mkdir("from", 0755));
	MUST(mkdir("to", 0755));
	make_full_dir("from/d");
	RESULT(rename("from/d", "to/d"));
	look("from", "from");
	look("to", "to");
	look("to/d/inside", "to/d/inside");
	MUST(stat("to/d/..", &a));
	MUST(stat("to", &b));
	say("its parent is", "%s", a.st_ino == b.st_ino ? "to" : "another");
	make_file("from/f", "");
	RESULT(renameat2(AT_FDCWD, "from/f", AT_FDCWD, "to/d", RENAME_EXCHANGE));
	look("from after the exchange", "from");
	look("to after the exchange", "to");
	MUST(stat("from/f/..", &a));
	MUST(stat("from", &b));
	say("its parent is now", "%s", a.st_ino == b.st_ino ? "from" : "another");
}

/* All at once: who has it open sees what he opened. */
static void while_open(void)
{
	make_file("a", "content of a");
	make_file("b", "b");
	int a = (int)MUST(open("a", O_RDWR));
	int b = (int)MUST(open("b", O_RDWR));
	RESULT(rename("a", "b"));
	look_fd("a", a);
	look_fd("b", b);
	RESULT(pwrite(b, "written when replaced", 21, 0));
	content_fd("b's descriptor", b);
	content("b's name", "b");
	RESULT(pwrite(a, "CONTENT", 7, 0));
	content("b's name, a written", "b");
	int d = (int)MUST(open(".", O_RDONLY | O_DIRECTORY));
	RESULT(renameat(d, "b", d, "c"));
	content_fd("a, renamed again", a);
	make_file("e", "e");
	RESULT(renameat2(d, "c", d, "e", RENAME_EXCHANGE));
	content("c", "c");
	content("e", "e");
	content_fd("a, exchanged", a);
}

/* A directory that is somebody's working directory or open goes on when moved, and is empty when replaced. */
static void directory_in_use(void)
{
	char cwd[4096];
	make_full_dir("d");
	MUST(mkdir("e", 0755));
	int d = (int)MUST(open("d", O_RDONLY | O_DIRECTORY));
	int e = (int)MUST(open("e", O_RDONLY | O_DIRECTORY));
	MUST(chdir("d"));
	RESULT(rename("../d", "../e"));
	say("working directory", "%s", getcwd(cwd, sizeof(cwd)) ? strrchr(cwd, '/') : error_name(errno));
	RESULT(faccessat(d, "inside", F_OK, 0));
	look_fd("the replaced one", e);
	RESULT(faccessat(e, "inside", F_OK, 0));
	OPENED(openat(e, "new", O_CREAT | O_RDWR, 0644));
	OPENED(openat(d, "new", O_CREAT | O_RDWR, 0644));
	look("the new file", "../e/new");
}

/* Name after name, with all lengths: each time what was behind the new name is gone. */
static void all_lengths(void)
{
	char name[300], last[300] = "start";
	unsigned int bad = 0;
	make_file(last, "the same");
	for (size_t n = 1; n <= 255; n++) {
		snprintf(name, sizeof(name), "%s", letters((char)('a' + n % 26), n));
		make_file(name, "replaced");
		bad += rename(last, name) != 0;
		bad += access(last, F_OK) == 0;
		strcpy(last, name);
	}
	say("that went wrong", "%u", bad);
	content("the last", last);
}

const struct posix_case rename_cases[] = {
	{ .name = "plain", .run = plain },
	{ .name = "noreplace", .run = noreplace },
	{ .name = "exchange", .run = exchange },
	{ .name = "whiteout", .run = whiteout },
	{ .name = "whiteout-left", .run = whiteout_left },
	{ .name = "elsewhere", .run = elsewhere },
	{ .name = "bad-flags", .run = bad_flags },
	{ .name = "to-itself", .run = to_itself },
	{ .name = "hard-links", .run = hard_links },
	{ .name = "own-subdirectory", .run = own_subdirectory },
	{ .name = "dots-and-slashes", .run = dots_and_slashes },
	{ .name = "between-directories", .run = between_directories },
	{ .name = "while-open", .run = while_open },
	{ .name = "directory-in-use", .run = directory_in_use },
	{ .name = "all-lengths", .run = all_lengths },
	{ .name = NULL },
};
