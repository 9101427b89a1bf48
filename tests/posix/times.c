/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which times of a file, and of its directory, each operation changes. */
#include <dirent.h>
#include <errno.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>

#include "posix.h"

/* What is watched: a file f (kept open as fd) and its directory d. */
static struct watch {
	const char *path;
	struct stat before;
} watched[] = { { .path = "d/f" }, { .path = "d" }, { .path = "e" } };
static int fd;

static bool same(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static void say_changes(const char *label, const struct watch *w, const struct stat *now)
{
	say(label_of("%s, %s", label, w->path), "%s%s", same(w->before.st_mtim, now->st_mtim) ? "" : "mtime ",
	    same(w->before.st_ctim, now->st_ctim) ? "" : "ctime");
	say(label_of("%s, %s atime", label, w->path), "%s", same(w->before.st_atim, now->st_atim) ? "kept" : "changed");
}

/* Old times, but ctime, which only passes. */
static void set_old(const char *path)
{
	struct timespec old[2] = { { .tv_sec = 1000000000, .tv_nsec = 111111111 },
				   { .tv_sec = 1100000000, .tv_nsec = 222222222 } };
	MUST(utimensat(AT_FDCWD, path, old, AT_SYMLINK_NOFOLLOW));
}

static void begin(void)
{
	MUST(mkdir("d", 0755));
	MUST(mkdir("e", 0755));
	make_data("d/f", 10000, 1);
	MUST(link("d/f", "alias"));
	fd = (int)MUST(open("alias", O_RDWR));
	for (size_t i = 0; i < 3; i++) {
		set_old(watched[i].path);
		MUST(lstat(watched[i].path, &watched[i].before));
	}
	wait_tick();
}

static void end(const char *label)
{
	struct stat now;
	for (size_t i = 0; i < 3; i++) {
		if (i == 0 ? fstat(fd, &now) == 0 : lstat(watched[i].path, &now) == 0)
			say_changes(label, &watched[i], &now);
	}
	close(fd);
	MUST(chdir(".."));
}

/* One operation, in a directory of its own. */
#define AFTER(what)                                                                                                    \
	do {                                                                                                           \
		static unsigned int n;                                                                                 \
		const char *place = label_of("%d-%u", __LINE__, n++);                                                  \
		MUST(mkdir(place, 0755));                                                                              \
		MUST(chdir(place));                                                                                    \
		begin();                                                                                               \
		long result = (long)(what);                                                                            \
		if (result < 0)                                                                                        \
			say_result(#what, result);                                                                     \
		end(#what);                                                                                            \
	} while (0)

static char buf[10000];

static long mapped_write(void)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	p[10] = 'x';
	return msync(p, 4096, MS_SYNC) | munmap(p, 4096);
}

static void reading(void)
{
	AFTER(read(fd, buf, 100));
	AFTER(read(fd, buf, 0));
	AFTER(pread(fd, buf, 100, 20000));
	AFTER(lseek(fd, 0, SEEK_END));
	AFTER(lseek(fd, 0, SEEK_DATA));
	AFTER(fsync(fd));
	AFTER(close(open("d/f", O_RDWR)));
	AFTER(access("d/f", R_OK));
	AFTER(getxattr("d/f", "user.x", buf, 10) < 0 ? 0 : 0);
}

static void writing(void)
{
	AFTER(write(fd, buf, 100));
	AFTER(pwrite(fd, buf, 100, 50000));
	AFTER(write(fd, buf, 0));
	AFTER(mapped_write());
	AFTER(ftruncate(fd, 5000));
	AFTER(ftruncate(fd, 10000));
	AFTER(ftruncate(fd, 20000));
	AFTER(ftruncate(fd, 0));
	AFTER(truncate("d/f", 5000));
	AFTER(truncate("d/f", 10000));
	AFTER(close(open("d/f", O_WRONLY | O_TRUNC)));
	AFTER(truncate("d/f", 0) | close(open("d/f", O_WRONLY | O_TRUNC)));
	AFTER(fallocate(fd, 0, 0, 5000));
	AFTER(fallocate(fd, 0, 0, 50000));
	AFTER(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 50000));
	AFTER(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 8192));
	AFTER(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 8192));
	AFTER(copy_file_range(fd, &(off_t){ 0 }, fd, &(off_t){ 5000 }, 1000, 0));
}

