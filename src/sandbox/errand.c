/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sandbox/errand.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/aside.h"
#include "base/cleanup.h"

/* A packet, or its end (0), or -errno. Plain read: who asks may not use the calls for sockets any more. */
static ssize_t errand_read(int fd, char packet[static ERRAND_MAX])
{
	ssize_t n;
	while ((n = read(fd, packet, ERRAND_MAX)) < 0 && errno == EINTR)
		;
	return n < 0 ? -errno : n;
}

static ssize_t errand_write(int fd, const void *packet, size_t n)
{
	ssize_t r;
	while ((r = write(fd, packet, n)) < 0 && errno == EINTR)
		;
	return r < 0 ? -errno : r;
}

static _Noreturn void errand_run(int fd, errand_fn *fn, void *arg)
{
	char question[ERRAND_MAX], answer[ERRAND_MAX];
	ssize_t n;
	aside_begin("cryptfs-errand", fd);
	while ((n = errand_read(fd, question)) > 0)
		if (errand_write(fd, answer, fn(arg, question, (size_t)n, answer)) < 0)
			break;
	(void)fn(arg, question, 0, answer);
	_exit(0);
}

int errand_start(struct errand *e, errand_fn *fn, void *arg)
{
	int ends[2];
	e->fd = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return -errno;
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		errand_run(ends[1], fn, arg);
	int r = pid < 0 ? -errno : 0;
	(void)close(ends[1]);
	if (r < 0)
		(void)close(ends[0]);
	else
		e->fd = ends[0];
	return r;
}

ssize_t errand_ask(struct errand *e, const void *question, size_t n, char answer[static ERRAND_MAX])
{
	if (e->fd < 0)
		return -EPIPE;
	ssize_t r = errand_write(e->fd, question, n);
	if (r >= 0)
		r = errand_read(e->fd, answer);
	if (r > 0)
		return r;
	errand_end(e); /* it has died of the question: no signal (SIGPIPE) is to come of the next one */
	return -EPIPE;
}

void errand_end(struct errand *e)
{
	cleanup_fd(&e->fd);
	e->fd = -1;
}
