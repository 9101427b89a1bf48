/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fallocate(2) in all modes, and the room that files take. */
#include <errno.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "posix.h"

#define SIZE 100000

static const off_t offsets[] = { 0, 1, 4032, 4096, 5000, 8192, 99999, 100000, 102400, 200000 };
static const off_t lengths[] = { 1, 100, 4096, 8192, 40000, 150000 };
#define N(array) (sizeof(array) / sizeof((array)[0]))

static void with_mode(int mode, size_t size)
{
	for (size_t i = 0; i < N(offsets); i++) {
		for (size_t j = 0; j < N(lengths); j++) {
			make_data("f", size, 9);
			int fd = (int)MUST(open("f", O_RDWR));
			const char *label = label_of("%zu bytes, %ld at %ld", size, (long)lengths[j], (long)offsets[i]);
			say_result(label, fallocate(fd, mode, offsets[i], lengths[j]));
			content_fd(label_of("%s, content", label), fd);
			close(fd);
		}
	}
}

static void plain(void)
{
	with_mode(0, 0);
	with_mode(0, SIZE);
}

static void keep(void)
{
	with_mode(FALLOC_FL_KEEP_SIZE, SIZE);
}

static void punch(void)
{
	with_mode(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, SIZE);
	with_mode(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0);
}

static void zero(void)
{
	with_mode(FALLOC_FL_ZERO_RANGE, SIZE);
	with_mode(FALLOC_FL_ZERO_RANGE, 0);
}

static void zero_keep(void)
{
	with_mode(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, SIZE);
}

static void collapse(void)
{
	make_data("f", SIZE, 10);
	int fd = (int)MUST(open("f", O_RDWR));
	RESULT(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 4096, 8192));
	content("collapsed", "f");
	make_data("f", SIZE, 10);
	RESULT(fallocate(fd, FALLOC_FL_INSERT_RANGE, 4096, 8192));
	content("inserted", "f");
}

static void wrong_modes(void)
{
	static const int modes[] = { FALLOC_FL_PUNCH_HOLE, FALLOC_FL_NO_HIDE_STALE,
				     FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE,
				     FALLOC_FL_INSERT_RANGE | FALLOC_FL_KEEP_SIZE,
				     FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0x4000 };
	make_data("f", SIZE, 11);
	int fd = (int)MUST(open("f", O_RDWR));
	for (size_t i = 0; i < N(modes); i++)
		say_result(label_of("mode %x", modes[i]), fallocate(fd, modes[i], 0, 4096));
	content("f", "f");
}

static void wrong_places(void)
{
	int pipes[2];
	make_data("f", SIZE, 12);
	MUST(mkfifo("fifo", 0644));
	MUST(mkdir("d", 0755));
	MUST(pipe(pipes));
	int fd = (int)MUST(open("f", O_RDWR)), r = (int)MUST(open("f", O_RDONLY));
	int fifo = (int)MUST(open("fifo", O_RDWR));
	int d = (int)MUST(open("d", O_RDONLY)), p = (int)MUST(open("f", O_PATH));
	RESULT(fallocate(fd, 0, -1, 10));
	RESULT(fallocate(fd, 0, 0, 0));
	RESULT(fallocate(fd, 0, 10, -10));
	RESULT(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 0));
	RESULT(fallocate(r, 0, 0, 10));
	RESULT(fallocate(fifo, 0, 0, 10));
	RESULT(fallocate(pipes[1], 0, 0, 10));
	RESULT(fallocate(d, 0, 0, 10));
	RESULT(fallocate(p, 0, 0, 10));
	RESULT(posix_fallocate(fd, 0, SIZE + 10));
	RESULT(posix_fallocate(fd, 0, 0));
	content("f", "f");
}

