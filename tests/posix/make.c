/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making things, and children. */
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "posix.h"

void make_file(const char *path, const char *text)
{
	int fd = (int)MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
	MUST(write(fd, text, strlen(text)));
	close(fd);
}

void fill(void *buf, size_t n, unsigned int seed)
{
	uint32_t x = seed * 2654435761u + 1;
	for (uint8_t *p = buf, *end = p + n; p < end; p++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		*p = (uint8_t)(x % 255 + 1);
	}
}

void make_data(const char *path, size_t n, unsigned int seed)
{
	int fd = (int)MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
	char *buf = malloc(n + 1);
	fill(buf, n, seed);
	MUST(write(fd, buf, n));
	free(buf);
	close(fd);
}

void make_full_dir(const char *path)
{
	MUST(mkdir(path, 0755));
	make_file(label_of("%s/inside", path), "kept");
}

const char *letters(char c, size_t n)
{
	static char texts[4][5000];
	static unsigned int next;
	char *text = texts[next++ % 4];
	memset(text, c, n);
	text[n] = '\0';
	return text;
}

/* ---- children ---- */

pid_t start(void (*f)(void))
{
	pid_t pid = fork();
	MUST(pid);
	if (pid != 0)
		return pid;
	f();
	_exit(0);
}

void say_end(const char *label, pid_t pid)
{
	int status;
	MUST(waitpid(pid, &status, 0));
	if (WIFSIGNALED(status))
		say(label, "SIG%s", sigabbrev_np(WTERMSIG(status)));
	else
		say(label, "exit %d", WEXITSTATUS(status));
}

/* By the plain system calls: this process has no threads. */
void as_user(uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups, void (*f)(void))
{
	int status;
	pid_t pid = fork();
	MUST(pid);
	if (pid == 0) {
		if (uid != 0) {
			MUST(setgroups(n_groups, groups));
			MUST(setresgid(gid, gid, gid));
			MUST(setresuid(uid, uid, uid));
		}
		f();
		_exit(0);
	}
	MUST(waitpid(pid, &status, 0));
	if (status != 0)
		say("a child", "status %d", status);
}

static void nothing(int signal)
{
	(void)signal;
}

void interrupt_by(int signal)
{
	struct sigaction sa = { .sa_handler = nothing };
	MUST(sigaction(signal, &sa, NULL));
}

void wait_tick(void)
{
	struct timespec a, b;
	clock_gettime(CLOCK_REALTIME_COARSE, &a);
	for (int i = 0; i < 2; i++) {
		do {
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
			clock_gettime(CLOCK_REALTIME_COARSE, &b);
		} while (a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec);
		a = b;
	}
}
