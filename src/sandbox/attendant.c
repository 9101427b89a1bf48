/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sandbox/attendant.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/attendant_impl.h"

struct attendant {
	int fd;
};

/* Where attendant_log sends; -1 for nowhere. */
static atomic_int attendant_fd = -1;
static atomic_uint attendant_lost;

/* ---- starting it ---- */

/* Both are to be gone from the other's hands, or neither would see the other's end. */
int attendant_start(const char *mountpoint, struct attendant **out)
{
	int ends[2];
	struct attendant *a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		free(a);
		return -errno;
	}
	const pid_t server = getpid();
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		attendant_main(ends[1], mountpoint, server);
	int r = pid < 0 ? -errno : 0;
	(void)close(ends[1]);
	if (r < 0) {
		(void)close(ends[0]);
		free(a);
		return r;
	}
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	(void)sigaction(SIGPIPE, &ignore, NULL); /* it may be gone when we write */
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	a->fd = ends[0];
	atomic_store(&attendant_fd, a->fd);
	*out = a;
	return 0;
}

/* ---- orders ---- */

static void attendant_wait(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	(void)poll(&p, 1, -1);
}

/* Plain read and write: the server may not use the calls for sockets any more. */
static int attendant_send(int fd, const struct attendant_message *m)
{
	ssize_t n = write(fd, m, offsetof(struct attendant_message, text) + strlen(m->text));
	return n < 0 ? -errno : 0;
}

static int attendant_ask(struct attendant *a, enum attendant_order order)
{
	const struct attendant_message m = { .order = order };
	int32_t answer;
	ssize_t n;
	int r;
	while ((r = attendant_send(a->fd, &m)) == -EAGAIN || r == -EINTR)
		attendant_wait(a->fd, POLLOUT);
	if (r < 0)
		return -EPIPE;
	while ((n = read(a->fd, &answer, sizeof(answer))) < 0 && (errno == EAGAIN || errno == EINTR))
		attendant_wait(a->fd, POLLIN);
	return n == (ssize_t)sizeof(answer) ? answer : -EPIPE;
}

int attendant_mounted(struct attendant *a)
{
	/* libfuse waits for no child any more. Should ours die it leaves nothing to wait for. */
	const struct sigaction act = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
	(void)sigaction(SIGCHLD, &act, NULL);
	return attendant_ask(a, ATTENDANT_MOUNTED);
}

int attendant_fetch(struct attendant *a)
{
	return attendant_ask(a, ATTENDANT_FETCH);
}

int attendant_unmount(struct attendant *a)
{
	return attendant_ask(a, ATTENDANT_UNMOUNT);
}

int attendant_detach(struct attendant *a)
{
	return attendant_ask(a, ATTENDANT_DETACH);
}

void attendant_end(struct attendant *a)
{
	if (!a)
		return;
	const struct attendant_message m = { .order = ATTENDANT_END };
	atomic_store(&attendant_fd, -1);
	while (attendant_send(a->fd, &m) == -EAGAIN)
		attendant_wait(a->fd, POLLOUT);
	(void)close(a->fd);
	free(a);
}

/* ---- messages ---- */

static bool attendant_tell(enum log_level level, const char *text)
{
	struct attendant_message m = { .order = ATTENDANT_LOG, .level = level };
	size_t n = strnlen(text, sizeof(m.text) - 1);
	memcpy(m.text, text, n);
	m.text[n] = '\0';
	return attendant_send(atomic_load(&attendant_fd), &m) == 0;
}

void attendant_log(enum log_level level, const char *text)
{
	char lost[64];
	unsigned int n = atomic_exchange(&attendant_lost, 0);
	snprintf(lost, sizeof(lost), "%u messages were too many, and are lost", n);
	if (n > 0 && !attendant_tell(LOG_LEVEL_ERROR, lost))
		atomic_fetch_add(&attendant_lost, n + 1);
	else if (!attendant_tell(level, text))
		atomic_fetch_add(&attendant_lost, 1);
}
