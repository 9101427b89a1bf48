/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asking the process behind a mount. A request that it has read and does not answer cannot be taken back by us, and
 * a thread waiting for it cannot be ended: a process of its own asks, and we wait for that only so long.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "cli/mounts.h"
#include "fs/session.h"

#define ASK_WAIT_MS 5000

/* What the process that asks writes. */
struct ask_answer {
	int err; /* 0 or an errno */
	size_t n;
	char text[SESSION_STATUS_MAX];
};

static void ask(const char *mountpoint, int out)
{
	static struct ask_answer a;
	ssize_t n = getxattr(mountpoint, SESSION_STATUS_XATTR, a.text, sizeof(a.text));
	a.err = n < 0 ? errno : 0;
	a.n = n < 0 ? 0 : (size_t)n;
	(void)io_write_full(out, &a, sizeof(a));
}

/* Read the answer; false if it does not come in time. */
static bool ask_wait(int fd, struct ask_answer *a)
{
	size_t have = 0;
	while (have < sizeof(*a)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int r = poll(&p, 1, ASK_WAIT_MS);
		ssize_t n = r > 0 ? read(fd, (char *)a + have, sizeof(*a) - have) : 0;
		if ((r < 0 || n < 0) && errno == EINTR)
			continue;
		if (r <= 0 || n <= 0)
			return false;
		have += (size_t)n;
	}
	return a->n <= sizeof(a->text);
}

void mounts_ask(const char *mountpoint, struct mounts_status *out)
{
	mounts_unknown(out, MOUNTS_UNREADABLE);
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	_cleanup_fd_ int from = ends[0];
	_cleanup_fd_ int to = ends[1];
	pid_t pid = fork();
	if (pid < 0)
		return;
	if (pid == 0) {
		ask(mountpoint, to);
		_exit(0);
	}
	(void)close(TAKE_FD(to));

	static struct ask_answer a;
	bool came = ask_wait(from, &a);
	if (!came)
		(void)kill(pid, SIGKILL); /* which has its effect when the answer comes */
	while (waitpid(pid, NULL, came ? 0 : WNOHANG) < 0 && errno == EINTR)
		;
	if (!came)
		out->state = MOUNTS_SILENT;
	else if (a.err == 0)
		mounts_parse(a.text, a.n, out);
	else if (a.err == ENOTCONN || a.err == ECONNABORTED)
		out->state = MOUNTS_DEAD;
}

/* What stat says may come from the kernel's cache: only a question to the daemon tells. */
bool mounts_is_dead(const char *mountpoint)
{
	struct mounts_status status;
	mounts_ask(mountpoint, &status);
	return status.state == MOUNTS_DEAD;
}
