/* SPDX-License-Identifier: GPL-3.0-or-later */
/* open(2): all flags on all kinds of things, modes of new files, O_PATH, O_TMPFILE, descriptors opened again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "posix.h"

static void make_socket(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int s = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	strcpy(sa.sun_path, path);
	MUST(bind(s, (struct sockaddr *)&sa, sizeof(sa)));
	close(s);
}

static const struct open_flags {
	const char *name;
	int flags;
} flag_sets[] = {
	{ "RDONLY", O_RDONLY },
	{ "WRONLY", O_WRONLY },
	{ "RDWR", O_RDWR },
	{ "3", O_ACCMODE },
	{ "CREAT", O_RDWR | O_CREAT },
	{ "CREAT RDONLY", O_RDONLY | O_CREAT },
	{ "EXCL", O_RDWR | O_EXCL },
	{ "CREAT EXCL", O_RDWR | O_CREAT | O_EXCL },
	{ "TRUNC", O_RDWR | O_TRUNC },
	{ "TRUNC RDONLY", O_RDONLY | O_TRUNC },
	{ "CREAT TRUNC", O_WRONLY | O_CREAT | O_TRUNC },
	{ "CREAT TRUNC EXCL", O_WRONLY | O_CREAT | O_TRUNC | O_EXCL },
	{ "NOFOLLOW", O_RDONLY | O_NOFOLLOW },
	{ "CREAT NOFOLLOW", O_RDWR | O_CREAT | O_NOFOLLOW },
	{ "DIRECTORY", O_RDONLY | O_DIRECTORY },
	{ "DIRECTORY RDWR", O_RDWR | O_DIRECTORY },
	{ "DIRECTORY NOFOLLOW", O_RDONLY | O_DIRECTORY | O_NOFOLLOW },
	{ "CREAT DIRECTORY", O_RDWR | O_CREAT | O_DIRECTORY },
	{ "CREAT DIRECTORY EXCL", O_RDONLY | O_CREAT | O_DIRECTORY | O_EXCL },
	{ "TRUNC DIRECTORY", O_RDONLY | O_TRUNC | O_DIRECTORY },
	{ "PATH", O_PATH },
	{ "PATH NOFOLLOW", O_PATH | O_NOFOLLOW },
	{ "PATH DIRECTORY", O_PATH | O_DIRECTORY },
	{ "PATH CREAT", O_PATH | O_CREAT | O_RDWR },
	{ "APPEND", O_WRONLY | O_APPEND },
	{ "APPEND TRUNC", O_WRONLY | O_APPEND | O_TRUNC },
	{ "SYNC", O_RDWR | O_SYNC },
	{ "DSYNC", O_RDWR | O_DSYNC },
	{ "NOATIME", O_RDONLY | O_NOATIME },
	{ "NOCTTY", O_RDONLY | O_NOCTTY },
	{ "ASYNC", O_RDONLY | O_ASYNC },
};

static const char *const targets[] = { "missing", "file", "dir", "dir/", "file/", "missing/", "to-file", "to-dir",
				       "to-dir/", "dangling", "loop", "fifo", "socket", "." };

static void set_up(void)
{
	make_file("file", "content");
	MUST(mkdir("dir", 0755));
	MUST(symlink("file", "to-file"));
	MUST(symlink("dir", "to-dir"));
	MUST(symlink("nothing", "dangling"));
	MUST(symlink("loop", "loop"));
	MUST(mkfifo("fifo", 0644));
	make_socket("socket");
}

static void clear(void)
{
	(void)unlink("missing");
	(void)unlink("nothing");
	make_file("file", "content");
}

static void flags(void)
{
	set_up();
	for (size_t i = 0; i < sizeof(flag_sets) / sizeof(flag_sets[0]); i++) {
		for (size_t j = 0; j < sizeof(targets) / sizeof(targets[0]); j++) {
			struct stat sb;
			const char *label = label_of("%s on %s", flag_sets[i].name, targets[j]);
			int fd = open(targets[j], flag_sets[i].flags | O_NONBLOCK, 0644);
			if (fd < 0) {
				say_fd(label, fd);
			} else {
				MUST(fstat(fd, &sb));
				say(label, "open, kind %o, size %ld, new %s", sb.st_mode & S_IFMT,
				    S_ISREG(sb.st_mode) ? (long)sb.st_size : 0,
				    access("missing", F_OK) == 0 || access("nothing", F_OK) == 0 ? "yes" : "no");
				close(fd);
			}
			clear();
		}
	}
}

/* A new file can be written by who made it, whatever its mode; and its mode is what was asked for. */
static void new_modes(void)
{
	static const mode_t modes[] = { 0, 0200, 0400, 0444, 0644, 0666, 0777,
					01777, 02755, 04755, 06777, 0111, 07000 };
	static const mode_t masks[] = { 0, 022, 077, 0777 };
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		for (size_t j = 0; j < sizeof(masks) / sizeof(masks[0]); j++) {
			umask(masks[j]);
			const char *name = label_of("mode-%04o-mask-%03o", modes[i], masks[j]);
			int fd = say_fd(name, open(name, O_RDWR | O_CREAT | O_EXCL, modes[i]));
			look(name, name);
			say_result(label_of("%s, written", name), write(fd, "text", 4));
			say_result(label_of("%s, read", name), pread(fd, (char[4]){ 0 }, 4, 0));
			close(fd);
			int again = say_fd(label_of("%s, opened again", name), open(name, O_RDWR));
			close(again);
		}
	}
}