/* Where something lies: at least so much, or next to nothing. */
static void room(const char *label, int fd)
{
	struct stat sb;
	fsync(fd);
	MUST(fstat(fd, &sb));
	long kib = sb.st_blocks / 2, size = (long)(sb.st_size >> 10);
	say(label, "%s of %ld KiB",
	    kib <= 64 ? "next to nothing" : kib >= size ? "all" : kib >= size / 2 ? "most" : "some", size);
}

static void room_taken(void)
{
	enum { MIB = 1 << 20 };
	char *buf = malloc(MIB);
	fill(buf, MIB, 13);
	int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0644));
	MUST(ftruncate(fd, 100 * MIB));
	room("a hole", fd);
	MUST(pwrite(fd, "x", 1, 50 * MIB));
	room("a byte in it", fd);
	MUST(ftruncate(fd, 0));
	MUST(write(fd, buf, MIB));
	room("written", fd);
	RESULT(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192, MIB - 16384));
	room("punched", fd);
	RESULT(fallocate(fd, 0, 0, MIB));
	room("allocated", fd);
	RESULT(ftruncate(fd, 0));
	room("empty", fd);
	RESULT(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, MIB));
	look_fd("allocated, size kept", fd);
	RESULT(ftruncate(fd, MIB));
	RESULT(fallocate(fd, 0, 0, 4 * MIB));
	room("allocated and longer", fd);
	MUST(ftruncate(fd, 0));
	for (int i = 0; i < 4; i++)
		MUST(pwrite(fd, buf, MIB, (off_t)2 * i * MIB));
	room("every other MiB", fd);
	free(buf);
}

/* As seen by name, without a sync by the one who looks. */
static void room_by_name(void)
{
	struct stat sb;
	char *buf = malloc(SIZE);
	fill(buf, SIZE, 14);
	int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0644));
	MUST(write(fd, buf, SIZE));
	MUST(fsync(fd));
	close(fd);
	MUST(stat("f", &sb));
	say("after fsync and close", "%s", sb.st_blocks >= SIZE / 512 ? "all" : "less");
	MUST(truncate("f", 100));
	MUST(stat("f", &sb));
	say("after truncate", "%s", sb.st_blocks <= 16 ? "little" : "more");
	free(buf);
}

static void written_after(void)
{
	char buf[100];
	fill(buf, sizeof(buf), 15);
	int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0644));
	RESULT(fallocate(fd, 0, 0, SIZE));
	RESULT(pwrite(fd, buf, sizeof(buf), 5000));
	content("written", "f");
	RESULT(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5050, 10000));
	content("punched", "f");
	RESULT(pwrite(fd, buf, sizeof(buf), 12000));
	RESULT(fallocate(fd, FALLOC_FL_ZERO_RANGE, 12010, 200000));
	content("zeroed", "f");
	RESULT(ftruncate(fd, 12005));
	RESULT(ftruncate(fd, 13000));
	content("cut", "f");
	RESULT(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, SIZE));
	RESULT(pwrite(fd, buf, sizeof(buf), SIZE));
	content("longer", "f");
}

/* By the descriptor of a file without a name. */
static void without_name(void)
{
	make_data("f", SIZE, 16);
	int fd = (int)MUST(open("f", O_RDWR));
	MUST(unlink("f"));
	RESULT(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 50000));
	RESULT(fallocate(fd, 0, 0, 2 * SIZE));
	content_fd("f", fd);
}

const struct posix_case fallocate_cases[] = {
	{ .name = "plain", .run = plain },
	{ .name = "keep", .run = keep },
	{ .name = "punch", .run = punch },
	{ .name = "zero", .run = zero },
	{ .name = "zero-keep", .run = zero_keep },
	{ .name = "collapse", .run = collapse },
	{ .name = "wrong-modes", .run = wrong_modes },
	{ .name = "wrong-places", .run = wrong_places },
	{ .name = "room-taken", .run = room_taken },
	{ .name = "room-by-name", .run = room_by_name },
	{ .name = "written-after", .run = written_after },
	{ .name = "without-name", .run = without_name },
	{ .name = NULL },
};
