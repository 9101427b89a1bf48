/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/extpass.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "cli/words.h"
#include "crypto/keymem.h"

extern char **environ;

#define DRAIN_SIZE 1024
#define DRAIN_MAX (1024 * DRAIN_SIZE)

/* How long a program that was told to end may take to put the terminal right. */
#define ABANDON_STEP_MS 20
#define ABANDON_STEPS 50

int extpass_open(struct prompt *p, const char *command)
{
	int err = words_split(command, &p->argv);
	if (err < 0)
		return err;
	if (asprintf(&p->text, "the command '%s'", p->argv[0]) < 0) {
		p->text = NULL;
		return -ENOMEM;
	}
	p->from = p->text;
	return 0;
}

/* It shares our memory until it is a program of its own, so that the arena is never copied. */
static int spawn(struct extpass *e, char *const *argv, int out)
{
	posix_spawnattr_t attr;
	posix_spawn_file_actions_t files;
	sigset_t defaults;
	(void)sigemptyset(&defaults);
	(void)sigaddset(&defaults, SIGPIPE);
	(void)sigaddset(&defaults, SIGCHLD);
	if (posix_spawnattr_init(&attr) != 0 || posix_spawn_file_actions_init(&files) != 0)
		return -ENOMEM;
	(void)posix_spawnattr_setsigmask(&attr, &e->signals.mask);
	(void)posix_spawnattr_setsigdefault(&attr, &defaults);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int r = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawnp(&e->pid, argv[0], &files, &attr, argv, environ);
	(void)posix_spawn_file_actions_destroy(&files);
	(void)posix_spawnattr_destroy(&attr);
	return -r;
}

int extpass_start(struct extpass *e, char *const *argv)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	_cleanup_fd_ int out = ends[0];
	_cleanup_fd_ int in = ends[1];
	*e = (struct extpass){ .fd = -1 };
	interrupt_begin(&e->signals, INTERRUPT_COMMAND);
	int err = spawn(e, argv, in);
	if (err < 0)
		interrupt_end(&e->signals);
	else
		e->fd = TAKE_FD(out);
	return err;
}

static bool has_ended(struct extpass *e)
{
	if (!e->ended && waitpid(e->pid, &e->status, WNOHANG) == e->pid)
		e->ended = true;
	return e->ended;
}

static void stop_listening(struct extpass *e)
{
	cleanup_fd(&e->fd);
	e->fd = -1;
}

/* The rest may be secret as well (a file of a password store has more lines): it is read into the arena too. */
static void drain(struct extpass *e, size_t *total)
{
	_cleanup_key_ uint8_t *rest = keymem_alloc(DRAIN_SIZE);
	ssize_t n = rest ? read(e->fd, rest, DRAIN_SIZE) : 0;
	*total += n > 0 ? (size_t)n : 0;
	e->cut = !rest || *total > DRAIN_MAX;
	if (n <= 0 || e->cut)
		stop_listening(e);
}

/* SIGCHLD is blocked but in ppoll, so its end is not missed. A child of its own may keep the pipe open for longer. */
static void wait_for_end(struct extpass *e)
{
	size_t total = 0;
	while (!has_ended(e) && interrupt_caught() == 0) {
		struct pollfd p = { .fd = e->fd, .events = POLLIN };
		if (ppoll(&p, 1, NULL, &e->signals.wait) > 0)
			drain(e, &total);
	}
}

/* The terminal has told it as well, but whoever sent a signal to us alone has not. */
static void abandon(struct extpass *e, int sig)
{
	const struct timespec step = { 0, ABANDON_STEP_MS * 1000000L };
	if (!has_ended(e))
		(void)kill(e->pid, sig);
	for (int i = 0; i < ABANDON_STEPS && !has_ended(e); i++)
		(void)nanosleep(&step, NULL);
}

int extpass_finish(struct extpass *e)
{
	wait_for_end(e);
	int sig = interrupt_caught();
	stop_listening(e);
	if (sig != 0)
		abandon(e, sig);
	interrupt_end(&e->signals);
	if (sig != 0)
		return -EINTR;
	bool by_us = e->cut && WIFSIGNALED(e->status) && WTERMSIG(e->status) == SIGPIPE;
	return by_us ? 0 : e->status;
}