static void attributes(void)
{
	AFTER(chmod("d/f", 0600));
	AFTER(chmod("d/f", 0644));
	AFTER(chown("d/f", (uid_t)-1, (gid_t)-1));
	AFTER(chown("d/f", getuid(), getgid()));
	AFTER(fchmod(fd, 0600));
	AFTER(setxattr("d/f", "user.x", "x", 1, 0));
	AFTER(setxattr("d/f", "user.x", "x", 1, 0) | removexattr("d/f", "user.x"));
	AFTER(removexattr("d/f", "user.x") < 0 ? 0 : 1);
	AFTER(setxattr("d", "user.x", "x", 1, 0));
	AFTER(utimensat(AT_FDCWD, "d/f", NULL, 0));
	AFTER(chmod("d", 0700));
}

static void names(void)
{
	AFTER(link("d/f", "e/g"));
	AFTER(unlink("d/f"));
	AFTER(rename("d/f", "d/g"));
	AFTER(rename("d/f", "e/f"));
	AFTER(rename("d/f", "d/f"));
	AFTER(mkdir("e/x", 0755) | rename("e/x", "d/x"));
	AFTER(rename("e", "d/e"));
	AFTER(renameat2(AT_FDCWD, "d/f", AT_FDCWD, "e", RENAME_EXCHANGE));
	AFTER(renameat2(AT_FDCWD, "d/f", AT_FDCWD, "d/f", RENAME_EXCHANGE));
	AFTER(close(open("e/new", O_CREAT | O_WRONLY, 0644)));
	AFTER(close(open("d/f", O_CREAT | O_WRONLY, 0644)));
	AFTER(mkdir("e/new", 0755));
	AFTER(mkdir("d/f", 0755) < 0 ? 0 : 1);
	AFTER(mkdir("e/new", 0755) | rmdir("e/new"));
	AFTER(symlink("x", "e/new"));
	AFTER(mkfifo("e/new", 0644));
	AFTER(mknod("e/new", S_IFREG | 0644, 0));
	AFTER(unlink("e/missing") < 0 ? 0 : 1);
}

/* The other one that is concerned: what is replaced, a linked file. */
static void of_the_other(void)
{
	struct stat a, b;
	make_file("old", "old");
	make_file("new", "new");
	int other = (int)MUST(open("new", O_RDWR));
	MUST(fstat(other, &a));
	wait_tick();
	RESULT(rename("old", "new"));
	MUST(fstat(other, &b));
	say("what is replaced", "%s", same(a.st_ctim, b.st_ctim) ? "" : "ctime");
	make_file("x", "x");
	make_file("y", "y");
	MUST(stat("x", &a));
	wait_tick();
	RESULT(renameat2(AT_FDCWD, "x", AT_FDCWD, "y", RENAME_EXCHANGE));
	MUST(stat("y", &b));
	say("what is exchanged, one", "%s", same(a.st_ctim, b.st_ctim) ? "" : "ctime");
	MUST(mkdir("d", 0755));
	int d = (int)MUST(open("d", O_RDONLY));
	MUST(fstat(d, &a));
	wait_tick();
	RESULT(rmdir("d"));
	MUST(fstat(d, &b));
	say("what is removed", "%s%s", same(a.st_ctim, b.st_ctim) ? "" : "ctime ",
	    same(a.st_mtim, b.st_mtim) ? "" : "mtime");
}

