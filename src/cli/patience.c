/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/patience.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

#define PATIENCE_SECONDS 2

static const char *volatile saying;
static bool is_off;

/* In whatever is being done, and in any thread of it. */
static void tell(int sig)
{
	static const char before[] = "cryptfs: ", behind[] = "...\n";
	const char *text = saying;
	int saved = errno;
	(void)sig;
	if (text) {
		(void)io_write_full(STDERR_FILENO, before, sizeof(before) - 1);
		(void)io_write_full(STDERR_FILENO, text, strlen(text));
		(void)io_write_full(STDERR_FILENO, behind, sizeof(behind) - 1);
	}
	errno = saved;
}

void patience_begin(const char *text)
{
	const struct sigaction act = { .sa_handler = tell, .sa_flags = SA_RESTART };
	if (is_off || isatty(STDERR_FILENO) != 1)
		return;
	saying = text;
	(void)sigaction(SIGALRM, &act, NULL);
	(void)alarm(PATIENCE_SECONDS);
}

void patience_end(void)
{
	(void)alarm(0);
	saying = NULL;
}

void patience_off(void)
{
	is_off = true;
}

bool patience_is_off(void)
{
	return is_off;
}
