/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The library copies what it looks at into ordinary memory, so it does that in a process of its own, which tells one
 * number and is gone. That gets the passphrase by a socket and not with the arena, which it has no business with.
 */
#include "config.h"

#include "cli/quality.h"

#ifdef HAVE_ZXCVBN

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <zxcvbn.h>

#include "base/io.h"

#define QUALITY_LEN 100	    /* bytes looked at: time grows with their square, and that many are enough */
#define QUALITY_TIME_MS 3000 /* advice that takes longer is none */

/* Who guesses: a computer centre. Of all guesses half are needed. */
#define QUALITY_CORES 100000.0

static const struct {
	int below; /* bits */
	const char *word, *advice;
} grades[] = {
	{ 40, "weak", " A few random words are better." },
	{ 60, "fair", " Another random word or two would make it good." },
	{ 80, "good", "" },
	{ INT32_MAX, "strong", "" },
};

static const struct {
	double below; /* seconds */
	const char *words;
} times[] = {
	{ 60, "in seconds" },
	{ 3600, "in minutes" },
	{ 86400, "in hours" },
	{ 30 * 86400.0, "in days" },
	{ 365 * 86400.0, "in months" },
	{ 100 * 365 * 86400.0, "in years" },
	{ 10000 * 365 * 86400.0, "in centuries" },
	{ INFINITY, "in more than 10,000 years" },
};

static void say(int bits)
{
	size_t g = 0, t = 0;
	double seconds = exp2(bits - 1) / QUALITY_CORES;
	while (bits >= grades[g].below)
		g++;
	while (seconds >= times[t].below)
		t++;
	(void)fprintf(stderr, "Quality: %s (about %d bits; 100,000 cores, at 1 s a guess, find it %s).%s\n",
		      grades[g].word, bits, times[t].words, grades[g].advice);
}

/* The child. If anything goes wrong it says nothing. */
static _Noreturn void estimate(int fd)
{
	const struct rlimit none = { 0, 0 }, cpu = { QUALITY_TIME_MS / 1000, QUALITY_TIME_MS / 1000 };
	char text[QUALITY_LEN + 1] = "";
	size_t len = 0;
	ssize_t n;
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)setrlimit(RLIMIT_CPU, &cpu);
	while (len < QUALITY_LEN && (n = read(fd, text + len, QUALITY_LEN - len)) > 0)
		len += (size_t)n;
	int bits = (int)ZxcvbnMatch(text, NULL, NULL);
	(void)io_write_full(fd, &bits, sizeof(bits));
	_exit(0);
}

/* Returns bits, or -1. */
static int ask_child(int fd, const struct prompt_secret *s)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int bits;
	if (send(fd, s->bytes, s->len < QUALITY_LEN ? s->len : QUALITY_LEN, MSG_NOSIGNAL) < 0 ||
	    shutdown(fd, SHUT_WR) < 0 || poll(&p, 1, QUALITY_TIME_MS) <= 0)
		return -1;
	return read(fd, &bits, sizeof(bits)) == (ssize_t)sizeof(bits) && bits >= 0 ? bits : -1;
}

void quality_show(const struct prompt_secret *s)
{
	int ends[2];
	if (isatty(STDERR_FILENO) != 1 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return;
	_cleanup_fd_ int ours = ends[0];
	_cleanup_fd_ int its = ends[1];
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(ours);
		estimate(its);
	}
	(void)close(TAKE_FD(its));
	int bits = pid > 0 ? ask_child(ours, s) : -1;
	if (pid > 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	if (bits >= 0)
		say(bits);
}

#else

void quality_show(const struct prompt_secret *s)
{
	(void)s;
}

#endif
