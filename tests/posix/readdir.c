/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading directories, also while they change. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "posix.h"

#define MANY 600

static void make_many(const char *prefix)
{
	for (int i = 0; i < MANY; i++)
		close((int)MUST(open(label_of("d/%s%d", prefix, i), O_WRONLY | O_CREAT | O_EXCL, 0644)));
}

static int seen[MANY];

/* Which entries "stay*" were given, how often. */
static void note(const char *name)
{
	if (strncmp(name, "stay", 4) == 0)
		seen[atoi(name + 4)]++;
}

static void say_seen(const char *label)
{
	int missing = 0, twice = 0;
	for (int i = 0; i < MANY; i++) {
		missing += seen[i] == 0;
		twice += seen[i] > 1;
	}
	say(label, "%d missing, %d more than once", missing, twice);
	memset(seen, 0, sizeof(seen));
}

/* A small buffer, so that it takes many calls; f is called before each. */
static void read_with(void (*f)(int call))
{
	char buf[300];
	int fd = (int)MUST(open("d", O_RDONLY | O_DIRECTORY));
	for (int call = 0;; call++) {
		f(call);
		long n = MUST(syscall(SYS_getdents64, fd, buf, sizeof(buf)));
		if (n == 0)
			break;
		for (long at = 0; at < n;) {
			const struct dirent64 *e = (const struct dirent64 *)(void *)(buf + at);
			note(e->d_name);
			at += e->d_reclen;
		}
	}
	close(fd);
}

static void nothing(int call)
{
	(void)call;
}

static void remove_some(int call)
{
	for (int i = 0; i < 8; i++)
		(void)unlink(label_of("d/go%d", call * 8 + i));
}

static void add_some(int call)
{
	for (int i = 0; i < 4 && call < 200; i++)
		close((int)MUST(open(label_of("d/new%d-%d", call, i), O_WRONLY | O_CREAT, 0644)));
}

static void rename_some(int call)
{
	(void)rename(label_of("d/go%d", call), label_of("d/gone%d", call));
}

static void replace_some(int call)
{
	make_file("d/new", "");
	(void)rename("d/new", label_of("d/stay%d", call % MANY));
}

static void while_changed(void)
{
	MUST(mkdir("d", 0755));
	make_many("stay");
	read_with(nothing);
	say_seen("quiet");
	make_many("go");
	read_with(remove_some);
	say_seen("while others are removed");
	make_many("gone");
	read_with(add_some);
	say_seen("while others are made");
	read_with(rename_some);
	say_seen("while others are renamed");
	read_with(replace_some);
	say_seen("while some are replaced");
}

/* rm -r as some do it: remove what comes, go on reading. */
static void while_emptied(void)
{
	struct dirent *e;
	int n = 0;
	MUST(mkdir("d", 0755));
	make_many("stay");
	DIR *dir = opendir("d");
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		n += unlinkat(dirfd(dir), e->d_name, 0) == 0;
	}
	closedir(dir);
	say("removed", "%d", n);
	RESULT(rmdir("d"));
}

static void positions(void)
{
	static long places[MANY + 3];
	static char names[MANY + 3][32];
	struct dirent *e;
	int n = 0, wrong = 0;
	MUST(mkdir("d", 0755));
	make_many("stay");
	DIR *dir = opendir("d");
	for (; n < MANY + 3; n++) {
		places[n] = telldir(dir);
		e = readdir(dir);
		if (!e)
			break;
		strcpy(names[n], e->d_name);
	}
	say("entries", "%d", n);
	for (int i = n - 1; i >= 0; i -= 7) {
		seekdir(dir, places[i]);
		wrong += telldir(dir) != places[i];
		e = readdir(dir);
		wrong += !e || strcmp(e->d_name, names[i]) != 0;
	}
	say("wrong after seekdir", "%d", wrong);
	seekdir(dir, places[n]);
	say("at the end", "%s", readdir(dir) ? "an entry" : "none");
	make_file("d/late", "");
	rewinddir(dir);
	int count = 0, late = 0;
	while ((e = readdir(dir))) {
		count++;
		late += strcmp(e->d_name, "late") == 0;
	}
	say("after rewinddir", "%d, new ones %d", count, late);
	closedir(dir);
}

