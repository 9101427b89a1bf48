/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FIFOs, sockets, devices; and what statfs says. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "posix.h"

static void make_nodes(void)
{
	RESULT(mkfifo("fifo", 0640));
	RESULT(mkfifo("fifo", 0640));
	RESULT(mkfifo("missing/fifo", 0640));
	RESULT(mknod("file", S_IFREG | 0640, 0));
	RESULT(mknod("file0", 0640, 0));
	RESULT(mknod("sock", S_IFSOCK | 0640, 0));
	RESULT(mknod("dir", S_IFDIR | 0640, 0));
	RESULT(mknod("link", S_IFLNK | 0640, 0));
	RESULT(mknod("odd", 0150000 | 0640, 0));
	RESULT(mknod("char", S_IFCHR | 0640, makedev(1, 3)));
	RESULT(mknod("block", S_IFBLK | 0640, makedev(250, 70000)));
	RESULT(mknod("white", S_IFCHR | 0640, makedev(0, 0)));
	look("fifo", "fifo");
	look("file", "file");
	look("file0", "file0");
	look("sock", "sock");
	look("char", "char");
	look("block", "block");
	look("white", "white");
	RESULT(rename("fifo", "fifo2"));
	RESULT(link("fifo2", "fifo3"));
	look("fifo3", "fifo3");
	RESULT(chmod("fifo3", 0777));
	RESULT(truncate("fifo3", 0));
	look("fifo2", "fifo2");
	OPENED(open("sock", O_RDWR));
	OPENED(open("fifo2", O_WRONLY | O_NONBLOCK));
	RESULT(unlink("fifo2"));
	RESULT(unlink("fifo3"));
	RESULT(unlink("sock"));
}

/* The mount is nosuid and nodev: opening a device is another matter than having it. */
static void open_devices(void)
{
	char buf[4];
	MUST(mknod("null", S_IFCHR | 0666, makedev(1, 3)));
	int fd = OPENED(open("null", O_RDWR));
	RESULT(read(fd, buf, 4));
}

static void through_fifo(void)
{
	char buf[16] = "";
	MUST(mkfifo("fifo", 0644));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		int w = (int)MUST(open("fifo", O_WRONLY));
		MUST(write(w, "through", 7));
		_exit(0);
	}
	int fd = (int)MUST(open("fifo", O_RDONLY));
	RESULT(read(fd, buf, 16));
	say("got", "%s", buf);
	RESULT(read(fd, buf, 16));
	say_end("child", pid);
	look_fd("fifo", fd);
}

static int socket_at(const char *path, bool listening)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int s = (int)MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (listening ? bind(s, (struct sockaddr *)&sa, sizeof(sa)) : connect(s, (struct sockaddr *)&sa, sizeof(sa)))
		return -1;
	return listening && listen(s, 5) != 0 ? -1 : s;
}

static void through_socket(void)
{
	char buf[16] = "";
	int s = OPENED(socket_at("sock", true));
	OPENED(socket_at("sock", true));
	look("sock", "sock");
	int c = OPENED(socket_at("sock", false));
	int a = (int)MUST(accept(s, NULL, NULL));
	RESULT(write(c, "through", 7));
	RESULT(read(a, buf, 16));
	MUST(rename("sock", "sock2"));
	OPENED(socket_at("sock2", false));
	OPENED(socket_at("sock", false));
	MUST(link("sock2", "sock3"));
	OPENED(socket_at("sock3", false));
	close(s);
	OPENED(socket_at("sock2", false));
	MUST(chmod("sock2", 0));
	OPENED(socket_at("sock2", false));
	make_file("file", "");
	OPENED(socket_at("file", false));
}

static void statfs_of(void)
{
	struct statvfs a, b;
	make_file("f", "");
	MUST(statvfs(".", &a));
	MUST(statvfs("f", &b));
	say("longest name", "%lu", a.f_namemax);
	say("block size", "%lu %lu", a.f_bsize, a.f_frsize);
	say("sense", "%d", a.f_blocks >= a.f_bfree && a.f_bfree >= a.f_bavail && a.f_bavail > 0 &&
		     a.f_files >= a.f_ffree && a.f_ffree > 0);
	say("the same everywhere", "%d", a.f_blocks == b.f_blocks && a.f_files == b.f_files && a.f_fsid == b.f_fsid);
	say("read-only", "%d", (a.f_flag & ST_RDONLY) != 0);
	int fd = (int)MUST(open("f", O_PATH));
	RESULT(fstatvfs(fd, &b));
	RESULT(statvfs("missing", &b));
	RESULT(statvfs("f/x", &b));
	say("_PC_NAME_MAX", "%ld", pathconf(".", _PC_NAME_MAX));
	say("_PC_PATH_MAX", "%ld", pathconf(".", _PC_PATH_MAX));
}

/* Files that are made are counted, and room that is taken goes. */
static void statfs_counts(void)
{
	struct statvfs a, b;
	int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0644));
	MUST(statvfs(".", &a));
	MUST(fallocate(fd, 0, 0, 8 << 20));
	MUST(fsync(fd));
	MUST(statvfs(".", &b));
	say("room taken", "%s", (a.f_bfree - b.f_bfree) * a.f_frsize >= (4 << 20) ? "seen" : "not seen");
}

const struct posix_case special_cases[] = {
	{ .name = "make-nodes", .run = make_nodes },
	{ .name = "open-devices", .run = open_devices, .needs = NEEDS_ROOT },
	{ .name = "through-fifo", .run = through_fifo },
	{ .name = "through-socket", .run = through_socket },
	{ .name = "statfs", .run = statfs_of },
	{ .name = "statfs-counts", .run = statfs_counts },
	{ .name = NULL },
};
