/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fsync and its like, on all that can be open; advice. */
#include <errno.h>
#include <stdio.h>

#include "posix.h"

static void on_everything(void)
{
	make_data("f", 10000, 1);
	MUST(mkdir("d", 0755));
	MUST(mkfifo("fifo", 0644));
	int rw = (int)MUST(open("f", O_RDWR)), r = (int)MUST(open("f", O_RDONLY));
	int w = (int)MUST(open("f", O_WRONLY)), p = (int)MUST(open("f", O_PATH));
	int fifo = (int)MUST(open("fifo", O_RDWR)), d = (int)MUST(open("d", O_RDONLY));
	RESULT(fsync(rw));
	RESULT(fdatasync(rw));
	RESULT(fsync(r));
	RESULT(fdatasync(r));
	RESULT(fsync(w));
	RESULT(fsync(d));
	RESULT(fdatasync(d));
	RESULT(fsync(fifo));
	RESULT(fsync(p));
	RESULT(fsync(99));
	RESULT(syncfs(rw));
	RESULT(syncfs(d));
	RESULT(syncfs(p));
	RESULT(sync_file_range(rw, 0, 0, SYNC_FILE_RANGE_WRITE));
	RESULT(sync_file_range(rw, 0, 4096, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE));
	RESULT(sync_file_range(rw, 0, 4096, SYNC_FILE_RANGE_WAIT_AFTER));
	RESULT(sync_file_range(rw, -1, 4096, SYNC_FILE_RANGE_WRITE));
	RESULT(sync_file_range(rw, 0, 4096, 99));
	RESULT(sync_file_range(d, 0, 0, SYNC_FILE_RANGE_WRITE));
	RESULT(sync_file_range(fifo, 0, 0, SYNC_FILE_RANGE_WRITE));
}

static void synchronous(void)
{
	int a = (int)MUST(open("a", O_WRONLY | O_CREAT | O_SYNC, 0644));
	int b = (int)MUST(open("b", O_WRONLY | O_CREAT | O_DSYNC | O_APPEND, 0644));
	for (int i = 0; i < 20; i++) {
		MUST(write(a, "synchronous", 11));
		MUST(write(b, "synchronous", 11));
	}
	content("a", "a");
	content("b", "b");
	MUST(rename("a", "b"));
	RESULT(fsync(a));
	RESULT(fsync(b));
	content("b, replaced", "b");
}

static void advice(void)
{
	static const int all[] = { POSIX_FADV_NORMAL, POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM, POSIX_FADV_WILLNEED,
				   POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE, 99 };
	make_data("f", 100000, 2);
	MUST(mkfifo("fifo", 0644));
	int fd = (int)MUST(open("f", O_RDWR)), fifo = (int)MUST(open("fifo", O_RDWR));
	int d = (int)MUST(open(".", O_RDONLY));
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		say_result(label_of("advice %d", all[i]), posix_fadvise(fd, 0, 0, all[i]));
		say_result(label_of("advice %d on a fifo", all[i]), posix_fadvise(fifo, 0, 0, all[i]));
	}
	RESULT(posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL));
	RESULT(readahead(fd, 0, 100000));
	RESULT(readahead(fifo, 0, 100000));
	RESULT(readahead(d, 0, 100000));
	content("f", "f");
}

const struct posix_case sync_cases[] = {
	{ .name = "on-everything", .run = on_everything },
	{ .name = "synchronous", .run = synchronous },
	{ .name = "advice", .run = advice },
	{ .name = NULL },
};
