/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading and writing, at all places and sizes, from several processes. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "posix.h"

#define BIG 300000

static char big[BIG];
static volatile size_t too_much = SIZE_MAX; /* what the compiler need not know */
static volatile int minus_one = -1;

/* Pages of 4096 bytes and what a page of ciphertext holds, 4032 bytes after a header of 64, and their neighbours. */
static const off_t places[] = { 0, 1, 63, 64, 3967, 3968, 3969, 4031, 4032, 4095, 4096, 4097, 7999, 8000, 8191, 8192,
				8193, 65535, 65536, 131071, 200000 };
#define N_PLACES (sizeof(places) / sizeof(places[0]))

static void write_anywhere(void)
{
	fill(big, sizeof(big), 1);
	for (size_t i = 0; i < N_PLACES; i++) {
		for (size_t j = 0; j < N_PLACES; j++) {
			int fd = (int)MUST(open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));
			size_t n = (size_t)places[j] + 1;
			if (pwrite(fd, big, n, places[i]) != (ssize_t)n || pwrite(fd, "x", 1, places[j]) != 1)
				say("a write", "%s", error_name(errno));
			content_fd(label_of("%zu bytes at %ld", n, (long)places[i]), fd);
			close(fd);
		}
	}
}

static void read_anywhere(void)
{
	static char buf[BIG];
	make_data("f", 70000, 2);
	int fd = (int)MUST(open("f", O_RDONLY));
	for (size_t i = 0; i < N_PLACES; i++) {
		for (size_t j = 0; j < N_PLACES; j++) {
			ssize_t n = pread(fd, buf, (size_t)places[j], places[i]);
			say(label_of("%ld bytes at %ld", (long)places[j], (long)places[i]), "%zd, hash %016llx", n,
			    (unsigned long long)hash_of(buf, n > 0 ? (size_t)n : 0));
		}
	}
}

static void of_zero_bytes(void)
{
	struct stat a, b;
	make_file("f", "content");
	int fd = (int)MUST(open("f", O_RDWR)), r = (int)MUST(open("f", O_RDONLY));
	MUST(fstat(fd, &a));
	wait_tick();
	RESULT(write(fd, "", 0));
	RESULT(pwrite(fd, "", 0, 100));
	RESULT(read(fd, NULL, 0));
	RESULT(pread(fd, NULL, 0, 100));
	RESULT(write(r, "", 0));
	RESULT(writev(fd, NULL, 0));
	RESULT(readv(fd, NULL, 0));
	RESULT(write(fd, NULL, 0));
	MUST(fstat(fd, &b));
	say("mtime", "%s", memcmp(&a.st_mtim, &b.st_mtim, sizeof(a.st_mtim)) == 0 ? "kept" : "changed");
	content("f", "f");
}

/* A buffer of which only the beginning is there. */
static void bad_buffers(void)
{
	char *buf = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fill(buf, 8 * 4096, 3);
	MUST(mprotect(buf + 4 * 4096, 4 * 4096, PROT_NONE));
	make_data("g", 8 * 4096, 4);
	int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0644)), g = (int)MUST(open("g", O_RDONLY));
	RESULT(write(fd, buf + 4 * 4096, 1));
	RESULT(write(fd, buf, 8 * 4096));
	RESULT(pwrite(fd, buf + 4 * 4096 - 10, 20, 1000));
	content("f", "f");
	RESULT(read(g, buf + 4 * 4096, 1));
	RESULT(pread(g, buf, 8 * 4096, 0));
	RESULT(pread(g, buf + 4096, 4 * 4096, 4096));
	say("read", "hash %016llx", (unsigned long long)hash_of(buf, 4 * 4096));
	RESULT(pread(g, buf, too_much, 0));
	RESULT(pread(g, buf, SSIZE_MAX, 8 * 4096 - 100));
	RESULT(pwrite(fd, buf, too_much, 0));
	RESULT(pread(g, buf, 10, -1));
	RESULT(pwrite(fd, buf, 10, -1));
}