/* Types and inode numbers are those of stat. */
static void types(void)
{
	struct dirent *e;
	struct stat sb;
	int wrong = 0, n = 0;
	MUST(mkdir("d", 0755));
	make_file("d/file", "");
	MUST(mkdir("d/dir", 0755));
	MUST(symlink("x", "d/link"));
	MUST(symlink(letters('t', 4000), "d/long-link"));
	MUST(mkfifo("d/fifo", 0644));
	MUST(mknod("d/sock", S_IFSOCK | 0644, 0));
	make_file(label_of("d/%s", letters('n', 255)), "");
	DIR *dir = opendir("d");
	while ((e = readdir(dir))) {
		MUST(fstatat(dirfd(dir), e->d_name, &sb, AT_SYMLINK_NOFOLLOW));
		wrong += IFTODT(sb.st_mode) != e->d_type;
		wrong += e->d_ino != sb.st_ino;
		n++;
	}
	say("entries", "%d, wrong %d", n, wrong);
	closedir(dir);
}

static void several_streams(void)
{
	struct dirent *e;
	int n[2] = { 0 };
	MUST(mkdir("d", 0755));
	make_many("stay");
	DIR *a = opendir("d"), *b = opendir("d");
	for (int i = 0; i < 100; i++)
		n[0] += readdir(a) != NULL;
	while (readdir(b))
		n[1]++;
	while (readdir(a))
		n[0]++;
	say("entries", "%d and %d", n[0], n[1]);
	int copy = dup(dirfd(a));
	RESULT(lseek(copy, 0, SEEK_SET));
	DIR *c = fdopendir(copy);
	int again = 0;
	while ((e = readdir(c)))
		again++;
	say("by a copy", "%d", again);
}

struct tally {
	int stay, go, come;
};

/* Read on, and count the entries by what they begin with. */
static bool read_on(int fd, size_t size, struct tally *t)
{
	_Alignas(8) char buf[20000];
	long n = MUST(syscall(SYS_getdents64, fd, buf, size));
	for (long at = 0; at < n;) {
		const struct dirent64 *e = (const struct dirent64 *)(void *)(buf + at);
		t->stay += strncmp(e->d_name, "stay", 4) == 0;
		t->go += strncmp(e->d_name, "go", 2) == 0;
		t->come += strncmp(e->d_name, "come", 4) == 0;
		at += e->d_reclen;
	}
	return n > 0;
}

/* One listing begins before a change, one after it, and the first has come to its end before the second has: that one
 * sees nothing of what was before. */
static void overtaken(void)
{
	struct tally early = { 0 }, late = { 0 };
	MUST(mkdir("d", 0755));
	make_many("stay");
	make_many("go");
	int a = (int)MUST(open("d", O_RDONLY | O_DIRECTORY)), b = (int)MUST(open("d", O_RDONLY | O_DIRECTORY));
	(void)read_on(a, 20000, &early);
	for (int i = 0; i < MANY; i++)
		MUST(rename(label_of("d/go%d", i), label_of("d/come%d", i)));
	(void)read_on(b, 300, &late);
	while (read_on(a, 20000, &early))
		;
	while (read_on(b, 300, &late))
		;
	say("stay", "%d and %d", early.stay, late.stay);
	say("go", "%d in the second", late.go);
	say("come", "%d in the second", late.come);
}

static void errors(void)
{
	char buf[300];
	MUST(mkdir("d", 0755));
	make_file("f", "");
	make_file(label_of("d/%s", letters('n', 255)), "");
	int fd = (int)MUST(open("d", O_RDONLY)), f = (int)MUST(open("f", O_RDONLY)), p = (int)MUST(open("d", O_PATH));
	RESULT(syscall(SYS_getdents64, fd, buf, 10));
	RESULT(syscall(SYS_getdents64, f, buf, 300));
	RESULT(syscall(SYS_getdents64, p, buf, 300));
	RESULT(syscall(SYS_getdents64, fd, (void *)1, 300));
	RESULT(lseek(fd, -1, SEEK_SET));
	RESULT(lseek(fd, 0, SEEK_SET));
	say("opendir of a file", "%s", opendir("f") ? "open" : error_name(errno));
	say("opendir of nothing", "%s", opendir("missing") ? "open" : error_name(errno));
}

const struct posix_case readdir_cases[] = {
	{ .name = "while-changed", .run = while_changed },
	{ .name = "while-emptied", .run = while_emptied },
	{ .name = "positions", .run = positions },
	{ .name = "types", .run = types },
	{ .name = "several-streams", .run = several_streams },
	{ .name = "overtaken", .run = overtaken },
	{ .name = "errors", .run = errors },
	{ .name = NULL },
};
