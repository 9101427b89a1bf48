/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * posix [-l] [-s] DIR [CASE...]: run the cases whose names begin so, each in a new directory below DIR and in a
 * process of its own, and print what they see. Run on two filesystems, the outputs can be compared line by line
 * (tests/e2e/posix.test). Standard output should be a pipe: some cases limit the size of files.
 *
 *	-l   list the cases
 *	-s   also those that take seconds
 */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "posix.h"
#include "tell.h"

#define CASE_SECONDS 60
#define CASE_NAME_MAX 64

static const struct {
	const char *name;
	const struct posix_case *cases;
} families[] = {
	{ "acl", acl_cases },
	{ "content", content_cases },
	{ "copy", copy_cases },
	{ "direct", direct_cases },
	{ "dirs", dirs_cases },
	{ "errno", errno_cases },
	{ "fallocate", fallocate_cases },
	{ "flags", flags_cases },
	{ "limits", limits_cases },
	{ "link", link_cases },
	{ "lock", lock_cases },
	{ "mapping", mapping_cases },
	{ "mode", mode_cases },
	{ "names", names_cases },
	{ "open", open_cases },
	{ "paths", paths_cases },
	{ "readdir", readdir_cases },
	{ "rename", rename_cases },
	{ "seek", seek_cases },
	{ "special", special_cases },
	{ "symlink", symlink_cases },
	{ "sync", sync_cases },
	{ "times", times_cases },
	{ "unlinked", unlinked_cases },
	{ "users", users_cases },
	{ "utimes", utimes_cases },
	{ "watch", watch_cases },
	{ "xattr", xattr_cases },
	{ "xattr-root", xattr_root_cases },
};

static void run_child(const char *dir, const char *name, const struct posix_case *c)
{
	if (chdir(dir) != 0 || mkdir(name, 0755) != 0 || chdir(name) != 0)
		err(1, "%s/%s", dir, name);
	tell_begin(name);
	umask(022);
	alarm(CASE_SECONDS);
	c->run();
	_exit(0);
}

/* The case's process leads a group, so that what it leaves behind can be ended. */
static void run_case(const char *dir, const char *name, const struct posix_case *c)
{
	int status;
	pid_t pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		setpgid(0, 0);
		run_child(dir, name, c);
	}
	setpgid(pid, pid);
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	kill(-pid, SIGKILL);
	tell_begin(name);
	if (WIFSIGNALED(status))
		say("end", "SIG%s", sigabbrev_np(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		say("end", "exit %d", WEXITSTATUS(status));
}

static bool wanted(const char *name, char **only)
{
	if (!*only)
		return true;
	for (; *only; only++)
		if (strncmp(name, *only, strlen(*only)) == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	bool list = false, slow = false;
	int opt;
	while ((opt = getopt(argc, argv, "ls")) != -1) {
		list |= opt == 'l';
		slow |= opt == 's';
		if (opt == '?')
			return 2;
	}
	if (!list && optind >= argc)
		errx(2, "usage: posix [-l] [-s] DIR [CASE...]");
	char **only = list ? argv + optind : argv + optind + 1;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		for (const struct posix_case *c = families[i].cases; c->name; c++) {
			char name[CASE_NAME_MAX];
			snprintf(name, sizeof(name), "%s.%s", families[i].name, c->name);
			if (!wanted(name, only))
				continue;
			if (list)
				puts(name);
			else if (!((c->needs & NEEDS_ROOT) && geteuid() != 0) &&
				 (slow || !(c->needs & NEEDS_TIME)))
				run_case(argv[optind], name, c);
		}
	}
	return 0;
}
