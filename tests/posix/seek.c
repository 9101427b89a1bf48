/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SEEK_HOLE and SEEK_DATA. Where exactly a hole ends is the filesystem's business; that it reads as zeros is not. */
#include <errno.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "posix.h"

#define MIB (1 << 20)

static bool all_zero(const char *buf, off_t from, off_t to)
{
	while (from < to && buf[from] == 0)
		from++;
	return from == to;
}

/* Walk through it; say whether the map agrees with what is read, and how much of it are holes, to a quarter of a MiB
 * (the blocks of a filesystem are much smaller). */
static void map(const char *label, int fd)
{
	off_t size = MUST(lseek(fd, 0, SEEK_END)), at = 0;
	char *buf = malloc((size_t)size + 1);
	off_t holes = 0;
	const char *wrong = "none";
	MUST(pread(fd, buf, (size_t)size, 0));
	while (at < size) {
		off_t data = lseek(fd, at, SEEK_DATA);
		if (data < 0) {
			if (errno != ENXIO || !all_zero(buf, at, size))
				wrong = "data that it does not find";
			break;
		}
		off_t hole = lseek(fd, data, SEEK_HOLE);
		if (data < at || hole <= data || hole > size)
			wrong = "order";
		else if (!all_zero(buf, at, data))
			wrong = "data in a hole";
		if (hole <= data)
			break;
		holes += data - at;
		at = hole;
	}
	holes += size - at;
	say(label, "holes of %.2f MiB, wrong: %s", (double)((holes + MIB / 8) / (MIB / 4)) / 4, wrong);
	free(buf);
}

static void write_piece(int fd, off_t at, size_t n)
{
	char *buf = malloc(n);
	fill(buf, n, (unsigned int)at);
	MUST(pwrite(fd, buf, n, at));
	free(buf);
}

static void written(void)
{
	int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0644));
	map("empty", fd);
	write_piece(fd, 0, 10);
	map("short", fd);
	write_piece(fd, MIB, 10);
	map("and one far off", fd);
	write_piece(fd, 3 * MIB, 200000);
	map("and a long one", fd);
	fsync(fd);
	map("synced", fd);
	MUST(ftruncate(fd, 5 * MIB));
	map("longer", fd);
	MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 3 * MIB + 50000, 100000));
	map("punched", fd);
	MUST(ftruncate(fd, 2 * MIB));
	map("cut", fd);
	close(fd);
	fd = (int)MUST(open("f", O_RDONLY));
	map("opened again", fd);
}

/* What the kernel has not yet written back is data all the same. */
static void not_yet_written(void)
{
	int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0644));
	MUST(ftruncate(fd, 4 * MIB));
	fsync(fd);
	write_piece(fd, 2 * MIB, 100);
	map("at once", fd);
	off_t at = lseek(fd, MIB, SEEK_DATA);
	say("found", "%s", at <= 2 * MIB && at > MIB ? "near it" : "elsewhere");
}

static void errors(void)
{
	make_file("f", "content");
	MUST(mkdir("d", 0755));
	int fd = (int)MUST(open("f", O_RDWR)), d = (int)MUST(open("d", O_RDONLY));
	RESULT(lseek(fd, 0, SEEK_DATA));
	RESULT(lseek(fd, 3, SEEK_DATA));
	RESULT(lseek(fd, 6, SEEK_DATA));
	RESULT(lseek(fd, 7, SEEK_DATA));
	RESULT(lseek(fd, 100, SEEK_DATA));
	RESULT(lseek(fd, -1, SEEK_DATA));
	RESULT(lseek(fd, 0, SEEK_HOLE));
	RESULT(lseek(fd, 6, SEEK_HOLE));
	RESULT(lseek(fd, 7, SEEK_HOLE));
	RESULT(lseek(fd, -1, SEEK_HOLE));
	RESULT(lseek(fd, 0, SEEK_CUR));
	RESULT(ftruncate(fd, 0));
	RESULT(lseek(fd, 0, SEEK_DATA));
	RESULT(lseek(fd, 0, SEEK_HOLE));
	say("of a directory", "%s", lseek(d, 0, SEEK_DATA) < 0 ? error_name(errno) : "something");
}

/* A file that is one hole, and one whose end is. */
static void holes_only(void)
{
	int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0644));
	MUST(ftruncate(fd, MIB));
	off_t data = lseek(fd, 8192, SEEK_DATA);
	say("the hole", "%s", lseek(fd, 0, SEEK_HOLE) <= 4096 ? "at once" : "later");
	say("data in a hole", "%s", data < 0 || data >= MIB - 8192 ? "none but at the end" : "some");
	make_data("full", 100000, 3);
	int full = (int)MUST(open("full", O_RDONLY));
	RESULT(lseek(full, 0, SEEK_HOLE));
	RESULT(lseek(full, 50000, SEEK_HOLE));
	RESULT(lseek(full, 99999, SEEK_DATA));
}

const struct posix_case seek_cases[] = {
	{ .name = "written", .run = written },
	{ .name = "not-yet-written", .run = not_yet_written },
	{ .name = "errors", .run = errors },
	{ .name = "holes-only", .run = holes_only },
	{ .name = NULL },
};
