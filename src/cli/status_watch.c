/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The status again and again: on a terminal in the same place, elsewhere one block, or one line of JSON, after another.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/status_show.h"

#define ROWS 24u
#define COLUMNS 80u

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

/* SIGINT is blocked but while we wait, so that it is not missed; a pipe without a reader gives an error. */
static void take_signals(sigset_t *wait)
{
	const struct sigaction act = { .sa_handler = stop };
	sigset_t block;
	(void)sigemptyset(&block);
	(void)sigaddset(&block, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &block, wait);
	(void)sigdelset(wait, SIGINT);
	(void)sigaction(SIGINT, &act, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

static double now(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* It could not be written: if nobody reads it any more that is the end, and no failure. */
static bool forgive(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO };
	bool closed = poll(&p, 1, 0) > 0;
	if (closed)
		clearerr(stdout);
	return closed;
}

/* Returns false if it is over: SIGINT, or nobody reads what we write. */
static bool wait_until(double at, const sigset_t *mask)
{
	struct pollfd p = { .fd = STDOUT_FILENO };
	do {
		double left = at - now();
		if (left < 0)
			left = 0;
		const struct timespec t = { (time_t)left, (long)((left - (double)(time_t)left) * 1e9) };
		if (ppoll(&p, 1, &t, mask) > 0)
			return false; /* nothing was asked for: an error */
	} while (!stopped && now() < at);
	return !stopped;
}

/* ---- a terminal ---- */

static bool is_terminal(void)
{
	const char *term = getenv("TERM");
	return isatty(STDOUT_FILENO) == 1 && term && *term && strcmp(term, "dumb") != 0;
}

/* How many bytes of a line fit into so many columns, one for each character. */
static size_t fitting(const char *s, size_t n, size_t columns)
{
	size_t at = 0;
	for (; at < n; at++) {
		bool begins = ((unsigned char)s[at] & 0xc0) != 0x80;
		if (begins && columns-- == 0)
			break;
	}
	return at;
}

/* In the place of the *drawn lines of the time before; what is too much for the terminal is left out. */
static void redraw(const char *text, size_t *drawn)
{
	struct winsize w = { 0 };
	bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0;
	size_t rows = known && w.ws_row > 1 ? w.ws_row : ROWS, columns = known && w.ws_col > 1 ? w.ws_col : COLUMNS;
	if (*drawn > 0)
		(void)printf("\033[%zuA\r", *drawn);
	size_t n = 0;
	for (; *text && n + 1 < rows; n++) {
		size_t len = strcspn(text, "\n");
		(void)printf("%.*s\033[K\n", (int)fitting(text, len, columns - 1), text);
		text += len + (text[len] != '\0');
	}
	(void)fputs("\033[J", stdout);
	*drawn = n;
}

/* ---- the rounds ---- */

static void show_text(const struct status_list *list, bool terminal, size_t *drawn)
{
	char *text = NULL, when[TEXT_TIME_SIZE];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return;
	text_time(when, (uint64_t)time(NULL));
	(void)fprintf(out, "%s\n", when);
	status_text(out, list);
	if (!terminal)
		(void)fputc('\n', out);
	if (fclose(out) == 0 && terminal)
		redraw(text, drawn);
	else
		(void)fputs(text, stdout);
	free(text);
}

static void show_json(const struct status_list *list)
{
	json_t *doc = status_json(list, true);
	if (doc && json_dumpf(doc, stdout, JSON_COMPACT) == 0)
		(void)putchar('\n');
	json_decref(doc);
}

/* Returns 0, or an exit code. */
static int one_round(const char *only, const char *operand, struct status_list *list)
{
	struct status_list next;
	int err = status_load(only, list, &next);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot read the list of mounts: %s", exit_reason(err));
	status_free(list);
	*list = next;
	return only && next.n == 0 ? status_not_mounted(operand) : 0;
}

int status_watch(const char *only, const char *operand, bool json, double seconds)
{
	_cleanup_status_list_ struct status_list list = { NULL, 0, 0 };
	bool terminal = !json && is_terminal();
	size_t drawn = 0;
	sigset_t wait;
	take_signals(&wait);
	do {
		int code = one_round(only, operand, &list);
		if (code != 0)
			return code;
		if (json)
			show_json(&list);
		else
			show_text(&list, terminal, &drawn);
		if ((fflush(stdout) != 0 || ferror(stdout)) && !forgive())
			return EXIT_DONE; /* main says that it is not */
	} while (wait_until(list.at + seconds, &wait));
	return EXIT_DONE;
}