static void all_umasks(void)
{
	static const mode_t masks[] = { 0, 027, 0777 };
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		umask(masks[i]);
		MUST(mkdir(label_of("dir%zu", i), 01777));
		MUST(mknod(label_of("fifo%zu", i), S_IFIFO | 0666, 0));
		MUST(mknod(label_of("file%zu", i), S_IFREG | 0666, 0));
		MUST(symlink("x", label_of("link%zu", i)));
		MUST(mkdir(label_of("set%zu", i), 07777));
		look("dir", label_of("dir%zu", i));
		look("fifo", label_of("fifo%zu", i));
		look("file", label_of("file%zu", i));
		look("link", label_of("link%zu", i));
		look("set", label_of("set%zu", i));
	}
}

static void tmpfile_case(void)
{
	MUST(mkdir("dir", 0755));
	make_file("file", "");
	int fd = OPENED(open("dir", O_TMPFILE | O_RDWR, 0600));
	if (fd >= 0) {
		RESULT(write(fd, "text", 4));
		look_fd("nameless", fd);
		RESULT(linkat(AT_FDCWD, label_of("/proc/self/fd/%d", fd), AT_FDCWD, "dir/named", AT_SYMLINK_FOLLOW));
		content("named", "dir/named");
	}
	OPENED(open("dir", O_TMPFILE | O_RDONLY, 0600));
	OPENED(open("file", O_TMPFILE | O_RDWR, 0600));
	OPENED(open("missing", O_TMPFILE | O_RDWR, 0600));
	OPENED(open("dir", O_TMPFILE | O_RDWR | O_CREAT, 0600));
	OPENED(open("dir", O_TMPFILE | O_RDWR | O_EXCL, 0600));
	RESULT(rmdir("dir"));
}

static void path_descriptors(void)
{
	char buf[16];
	make_file("file", "content");
	MUST(mkdir("dir", 0755));
	MUST(symlink("file", "link"));
	make_file("dir/inside", "inside");
	int f = (int)MUST(open("file", O_PATH)), d = (int)MUST(open("dir", O_PATH));
	int l = (int)MUST(open("link", O_PATH | O_NOFOLLOW));
	RESULT(read(f, buf, 1));
	RESULT(write(f, "x", 1));
	RESULT(fchmod(f, 0600));
	RESULT(fchown(f, (uid_t)-1, (gid_t)-1));
	RESULT(ftruncate(f, 0));
	RESULT(fsync(f));
	RESULT(futimens(f, NULL));
	RESULT(fsetxattr(f, "user.x", "", 0, 0));
	RESULT(fgetxattr(f, "user.x", buf, 1));
	RESULT(lseek(f, 0, SEEK_SET));
	RESULT(fcntl(f, F_GETFL) & O_PATH);
	RESULT(fchdir(f));
	RESULT(chmod(label_of("/proc/self/fd/%d", f), 0600));
	look_fd("file", f);
	look_fd("link", l);
	RESULT(readlinkat(l, "", buf, sizeof(buf)));
	RESULT(faccessat(d, "inside", R_OK, 0));
	int in = OPENED(openat(d, "inside", O_RDWR));
	content_fd("inside", in);
	int again = OPENED(open(label_of("/proc/self/fd/%d", f), O_RDWR));
	content_fd("file", again);
	OPENED(open(label_of("/proc/self/fd/%d", l), O_RDONLY));
	RESULT(mkdirat(d, "sub", 0755));
	RESULT(linkat(AT_FDCWD, label_of("/proc/self/fd/%d", f), AT_FDCWD, "name2", AT_SYMLINK_FOLLOW));
	look("name2", "name2");
	RESULT(linkat(AT_FDCWD, label_of("/proc/self/fd/%d", l), AT_FDCWD, "link2", AT_SYMLINK_FOLLOW));
	say("link2", "%s", kind_of("link2"));
	RESULT(fchdir(d));
}

