/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages to people: to stderr, unless a sink is set.
 * Never pass plaintext names, contents or secrets; say names on disk, inode and block numbers.
 * Thread-safe. With CRYPTFS_WARN_FATAL=1 in the environment (tests) a warning or error of the
 * running daemon aborts it.
 */
#ifndef CRYPTFS_BASE_LOG_H
#define CRYPTFS_BASE_LOG_H

#include <stdarg.h>
#include <sys/types.h>

enum log_level { LOG_LEVEL_NONE = -1, LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Show messages up to this level; LOG_LEVEL_INFO at start. */
void log_set_level(enum log_level max);

/* Where a message goes: one line, tidied, without a prefix. Called from any thread. */
typedef void log_sink(enum log_level level, const char *text);

/* From now on messages go there, and no more to stderr; NULL: to stderr again. */
void log_set_sink(log_sink *sink);

/* A sink: the system's log, facility daemon, from "cryptfs" and the process pid. Thread-safe once that
 * is set. Unlike syslog() it never waits for the log daemon: what that does not take is counted, and told later. */
void log_syslog_as(pid_t pid);
void log_syslog(enum log_level level, const char *text);

void log_message(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_vmessage(enum log_level level, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

#define log_error(...) log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_message(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_message(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_message(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
