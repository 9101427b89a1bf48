/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the unit tests share: cmocka with the headers it wants, hex literals, a scratch directory. */
#ifndef CRYPTFS_TESTS_UNIT_H
#define CRYPTFS_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Sanitizers map terabytes, so that no test can limit the address space, and make mlock do nothing. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNIT_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define UNIT_SANITIZED 1
#endif
#endif
#ifndef UNIT_SANITIZED
#define UNIT_SANITIZED 0
#endif

/* Run a program's tests as TAP. */
#define RUN_TAP(tests, setup, teardown) \
	(cmocka_set_message_output(CM_OUTPUT_TAP), cmocka_run_group_tests(tests, setup, teardown))

/* Leave a test that cannot run here. Not cmocka's skip(): its TAP says "not ok", which automake counts. */
#define SKIP_IF(cond, why)                                     \
	do {                                                   \
		if (cond) {                                    \
			print_message("# skipped: %s\n", why); \
			return;                                \
		}                                              \
	} while (0)

/* Fail naming the case of a table. */
#define CHECK_CASE(ok, name)                                             \
	do {                                                             \
		if (!(ok))                                               \
			fail_msg("case \"%s\": %s is false", name, #ok); \
	} while (0)

static inline size_t unhex(uint8_t *out, const char *hex)
{
	size_t n = strlen(hex) / 2;
	for (size_t i = 0; i < n; i++) {
		const char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
		out[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return n;
}

/* Do n bytes equal these? */
static inline void assert_hex(const uint8_t *got, const char *hex)
{
	uint8_t want[1024];
	assert_true(strlen(hex) / 2 <= sizeof(want));
	assert_memory_equal(got, want, unhex(want, hex));
}

/* 0, 1, 2 ... */
static inline void count_up(uint8_t *out, size_t n, unsigned int first)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(first + i);
}

/* A new directory for each test: *state is a struct scratch. */
struct scratch {
	int fd;
	char path[64];
};

static inline int scratch_setup(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));
	if (!s)
		return -1;
	strcpy(s->path, "/tmp/cryptfs-unit-XXXXXX");
	if (!mkdtemp(s->path))
		return -1;
	s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = s;
	return s->fd < 0 ? -1 : 0;
}

/* Names in the directory besides "." and "..". */
static inline size_t scratch_count(const struct scratch *s)
{
	size_t n = 0;
	DIR *d = opendir(s->path);
	assert_non_null(d);
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n;
}

static inline int scratch_teardown(void **state)
{
	struct scratch *s = *state;
	DIR *d = opendir(s->path);
	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
		if (unlinkat(s->fd, e->d_name, 0) < 0)
			(void)unlinkat(s->fd, e->d_name, AT_REMOVEDIR);
	}
	if (d)
		closedir(d);
	close(s->fd);
	int r = rmdir(s->path);
	free(s);
	return r;
}

#endif
