/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The attendant itself. What the server sends is taken for hostile: it chooses among few orders, and no words of its
 * own reach anything but the log.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/aside.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "sandbox/attendant_impl.h"
#include "sandbox/mountid.h"

extern char **environ;

/* Any will do: that a mount is dead is seen by asking its server for something that the kernel does not know. */
#define ATTENDANT_XATTR "security.cryptfs"
#define ATTENDANT_STEP_MS 20
#define ATTENDANT_STEPS 500

struct attendant_mount {
	char *mountpoint;
	struct mountid id;
	enum { ATTENDANT_NONE, ATTENDANT_KNOWN, ATTENDANT_GONE } state; /* gone: we have taken it away */
};

/* Who carries an order out, one at a time. */
struct attendant_child {
	int fd; /* its answer comes from there, or its end; -1: there is none */
	uint32_t order;
};

/* ---- the mount ---- */

/* Its root (O_PATH), which keeps it busy, or -ESTALE. */
static int attendant_reach(const struct attendant_mount *m)
{
	struct mountid id;
	_cleanup_fd_ int fd = m->state == ATTENDANT_KNOWN ? mountid_open(m->mountpoint, &id) : -1;
	return fd >= 0 && mountid_same(&id, &m->id) ? TAKE_FD(fd) : -ESTALE;
}

static bool attendant_is_there(const struct attendant_mount *m)
{
	_cleanup_fd_ int fd = attendant_reach(m);
	return fd >= 0;
}

/* Somebody may have renamed a directory above it. */
static void attendant_follow(struct attendant_mount *m)
{
	if (m->state != ATTENDANT_KNOWN || attendant_is_there(m))
		return;
	char *path = mountid_find(&m->id);
	if (!path)
		return;
	free(m->mountpoint);
	m->mountpoint = path;
}

/* Once and for all. */
static int attendant_note(struct attendant_mount *m)
{
	if (m->state != ATTENDANT_NONE)
		return m->state == ATTENDANT_KNOWN ? 0 : -ESTALE;
	_cleanup_fd_ int fd = mountid_open(m->mountpoint, &m->id);
	if (fd < 0)
		return fd;
	m->state = ATTENDANT_KNOWN;
	return 0;
}

/* fusermount3, for those who may not unmount by themselves. */
static int attendant_fusermount(const char *mountpoint, bool lazy)
{
	char name[] = "fusermount3", unmount[] = "-u", quiet[] = "-q", detach[] = "-z", end[] = "--";
	_cleanup_free_ char *path = strdup(mountpoint);
	char *argv[] = { name, unmount, quiet, lazy ? detach : quiet, end, path, NULL };
	posix_spawnattr_t attr;
	sigset_t none, ignored;
	pid_t pid;
	int status;
	if (!path)
		return -ENOMEM;
	sigemptyset(&none);
	sigemptyset(&ignored);
	for (size_t i = 0; i < ASIDE_IGNORED; i++)
		sigaddset(&ignored, aside_ignored[i]);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &ignored);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int r = posix_spawnp(&pid, name, NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	if (r != 0)
		return -r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EBUSY; /* it tells no reasons */
}

/* That one, whatever comes to lie on the mount point meanwhile. */
static int attendant_umount_lazily(const struct attendant_mount *m)
{
	char name[IO_FD_PATH];
	_cleanup_fd_ int fd = attendant_reach(m);
	if (fd < 0)
		return fd;
	io_fd_path(name, fd);
	return umount2(name, MNT_DETACH) == 0 ? 0 : -errno;
}

/* By its name: an open descriptor would keep it busy. */
static int attendant_umount(const struct attendant_mount *m)
{
	if (!attendant_is_there(m))
		return -ESTALE;
	return umount2(m->mountpoint, UMOUNT_NOFOLLOW) == 0 ? 0 : -errno;
}

static int attendant_away(const struct attendant_mount *m, bool lazy)
{
	int r = lazy ? attendant_umount_lazily(m) : attendant_umount(m);
	return r == -EPERM ? attendant_fusermount(m->mountpoint, lazy) : r;
}

