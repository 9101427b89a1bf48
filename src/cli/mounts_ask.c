/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asking the process behind a mount. A request that it has read and does not answer cannot be taken back by us, and
 * a thread waiting for it cannot be ended: a process of its own asks, and we wait for that only so long.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
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

#define ASK_STATUS_MAX 8192
#define ASK_WAIT_MS 5000

/* What the process that asks writes. */
struct ask_answer {
	int err; /* 0 or an errno */
	size_t n;
	char text[ASK_STATUS_MAX];
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

static void parse_sandbox(const json_t *j, struct mounts_sandbox *out)
{
	json_int_t landlock = json_integer_value(json_object_get(j, "landlock"));
	*out = (struct mounts_sandbox){
		.known = json_is_object(j),
		.no_new_privs = json_is_true(json_object_get(j, "no_new_privs")),
		.capabilities = json_is_true(json_object_get(j, "capabilities")),
		.seccomp = json_is_true(json_object_get(j, "seccomp")),
		.landlock = landlock > 0 && landlock <= INT16_MAX ? (int)landlock : 0,
	};
}

/* Whoever serves the mount wrote this: it may hold anything. */
static void parse_status(const char *text, size_t n, struct mounts_status *out)
{
	json_t *j = json_loadb(text, n, 0, NULL);
	json_int_t pid = json_integer_value(json_object_get(j, "pid"));
	json_int_t since = json_integer_value(json_object_get(j, "since"));
	const json_t *inodes = json_object_get(j, "inodes");
	const char *mode = json_string_value(json_object_get(j, "mode"));

	if (pid > 0 && pid <= INT32_MAX)
		out->pid = (pid_t)pid;
	if (since > 0)
		out->since = (uint64_t)since;
	if (json_is_integer(inodes) && json_integer_value(inodes) >= 0)
		out->inodes = json_integer_value(inodes);
	if (mode && strlen(mode) < sizeof(out->mode))
		memcpy(out->mode, mode, strlen(mode) + 1);
	parse_sandbox(json_object_get(j, "sandbox"), &out->sandbox);
	if (out->pid > 0)
		out->state = MOUNTS_ALIVE;
	json_decref(j);
}

void mounts_ask(const char *mountpoint, struct mounts_status *out)
{
	*out = (struct mounts_status){ .state = MOUNTS_UNREADABLE, .inodes = -1 };
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

	struct ask_answer a;
	bool came = ask_wait(from, &a);
	if (!came)
		(void)kill(pid, SIGKILL); /* which has its effect when the answer comes */
	while (waitpid(pid, NULL, came ? 0 : WNOHANG) < 0 && errno == EINTR)
		;
	if (!came)
		out->state = MOUNTS_SILENT;
	else if (a.err == 0)
		parse_status(a.text, a.n, out);
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