static void vectors(void)
{
	static struct iovec v[IOV_MAX + 1];
	static char bytes[IOV_MAX + 1];
	fill(bytes, sizeof(bytes), 5);
	for (size_t i = 0; i <= IOV_MAX; i++)
		v[i] = (struct iovec){ .iov_base = &bytes[i], .iov_len = 1 };
	int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0644));
	RESULT(writev(fd, v, IOV_MAX + 1));
	RESULT(writev(fd, v, IOV_MAX));
	RESULT(pwritev(fd, v, 3, 5000));
	RESULT(pwritev(fd, v, 3, -2));
	RESULT(writev(fd, v, minus_one));
	v[1].iov_len = SIZE_MAX;
	RESULT(writev(fd, v, 2));
	v[1].iov_len = 0;
	RESULT(pwritev(fd, v, 3, 6000));
	content("f", "f");
	RESULT(preadv(fd, v, 3, 6000));
	RESULT(preadv(fd, v, 3, 7000));
}

/* ---- appending ---- */

#define RECORD 150
#define RECORDS 200
#define WRITERS 4

static void append_records(char who)
{
	char record[RECORD];
	int fd = (int)MUST(open("log", O_WRONLY | O_APPEND));
	memset(record, who, sizeof(record));
	record[RECORD - 1] = '\n';
	for (int i = 0; i < RECORDS; i++)
		MUST(write(fd, record, sizeof(record)));
	close(fd);
}

static int whole_records(const char *path, size_t *size)
{
	static char all[WRITERS * RECORDS * RECORD + 1];
	int whole = 0, fd = (int)MUST(open(path, O_RDONLY));
	*size = (size_t)MUST(pread(fd, all, sizeof(all), 0));
	for (size_t at = 0; at + RECORD <= *size; at += RECORD) {
		size_t n = 1;
		while (n < RECORD - 1 && all[at + n] == all[at])
			n++;
		whole += n == RECORD - 1 && all[at + n] == '\n' && all[at] >= 'a';
	}
	close(fd);
	return whole;
}

