/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/background.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"

static const int passed_on[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
#define N_PASSED_ON (sizeof(passed_on) / sizeof(passed_on[0]))

static pid_t child;

/* Sent to us alone or to us both (by a terminal): the child may get it twice, which does no harm. */
static void pass_on(int sig)
{
	int saved = errno;
	(void)kill(child, sig);
	errno = saved;
}

static void wake_up(int sig)
{
	(void)sig; /* so that ppoll returns */
}

/* With these blocked; they come in only while we wait. What stops a job is the child's to act upon: it
 * has to switch the terminal's echo on again first. We stop when it has. */
static void watch_signals(void)
{
	struct sigaction act = { .sa_handler = pass_on };
	for (size_t i = 0; i < N_PASSED_ON; i++) {
		struct sigaction old;
		if (sigaction(passed_on[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			(void)sigaction(passed_on[i], &act, NULL);
	}
	act.sa_handler = wake_up;
	(void)sigaction(SIGCHLD, &act, NULL);
	act.sa_handler = SIG_IGN;
	(void)sigaction(SIGTSTP, &act, NULL);
	(void)sigaction(SIGTTIN, &act, NULL);
	(void)sigaction(SIGTTOU, &act, NULL);
}

static void block_signals(sigset_t *old)
{
	sigset_t block;
	(void)sigemptyset(&block);
	(void)sigaddset(&block, SIGCHLD);
	for (size_t i = 0; i < N_PASSED_ON; i++)
		(void)sigaddset(&block, passed_on[i]);
	(void)sigprocmask(SIG_BLOCK, &block, old);
}

/* The child is gone without a word. If a signal for us both was the reason, end by it as well, so
 * that a shell sees what happened. */
static int end_like(int status, const sigset_t *mask)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	for (size_t i = 0; i < N_PASSED_ON; i++) {
		if (WTERMSIG(status) != passed_on[i])
			continue;
		(void)signal(passed_on[i], SIG_DFL);
		(void)sigprocmask(SIG_SETMASK, mask, NULL);
		(void)raise(passed_on[i]);
	}
	return -ECHILD;
}

/* What the child reported, or how it ended; status is its, or NULL if it has not been waited for. */
static int read_report(int fd, const int *status, const sigset_t *mask)
{
	int code, waited;
	ssize_t n = read(fd, &code, sizeof(code));
	if (n == (ssize_t)sizeof(code))
		return code;
	while (!status && waitpid(child, &waited, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return end_like(status ? *status : waited, mask);
}

static bool stopped_by_terminal(int status)
{
	int sig = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
	return sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static int wait_for_report(int fd, const sigset_t *mask)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int n = ppoll(&p, 1, NULL, mask);
		if (n > 0)
			return read_report(fd, NULL, mask);
		if (n < 0 && errno != EINTR)
			return -errno;
		int status;
		if (waitpid(child, &status, WNOHANG | WUNTRACED) != child)
			continue;
		if (stopped_by_terminal(status))
			(void)raise(SIGSTOP);
		else if (!WIFSTOPPED(status))
			return read_report(fd, &status, mask);
	}
}

int background_start(struct background *b)
{
	int ends[2];
	sigset_t mask;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	_cleanup_fd_ int out = ends[0];
	_cleanup_fd_ int in = ends[1];

	(void)fflush(NULL);
	block_signals(&mask);
	child = fork();
	if (child < 0) {
		int err = -errno;
		(void)sigprocmask(SIG_SETMASK, &mask, NULL);
		return err;
	}
	if (child == 0) {
		(void)sigprocmask(SIG_SETMASK, &mask, NULL);
		b->report_fd = TAKE_FD(in);
		return BACKGROUND_CHILD;
	}
	(void)close(TAKE_FD(in));
	watch_signals();
	return wait_for_report(out, &mask);
}

void background_report(struct background *b, int code)
{
	int fd = TAKE_FD(b->report_fd);
	if (fd < 0)
		return;
	(void)io_write_full(fd, &code, sizeof(code));
	(void)close(fd);
}

void background_close_inherited(void)
{
	DIR _cleanup_dir_stream_ *d = opendir("/proc/self/fd");
	struct dirent *e;
	while (d && (e = readdir(d))) {
		int fd = atoi(e->d_name), flags = fd > STDERR_FILENO ? fcntl(fd, F_GETFD) : -1;
		if (flags >= 0 && !(flags & FD_CLOEXEC))
			(void)close(fd);
	}
}

void background_prepare(struct background *b)
{
	b->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
}

void background_detach(struct background *b)
{
	(void)setsid();
	if (chdir("/") < 0)
		log_warn("cannot change to the root directory");
	(void)fflush(NULL);
	int null = TAKE_FD(b->null_fd);
	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		(void)dup2(null, fd);
	if (null > STDERR_FILENO)
		(void)close(null);
}
