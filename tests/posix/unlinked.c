/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files and directories that have no name any more and are open. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <dirent.h>
#include <time.h>

#include "posix.h"

static void all_by_descriptor(int fd)
{
	char buf[16];
	struct timespec t[2] = { { 1234567890, 1 }, { 1234567891, 2 } };
	struct stat sb;
	RESULT(fchmod(fd, 0600));
	RESULT(fchown(fd, getuid(), getgid()));
	RESULT(futimens(fd, t));
	look_fd("it", fd);
	MUST(fstat(fd, &sb));
	say("mtime", "%ld.%09ld", (long)sb.st_mtim.tv_sec, sb.st_mtim.tv_nsec);
	RESULT(fsetxattr(fd, "user.x", "value", 5, 0));
	RESULT(fgetxattr(fd, "user.x", buf, sizeof(buf)));
	RESULT(flistxattr(fd, buf, sizeof(buf)));
	RESULT(fremovexattr(fd, "user.x"));
	RESULT(fsync(fd));
	RESULT(fdatasync(fd));
	OPENED(open(label_of("/proc/self/fd/%d", fd), O_RDONLY));
	RESULT(chmod(label_of("/proc/self/fd/%d", fd), 0644));
	RESULT(linkat(AT_FDCWD, label_of("/proc/self/fd/%d", fd), AT_FDCWD, "again", AT_SYMLINK_FOLLOW));
	look_fd("it, in the end", fd);
}

static void use_file(int fd)
{
	RESULT(pwrite(fd, "more", 4, 20000));
	RESULT(ftruncate(fd, 15000));
	RESULT(ftruncate(fd, 30000));
	content_fd("content", fd);
	all_by_descriptor(fd);
	content_fd("content, in the end", fd);
}

static void file(void)
{
	make_data("f", 10000, 1);
	int fd = (int)MUST(open("f", O_RDWR));
	MUST(unlink("f"));
	use_file(fd);
}

static void file_replaced(void)
{
	make_data("f", 10000, 2);
	make_file("g", "g");
	int fd = (int)MUST(open("f", O_RDWR));
	MUST(rename("g", "f"));
	use_file(fd);
	content("f", "f");
}

/* Created, never closed, removed before anything was written. */
static void file_never_seen(void)
{
	int fd = (int)MUST(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
	MUST(unlink("f"));
	use_file(fd);
}

static void with_long_name(void)
{
	int fd = (int)MUST(open(letters('l', 255), O_RDWR | O_CREAT | O_EXCL, 0600));
	MUST(unlink(letters('l', 255)));
	use_file(fd);
}

static void another_name_left(void)
{
	make_data("f", 10000, 3);
	MUST(link("f", "g"));
	int fd = (int)MUST(open("f", O_RDWR));
	MUST(unlink("f"));
	use_file(fd);
	content("g", "g");
	look("g", "g");
}

/* The name is taken by another one at once. */
static void name_taken_again(void)
{
	int fds[20];
	for (int i = 0; i < 20; i++) {
		fds[i] = (int)MUST(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
		MUST(pwrite(fds[i], label_of("generation %d", i), 15, 0));
		MUST(unlink("f"));
	}
	make_file("f", "the last");
	for (int i = 0; i < 20; i++)
		content_fd(label_of("generation %d", i), fds[i]);
	content("f", "f");
}

static void directory(void)
{
	struct dirent *e;
	MUST(mkdir("d", 0755));
	int fd = (int)MUST(open("d", O_RDONLY | O_DIRECTORY)), n = 0;
	MUST(rmdir("d"));
	all_by_descriptor(fd);
	OPENED(openat(fd, "new", O_RDWR | O_CREAT, 0644));
	RESULT(mkdirat(fd, "new", 0755));
	RESULT(symlinkat("x", fd, "new"));
	RESULT(mknodat(fd, "new", S_IFIFO | 0644, 0));
	OPENED(openat(fd, "missing", O_RDONLY));
	OPENED(openat(fd, ".", O_RDONLY));
	OPENED(openat(fd, "..", O_RDONLY));
	make_file("f", "");
	RESULT(linkat(AT_FDCWD, "f", fd, "new", 0));
	RESULT(renameat(AT_FDCWD, "f", fd, "new"));
	RESULT(unlinkat(fd, "new", 0));
	DIR *dir = fdopendir(fd);
	while ((e = readdir(dir)))
		n++;
	say("entries", "%d", n);
}

static void directory_replaced(void)
{
	MUST(mkdir("d", 0755));
	MUST(mkdir("e", 0755));
	int fd = (int)MUST(open("e", O_RDONLY | O_DIRECTORY));
	MUST(rename("d", "e"));
	all_by_descriptor(fd);
	OPENED(openat(fd, "new", O_RDWR | O_CREAT, 0644));
	OPENED(open("e/new", O_RDWR | O_CREAT, 0644));
	RESULT(faccessat(fd, "new", F_OK, 0));
}

/* A directory goes though something in it is open. */
static void directory_of_open_file(void)
{
	MUST(mkdir("d", 0755));
	int fd = (int)MUST(open("d/f", O_RDWR | O_CREAT, 0644));
	RESULT(rmdir("d"));
	RESULT(unlink("d/f"));
	RESULT(rmdir("d"));
	RESULT(pwrite(fd, "still there", 11, 0));
	content_fd("f", fd);
	all_by_descriptor(fd);
}

static void fifo_and_link(void)
{
	MUST(mkfifo("fifo", 0644));
	MUST(symlink("target", "link"));
	int fifo = (int)MUST(open("fifo", O_RDWR)), l = (int)MUST(open("link", O_PATH | O_NOFOLLOW));
	char buf[10];
	MUST(unlink("fifo"));
	MUST(unlink("link"));
	RESULT(fchmod(fifo, 0600));
	look_fd("fifo", fifo);
	RESULT(write(fifo, "through", 7));
	RESULT(read(fifo, buf, 10));
	look_fd("link", l);
	RESULT(readlinkat(l, "", buf, 10));
}

const struct posix_case unlinked_cases[] = {
	{ .name = "file", .run = file },
	{ .name = "file-replaced", .run = file_replaced },
	{ .name = "file-never-seen", .run = file_never_seen },
	{ .name = "with-long-name", .run = with_long_name },
	{ .name = "another-name-left", .run = another_name_left },
	{ .name = "name-taken-again", .run = name_taken_again },
	{ .name = "directory", .run = directory },
	{ .name = "directory-replaced", .run = directory_replaced },
	{ .name = "directory-of-open-file", .run = directory_of_open_file },
	{ .name = "fifo-and-link", .run = fifo_and_link },
	{ .name = NULL },
};