static void append_from_many(void)
{
	size_t size;
	make_file("log", "");
	for (int i = 0; i < WRITERS; i++) {
		if (MUST(fork()) == 0) {
			append_records((char)('a' + i));
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	int whole = whole_records("log", &size);
	say("records", "%d whole, %zu bytes", whole, size);
}

/* Through another name, another descriptor, after a cut: always at the end. */
static void append_at_the_end(void)
{
	make_file("f", "hello");
	MUST(link("f", "g"));
	int a = (int)MUST(open("f", O_WRONLY | O_APPEND)), b = (int)MUST(open("g", O_RDWR | O_APPEND));
	RESULT(write(a, "world", 5));
	content("g", "g");
	RESULT(write(b, "again", 5));
	RESULT(lseek(b, 0, SEEK_CUR));
	RESULT(pwrite(a, "pwritten", 8, 0));
	RESULT(lseek(a, 0, SEEK_SET));
	RESULT(write(a, "end", 3));
	content("f", "f");
	RESULT(truncate("g", 2));
	RESULT(write(a, "after", 5));
	content("f, cut", "f");
	RESULT(ftruncate(b, 100));
	RESULT(write(a, "after", 5));
	content("f, grown", "f");
}

/* ---- flags of one call ---- */

static const struct rwf {
	const char *name;
	int flags;
} rwf_flags[] = {
	{ "none", 0 },
	{ "HIPRI", RWF_HIPRI },
	{ "DSYNC", RWF_DSYNC },
	{ "SYNC", RWF_SYNC },
	{ "APPEND", RWF_APPEND },
	{ "NOAPPEND", 0x20 },
	{ "APPEND NOAPPEND", RWF_APPEND | 0x20 },
	{ "ATOMIC", 0x40 },
	{ "DONTCACHE", 0x80 },
	{ "unknown", 0x40000000 },
};

static void of_one_call(void)
{
	char buf[10];
	struct iovec v = { .iov_base = (char[]){ "0123456789" }, .iov_len = 10 };
	struct iovec in = { .iov_base = buf, .iov_len = 10 };
	for (size_t i = 0; i < sizeof(rwf_flags) / sizeof(rwf_flags[0]); i++) {
		const char *name = rwf_flags[i].name;
		make_data("f", 100, 6);
		int fd = (int)MUST(open("f", O_RDWR));
		say_result(label_of("write %s", name), pwritev2(fd, &v, 1, 5, rwf_flags[i].flags));
		say_result(label_of("write %s at -1", name), pwritev2(fd, &v, 1, -1, rwf_flags[i].flags));
		say(label_of("position after write %s", name), "%ld", (long)lseek(fd, 0, SEEK_CUR));
		content(label_of("after write %s", name), "f");
		say_result(label_of("read %s", name), preadv2(fd, &in, 1, 5, rwf_flags[i].flags));
		close(fd);
	}
}

/* Without waiting: what is in the cache comes at once, and nothing wrong ever. */
static void nowait(void)
{
	char buf[10];
	struct iovec v = { .iov_base = buf, .iov_len = 10 };
	make_data("f", 100, 7);
	int fd = (int)MUST(open("f", O_RDWR));
	MUST(pread(fd, buf, 10, 0));
	ssize_t n = preadv2(fd, &v, 1, 5, RWF_NOWAIT);
	say("read", "%s", n == 10 || (n < 0 && errno == EAGAIN) || (n < 0 && errno == EOPNOTSUPP) ? "fine" : "wrong");
	n = pwritev2(fd, &v, 1, 5, RWF_NOWAIT);
	say("write", "%s", n == 10 || (n < 0 && errno == EAGAIN) || (n < 0 && errno == EOPNOTSUPP) ? "fine" : "wrong");
}

/* ---- cutting and growing ---- */

static void truncate_anywhere(void)
{
	for (size_t i = 0; i < N_PLACES; i++) {
		for (size_t j = 0; j < N_PLACES; j++) {
			make_data("f", (size_t)places[i], 8);
			if (truncate("f", places[j]) != 0 || truncate("f", places[j] + 5000) != 0)
				say("truncate", "%s", error_name(errno));
			content(label_of("%ld to %ld, then longer", (long)places[i], (long)places[j]), "f");
		}
	}
}

static void truncate_what(void)
{
	make_file("f", "content");
	MUST(mkdir("d", 0755));
	MUST(symlink("f", "l"));
	MUST(symlink("d", "ld"));
	MUST(mkfifo("fifo", 0644));
	RESULT(truncate("f", -1));
	RESULT(truncate("d", 0));
	RESULT(truncate("ld", 0));
	RESULT(truncate("fifo", 0));
	RESULT(truncate("missing", 0));
	RESULT(truncate("f/", 0));
	RESULT(truncate("l", 3));
	content("f", "f");
	int fd = (int)MUST(open("f", O_RDWR));
	RESULT(ftruncate(fd, -1));
	RESULT(lseek(fd, 100, SEEK_SET));
	RESULT(ftruncate(fd, 0));
	RESULT(write(fd, "x", 1));
	content("f, written behind its end", "f");
	RESULT(ftruncate(99, 0));
}

/* While another process reads: every byte it gets is one of those that were there. */
static void seen_by_others(void)
{
	char buf[10] = "";
	make_file("f", "before");
	int fd = (int)MUST(open("f", O_RDWR));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		int other = (int)MUST(open("f", O_RDWR));
		MUST(pwrite(other, "BEFORE and after", 16, 0));
		MUST(ftruncate(other, 8));
		_exit(0);
	}
	say_end("the other", pid);
	RESULT(pread(fd, buf, 9, 0));
	say("content", "%s", buf);
	look_fd("f", fd);
}

const struct posix_case content_cases[] = {
	{ .name = "write-anywhere", .run = write_anywhere },
	{ .name = "read-anywhere", .run = read_anywhere },
	{ .name = "of-zero-bytes", .run = of_zero_bytes },
	{ .name = "bad-buffers", .run = bad_buffers },
	{ .name = "vectors", .run = vectors },
	{ .name = "append-from-many", .run = append_from_many },
	{ .name = "append-at-the-end", .run = append_at_the_end },
	{ .name = "of-one-call", .run = of_one_call },
	{ .name = "nowait", .run = nowait },
	{ .name = "truncate-anywhere", .run = truncate_anywhere },
	{ .name = "truncate-what", .run = truncate_what },
	{ .name = "seen-by-others", .run = seen_by_others },
	{ .name = NULL },
};
