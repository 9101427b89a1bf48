/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define MESSAGE_MAX 1024

static _Atomic int max_level = LOG_LEVEL_INFO;
static _Atomic(log_sink *) current_sink;
static char ident[32] = "cryptfs";
static atomic_bool warn_fatal;

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
	openlog(ident, 0, LOG_DAEMON);
}

void log_syslog(enum log_level level, const char *text)
{
	syslog(priority(level), "%s%s", prefix(level), text);
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