static int attendant_sync(const struct attendant_mount *m)
{
	if (!attendant_is_there(m))
		return -ESTALE;
	_cleanup_fd_ int fd = open(m->mountpoint, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || syncfs(fd) != 0 ? -errno : 0;
}

static bool attendant_is_dead(const struct attendant_mount *m)
{
	return getxattr(m->mountpoint, ATTENDANT_XATTR, NULL, 0) < 0 && (errno == ENOTCONN || errno == ECONNABORTED);
}

/* The server has died without a word. Its descriptor of the mount is closed about when that of ours is. */
static void attendant_bury(struct attendant_mount *m)
{
	const struct timespec step = { 0, ATTENDANT_STEP_MS * 1000000L };
	attendant_follow(m);
	for (int i = 0; i < ATTENDANT_STEPS && attendant_is_there(m); i++, (void)nanosleep(&step, NULL)) {
		if (!attendant_is_dead(m))
			continue;
		int r = attendant_away(m, true);
		if (r == 0)
			log_error("the process that served the mount has died; the mount has been taken away");
		else
			log_error("the process that served the mount has died, and the mount cannot be taken away: %s",
				  strerror(-r));
		return;
	}
}

/* ---- orders ---- */

static int attendant_obey(struct attendant_mount *m, uint32_t order)
{
	attendant_follow(m);
	switch (order) {
	case ATTENDANT_FETCH: return attendant_sync(m);
	case ATTENDANT_UNMOUNT: return attendant_away(m, false);
	default: return attendant_away(m, true);
	}
}

static void attendant_answer(int fd, int32_t answer)
{
	(void)io_write_full(fd, &answer, sizeof(answer));
}

/* In a process of its own: the server, which has to serve what the order asks of the mount, may have something to
 * say meanwhile. Returns 0 or -errno. */
static int attendant_fork(struct attendant_mount *m, struct attendant_child *c, uint32_t order)
{
	int ends[2];
	if (c->fd >= 0)
		return -EBUSY;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0) {
		(void)signal(SIGCHLD, SIG_DFL);
		attendant_answer(ends[1], attendant_obey(m, order));
		_exit(0);
	}
	int r = pid < 0 ? -errno : 0;
	(void)close(ends[1]);
	if (r < 0)
		(void)close(ends[0]);
	else
		*c = (struct attendant_child){ .fd = ends[0], .order = order };
	return r;
}

/* It has answered, or somebody has killed it. */
static void attendant_reap(int fd, struct attendant_mount *m, struct attendant_child *c)
{
	int32_t answer;
	if (read(c->fd, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
		answer = -EIO;
	(void)close(c->fd);
	c->fd = -1;
	if (answer == 0 && c->order != ATTENDANT_FETCH)
		m->state = ATTENDANT_GONE;
	attendant_answer(fd, answer);
}

/* One message of n bytes. Returns false if it is the last. */
static bool attendant_take(int fd, struct attendant_mount *m, struct attendant_child *c, struct attendant_message *msg,
			   size_t n)
{
	int r;
	if (n < offsetof(struct attendant_message, text))
		return true;
	msg->text[n - offsetof(struct attendant_message, text)] = '\0';
	switch (msg->order) {
	case ATTENDANT_LOG:
		log_message(msg->level < LOG_LEVEL_DEBUG ? (enum log_level)msg->level : LOG_LEVEL_DEBUG, "%s",
			    msg->text);
		break;
	case ATTENDANT_MOUNTED:
		attendant_answer(fd, attendant_note(m));
		break;
	case ATTENDANT_FETCH:
	case ATTENDANT_UNMOUNT:
	case ATTENDANT_DETACH:
		if ((r = attendant_fork(m, c, msg->order)) < 0)
			attendant_answer(fd, r);
		break;
	case ATTENDANT_END:
		return false;
	default:
		break;
	}
	return true;
}

/* Returns true if the server ended in order. */
static bool attendant_listen(int fd, struct attendant_mount *m)
{
	struct attendant_child c = { .fd = -1 };
	struct attendant_message msg;
	for (;;) {
		struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = c.fd, .events = POLLIN } };
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents)
			attendant_reap(fd, m, &c);
		if (!p[0].revents)
			continue;
		ssize_t n = recv(fd, &msg, sizeof(msg) - 1, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		if (!attendant_take(fd, m, &c, &msg, (size_t)n))
			return true;
	}
}

/* ---- its life ---- */

void attendant_main(int fd, const char *mountpoint, pid_t server)
{
	struct attendant_mount m = { .mountpoint = strdup(mountpoint) };
	aside_begin("cryptfs-attend", fd);
	if (!m.mountpoint || chdir("/") != 0)
		_exit(1);
	(void)unsetenv("CRYPTFS_WARN_FATAL"); /* the server's warnings are not ours */
	log_syslog_as(server);
	log_set_level(LOG_LEVEL_DEBUG);
	log_set_sink(log_syslog);
	if (!attendant_listen(fd, &m))
		attendant_bury(&m);
	_exit(0);
}
