/* SPDX-License-Identifier: GPL-3.0-or-later */
/* utimensat(2): what is set, on what, by whom. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "posix.h"

#define OLD_A 1000000000
#define OLD_M 1100000000

/* "old", "now" or the time in full. */
static const char *time_text(struct timespec t, time_t old)
{
	if (t.tv_sec == old && t.tv_nsec == 5)
		return "old";
	if (llabs((long long)(time(NULL) - t.tv_sec)) < 3600)
		return "now";
	return label_of("%ld.%09ld", (long)t.tv_sec, t.tv_nsec);
}

static void say_times(const char *label, const char *path)
{
	struct stat sb;
	MUST(lstat(path, &sb));
	say(label, "%s %s", time_text(sb.st_atim, OLD_A), time_text(sb.st_mtim, OLD_M));
}

static void reset(const char *path)
{
	struct timespec t[2] = { { OLD_A, 5 }, { OLD_M, 5 } };
	MUST(utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW));
}

static const struct {
	const char *name;
	struct timespec t;
} values[] = {
	{ "omit", { 0, UTIME_OMIT } },
	{ "now", { 0, UTIME_NOW } },
	{ "set", { 1234567890, 123456789 } },
	{ "omit with seconds", { 99, UTIME_OMIT } },
	{ "bad", { 5, 1000000000 } },
	{ "negative", { 5, -1 } },
};
#define N_VALUES (sizeof(values) / sizeof(values[0]))

static void combinations(void)
{
	struct stat a, b;
	make_file("f", "content");
	for (size_t i = 0; i < N_VALUES; i++) {
		for (size_t j = 0; j < N_VALUES; j++) {
			const char *label = label_of("%s, %s", values[i].name, values[j].name);
			struct timespec t[2] = { values[i].t, values[j].t };
			reset("f");
			MUST(stat("f", &a));
			if (i == 0 && j == 0)
				wait_tick();
			say_result(label, utimensat(AT_FDCWD, "f", t, 0));
			say_times(label_of("%s, then", label), "f");
			MUST(stat("f", &b));
			if (i == 0 && j == 0)
				say("ctime of nothing", "%s",
				    a.st_ctim.tv_nsec == b.st_ctim.tv_nsec ? "kept" : "changed");
		}
	}
}

/* Times far from now: stored as the disk below can. */
static void far_times(void)
{
	static const time_t seconds[] = { 0, -1, 1, 0x7fffffff, 0x80000000, 4294967295, -0x7fffffff, -0x80000000L,
					  15032385535, 15032385536, -62135596800, 253402300799 };
	make_file("f", "");
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		struct timespec t[2] = { { seconds[i], 999999999 }, { seconds[i], 1 } };
		say_result(label_of("%ld", (long)seconds[i]), utimensat(AT_FDCWD, "f", t, 0));
		say_times(label_of("%ld, then", (long)seconds[i]), "f");
	}
}

static void on_what(void)
{
	struct timespec t[2] = { { 1234567890, 1 }, { 1234567891, 2 } };
	make_file("f", "");
	MUST(mkdir("d", 0755));
	MUST(symlink("f", "l"));
	MUST(symlink("nothing", "dangling"));
	MUST(mkfifo("fifo", 0644));
	reset("f");
	reset("l");
	reset("d");
	reset("fifo");
	RESULT(utimensat(AT_FDCWD, "l", t, AT_SYMLINK_NOFOLLOW));
	say_times("l", "l");
	say_times("f", "f");
	RESULT(utimensat(AT_FDCWD, "l", t, 0));
	say_times("f", "f");
	RESULT(utimensat(AT_FDCWD, "d", t, 0));
	say_times("d", "d");
	RESULT(utimensat(AT_FDCWD, "fifo", t, 0));
	say_times("fifo", "fifo");
	RESULT(utimensat(AT_FDCWD, "dangling", t, 0));
	RESULT(utimensat(AT_FDCWD, "dangling", t, AT_SYMLINK_NOFOLLOW));
	RESULT(utimensat(AT_FDCWD, "missing", t, 0));
	RESULT(utimensat(AT_FDCWD, "f", t, 0x4000));
	int fd = (int)MUST(open("f", O_RDONLY));
	reset("f");
	RESULT(futimens(fd, t));
	say_times("by a descriptor for reading", "f");
	RESULT(syscall(SYS_utimensat, fd, NULL, NULL, 0));
	say_times("now", "f");
	RESULT(futimens(99, t));
	struct timeval v[2] = { { 1234567890, 123456 }, { 1234567891, 999999 } };
	RESULT(utimes("f", v));
	say_times("microseconds", "f");
	RESULT(lutimes("l", v));
	say_times("a link's microseconds", "l");
}

/* ---- whose ---- */

static void try_all(void)
{
	static const char *const files[] = { "mine", "writable", "readable", "nothing" };
	for (size_t k = 0; k < 4; k++) {
		for (size_t i = 0; i < 3; i++) {
			for (size_t j = 0; j < 3; j++) {
				struct timespec t[2] = { values[i].t, values[j].t };
				say_result(label_of("%s: %s, %s", files[k], values[i].name, values[j].name),
					   utimensat(AT_FDCWD, files[k], t, 0));
			}
		}
		say_result(label_of("%s: NULL", files[k]), utimensat(AT_FDCWD, files[k], NULL, 0));
	}
}

static void rights(void)
{
	make_file("mine", "");
	make_file("writable", "");
	make_file("readable", "");
	make_file("nothing", "");
	MUST(chown("mine", SOMEBODY, SOMEBODY));
	MUST(chmod("mine", 0));
	MUST(chmod("writable", 0666));
	MUST(chmod("nothing", 0));
	as_user(SOMEBODY, SOMEBODY, NULL, 0, try_all);
}

/* A writer may give the file the time of now, which the kernel does by itself. */
static void write_others(void)
{
	int fd = OPENED(open("writable", O_WRONLY));
	RESULT(write(fd, "written", 7));
	RESULT(fsync(fd));
	RESULT(close(fd));
	content("writable", "writable");
}

static void writers(void)
{
	struct stat sb;
	make_file("writable", "some content");
	MUST(chmod("writable", 0666));
	reset("writable");
	as_user(SOMEBODY, SOMEBODY, NULL, 0, write_others);
	MUST(stat("writable", &sb));
	say("mtime", "%s", time_text(sb.st_mtim, OLD_M));
}

const struct posix_case utimes_cases[] = {
	{ .name = "combinations", .run = combinations },
	{ .name = "far-times", .run = far_times },
	{ .name = "on-what", .run = on_what },
	{ .name = "rights", .run = rights, .needs = NEEDS_ROOT },
	{ .name = "writers", .run = writers, .needs = NEEDS_ROOT },
	{ .name = NULL },
};
