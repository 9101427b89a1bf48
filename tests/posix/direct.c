/* SPDX-License-Identifier: GPL-3.0-or-later */
/* O_DIRECT. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "posix.h"

static char *buffer(size_t n)
{
	void *p = NULL;
	if (posix_memalign(&p, 4096, n) != 0)
		_exit(1);
	fill(p, n, 1);
	return p;
}

static void aligned(void)
{
	char *buf = buffer(1 << 20);
	int fd = OPENED(open("f", O_RDWR | O_CREAT | O_DIRECT, 0644));
	RESULT(pwrite(fd, buf, 4096, 0));
	RESULT(pwrite(fd, buf, 8192, 4096));
	RESULT(pwrite(fd, buf, 1 << 20, 1 << 20));
	RESULT(pread(fd, buf, 4096, 4096));
	say("read", "hash %016llx", (unsigned long long)hash_of(buf, 4096));
	RESULT(pread(fd, buf, 4096, 3 << 20));
	RESULT(pread(fd, buf, 1 << 20, (2 << 20) - 4096));
	content("f", "f");
	RESULT(ftruncate(fd, 10000));
	RESULT(pread(fd, buf, 8192, 8192));
	content("cut", "f");
	RESULT(fsync(fd));
}

/* ---- not aligned ---- */

#define BLOCK 4032u /* of a vault, in plaintext */
#define FIRST 3968u /* the first of them */
#define MOST 65536u

/* No disk takes them: each has something that is not a multiple of 512. */
static const struct {
	size_t off, n, memory;
} pieces[] = {
	{ 0, 100, 0 },
	{ 100, 4096, 0 },
	{ 0, 4096, 1 },
	{ 4095, 2, 3 },
	{ FIRST - 1, 2, 0 },
	{ FIRST + 1, BLOCK - 2, 5 },
	{ FIRST + BLOCK - 3, BLOCK + 7, 4095 },
	{ 1, 3 * 4096 - 1, 2047 },
	{ 19990, 20, 1 },
	{ 5000, 25001, 77 },
	{ 40001, 5001, 7 },
};

/* A file of which this is the content, open for direct and for cached access, and mapped. */
static struct {
	int direct, cached;
	char *map, *buf;
	size_t size;
	char want[MOST];
} un;

/* A byte by write and one by the mapping, both if the file has it; nobody has written them back yet. */
static void make_dirty(size_t written, size_t mapped)
{
	static char c;
	if (written < un.size) {
		un.want[written] = ++c;
		MUST(pwrite(un.cached, &c, 1, (off_t)written));
	}
	if (mapped < un.size)
		un.map[mapped] = un.want[mapped] = ++c;
}

static void look_cached(const char *label)
{
	static char got[MOST];
	bool read = MUST(pread(un.cached, got, MOST, 0)) == (long)un.size && memcmp(got, un.want, un.size) == 0;
	bool mapped = memcmp(un.map, un.want, un.size) == 0;
	say(label, "%s, mapped %s", read ? "right" : "wrong", mapped ? "right" : "wrong");
}

static void write_piece(const char *label, int fd, size_t off, size_t n, const char *from)
{
	make_dirty(off - 1, off + n);
	ssize_t r = pwrite(fd, from, n, (off_t)off);
	if (r < 0)
		say_result(label, r);
	else
		say(label, "%s", (size_t)r == n ? "all of it" : "some of it");
	if (r > 0) {
		memcpy(un.want + off, from, (size_t)r);
		un.size = off + (size_t)r > un.size ? off + (size_t)r : un.size;
	}
	look_cached(label_of("after %s", label));
}

static void read_piece(const char *label, size_t off, size_t n, char *into)
{
	make_dirty(off, off + n - 1);
	size_t left = off < un.size ? un.size - off : 0, there = n < left ? n : left;
	ssize_t r = pread(un.direct, into, n, (off_t)off);
	if (r < 0)
		say_result(label, r);
	else
		say(label, "%s", (size_t)r == there && memcmp(into, un.want + off, there) == 0 ? "right" : "wrong");
}

static void unaligned(void)
{
	un.buf = buffer(MOST + 4096);
	make_data("f", un.size = 20000, 2);
	un.direct = OPENED(open("f", O_RDWR | O_DIRECT));
	un.cached = (int)MUST(open("f", O_RDWR));
	MUST(pread(un.cached, un.want, un.size, 0));
	un.map = mmap(NULL, MOST, PROT_READ | PROT_WRITE, MAP_SHARED, un.cached, 0);
	if (un.map == MAP_FAILED)
		MUST(-1);
	for (unsigned int i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		size_t off = pieces[i].off, n = pieces[i].n;
		const char *what = label_of("%zu at %zu, memory at %zu", n, off, pieces[i].memory);
		char *memory = un.buf + pieces[i].memory;
		read_piece(label_of("read %s", what), off, n, memory);
		fill(memory, n, 3 + i);
		write_piece(label_of("write %s", what), un.direct, off, n, memory);
		memset(memory, 0, n);
		read_piece(label_of("read %s, again", what), off, n, memory);
	}
	fill(un.buf, MOST, 50);
	int append = OPENED(open("f", O_WRONLY | O_APPEND | O_DIRECT));
	write_piece("append 777", append, un.size, 777, un.buf + 1);
	write_piece("append 4096", append, un.size, 4096, un.buf + 3);
}

/* Direct, cached and mapped are one content. */
static void mixed_with_cached(void)
{
	char *buf = buffer(4096);
	char got[8] = "";
	make_data("f", 16384, 3);
	int direct = (int)MUST(open("f", O_RDWR | O_DIRECT)), cached = (int)MUST(open("f", O_RDWR));
	MUST(pread(cached, got, 7, 4096));
	RESULT(pwrite(direct, buf, 4096, 4096));
	RESULT(pread(cached, got, 7, 4096));
	say("cached sees", "%s", memcmp(got, buf, 7) == 0 ? "what was written directly" : "something else");
	RESULT(pwrite(cached, "by the cache", 12, 8192));
	RESULT(pread(direct, buf, 4096, 8192));
	say("direct sees", "%.12s", buf);
	content("f", "f");
	RESULT(pwrite(cached, "again", 5, 8192 + 100));
	RESULT(pwrite(direct, buf, 4096, 8192));
	content("f, written by both", "f");
	RESULT(pwrite(cached, "longer", 6, 20000));
	RESULT(pread(direct, buf, 4096, 16384));
	say("direct sees", "%.6s", buf + 20000 - 16384);
}

/* At the end of the file. */
static void appending(void)
{
	char *buf = buffer(4096);
	int fd = OPENED(open("f", O_RDWR | O_CREAT | O_DIRECT | O_APPEND, 0644));
	RESULT(write(fd, buf, 4096));
	RESULT(write(fd, buf, 4096));
	RESULT(lseek(fd, 0, SEEK_CUR));
	content("f", "f");
}

const struct posix_case direct_cases[] = {
	{ .name = "aligned", .run = aligned },
	{ .name = "unaligned", .run = unaligned },
	{ .name = "mixed-with-cached", .run = mixed_with_cached },
	{ .name = "appending", .run = appending },
	{ .name = NULL },
};
