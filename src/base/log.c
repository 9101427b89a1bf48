/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define MESSAGE_MAX 1024

static _Atomic int max_level = LOG_LEVEL_INFO;
static atomic_bool use_syslog;
static atomic_bool warn_fatal;

void log_set_level(enum log_level max)
{
	atomic_store(&max_level, (int)max);
}

void log_to_syslog(bool on)
{
	const char *fatal = getenv("CRYPTFS_WARN_FATAL");
	if (on)
		openlog("cryptfs", LOG_PID, LOG_DAEMON);
	else if (atomic_load(&use_syslog))
		closelog();
	atomic_store(&warn_fatal, on && fatal && strcmp(fatal, "1") == 0);
	atomic_store(&use_syslog, on);
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
	if (atomic_load(&use_syslog))
		syslog(priority(level), "%s%s", prefix(level), text);
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
