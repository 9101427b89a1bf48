/* SPDX-License-Identifier: GPL-3.0-or-later */
/* O_DIRECT. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void unaligned(void)
{
	char *buf = buffer(16384);
	make_data("f", 16384, 2);
	int fd = OPENED(open("f", O_RDWR | O_DIRECT));
	RESULT(pwrite(fd, buf, 100, 0));
	RESULT(pwrite(fd, buf, 4096, 100));
	RESULT(pwrite(fd, buf + 1, 4096, 0));
	RESULT(pread(fd, buf, 100, 0));
	RESULT(pread(fd, buf, 4096, 100));
	RESULT(pread(fd, buf + 1, 4096, 0));
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
