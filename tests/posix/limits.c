/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Offsets that are too large, and limits of the process. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "posix.h"

#define OFF_MAX ((off_t)INT64_MAX)
#define TIB ((off_t)1 << 40)

static void seek_positions(void)
{
	make_file("f", "content");
	MUST(mkfifo("fifo", 0644));
	int fd = (int)MUST(open("f", O_RDWR)), fifo = (int)MUST(open("fifo", O_RDWR));
	RESULT(lseek(fd, -1, SEEK_SET));
	RESULT(lseek(fd, -8, SEEK_END));
	RESULT(lseek(fd, -7, SEEK_END));
	RESULT(lseek(fd, 10, SEEK_END));
	RESULT(lseek(fd, -100, SEEK_CUR));
	RESULT(lseek(fd, 0, SEEK_CUR));
	RESULT(lseek(fd, TIB, SEEK_SET));
	RESULT(lseek(fd, OFF_MAX, SEEK_CUR));
	RESULT(lseek(fd, OFF_MAX, SEEK_END));
	RESULT(lseek(fd, 0, 99));
	RESULT(lseek(fifo, 0, SEEK_SET));
	RESULT(lseek(99, 0, SEEK_SET));
}

/* 16 TiB less a page is the end of an ext4 file of this page size. */
static void seek_far(void)
{
	make_file("f", "content");
	int fd = (int)MUST(open("f", O_RDWR));
	RESULT(lseek(fd, 16 * TIB - 4096, SEEK_SET));
	RESULT(lseek(fd, 16 * TIB - 4095, SEEK_SET));
	RESULT(lseek(fd, OFF_MAX, SEEK_SET));
}

static void write_far(void)
{
	char c;
	int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0644));
	RESULT(pwrite(fd, "x", 1, TIB - 1));
	look_fd("f", fd);
	RESULT(pread(fd, &c, 1, TIB - 1));
	RESULT(pread(fd, &c, 1, TIB - 2));
	RESULT(pread(fd, &c, 1, TIB));
	RESULT(pwrite(fd, "x", 1, 15 * TIB));
	RESULT(pread(fd, &c, 1, 15 * TIB));
	RESULT(ftruncate(fd, 0));
	RESULT(pwrite(fd, "x", 1, 16 * TIB));
	RESULT(pwrite(fd, "x", 1, OFF_MAX));
	RESULT(pwrite(fd, "x", 1, OFF_MAX - 1));
	RESULT(pwrite(fd, "xx", 2, OFF_MAX - 1));
	RESULT(pread(fd, &c, 1, OFF_MAX));
	RESULT(pread(fd, &c, 1, OFF_MAX - 1));
	look_fd("f, in the end", fd);
	RESULT(pwrite(fd, "still works", 11, 0));
	RESULT(fsync(fd));
	(void)syncfs(fd);
	content("f", "f");
}

static void write_last(void)
{
	int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0644));
	RESULT(pwrite(fd, "x", 1, 16 * TIB - 4097));
	look_fd("f", fd);
	RESULT(fsync(fd));
	(void)syncfs(fd); /* tells of it once more, and then no other case */
}

static void truncate_far(void)
{
	make_file("f", "content");
	int fd = (int)MUST(open("f", O_RDWR));
	RESULT(ftruncate(fd, 15 * TIB));
	look_fd("f", fd);
	RESULT(ftruncate(fd, 7));
	RESULT(ftruncate(fd, 16 * TIB));
	RESULT(ftruncate(fd, 999999999999999));
	RESULT(ftruncate(fd, OFF_MAX));
	RESULT(truncate("f", OFF_MAX));
	RESULT(ftruncate(fd, OFF_MAX - 4095));
	RESULT(fallocate(fd, 0, OFF_MAX - 10, 5));
	RESULT(fallocate(fd, 0, OFF_MAX - 10, 100));
	RESULT(fallocate(fd, 0, 16 * TIB, 100));
	RESULT(posix_fallocate(fd, OFF_MAX, 1));
	content("f", "f");
}

