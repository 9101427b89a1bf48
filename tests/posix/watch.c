/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inotify, file handles, statx. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/statfs.h>

#include "posix.h"

static const struct {
	uint32_t bit;
	const char *name;
} bits[] = {
	{ IN_ACCESS, "ACCESS" },
	{ IN_MODIFY, "MODIFY" },
	{ IN_ATTRIB, "ATTRIB" },
	{ IN_CLOSE_WRITE, "CLOSE_WRITE" },
	{ IN_CLOSE_NOWRITE, "CLOSE_NOWRITE" },
	{ IN_OPEN, "OPEN" },
	{ IN_MOVED_FROM, "MOVED_FROM" },
	{ IN_MOVED_TO, "MOVED_TO" },
	{ IN_CREATE, "CREATE" },
	{ IN_DELETE, "DELETE" },
	{ IN_DELETE_SELF, "DELETE_SELF" },
	{ IN_MOVE_SELF, "MOVE_SELF" },
	{ IN_IGNORED, "IGNORED" },
	{ IN_ISDIR, "ISDIR" },
};

/* What has come since the last time. */
static void events(const char *label, int fd)
{
	_Alignas(struct inotify_event) char buf[8192];
	char text[2000] = "";
	ssize_t n = read(fd, buf, sizeof(buf));
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (const struct inotify_event *)(void *)(buf + at);
		for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
			if (e->mask & bits[i].bit)
				strcat(strcat(text, bits[i].name), " ");
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s; ", e->len ? e->name : "-",
			 e->cookie ? " cookie" : "");
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	say(label, "%s", text);
}

#define SEEN(what)                                                                                                     \
	do {                                                                                                           \
		MUST(what);                                                                                            \
		events(#what, in);                                                                                     \
	} while (0)

static void directory(void)
{
	MUST(mkdir("d", 0755));
	int in = (int)MUST(inotify_init1(IN_NONBLOCK));
	MUST(inotify_add_watch(in, "d", IN_ALL_EVENTS));
	int fd = (int)MUST(open("d/f", O_RDWR | O_CREAT, 0644));
	events("create", in);
	SEEN(write(fd, "x", 1));
	SEEN(pread(fd, (char[1]){ 0 }, 1, 0));
	SEEN(ftruncate(fd, 0));
	SEEN(fchmod(fd, 0600));
	SEEN(futimens(fd, NULL));
	SEEN(fallocate(fd, 0, 0, 100));
	SEEN(close(fd));
	SEEN(truncate("d/f", 5));
	SEEN(mkdir("d/sub", 0755));
	SEEN(symlink("x", "d/l"));
	SEEN(link("d/f", "d/hard"));
	SEEN(rename("d/f", "d/g"));
	SEEN(rename("d/g", "outside"));
	SEEN(rename("outside", "d/hard2"));
	SEEN(rename("d/l", "d/hard2"));
	SEEN(unlink("d/hard"));
	SEEN(rmdir("d/sub"));
	SEEN(unlink("d/hard2"));
	SEEN(rename("d", "e"));
	SEEN(rmdir("e"));
}

static void file(void)
{
	make_file("f", "content");
	make_file("g", "content");
	int in = (int)MUST(inotify_init1(IN_NONBLOCK));
	MUST(inotify_add_watch(in, "f", IN_ALL_EVENTS));
	int fd = (int)MUST(open("f", O_RDWR));
	events("open", in);
	SEEN(link("f", "h"));
	SEEN(rename("f", "i"));
	SEEN(copy_file_range(fd, &(off_t){ 0 }, fd, &(off_t){ 10 }, 5, 0));
	SEEN(rename("g", "i"));
	SEEN(unlink("h"));
	SEEN(write(fd, "x", 1));
	SEEN(close(fd));
}

struct handle {
	struct file_handle h;
	unsigned char data[MAX_HANDLE_SZ];
};

static void handles(void)
{
	struct handle a = { .h.handle_bytes = MAX_HANDLE_SZ };
	int id;
	make_file("f", "content");
	int r = name_to_handle_at(AT_FDCWD, "f", &a.h, &id, 0);
	say_result("name_to_handle_at", r);
	struct handle none = { .h.handle_bytes = 0 };
	RESULT(name_to_handle_at(AT_FDCWD, "missing", &none.h, &id, 0));
}

static void open_handle(void)
{
	struct handle a = { .h.handle_bytes = MAX_HANDLE_SZ };
	int id, here = (int)MUST(open(".", O_RDONLY));
	make_file("f", "content");
	MUST(name_to_handle_at(AT_FDCWD, "f", &a.h, &id, 0));
	int fd = OPENED(open_by_handle_at(here, &a.h, O_RDONLY));
	content_fd("f", fd);
	OPENED(open_by_handle_at(99, &a.h, O_RDONLY));
}

static void statx_fields(void)
{
	struct statx x;
	make_file("f", "content");
	int r = statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x);
	say("basic", "%d, all there %d, size %llu, links %u", r, (x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS,
	    (unsigned long long)x.stx_size, x.stx_nlink);
	RESULT(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC, STATX_SIZE, &x));
	RESULT(statx(AT_FDCWD, "f", AT_STATX_DONT_SYNC, STATX_SIZE, &x));
	RESULT(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_SIZE, &x));
	say("block size", "%u", x.stx_blksize);
	MUST(statx(AT_FDCWD, "f", 0, STATX_BTIME, &x));
	say("time of birth", "%s", x.stx_mask & STATX_BTIME ? "there" : "not there");
}

const struct posix_case watch_cases[] = {
	{ .name = "directory", .run = directory },
	{ .name = "file", .run = file },
	{ .name = "handles", .run = handles },
	{ .name = "open-handle", .run = open_handle, .needs = NEEDS_ROOT },
	{ .name = "statx", .run = statx_fields },
	{ .name = NULL },
};
