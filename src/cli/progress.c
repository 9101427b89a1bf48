/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Seconds: nothing before the first; then a changing line, or a line of its own, this often. */
#define FIRST_BAR 1.0
#define EVERY_BAR 0.2
#define FIRST_LINE 10.0
#define EVERY_LINE 30.0

/* Too early to tell what is left. */
#define LEFT_AFTER 3.0
#define LEFT_MAX (99.0 * 3600)

#define WIDTH_UNKNOWN 80u

static double now(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- text ---- */

void progress_size(char out[static PROGRESS_SIZE], uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double n = (double)bytes;
	size_t u = 0;
	for (; n >= 1023.95 && u < 6; u++)
		n /= 1024;
	(void)snprintf(out, PROGRESS_SIZE, u == 0 ? "%.0f %s" : "%.1f %s", n, units[u]);
}

static void left(char *out, size_t size, const struct progress_state *s)
{
	out[0] = '\0';
	if (s->seconds < LEFT_AFTER || s->bytes == 0 || s->bytes_total <= s->bytes)
		return;
	double secs = s->seconds / (double)s->bytes * (double)(s->bytes_total - s->bytes);
	if (secs >= LEFT_MAX)
		return;
	unsigned int t = (unsigned int)secs + 1;
	if (t >= 3600)
		(void)snprintf(out, size, ", %u h %02u min left", t / 3600, t / 60 % 60);
	else if (t >= 60)
		(void)snprintf(out, size, ", %u min %02u s left", t / 60, t % 60);
	else
		(void)snprintf(out, size, ", %u s left", t);
}

void progress_line(char *out, size_t size, const struct progress_state *s, size_t width)
{
	char done[PROGRESS_SIZE], all[PROGRESS_SIZE + 8] = "", rate[PROGRESS_SIZE], files[32] = "", rest[40];
	uint64_t total = s->bytes_total;
	progress_size(done, s->bytes);
	if (total > 0) {
		char of[PROGRESS_SIZE];
		progress_size(of, total);
		(void)snprintf(all, sizeof(all), " of %s", of);
	}
	if (s->files_total > 0)
		(void)snprintf(files, sizeof(files), " of %llu", (unsigned long long)s->files_total);
	progress_size(rate, s->seconds > 0 ? (uint64_t)((double)s->bytes / s->seconds) : 0);
	left(rest, sizeof(rest), s);
	int n = snprintf(out, size, "%s: ", s->doing);
	size_t at = n > 0 && (size_t)n < size ? (size_t)n : 0;
	double percent = s->bytes >= total ? 100 : 100.0 * (double)s->bytes / (double)total;
	if (total > 0)
		at += (size_t)snprintf(out + at, size - at, "%u %%, ", (unsigned int)percent);
	if (at < size)
		(void)snprintf(out + at, size - at, "%s%s, %llu%s files, %s/s%s", done, all,
			       (unsigned long long)s->files, files, rate, rest);
	if (width > 0 && width < strlen(out))
		out[width] = '\0';
}

/* ---- the terminal ---- */

static bool is_dumb(void)
{
	const char *term = getenv("TERM");
	return !term || !*term || strcmp(term, "dumb") == 0;
}

void progress_begin(struct progress *p, const char *doing, bool quiet)
{
	memset(p, 0, sizeof(*p));
	p->doing = doing;
	p->style = quiet ? PROGRESS_OFF : isatty(STDERR_FILENO) == 1 && !is_dumb() ? PROGRESS_BAR : PROGRESS_LINES;
	p->began = now();
	pthread_mutex_init(&p->lock, NULL);
}

/* One less than the terminal has: some go to the next line after the last column. */
static size_t width(void)
{
	struct winsize w;
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1 ? w.ws_col - 1u : WIDTH_UNKNOWN - 1;
}

/* The cursor stays at the beginning, so that whatever else is printed begins there. */
static void draw(struct progress *p, double at)
{
	char line[PROGRESS_LINE];
	const struct progress_state s = {
		.doing = p->doing,
		.files = atomic_load(&p->files),
		.bytes = atomic_load(&p->bytes),
		.files_total = atomic_load(&p->files_total),
		.bytes_total = atomic_load(&p->bytes_total),
		.seconds = at - p->began,
	};
	bool bar = p->style == PROGRESS_BAR;
	progress_line(line, sizeof(line), &s, bar ? width() : 0);
	(void)fprintf(stderr, bar ? "\r%s\033[K\r" : "cryptfs: %s\n", line);
	p->drawn = at;
	p->shown = bar;
}

void progress_totals(struct progress *p, uint64_t files, uint64_t bytes)
{
	atomic_store(&p->files_total, files);
	atomic_store(&p->bytes_total, bytes);
}

void progress_add(struct progress *p, uint64_t files, uint64_t bytes)
{
	atomic_fetch_add(&p->files, files);
	atomic_fetch_add(&p->bytes, bytes);
	if (p->style == PROGRESS_OFF || pthread_mutex_trylock(&p->lock) != 0)
		return; /* whoever is drawing draws for us */
	bool bar = p->style == PROGRESS_BAR;
	double at = now(), first = bar ? FIRST_BAR : FIRST_LINE, every = bar ? EVERY_BAR : EVERY_LINE;
	if (at - p->began >= first && (p->drawn == 0 || at - p->drawn >= every))
		draw(p, at);
	pthread_mutex_unlock(&p->lock);
}

void progress_hide(struct progress *p)
{
	SCOPED_LOCK(&p->lock);
	if (p->shown)
		(void)fputs("\r\033[K", stderr);
	p->shown = false;
}

void progress_end(struct progress *p)
{
	progress_hide(p);
	pthread_mutex_destroy(&p->lock);
}