static void of_links_and_listings(void)
{
	struct stat a, b;
	MUST(mkdir("d", 0755));
	make_file("d/f", "");
	MUST(symlink("d", "l"));
	set_old("l");
	set_old("d");
	MUST(lstat("l", &a));
	wait_tick();
	MUST(readlink("l", buf, sizeof(buf)));
	MUST(lstat("l", &b));
	say("readlink", "%s%s", same(a.st_mtim, b.st_mtim) ? "" : "mtime ", same(a.st_ctim, b.st_ctim) ? "" : "ctime");
	say("readlink, atime", "%s", same(a.st_atim, b.st_atim) ? "kept" : "changed");
	MUST(stat("d", &a));
	DIR *dir = opendir("d");
	while (readdir(dir))
		;
	closedir(dir);
	MUST(stat("d", &b));
	say("readdir", "%s%s", same(a.st_mtim, b.st_mtim) ? "" : "mtime ", same(a.st_ctim, b.st_ctim) ? "" : "ctime");
	say("readdir, atime", "%s", same(a.st_atim, b.st_atim) ? "kept" : "changed");
}

static bool is_now(struct timespec t)
{
	return llabs((long long)(time(NULL) - t.tv_sec)) < 3600;
}

static void of_new_things(void)
{
	static const char *const paths[] = { "f", "d", "l", "fifo", "." };
	struct stat sb;
	set_old(".");
	make_file("f", "");
	MUST(mkdir("d", 0755));
	MUST(symlink("x", "l"));
	MUST(mkfifo("fifo", 0644));
	for (size_t i = 0; i < 5; i++) {
		MUST(lstat(paths[i], &sb));
		say(paths[i], "now: %d %d %d", is_now(sb.st_atim), is_now(sb.st_mtim), is_now(sb.st_ctim));
	}
}

/* Times that were set stay, though the content is written back later. */
static void set_after_writing(void)
{
	struct stat a, b;
	struct timespec t[2] = { { .tv_sec = 1234567890, .tv_nsec = 123456789 },
				 { .tv_sec = 1300000000, .tv_nsec = 987654321 } };
	int w = (int)MUST(open("f", O_RDWR | O_CREAT, 0644));
	MUST(write(w, buf, 10000));
	MUST(futimens(w, t));
	MUST(fstat(w, &a));
	MUST(fsync(w));
	close(w);
	MUST(stat("f", &b));
	say("set before fsync and close", "%ld.%09ld, %s", (long)b.st_mtim.tv_sec, b.st_mtim.tv_nsec,
	    same(a.st_mtim, b.st_mtim) ? "kept" : "changed");
	w = (int)MUST(open("g", O_RDWR | O_CREAT, 0644));
	MUST(write(w, buf, 10000));
	MUST(utimensat(AT_FDCWD, "g", t, 0));
	close(w);
	w = (int)MUST(open("g", O_RDONLY));
	MUST(fsync(w));
	MUST(stat("g", &b));
	say("set by name", "%ld.%09ld", (long)b.st_mtim.tv_sec, b.st_mtim.tv_nsec);
	make_file("h", "h");
	MUST(utimensat(AT_FDCWD, "h", t, 0));
	MUST(rename("h", "i"));
	MUST(link("i", "j"));
	MUST(chmod("j", 0600));
	MUST(stat("i", &b));
	say("after rename, link, chmod", "%ld.%09ld", (long)b.st_mtim.tv_sec, b.st_mtim.tv_nsec);
}

const struct posix_case times_cases[] = {
	{ .name = "reading", .run = reading },
	{ .name = "writing", .run = writing },
	{ .name = "attributes", .run = attributes },
	{ .name = "names", .run = names },
	{ .name = "of-the-other", .run = of_the_other },
	{ .name = "of-links-and-listings", .run = of_links_and_listings },
	{ .name = "of-new-things", .run = of_new_things },
	{ .name = "set-after-writing", .run = set_after_writing },
	{ .name = NULL },
};
