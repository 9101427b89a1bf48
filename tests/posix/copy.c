/* SPDX-License-Identifier: GPL-3.0-or-later */
/* copy_file_range, sendfile, splice and their like. */
#include <errno.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>

#include "posix.h"

/* Copy all of it, in as many calls as it takes. */
static void copy(const char *label, int in, off_t from, int out, off_t to, size_t n)
{
	size_t done = 0;
	while (done < n) {
		ssize_t r = copy_file_range(in, &from, out, &to, n - done, 0);
		if (r < 0) {
			say(label, "%s after %zu", error_name(errno), done);
			return;
		}
		if (r == 0)
			break;
		done += (size_t)r;
	}
	say(label, "%zu, then at %ld and %ld", done, (long)from, (long)to);
}

static void across(void)
{
	static const off_t at[] = { 0, 1, 4032, 4096, 50000, 300000 };
	make_data("in", 3000000, 1);
	int in = (int)MUST(open("in", O_RDONLY));
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		for (size_t j = 0; j < sizeof(at) / sizeof(at[0]); j++) {
			make_data("out", 10000, 2);
			int out = (int)MUST(open("out", O_RDWR));
			copy(label_of("from %ld to %ld", (long)at[i], (long)at[j]), in, at[i], out, at[j], 20000);
			content_fd(label_of("from %ld to %ld, content", (long)at[i], (long)at[j]), out);
			close(out);
		}
	}
	int out = (int)MUST(open("out", O_RDWR | O_TRUNC));
	copy("all of it", in, 0, out, 0, 10000000);
	content_fd("all of it, content", out);
}

static void positions(void)
{
	make_data("in", 10000, 3);
	make_file("out", "");
	int in = (int)MUST(open("in", O_RDONLY)), out = (int)MUST(open("out", O_RDWR));
	MUST(lseek(in, 100, SEEK_SET));
	RESULT(copy_file_range(in, NULL, out, NULL, 500, 0));
	RESULT(lseek(in, 0, SEEK_CUR));
	RESULT(lseek(out, 0, SEEK_CUR));
	RESULT(copy_file_range(in, &(off_t){ 0 }, out, NULL, 500, 0));
	RESULT(lseek(in, 0, SEEK_CUR));
	RESULT(lseek(out, 0, SEEK_CUR));
	RESULT(copy_file_range(in, &(off_t){ 9990 }, out, NULL, 500, 0));
	RESULT(copy_file_range(in, &(off_t){ 10000 }, out, NULL, 500, 0));
	RESULT(copy_file_range(in, &(off_t){ 20000 }, out, NULL, 500, 0));
	RESULT(copy_file_range(in, NULL, out, NULL, 0, 0));
	content("out", "out");
}

static void same_file(void)
{
	make_data("f", 20000, 4);
	int fd = (int)MUST(open("f", O_RDWR)), fd2 = (int)MUST(open("f", O_RDWR));
	copy("apart", fd, 0, fd, 10000, 5000);
	content("apart, content", "f");
	copy("touching", fd, 0, fd2, 5000, 5000);
	content("touching, content", "f");
	copy("overlapping", fd, 0, fd, 100, 5000);
	copy("overlapping by two descriptors", fd, 100, fd2, 0, 5000);
	copy("onto itself", fd, 0, fd, 0, 5000);
	copy("behind the end", fd, 15000, fd, 20000, 5000);
	content("f", "f");
	RESULT(lseek(fd, 0, SEEK_CUR));
}

static void errors(void)
{
	int pipes[2];
	make_data("in", 10000, 5);
	make_file("out", "");
	MUST(mkdir("d", 0755));
	MUST(mkfifo("fifo", 0644));
	MUST(pipe(pipes));
	int in = (int)MUST(open("in", O_RDONLY)), out = (int)MUST(open("out", O_RDWR));
	int append = (int)MUST(open("out", O_WRONLY | O_APPEND)), d = (int)MUST(open("d", O_RDONLY));
	int fifo = (int)MUST(open("fifo", O_RDWR)), w = (int)MUST(open("in", O_WRONLY));
	int p = (int)MUST(open("in", O_PATH));
	RESULT(copy_file_range(in, NULL, out, NULL, 10, 1));
	RESULT(copy_file_range(in, NULL, append, NULL, 10, 0));
	RESULT(copy_file_range(in, NULL, in, NULL, 10, 0));
	RESULT(copy_file_range(w, NULL, out, NULL, 10, 0));
	RESULT(copy_file_range(p, NULL, out, NULL, 10, 0));
	RESULT(copy_file_range(d, NULL, out, NULL, 10, 0));
	RESULT(copy_file_range(in, NULL, d, NULL, 10, 0));
	RESULT(copy_file_range(fifo, NULL, out, NULL, 10, 0));
	RESULT(copy_file_range(in, NULL, pipes[1], NULL, 10, 0));
	RESULT(copy_file_range(in, &(off_t){ -1 }, out, NULL, 10, 0));
	RESULT(copy_file_range(in, NULL, out, &(off_t){ -1 }, 10, 0));
	RESULT(copy_file_range(in, &(off_t){ INT64_MAX }, out, NULL, 10, 0));
	RESULT(copy_file_range(in, NULL, out, &(off_t){ INT64_MAX - 5 }, 10, 0));
	RESULT(copy_file_range(in, NULL, out, &(off_t){ INT64_MAX - 500 }, 10, 0));
	RESULT(copy_file_range(in, NULL, out, &(off_t){ (off_t)16 << 40 }, 10, 0));
	content("out", "out");
}

