/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flock, POSIX locks, those of open file descriptions, leases. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "posix.h"

static struct flock range(short type, off_t from, off_t n)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = from, .l_len = n };
}

static int lock(int fd, int how, short type, off_t from, off_t n)
{
	struct flock l = range(type, from, n);
	return fcntl(fd, how, &l);
}

/* Who would be in the way of a lock. */
static void conflict(const char *label, int fd, int how, short type, off_t from, off_t n, pid_t known)
{
	struct flock l = range(type, from, n);
	if (fcntl(fd, how, &l) != 0) {
		say_result(label, -1);
		return;
	}
	if (l.l_type == F_UNLCK)
		say(label, "nobody");
	else
		say(label, "%s lock at %ld of %ld by %s", l.l_type == F_RDLCK ? "read" : "write", (long)l.l_start,
		    (long)l.l_len, l.l_pid == known ? "the known" : l.l_pid == -1 ? "a description" : "somebody");
}

static void whole_files(void)
{
	make_file("f", "");
	int a = (int)MUST(open("f", O_RDONLY)), b = (int)MUST(open("f", O_RDWR)), c = dup(a);
	RESULT(flock(a, LOCK_EX));
	RESULT(flock(b, LOCK_EX | LOCK_NB));
	RESULT(flock(b, LOCK_SH | LOCK_NB));
	RESULT(flock(c, LOCK_EX | LOCK_NB));
	RESULT(flock(a, LOCK_SH));
	RESULT(flock(b, LOCK_SH | LOCK_NB));
	RESULT(flock(a, LOCK_EX | LOCK_NB));
	RESULT(flock(b, LOCK_UN));
	RESULT(flock(a, LOCK_EX | LOCK_NB));
	close(a);
	RESULT(flock(b, LOCK_EX | LOCK_NB));
	close(c);
	RESULT(flock(b, LOCK_EX | LOCK_NB));
	RESULT(flock(b, 99));
	int p = (int)MUST(open("f", O_PATH));
	RESULT(flock(p, LOCK_SH));
	int d = (int)MUST(open(".", O_RDONLY)), d2 = (int)MUST(open(".", O_RDONLY));
	RESULT(flock(d, LOCK_EX));
	RESULT(flock(d2, LOCK_EX | LOCK_NB));
}

static void by_other_names(void)
{
	make_file("f", "");
	MUST(link("f", "g"));
	int a = (int)MUST(open("f", O_RDWR)), b = (int)MUST(open("g", O_RDWR));
	RESULT(flock(a, LOCK_EX));
	RESULT(flock(b, LOCK_EX | LOCK_NB));
	RESULT(lock(a, F_OFD_SETLK, F_WRLCK, 0, 0));
	RESULT(lock(b, F_OFD_SETLK, F_RDLCK, 0, 1));
	MUST(unlink("f"));
	MUST(rename("g", "h"));
	int c = (int)MUST(open("h", O_RDWR));
	RESULT(flock(c, LOCK_EX | LOCK_NB));
	RESULT(lock(c, F_OFD_SETLK, F_RDLCK, 5, 1));
}

/* ---- ranges, of processes ---- */

static pid_t holder;

static void try_from_child(void)
{
	int fd = (int)MUST(open("f", O_RDWR));
	conflict("in the way of a write lock", fd, F_GETLK, F_WRLCK, 0, 0, holder);
	conflict("in the way of a read lock", fd, F_GETLK, F_RDLCK, 0, 0, holder);
	conflict("in the way at 100", fd, F_GETLK, F_WRLCK, 100, 10, holder);
	RESULT(lock(fd, F_SETLK, F_WRLCK, 0, 1));
	RESULT(lock(fd, F_SETLK, F_RDLCK, 0, 1));
	RESULT(lock(fd, F_SETLK, F_WRLCK, 50, 10));
	RESULT(lock(fd, F_SETLK, F_WRLCK, 100, 0));
}

static void ask_child(const char *when)
{
	say("now", "%s", when);
	holder = getpid();
	int status;
	MUST(waitpid(start(try_from_child), &status, 0));
}

