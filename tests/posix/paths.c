/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Long paths, deep trees, "..", working directories. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "posix.h"

/* A path of so many bytes, of directories that are there: "d/../d/../" and so on, and at last a name. */
static const char *long_path(size_t n, const char *last)
{
	static char path[PATH_MAX + 100];
	size_t len = strlen(last), at = 0;
	for (; at + 5 + len <= n; at += 5)
		memcpy(path + at, "d/../", 5);
	while (at + len < n)
		path[at++] = '/';
	memcpy(path + at, last, len + 1);
	return path;
}

static void path_max(void)
{
	MUST(mkdir("d", 0755));
	make_file("f", "content");
	content("4095 bytes", long_path(PATH_MAX - 1, "f"));
	content("4096 bytes", long_path(PATH_MAX, "f"));
	RESULT(mkdir(long_path(PATH_MAX - 1, "new"), 0755));
	RESULT(mkdir(long_path(PATH_MAX, "newer"), 0755));
	RESULT(rename(long_path(PATH_MAX - 1, "new"), "moved"));
	say("moved", "%s", kind_of("moved"));
}

#define DEPTH 300

/* Deeper than any path can say; each step by the descriptor of the one above. */
static void deep(void)
{
	char name[201], cwd[PATH_MAX];
	memset(name, 'n', 200);
	name[200] = '\0';
	int top = (int)MUST(open(".", O_RDONLY)), at = top;
	for (int i = 0; i < DEPTH; i++) {
		MUST(mkdirat(at, name, 0755));
		int next = (int)MUST(openat(at, name, O_RDONLY | O_DIRECTORY));
		if (at != top)
			close(at);
		at = next;
	}
	int fd = OPENED(openat(at, "file", O_CREAT | O_RDWR, 0644));
	RESULT(write(fd, "deep", 4));
	MUST(fchdir(at));
	RESULT(syscall(SYS_getcwd, cwd, sizeof(cwd)));
	content("file", "file");
	int ups = 0;
	while (ups < DEPTH && chdir("..") == 0)
		ups++;
	say("up again", "%d, there is %s", ups, kind_of(name));
	/* From above to below by renaming: its parents come along. */
	RESULT(rename(name, "moved"));
	look_fd("file", fd);
	RESULT(pwrite(fd, "DEEP", 4, 0));
	RESULT(unlinkat(at, "file", 0));
	int removed = 0;
	MUST(fchdir(at));
	for (int i = 0; i < DEPTH; i++) {
		if (chdir("..") != 0)
			break;
		removed += rmdir(i < DEPTH - 1 ? name : "moved") == 0;
	}
	say("removed", "%d", removed);
}

static void parents(void)
{
	struct stat a, b;
	MUST(mkdir("a", 0755));
	MUST(mkdir("b", 0755));
	MUST(mkdir("a/sub", 0755));
	make_file("a/mark", "a");
	make_file("b/mark", "b");
	MUST(chdir("a/sub"));
	content("../mark", "../mark");
	MUST(rename("../../a/sub", "../../b/sub"));
	content("../mark, moved", "../mark");
	int d = (int)MUST(open(".", O_RDONLY));
	MUST(rename("../../b", "../../c"));
	content("../mark, parent renamed", "../mark");
	MUST(fstatat(d, "..", &a, 0));
	MUST(stat("../../c", &b));
	say("parent", "%s", a.st_ino == b.st_ino ? "c" : "another");
	RESULT(rename("../../c", "../../a/c"));
	content("../../mark", "../../mark");
	RESULT(access("../../../a/c/sub", F_OK));
}

static const char *last_of(char *path)
{
	return path ? strrchr(path, '/') + 1 : error_name(errno);
}

static void working_directory(void)
{
	char cwd[PATH_MAX];
	MUST(mkdir("a", 0755));
	MUST(mkdir("a/b", 0755));
	MUST(chdir("a/b"));
	say("at first", "%s", last_of(getcwd(cwd, sizeof(cwd))));
	MUST(rename("../b", "../c"));
	say("renamed", "%s", last_of(getcwd(cwd, sizeof(cwd))));
	RESULT(syscall(SYS_getcwd, cwd, 3));
	MUST(rmdir("../c"));
	RESULT(syscall(SYS_getcwd, cwd, sizeof(cwd)));
	OPENED(open("new", O_CREAT | O_RDWR, 0644));
	OPENED(open(".", O_RDONLY));
	RESULT(mkdir("new", 0755));
	RESULT(access(".", F_OK));
	RESULT(access("..", F_OK));
	look("the removed one", ".");
	RESULT(rmdir("."));
	RESULT(chdir("."));
	RESULT(chdir(".."));
	say("above", "%s", last_of(getcwd(cwd, sizeof(cwd))));
}

static void odd_paths(void)
{
	make_file("f", "content");
	MUST(mkdir("d", 0755));
	content("dots", "./d/.././//f");
	content("a missing one", "missing/../f");
	content("a file as directory", "f/../f");
	RESULT(access("f/.", F_OK));
	RESULT(access("f/", F_OK));
	RESULT(access("d/", F_OK));
	RESULT(access("d//.", F_OK));
	RESULT(access("", F_OK));
	RESULT(mkdir("new/", 0755));
	RESULT(mkdir("new2/.", 0755));
	RESULT(rmdir("new/"));
	RESULT(rmdir("d/."));
	RESULT(rmdir("d/.."));
	RESULT(rmdir("d/../d"));
	RESULT(mkdir(".", 0755));
	RESULT(mkdir("..", 0755));
	RESULT(unlink("."));
	RESULT(unlink("f/"));
	RESULT(symlink("x", "link/"));
	RESULT(link("f", "g/"));
	RESULT(mkfifo("fifo/", 0644));
	OPENED(open("file/", O_CREAT | O_RDWR, 0644));
	OPENED(open("f/", O_RDONLY));
}

const struct posix_case paths_cases[] = {
	{ .name = "path-max", .run = path_max },
	{ .name = "deep", .run = deep },
	{ .name = "parents", .run = parents },
	{ .name = "working-directory", .run = working_directory },
	{ .name = "odd-paths", .run = odd_paths },
	{ .name = NULL },
};
