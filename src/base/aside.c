/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/aside.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

const int aside_ignored[ASIDE_IGNORED] = { SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
					     SIGTSTP, SIGPIPE, SIGUSR1, SIGUSR2 };

/* The vault and its lock, the terminal, pipes to whoever waits for the command's end. */
static void aside_close_all_but(int keep)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fd != keep)
			(void)(null >= 0 ? dup2(null, fd) : close(fd));
	DIR _cleanup_dir_stream_ *d = opendir("/proc/self/fd");
	struct dirent *e;
	while (d && (e = readdir(d))) {
		int fd = atoi(e->d_name);
		if (fd > STDERR_FILENO && fd != keep && fd != dirfd(d))
			(void)close(fd);
	}
}

static void aside_ignore_signals(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	const struct sigaction forget = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
	for (size_t i = 0; i < ASIDE_IGNORED; i++)
		(void)sigaction(aside_ignored[i], &ignore, NULL);
	(void)sigaction(SIGCHLD, &forget, NULL);
}

void aside_begin(const char *name, int keep)
{
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	aside_ignore_signals();
	(void)setsid();
	(void)prctl(PR_SET_NAME, name, 0, 0, 0);
	aside_close_all_but(keep);
}