/* Out of holes come zeros, and what is behind is kept. */
static void holes(void)
{
	make_data("out", 100000, 6);
	int in = (int)MUST(open("in", O_RDWR | O_CREAT, 0644)), out = (int)MUST(open("out", O_RDWR));
	MUST(pwrite(in, "x", 1, 60000));
	copy("holes", in, 0, out, 10, 50000);
	copy("holes and a byte", in, 59000, out, 70000, 1001);
	content("out", "out");
}

static void just_written(void)
{
	char buf[5000];
	fill(buf, sizeof(buf), 7);
	int in = (int)MUST(open("in", O_RDWR | O_CREAT, 0644)), out = (int)MUST(open("out", O_RDWR | O_CREAT, 0644));
	MUST(pwrite(in, buf, sizeof(buf), 0));
	MUST(pwrite(out, buf, sizeof(buf), 100));
	copy("not yet on disk", in, 1000, out, 3000, 4000);
	MUST(pwrite(out, "after", 5, 3500));
	content("out", "out");
	MUST(unlink("in"));
	MUST(unlink("out"));
	copy("unlinked", in, 0, out, 0, 5000);
	content_fd("unlinked out", out);
}

static void sending(void)
{
	int pipes[2];
	char buf[4096];
	make_data("in", 50000, 8);
	make_file("out", "");
	int in = (int)MUST(open("in", O_RDONLY)), out = (int)MUST(open("out", O_RDWR));
	MUST(pipe(pipes));
	RESULT(sendfile(out, in, NULL, 20000));
	RESULT(sendfile(out, in, &(off_t){ 100 }, 3000));
	RESULT(sendfile(out, in, &(off_t){ 50000 }, 3000));
	RESULT(sendfile(out, in, &(off_t){ -1 }, 3000));
	RESULT(sendfile(pipes[1], in, &(off_t){ 7 }, 4096));
	RESULT(read(pipes[0], buf, sizeof(buf)));
	say("through a pipe", "hash %016llx", (unsigned long long)hash_of(buf, sizeof(buf)));
	content("out", "out");
	int append = (int)MUST(open("out", O_WRONLY | O_APPEND));
	RESULT(sendfile(append, in, &(off_t){ 0 }, 10));
	RESULT(sendfile(in, out, &(off_t){ 0 }, 10));
}

static void splicing(void)
{
	int pipes[2];
	make_data("in", 50000, 9);
	make_file("out", "0123456789");
	int in = (int)MUST(open("in", O_RDONLY)), out = (int)MUST(open("out", O_RDWR));
	int append = (int)MUST(open("out", O_WRONLY | O_APPEND));
	MUST(pipe(pipes));
	RESULT(splice(in, NULL, pipes[1], NULL, 4096, 0));
	RESULT(splice(pipes[0], NULL, out, NULL, 4096, 0));
	RESULT(splice(in, &(off_t){ 10 }, pipes[1], NULL, 4096, 0));
	RESULT(splice(pipes[0], NULL, out, &(off_t){ 20000 }, 4096, SPLICE_F_MOVE));
	RESULT(splice(in, &(off_t){ 60000 }, pipes[1], NULL, 4096, 0));
	RESULT(splice(in, NULL, out, NULL, 4096, 0));
	MUST(write(pipes[1], "appended", 8));
	RESULT(splice(pipes[0], NULL, append, NULL, 8, 0));
	RESULT(splice(pipes[0], NULL, out, NULL, 8, SPLICE_F_NONBLOCK));
	RESULT(splice(in, &(off_t){ -1 }, pipes[1], NULL, 8, SPLICE_F_NONBLOCK));
	content("out", "out");
}

static void cloning(void)
{
	make_data("in", 8192, 10);
	make_data("out", 8192, 11);
	int in = (int)MUST(open("in", O_RDONLY)), out = (int)MUST(open("out", O_RDWR));
	RESULT(ioctl(out, FICLONE, in));
	RESULT(ioctl(out, FICLONERANGE, &(struct file_clone_range){ .src_fd = in, .src_length = 4096 }));
	content("out", "out");
}

const struct posix_case copy_cases[] = {
	{ .name = "across", .run = across },
	{ .name = "positions", .run = positions },
	{ .name = "same-file", .run = same_file },
	{ .name = "errors", .run = errors },
	{ .name = "holes", .run = holes },
	{ .name = "just-written", .run = just_written },
	{ .name = "sending", .run = sending },
	{ .name = "splicing", .run = splicing },
	{ .name = "cloning", .run = cloning },
	{ .name = NULL },
};