static void ranges(void)
{
	make_file("f", "content");
	int fd = (int)MUST(open("f", O_RDWR));
	RESULT(lock(fd, F_SETLK, F_WRLCK, 0, 100));
	ask_child("0-99 is locked for writing");
	RESULT(lock(fd, F_SETLK, F_UNLCK, 50, 10));
	ask_child("but for 50-59");
	RESULT(lock(fd, F_SETLK, F_RDLCK, 0, 0));
	ask_child("all is locked for reading");
	int other = (int)MUST(open("f", O_RDONLY));
	close(other);
	ask_child("another descriptor was closed");
	struct flock back = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 20, .l_len = -10 };
	RESULT(fcntl(fd, F_SETLK, &back));
	ask_child("10-19 by a negative length");
	struct flock end = { .l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -2 };
	RESULT(fcntl(fd, F_SETLK, &end));
	ask_child("from two before the end");
}

static void wrong_ones(void)
{
	make_file("f", "content");
	int r = (int)MUST(open("f", O_RDONLY)), w = (int)MUST(open("f", O_WRONLY)), p = (int)MUST(open("f", O_PATH));
	RESULT(lock(r, F_SETLK, F_WRLCK, 0, 0));
	RESULT(lock(w, F_SETLK, F_RDLCK, 0, 0));
	RESULT(lock(p, F_SETLK, F_RDLCK, 0, 0));
	RESULT(lock(r, F_SETLK, F_RDLCK, -1, 0));
	RESULT(lock(r, F_SETLK, F_RDLCK, 0, -1));
	RESULT(lock(r, F_SETLK, F_RDLCK, INT64_MAX, 2));
	RESULT(lock(r, F_SETLK, F_RDLCK, INT64_MAX, 1));
	RESULT(lock(r, F_SETLK, 77, 0, 0));
	struct flock l = range(F_RDLCK, 0, 0);
	l.l_whence = 9;
	RESULT(fcntl(r, F_SETLK, &l));
	l = range(F_RDLCK, 0, 0);
	l.l_pid = 1;
	RESULT(fcntl(r, F_OFD_SETLK, &l));
}

