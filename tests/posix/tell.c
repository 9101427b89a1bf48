/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Saying and looking. */
#include "tell.h"

#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "posix.h"

#define LINE_MAX_LEN 4096
#define LABELS 200

static const char *current;

void tell_begin(const char *name)
{
	current = name;
}

/* One write a line: children may speak at the same time. */
void say(const char *label, const char *format, ...)
{
	char line[LINE_MAX_LEN];
	va_list ap;
	int n = snprintf(line, sizeof(line), "%s: %s = ", current, label);
	va_start(ap, format);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	if (write(1, line, (size_t)n) != n)
		err(1, "standard output");
}

const char *label_of(const char *format, ...)
{
	static char labels[LABELS][512];
	static unsigned int next;
	char *label = labels[next++ % LABELS];
	va_list ap;
	va_start(ap, format);
	vsnprintf(label, sizeof(labels[0]), format, ap);
	va_end(ap);
	return label;
}

const char *error_name(int error)
{
	const char *name = strerrorname_np(error);
	return name ? name : label_of("error %d", error);
}

long say_result(const char *label, long result)
{
	int error = errno;
	if (result < 0)
		say(label, "%s", error_name(error));
	else
		say(label, "%ld", result);
	errno = error;
	return result;
}

int say_fd(const char *label, int fd)
{
	int error = errno;
	say(label, "%s", fd < 0 ? error_name(error) : "open");
	errno = error;
	return fd;
}

long must(const char *what, long result)
{
	if (result < 0) {
		say(what, "set-up failed: %s", error_name(errno));
		_exit(1);
	}
	return result;
}

/* ---- looking ---- */

static const char *kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "dir";
	case S_IFLNK:
		return "link";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
		return "char";
	case S_IFBLK:
		return "block";
	default:
		return "?";
	}
}

const char *kind_of(const char *path)
{
	struct stat sb;
	if (lstat(path, &sb) != 0)
		return errno == ENOENT ? "none" : error_name(errno);
	return kind(sb.st_mode);
}

static void say_stat(const char *label, const struct stat *sb)
{
	char more[64] = "";
	if (S_ISREG(sb->st_mode) || S_ISLNK(sb->st_mode))
		snprintf(more, sizeof(more), " size %lld", (long long)sb->st_size);
	if (S_ISCHR(sb->st_mode) || S_ISBLK(sb->st_mode))
		snprintf(more, sizeof(more), " device %u:%u", major(sb->st_rdev), minor(sb->st_rdev));
	say(label, "%s %04o links %lu owner %u:%u%s", kind(sb->st_mode), sb->st_mode & 07777,
	    (unsigned long)sb->st_nlink, sb->st_uid, sb->st_gid, more);
}

void look(const char *label, const char *path)
{
	struct stat sb;
	if (lstat(path, &sb) != 0)
		say_result(label, -1);
	else
		say_stat(label, &sb);
}

void look_fd(const char *label, int fd)
{
	struct stat sb;
	if (fstat(fd, &sb) != 0)
		say_result(label, -1);
	else
		say_stat(label, &sb);
}

uint64_t hash_of(const void *data, size_t n)
{
	uint64_t h = 14695981039346656037u;
	for (const uint8_t *p = data, *end = p + n; p < end; p++)
		h = (h ^ *p) * 1099511628211u;
	return h;
}

void content_fd(const char *label, int fd)
{
	enum { MOST = 16 << 20 };
	uint8_t *buf = malloc(MOST);
	size_t n = 0;
	ssize_t got;
	while (n < MOST && (got = pread(fd, buf + n, MOST - n, (off_t)n)) > 0)
		n += (size_t)got;
	if (n < MOST && got < 0)
		say_result(label, -1);
	else
		say(label, "%zu bytes, hash %016llx", n, (unsigned long long)hash_of(buf, n));
	free(buf);
}

void content(const char *label, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		say_result(label, -1);
		return;
	}
	content_fd(label, fd);
	close(fd);
}
