/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Flags of files, as lsattr and chattr have them. */
#include <errno.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "posix.h"

#ifndef SYS_file_getattr
#define SYS_file_getattr 468
#endif

static void get_of(const char *what, int fd)
{
	int flags, version;
	struct fsxattr x;
	say_result(label_of("flags of %s", what), ioctl(fd, FS_IOC_GETFLAGS, &flags));
	say_result(label_of("extended flags of %s", what), ioctl(fd, FS_IOC_FSGETXATTR, &x));
	say_result(label_of("version of %s", what), ioctl(fd, FS_IOC_GETVERSION, &version));
}

static void get(void)
{
	uint64_t attr[3];
	make_file("f", "content");
	MUST(mkdir("d", 0755));
	MUST(mkfifo("fifo", 0644));
	MUST(symlink("f", "l"));
	get_of("a file", OPENED(open("f", O_RDONLY)));
	get_of("a directory", OPENED(open("d", O_RDONLY)));
	get_of("a fifo", OPENED(open("fifo", O_RDWR)));
	get_of("a path", OPENED(open("f", O_PATH)));
	get_of("a link's path", OPENED(open("l", O_PATH | O_NOFOLLOW)));
	say_result("flags by name", syscall(SYS_file_getattr, AT_FDCWD, "f", attr, sizeof(attr), 0));
}

/* The other flags stay as they are. */
static int change(int fd, int flag, bool on)
{
	int flags = 0;
	(void)ioctl(fd, FS_IOC_GETFLAGS, &flags);
	flags = on ? flags | flag : flags & ~flag;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static void say_flag(const char *label, int fd, int flag)
{
	int flags = 0;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		say_result(label, -1);
	else
		say(label, "%s", flags & flag ? "set" : "not set");
}

static void set_one(const char *name, int fd, int flag)
{
	say_result(label_of("%s, setting it", name), change(fd, flag, true));
	say_flag(label_of("%s, then", name), fd, flag);
	close(say_fd(label_of("%s, open to write", name), open("f", O_WRONLY)));
	say_result(label_of("%s, chmod", name), chmod("f", 0600));
	say_result(label_of("%s, rename", name), rename("f", "g"));
	(void)rename("g", "f"); /* if it has been renamed */
	(void)change(fd, flag, false);
	MUST(chmod("f", 0644));
}

static void set_all(void)
{
	struct fsxattr x = { .fsx_xflags = FS_XFLAG_NODUMP };
	make_file("f", "content");
	int fd = OPENED(open("f", O_RDONLY));
	set_one("nodump", fd, FS_NODUMP_FL);
	set_one("append", fd, FS_APPEND_FL);
	set_one("immutable", fd, FS_IMMUTABLE_FL);
	(void)ioctl(fd, FS_IOC_FSGETXATTR, &x);
	x.fsx_xflags |= FS_XFLAG_NODUMP;
	say_result("extended nodump, setting it", ioctl(fd, FS_IOC_FSSETXATTR, &x));
	RESULT(ioctl(fd, FS_IOC_SETFLAGS, NULL));
	content("f", "f");
}

static void change_roots(void)
{
	int fd = OPENED(open("f", O_RDONLY)), flags = FS_NODUMP_FL;
	RESULT(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

static void of_others(void)
{
	make_file("f", "content");
	as_user(SOMEBODY, SOMEBODY, NULL, 0, change_roots);
	look("f", "f");
}

const struct posix_case flags_cases[] = {
	{ .name = "get", .run = get },
	{ .name = "set", .run = set_all },
	{ .name = "of-others", .run = of_others, .needs = NEEDS_ROOT },
	{ .name = NULL },
};
