/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hard links: one file behind all its names, at once. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "posix.h"

static void one_file(void)
{
	struct stat a, b;
	make_file("a", "content");
	MUST(mkdir("d", 0755));
	RESULT(link("a", "b"));
	RESULT(link("b", label_of("d/%s", letters('c', 255))));
	look("a", "a");
	look("b", "b");
	int fa = (int)MUST(open("a", O_RDWR)), fb = (int)MUST(open("b", O_RDWR));
	RESULT(pwrite(fa, "written by a", 12, 5000));
	look("b, written by a", "b");
	content_fd("by b", fb);
	RESULT(ftruncate(fb, 3));
	look("a, cut by b", "a");
	content_fd("by a", fa);
	RESULT(fchmod(fb, 0600));
	MUST(stat("a", &a));
	MUST(stat("b", &b));
	say("the same", "%d", a.st_ino == b.st_ino && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec &&
				      a.st_ctim.tv_nsec == b.st_ctim.tv_nsec && a.st_blocks == b.st_blocks);
	RESULT(truncate("a", 9000));
	look("b, grown by name a", "b");
	RESULT(unlink("a"));
	look("b", "b");
	look_fd("a's descriptor", fa);
	RESULT(rename("b", label_of("d/%s", letters('c', 255))));
	look("b, after a rename onto itself", "b");
	RESULT(unlink(label_of("d/%s", letters('c', 255))));
	look("b, the last", "b");
	content("b", "b");
}

static void link_unlink_link(void)
{
	make_file("a", "content");
	for (int i = 0; i < 10; i++) {
		MUST(link("a", "b"));
		MUST(unlink("a"));
		look(label_of("turn %d", i), "b");
		MUST(rename("b", "a"));
	}
	int fd = (int)MUST(open("a", O_WRONLY | O_APPEND));
	MUST(link("a", "b"));
	MUST(write(fd, "appended", 8));
	content("b", "b");
}

static void errors(void)
{
	make_file("f", "f");
	make_file("g", "g");
	MUST(mkdir("d", 0755));
	MUST(symlink("f", "l"));
	MUST(symlink("missing", "dangling"));
	RESULT(link("f", "g"));
	RESULT(link("f", "f"));
	RESULT(link("f", "d"));
	RESULT(link("f", "dangling"));
	RESULT(link("d", "d2"));
	RESULT(link(".", "d2"));
	RESULT(link("missing", "x"));
	RESULT(link("f", "missing/x"));
	RESULT(link("f/x", "x"));
	RESULT(link("f", "g/x"));
	RESULT(link("f", "/proc/x"));
	RESULT(link("/proc/version", "x"));
	RESULT(linkat(AT_FDCWD, "f", AT_FDCWD, "x", 0x8000));
	RESULT(linkat(99, "f", AT_FDCWD, "x", 0));
	look("f", "f");
}

static void of_links(void)
{
	char buf[16] = "";
	make_file("f", "f");
	MUST(symlink("f", "l"));
	MUST(symlink("missing", "dangling"));
	MUST(symlink(letters('t', 4095), "long"));
	MUST(mkdir("d", 0755));
	RESULT(link("l", "l2"));
	look("l2", "l2");
	RESULT(readlink("l2", buf, 16));
	RESULT(linkat(AT_FDCWD, "l", AT_FDCWD, "f2", AT_SYMLINK_FOLLOW));
	look("f2", "f2");
	RESULT(link("dangling", "dangling2"));
	RESULT(linkat(AT_FDCWD, "dangling", AT_FDCWD, "x", AT_SYMLINK_FOLLOW));
	RESULT(link("long", "d/long2"));
	MUST(unlink("long"));
	static char target[5000];
	RESULT(readlink("d/long2", target, sizeof(target)));
	RESULT(unlink("l"));
	RESULT(readlink("l2", buf, 16));
	MUST(mkfifo("fifo", 0644));
	RESULT(link("fifo", "fifo2"));
	look("fifo2", "fifo2");
}

static void by_descriptor(void)
{
	make_file("f", "f");
	int fd = (int)MUST(open("f", O_RDWR));
	RESULT(linkat(AT_FDCWD, label_of("/proc/self/fd/%d", fd), AT_FDCWD, "g", AT_SYMLINK_FOLLOW));
	look("g", "g");
	RESULT(linkat(fd, "", AT_FDCWD, "h", AT_EMPTY_PATH));
	MUST(unlink("f"));
	RESULT(linkat(AT_FDCWD, label_of("/proc/self/fd/%d", fd), AT_FDCWD, "i", AT_SYMLINK_FOLLOW));
	MUST(unlink("g"));
	(void)unlink("h");
	(void)unlink("i");
	RESULT(linkat(AT_FDCWD, label_of("/proc/self/fd/%d", fd), AT_FDCWD, "j", AT_SYMLINK_FOLLOW));
	look_fd("f", fd);
}

static void many(void)
{
	make_file("f", "content");
	MUST(mkdir("d", 0755));
	for (int i = 0; i < 300; i++)
		MUST(link("f", label_of("d/%s%d", i % 2 ? letters('n', 200) : "short", i)));
	look("f", "f");
	for (int i = 0; i < 300; i += 3)
		MUST(unlink(label_of("d/%s%d", i % 2 ? letters('n', 200) : "short", i)));
	look("f, less", "f");
	content("one of them", "d/short2");
	MUST(rename("f", "d/short2"));
	look("f, onto itself", "f");
}

/* As many as ext4 has. */
static void limit(void)
{
	int n = 1;
	make_file("f", "content");
	while (n < 70000 && link("f", label_of("l%d", n)) == 0)
		n++;
	say("links", "%d, then %s", n, error_name(errno));
	look("f", "f");
	for (int i = 1; i < n; i++)
		(void)unlink(label_of("l%d", i));
	look("f, in the end", "f");
}

const struct posix_case link_cases[] = {
	{ .name = "one-file", .run = one_file },
	{ .name = "link-unlink-link", .run = link_unlink_link },
	{ .name = "errors", .run = errors },
	{ .name = "of-links", .run = of_links },
	{ .name = "by-descriptor", .run = by_descriptor },
	{ .name = "many", .run = many },
	{ .name = "limit", .run = limit, .needs = NEEDS_TIME },
	{ .name = NULL },
};