/* ---- RLIMIT_FSIZE ---- */

static volatile sig_atomic_t signals;

static void count(int sig)
{
	(void)sig;
	signals++;
}

static void limit_to(rlim_t n)
{
	struct sigaction sa = { .sa_handler = count };
	MUST(sigaction(SIGXFSZ, &sa, NULL));
	MUST(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ n, n }));
}

static void file_size(void)
{
	static char buf[20000];
	fill(buf, sizeof(buf), 1);
	make_data("longer", 15000, 2);
	int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0644)), longer = (int)MUST(open("longer", O_RDWR));
	limit_to(10000);
	RESULT(pwrite(fd, buf, sizeof(buf), 0));
	RESULT(pwrite(fd, buf, 1, 10000));
	say("signals", "%d", (int)signals);
	RESULT(pwrite(fd, buf, 2, 9999));
	RESULT(pwrite(fd, buf, 1, 9999));
	RESULT(pwrite(fd, buf, 0, 20000));
	RESULT(ftruncate(fd, 10001));
	say("signals", "%d", (int)signals);
	RESULT(ftruncate(fd, 10000));
	RESULT(truncate("f", 10001));
	RESULT(fallocate(fd, 0, 0, 10001));
	RESULT(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20000));
	RESULT(pwrite(longer, buf, 1, 12000));
	RESULT(pwrite(longer, buf, 1, 9000));
	RESULT(ftruncate(longer, 14000));
	RESULT(ftruncate(longer, 16000));
	RESULT(copy_file_range(longer, NULL, fd, &(off_t){ 9000 }, 5000, 0));
	RESULT(copy_file_range(longer, &(off_t){ 0 }, fd, &(off_t){ 11000 }, 5000, 0));
	say("signals", "%d", (int)signals);
	content("f", "f");
	content("longer", "longer");
}

static void file_size_append(void)
{
	static char buf[6000];
	fill(buf, sizeof(buf), 3);
	int fd = (int)MUST(open("f", O_WRONLY | O_CREAT | O_APPEND, 0644));
	limit_to(10000);
	RESULT(write(fd, buf, sizeof(buf)));
	RESULT(write(fd, buf, sizeof(buf)));
	RESULT(write(fd, buf, sizeof(buf)));
	say("signals", "%d", (int)signals);
	content("f", "f");
}

static void file_size_kills(void)
{
	int fd = (int)MUST(open("f", O_WRONLY | O_CREAT | O_APPEND, 0644));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		MUST(setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }));
		MUST(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 10, 10 }));
		(void)!pwrite(fd, "x", 1, 10);
		_exit(0);
	}
	say_end("a process without a handler", pid);
}

/* More open files than a process usually has. */
static void descriptors(void)
{
	enum { MANY = 3000 };
	static int fds[MANY];
	int n = 0;
	MUST(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ MANY + 50, MANY + 50 }));
	for (; n < MANY; n++) {
		fds[n] = open(label_of("f%d", n), O_RDWR | O_CREAT, 0644);
		if (fds[n] < 0 || write(fds[n], "x", 1) != 1)
			break;
	}
	say("open at once", "%d", n);
	for (int i = 0; i < n; i++) {
		char c;
		if (pread(fds[i], &c, 1, 0) != 1 || c != 'x')
			say("one of them", "%s", error_name(errno));
		close(fds[i]);
	}
}

const struct posix_case limits_cases[] = {
	{ .name = "seek-positions", .run = seek_positions },
	{ .name = "seek-far", .run = seek_far },
	{ .name = "write-far", .run = write_far },
	{ .name = "write-last", .run = write_last },
	{ .name = "truncate-far", .run = truncate_far },
	{ .name = "file-size", .run = file_size },
	{ .name = "file-size-append", .run = file_size_append },
	{ .name = "file-size-kills", .run = file_size_kills },
	{ .name = "descriptors", .run = descriptors },
	{ .name = NULL },
};
