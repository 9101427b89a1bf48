/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Children that give up their powers, and what comes of it. */
#ifndef CRYPTFS_TESTS_UNIT_SANDBOX_H
#define CRYPTFS_TESTS_UNIT_SANDBOX_H

#include "unit.h"

#include <stdbool.h>
#include <sys/wait.h>

#include "sandbox/landlock.h"
#include "sandbox/privileges.h"

#define OUTSIDE "/etc/passwd" /* for all to read */

struct act {
	const char *name;
	int (*run)(const struct scratch *s); /* 0 or -errno */
};

/* How a child that called 'enter' and then 'run' ended: what run returned, or 1000 and the signal. */
static inline int in_child(int (*enter)(const struct scratch *s), int (*run)(const struct scratch *s),
			   const struct scratch *s)
{
	int status;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int r = enter(s);
		if (r < 0)
			_exit(255);
		r = run(s);
		_exit(r < 0 ? -r : r);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return 1000 + WTERMSIG(status);
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

static inline int result(long r)
{
	return r < 0 ? -errno : 0;
}

static inline int enter_places(const struct landlock_place *places, size_t n)
{
	int r = privileges_fix();
	return r < 0 ? r : landlock_confine(places, n);
}

static inline int enter_nothing(const struct scratch *s)
{
	(void)s;
	return 0;
}

static inline bool landlock_is_here(const struct scratch *s)
{
	pid_t pid = fork();
	int status = 0;
	if (pid == 0)
		_exit(enter_places(&(struct landlock_place){ s->fd, LANDLOCK_TO_CHANGE }, 1) >= 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status == 0;
}

#endif