static void gone_with_process(void)
{
	int status;
	make_file("f", "content");
	pid_t pid = (pid_t)MUST(fork());
	int fd = (int)MUST(open("f", O_RDWR));
	if (pid == 0) {
		_exit(lock(fd, F_SETLKW, F_WRLCK, 0, 0) == 0 && flock(fd, LOCK_EX) == 0 ? 0 : 1);
	}
	MUST(waitpid(pid, &status, 0));
	say("child", "%d", status);
	RESULT(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	RESULT(flock(fd, LOCK_EX | LOCK_NB));
}

/* Not those of the parent, and exec keeps them. */
static void inherited(void)
{
	make_file("f", "content");
	int fd = (int)MUST(open("f", O_RDWR));
	RESULT(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	RESULT(lock(fd, F_OFD_SETLK, F_WRLCK, 20, 10));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		say_result("child, the parent's", lock(fd, F_SETLK, F_WRLCK, 0, 10));
		say_result("child, the description's", lock(fd, F_OFD_SETLK, F_WRLCK, 20, 10));
		_exit(0);
	}
	say_end("child", pid);
}

static void of_descriptions(void)
{
	make_file("f", "content");
	int a = (int)MUST(open("f", O_RDWR)), b = (int)MUST(open("f", O_RDWR)), c = dup(a);
	RESULT(lock(a, F_OFD_SETLK, F_WRLCK, 0, 10));
	RESULT(lock(b, F_OFD_SETLK, F_WRLCK, 5, 10));
	RESULT(lock(b, F_OFD_SETLK, F_WRLCK, 10, 10));
	RESULT(lock(b, F_SETLK, F_WRLCK, 0, 1));
	conflict("in the way", b, F_OFD_GETLK, F_RDLCK, 0, 1, getpid());
	conflict("in the way of POSIX", b, F_GETLK, F_RDLCK, 0, 1, getpid());
	close(a);
	RESULT(lock(b, F_OFD_SETLK, F_WRLCK, 5, 10));
	close(c);
	RESULT(lock(b, F_OFD_SETLK, F_WRLCK, 5, 10));
}

/* ---- waiting ---- */

/* Whether the process sleeps in a lock: then it waits. */
static void until_waits(pid_t pid)
{
	char line[256];
	for (int i = 0; i < 10000; i++) {
		int fd = open(label_of("/proc/%d/syscall", pid), O_RDONLY);
		ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
		close(fd);
		line[n > 0 ? n : 0] = '\0';
		if (strncmp(line, label_of("%d ", 72), 3) == 0 || strncmp(line, label_of("%d ", 73), 3) == 0)
			return;
		usleep(1000);
	}
}

static void waiting(void)
{
	int pipes[2];
	char c;
	make_file("f", "content");
	MUST(pipe(pipes));
	int fd = (int)MUST(open("f", O_RDWR));
	MUST(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	MUST(flock(fd, LOCK_EX));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		int own = (int)MUST(open("f", O_RDWR));
		say_result("waited for a range", lock(own, F_SETLKW, F_WRLCK, 5, 10));
		MUST(write(pipes[1], "x", 1));
		say_result("waited for the file", flock(own, LOCK_EX));
		_exit(0);
	}
	until_waits(pid);
	MUST(lock(fd, F_SETLK, F_UNLCK, 0, 10));
	MUST(read(pipes[0], &c, 1));
	until_waits(pid);
	MUST(flock(fd, LOCK_UN));
	say_end("child", pid);
}

static void interrupted(void)
{
	make_file("f", "content");
	int fd = (int)MUST(open("f", O_RDWR));
	MUST(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	MUST(flock(fd, LOCK_EX));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		int own = (int)MUST(open("f", O_RDWR));
		interrupt_by(SIGUSR1);
		say_result("waited for a range", lock(own, F_SETLKW, F_WRLCK, 5, 10));
		say_result("waited for the file", flock(own, LOCK_EX));
		_exit(0);
	}
	/* A signal between the two calls would be lost, so it comes until the child has ended. */
	int status;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		until_waits(pid);
		kill(pid, SIGUSR1);
		usleep(1000);
	}
	say("child", "%d", status);
}

static void deadlock(void)
{
	int status;
	make_file("f", "content");
	int fd = (int)MUST(open("f", O_RDWR));
	MUST(lock(fd, F_SETLK, F_WRLCK, 0, 1));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		MUST(lock(fd, F_SETLK, F_WRLCK, 1, 1));
		_exit(lock(fd, F_SETLKW, F_WRLCK, 0, 1) == 0 ? 0 : errno);
	}
	until_waits(pid);
	RESULT(lock(fd, F_SETLKW, F_WRLCK, 1, 1));
	RESULT(lock(fd, F_SETLK, F_UNLCK, 0, 1));
	MUST(waitpid(pid, &status, 0));
	say("child", "%d", status);
}

static void leases(void)
{
	make_file("f", "content");
	int r = (int)MUST(open("f", O_RDONLY));
	RESULT(fcntl(r, F_GETLEASE) == F_UNLCK);
	RESULT(fcntl(r, F_SETLEASE, F_RDLCK));
	RESULT(fcntl(r, F_GETLEASE) == F_RDLCK);
	RESULT(fcntl(r, F_SETLEASE, F_UNLCK));
	int d = (int)MUST(open(".", O_RDONLY));
	RESULT(fcntl(d, F_NOTIFY, DN_CREATE));
}

const struct posix_case lock_cases[] = {
	{ .name = "whole-files", .run = whole_files },
	{ .name = "by-other-names", .run = by_other_names },
	{ .name = "ranges", .run = ranges },
	{ .name = "wrong-ones", .run = wrong_ones },
	{ .name = "gone-with-process", .run = gone_with_process },
	{ .name = "inherited", .run = inherited },
	{ .name = "of-descriptions", .run = of_descriptions },
	{ .name = "waiting", .run = waiting },
	{ .name = "interrupted", .run = interrupted },
	{ .name = "deadlock", .run = deadlock },
	{ .name = "leases", .run = leases },
	{ .name = NULL },
};