/* By /proc, with other rights than the first time; also when the name has gone. */
static void opened_again(void)
{
	make_file("file", "content");
	MUST(chmod("file", 0400));
	int fd = (int)MUST(open("file", O_RDONLY));
	OPENED(open(label_of("/proc/self/fd/%d", fd), O_RDWR));
	MUST(chmod("file", 0600));
	int again = OPENED(open(label_of("/proc/self/fd/%d", fd), O_RDWR | O_APPEND));
	RESULT(write(again, "more", 4));
	content_fd("file", fd);
	MUST(unlink("file"));
	again = OPENED(open(label_of("/proc/self/fd/%d", fd), O_RDWR));
	RESULT(pwrite(again, "last", 4, 0));
	content_fd("unlinked", fd);
	again = OPENED(open(label_of("/proc/self/fd/%d", fd), O_RDWR | O_TRUNC));
	content_fd("unlinked, emptied", fd);
	MUST(fchmod(fd, 0));
	OPENED(open(label_of("/proc/self/fd/%d", fd), O_RDONLY));
}

static void status_flags(void)
{
	make_file("file", "content");
	int fd = (int)MUST(open("file", O_RDWR));
	say("at first", "%o", (unsigned int)fcntl(fd, F_GETFL));
	RESULT(fcntl(fd, F_SETFL, O_APPEND));
	RESULT(pwrite(fd, "end", 3, 0));
	content("appended", "file");
	RESULT(fcntl(fd, F_SETFL, 0));
	RESULT(pwrite(fd, "BEGIN", 5, 0));
	content("overwritten", "file");
	RESULT(fcntl(fd, F_SETFL, O_NONBLOCK));
	RESULT(fcntl(fd, F_SETFL, O_DIRECT));
	RESULT(fcntl(fd, F_SETFL, O_NOATIME));
	RESULT(fcntl(fd, F_SETFL, O_ASYNC));
	say("in the end", "%o", (unsigned int)fcntl(fd, F_GETFL));
}

static void wrong_ways(void)
{
	char buf[4];
	make_file("file", "content");
	MUST(mkdir("dir", 0755));
	int r = (int)MUST(open("file", O_RDONLY)), w = (int)MUST(open("file", O_WRONLY));
	int d = (int)MUST(open("dir", O_RDONLY));
	RESULT(write(r, "x", 1));
	RESULT(pwrite(r, "x", 1, 0));
	RESULT(read(w, buf, 4));
	RESULT(pread(w, buf, 4, 0));
	RESULT(ftruncate(r, 1));
	RESULT(ftruncate(w, 6));
	RESULT(read(d, buf, 4));
	RESULT(pread(d, buf, 4, 0));
	RESULT(write(d, "x", 1));
	RESULT(ftruncate(d, 0));
	RESULT(fallocate(r, 0, 0, 10));
	RESULT(fallocate(d, 0, 0, 10));
	RESULT(openat(r, "x", O_RDONLY));
	RESULT(openat(99, "x", O_RDONLY));
	content("file", "file");
}

const struct posix_case open_cases[] = {
	{ .name = "flags", .run = flags },
	{ .name = "new-modes", .run = new_modes },
	{ .name = "umask", .run = all_umasks },
	{ .name = "tmpfile", .run = tmpfile_case },
	{ .name = "path-descriptors", .run = path_descriptors },
	{ .name = "opened-again", .run = opened_again },
	{ .name = "status-flags", .run = status_flags },
	{ .name = "wrong-ways", .run = wrong_ways },
	{ .name = NULL },
};
