/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mmap(2): one content with read and write, ends of files, rights. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "posix.h"

#define PAGE 4096

static sigjmp_buf back;

static void jump(int sig)
{
	siglongjmp(back, sig);
}

/* Read (or write) a byte: "fine", or the signal. */
static void touch(const char *label, volatile char *p, bool writing)
{
	struct sigaction sa = { .sa_handler = jump };
	MUST(sigaction(SIGBUS, &sa, NULL));
	MUST(sigaction(SIGSEGV, &sa, NULL));
	int sig = sigsetjmp(back, 1);
	if (sig == 0) {
		if (writing)
			*p = 'w';
		else
			(void)*p;
		say(label, "fine");
	} else {
		say(label, "SIG%s", sigabbrev_np(sig));
	}
}

static char *map(int fd, size_t n, int prot, int flags)
{
	char *p = mmap(NULL, n, prot, flags, fd, 0);
	if (p == MAP_FAILED)
		MUST(-1);
	return p;
}

static void coherent(void)
{
	char got[8] = "";
	make_data("f", 3 * PAGE, 1);
	int fd = (int)MUST(open("f", O_RDWR)), other = (int)MUST(open("f", O_RDWR));
	char *a = map(fd, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	char *b = map(other, 3 * PAGE, PROT_READ, MAP_SHARED);
	memcpy(a + 4090, "mapped!", 7);
	MUST(pread(other, got, 7, 4090));
	say("read after a store", "%s", got);
	say("another mapping after a store", "%.7s", b + 4090);
	MUST(pwrite(other, "written", 7, 8000));
	say("mappings after a write", "%.7s, %.7s", a + 8000, b + 8000);
	memcpy(a + 8003, "XX", 2);
	MUST(pread(fd, got, 7, 8000));
	say("read after write and store", "%s", got);
	RESULT(msync(a, 3 * PAGE, MS_SYNC));
	RESULT(msync(a, 3 * PAGE, MS_ASYNC));
	RESULT(munmap(a, 3 * PAGE));
	content("f", "f");
}

static void between_processes(void)
{
	make_data("f", 2 * PAGE, 2);
	int fd = (int)MUST(open("f", O_RDWR));
	char *p = map(fd, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		int own = (int)MUST(open("f", O_RDWR));
		char *q = map(own, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
		memcpy(q + 100, "by the child", 12);
		memcpy(p + 5000, "inherited", 9);
		_exit(0);
	}
	say_end("child", pid);
	say("seen", "%.12s, %.9s", p + 100, p + 5000);
	content("f", "f");
}

static void private_one(void)
{
	make_data("f", 2 * PAGE, 3);
	int fd = (int)MUST(open("f", O_RDONLY));
	char *p = map(fd, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	memcpy(p + 10, "only mine", 9);
	content("f", "f");
	int w = (int)MUST(open("f", O_WRONLY));
	MUST(pwrite(w, "theirs", 6, PAGE));
	say("seen in a page of its own", "%.9s", p + 10);
}

/* Behind the end: zeros in the last page, which never get into the file; SIGBUS in the next. */
static void ends(void)
{
	make_data("f", 5000, 4);
	int fd = (int)MUST(open("f", O_RDWR));
	char *p = map(fd, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	say("behind the end", "%d", p[5000]);
	memcpy(p + 5100, "lost", 4);
	touch("the last page", p + 8191, false);
	touch("the next page", p + 8192, false);
	touch("the next page, written", p + 8192, true);
	MUST(ftruncate(fd, 3 * PAGE));
	touch("grown", p + 8192, true);
	touch("grown, behind", p + 3 * PAGE, false);
	say("what lay behind the end", "%s", p[5100] == 0 ? "zeros" : "left");
	MUST(ftruncate(fd, 100));
	touch("cut", p + PAGE, false);
	touch("cut, first page", p + 50, false);
	say("behind the cut", "%d", p[200]);
	MUST(ftruncate(fd, 2 * PAGE));
	say("grown again", "%d %d", p[200], p[PAGE]);
	content("f", "f");
	MUST(ftruncate(fd, 0));
	touch("empty", p, false);
}

static void of_holes(void)
{
	int fd = (int)MUST(open("f", O_RDWR | O_CREAT, 0644));
	MUST(ftruncate(fd, 1 << 20));
	char *p = map(fd, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED);
	say("a hole", "%d", p[500000]);
	memcpy(p + 500000, "filled", 6);
	memcpy(p + (1 << 20) - 3, "end", 3);
	RESULT(msync(p, 1 << 20, MS_SYNC));
	content("f", "f");
}

static void rights(void)
{
	make_data("f", PAGE, 5);
	MUST(mkdir("d", 0755));
	int r = (int)MUST(open("f", O_RDONLY)), w = (int)MUST(open("f", O_WRONLY)), d = (int)MUST(open("d", O_RDONLY));
	int a = (int)MUST(open("f", O_RDWR | O_APPEND)), p = (int)MUST(open("f", O_PATH));
#define TRY(fd, prot, flags)                                                                                           \
	say(#fd " " #prot " " #flags, "%s",                                                                            \
	    mmap(NULL, PAGE, prot, flags, fd, 0) == MAP_FAILED ? error_name(errno) : "fine")
	TRY(r, PROT_READ, MAP_SHARED);
	TRY(r, PROT_READ | PROT_WRITE, MAP_SHARED);
	TRY(r, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	TRY(r, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	TRY(w, PROT_WRITE, MAP_SHARED);
	TRY(w, PROT_READ, MAP_PRIVATE);
	TRY(d, PROT_READ, MAP_PRIVATE);
	TRY(a, PROT_READ | PROT_WRITE, MAP_SHARED);
	TRY(p, PROT_READ, MAP_PRIVATE);
	TRY(r, PROT_READ, MAP_SHARED_VALIDATE);
	TRY(r, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC);
#undef TRY
	say("odd offset", "%s",
	    mmap(NULL, PAGE, PROT_READ, MAP_SHARED, r, 100) == MAP_FAILED ? error_name(errno) : "fine");
	say("no length", "%s",
	    mmap(NULL, 0, PROT_READ, MAP_SHARED, r, 0) == MAP_FAILED ? error_name(errno) : "fine");
	char *m = map(r, PAGE, PROT_READ, MAP_SHARED);
	RESULT(mprotect(m, PAGE, PROT_READ | PROT_WRITE));
}

/* The mapping outlives descriptor and name. */
static void outlives(void)
{
	make_data("f", 2 * PAGE, 6);
	int fd = (int)MUST(open("f", O_RDWR));
	char *p = map(fd, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	close(fd);
	memcpy(p + 10, "after close", 11);
	content("closed", "f");
	MUST(unlink("f"));
	memcpy(p + 10, "after unlink", 12);
	say("unlinked", "%.12s", p + 10);
	RESULT(msync(p, 2 * PAGE, MS_SYNC));
	RESULT(madvise(p, 2 * PAGE, MADV_DONTNEED));
	say("fetched again", "%.12s", p + 10);
	touch("second page", p + PAGE, true);
}

/* A program runs from the mount, and while it does its file cannot be written. */
static void programs(void)
{
	char *data = malloc(1 << 20);
	int status, self = (int)MUST(open("/bin/sleep", O_RDONLY));
	ssize_t n = MUST(read(self, data, 1 << 20));
	int fd = (int)MUST(open("program", O_WRONLY | O_CREAT, 0755));
	MUST(write(fd, data, (size_t)n));
	close(fd);
	int ready[2];
	MUST(pipe2(ready, O_CLOEXEC));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		execl("./program", "sleep", "100", NULL);
		_exit(99);
	}
	close(ready[1]);
	(void)!read(ready[0], data, 1); /* until it is executed */
	OPENED(open("program", O_RDWR));
	RESULT(truncate("program", 0));
	OPENED(open("program", O_RDONLY));
	MUST(rename("program", "moved"));
	OPENED(open("moved", O_WRONLY));
	kill(pid, SIGKILL);
	MUST(waitpid(pid, &status, 0));
	say("it ended by", "%s", WIFSIGNALED(status) ? "our signal" : "itself");
	int w = OPENED(open("moved", O_WRONLY));
	pid = (pid_t)MUST(fork());
	if (pid == 0) {
		execl("./moved", "sleep", "0", NULL);
		say("executed while being written", "%s", error_name(errno));
		_exit(0);
	}
	say_end("that", pid);
	close(w);
	free(data);
}

const struct posix_case mapping_cases[] = {
	{ .name = "coherent", .run = coherent },
	{ .name = "between-processes", .run = between_processes },
	{ .name = "private", .run = private_one },
	{ .name = "ends", .run = ends },
	{ .name = "of-holes", .run = of_holes },
	{ .name = "rights", .run = rights },
	{ .name = "outlives", .run = outlives },
	{ .name = "programs", .run = programs },
	{ .name = NULL },
};
