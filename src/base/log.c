/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>

#include "base/cleanup.h"

#define MESSAGE_MAX 1024
#define SYSLOG_MAX (MESSAGE_MAX + 128)

static _Atomic int max_level = LOG_LEVEL_INFO;
static _Atomic(log_sink *) current_sink;
static char ident[32] = "cryptfs";
static atomic_bool warn_fatal;
static atomic_uint syslog_lost;

void log_set_level(enum log_level max)
{
	atomic_store(&max_level, (int)max);
}

void log_set_sink(log_sink *sink)
{
	const char *fatal = getenv("CRYPTFS_WARN_FATAL");
	atomic_store(&warn_fatal, sink && fatal && strcmp(fatal, "1") == 0);
	atomic_store(&current_sink, sink);
}

static int priority(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return LOG_ERR;
	case LOG_LEVEL_WARN:
		return LOG_WARNING;
	case LOG_LEVEL_INFO:
		return LOG_INFO;
	default:
		return LOG_DEBUG;
	}
}

static const char *prefix(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "error: ";
	case LOG_LEVEL_WARN:
		return "warning: ";
	case LOG_LEVEL_INFO:
		return "";
	default:
		return "debug: ";
	}
}

void log_syslog_as(pid_t pid)
{
	(void)snprintf(ident, sizeof(ident), "cryptfs[%ld]", (long)pid);
}

/* As syslog() writes it; the log daemon reads the month in English. Returns its length. */
static size_t syslog_line(char line[static SYSLOG_MAX], enum log_level level, const char *text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = time(NULL);
	struct tm tm;
	if (!localtime_r(&now, &tm))
		memset(&tm, 0, sizeof(tm));
	int n = snprintf(line, SYSLOG_MAX, "<%d>%.3s %2d %02d:%02d:%02d %s: %s%s", LOG_DAEMON | priority(level),
			 months + (size_t)tm.tm_mon * 3, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ident,
			 prefix(level), text);
	return n < SYSLOG_MAX ? (size_t)n : SYSLOG_MAX - 1;
}

/* Anew each time: the log daemon may be another by now. Some listen to streams, where a NUL ends a line. */
static bool syslog_send(int type, const char *line, size_t n)
{
	const struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = _PATH_LOG };
	_cleanup_fd_ int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd >= 0 && connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0 &&
	       send(fd, line, type == SOCK_STREAM ? n + 1 : n, MSG_NOSIGNAL) > 0;
}

static bool syslog_tell(enum log_level level, const char *text)
{
	char line[SYSLOG_MAX];
	size_t n = syslog_line(line, level, text);
	return syslog_send(SOCK_DGRAM, line, n) || (errno == EPROTOTYPE && syslog_send(SOCK_STREAM, line, n));
}

void log_syslog(enum log_level level, const char *text)
{
	char note[64];
	unsigned int n = atomic_exchange(&syslog_lost, 0);
	(void)snprintf(note, sizeof(note), "%u messages found no log daemon, and are lost", n);
	if (n > 0 && !syslog_tell(LOG_LEVEL_WARN, note))
		atomic_fetch_add(&syslog_lost, n + 1);
	else if (!syslog_tell(level, text))
		atomic_fetch_add(&syslog_lost, 1);
}

/* Libraries end their messages with a newline; nothing else that moves a terminal gets through. */
static void tidy(char *s)
{
	size_t n = strlen(s);
	while (n > 0 && s[n - 1] == '\n')
		s[--n] = '\0';
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			s[i] = ' ';
	}
}

void log_vmessage(enum log_level level, const char *fmt, va_list ap)
{
	if ((int)level > atomic_load(&max_level))
		return;
	int saved = errno;
	char text[MESSAGE_MAX];
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	tidy(text);
	log_sink *sink = atomic_load(&current_sink);
	if (sink)
		sink(level, text);
	else
		(void)fprintf(stderr, "cryptfs: %s%s\n", prefix(level), text);
	if (level <= LOG_LEVEL_WARN && atomic_load(&warn_fatal))
		abort();
	errno = saved;
}

void log_message(enum log_level level, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	log_vmessage(level, fmt, ap);
	va_end(ap);
}
