/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "desktop/desktop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "desktop/bus.h"
#include "desktop/listener.h"

#define DESKTOP_MS 10000

struct desktop {
	int fd;
	atomic_bool damaged;
};

/* ---- starting it ---- */

static int desktop_receive(int fd, struct desktop_answer *answer)
{
	ssize_t n;
	int r = io_wait(fd, io_now_ms() + DESKTOP_MS);
	if (r < 0)
		return r;
	while ((n = read(fd, answer, sizeof(*answer))) < 0 && errno == EINTR)
		;
	return n == (ssize_t)sizeof(*answer) ? 0 : -EIO;
}

/* It hangs, or is about to end by itself. */
static void desktop_drop(pid_t pid, int fd)
{
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	(void)close(fd);
}

/* Returns its process id, or -errno. */
static pid_t desktop_fork(const struct desktop_options *o, int *fd)
{
	int ends[2];
	const pid_t server = getpid();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return -errno;
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		listener_main(ends[1], o, server);
	int r = pid < 0 ? -errno : pid;
	(void)close(ends[1]);
	if (r < 0)
		(void)close(ends[0]);
	else
		*fd = ends[0];
	return r;
}

static bool desktop_is_of_use(const struct desktop_options *o, const struct desktop_answer *a)
{
	return a->lock == 0 && (o->on_sleep || o->on_screen || a->notify == 0);
}

int desktop_start(const struct desktop_options *o, struct desktop **out, struct desktop_answer *answer)
{
	_cleanup_free_ struct desktop *d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	pid_t pid = desktop_fork(o, &d->fd);
	if (pid < 0)
		return pid;
	int r = desktop_receive(d->fd, answer);
	if (r < 0 || !desktop_is_of_use(o, answer)) {
		desktop_drop(pid, d->fd);
		return r;
	}
	(void)fcntl(d->fd, F_SETFL, O_NONBLOCK);
	*out = TAKE_PTR(d);
	return 0;
}

/* ---- telling it ---- */

/* Plain write: the server may not use the calls for sockets any more. */
static void desktop_send(struct desktop *d, int what)
{
	const uint8_t packet = (uint8_t)what;
	while (write(d->fd, &packet, sizeof(packet)) < 0 && errno == EINTR)
		;
}

void desktop_tell(struct desktop *d, enum desktop_event event)
{
	if (d && (event != DESKTOP_DAMAGED || !atomic_exchange(&d->damaged, true)))
		desktop_send(d, (int)event);
}

void desktop_end(struct desktop *d, bool well)
{
	if (!d)
		return;
	desktop_send(d, well ? LISTENER_ENDED : LISTENER_FAILED);
	free(d); /* the descriptor stays open until our memory is gone: the system's sleep waits for that */
}

bool desktop_is_built(void)
{
	return bus_is_built();
}
