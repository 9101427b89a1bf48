/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading test vectors: JSON files, byte strings in hex, and checks that count failures by the
 * name of the vector instead of stopping at the first.
 */
#ifndef CRYPTFS_TESTS_VECTORS_H
#define CRYPTFS_TESTS_VECTORS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/cleanup.h"

/* A byte string with its length; never NULL, and with a NUL behind it. */
struct vec {
	uint8_t *p;
	size_t n;
};

static inline void vec_free(struct vec *b)
{
	free(b->p);
}

#define _cleanup_vec_ _cleanup_(vec_free)

static inline void vec_unref(json_t **j)
{
	json_decref(*j);
}

#define _cleanup_json_ _cleanup_(vec_unref)

static inline void *vec_alloc(size_t n)
{
	void *p = calloc(1, n + 1);
	if (!p)
		abort();
	return p;
}

static inline uint8_t vec_digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static inline struct vec vec_of_hex(const char *hex)
{
	struct vec b = { NULL, strlen(hex) / 2 };
	b.p = vec_alloc(b.n);
	for (size_t i = 0; i < b.n; i++)
		b.p[i] = (uint8_t)(vec_digit(hex[2 * i]) << 4 | vec_digit(hex[2 * i + 1]));
	return b;
}

static inline const char *vec_str(const json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));
	return s ? s : "";
}

static inline struct vec vec_hex(const json_t *v, const char *key)
{
	return vec_of_hex(vec_str(v, key));
}

static inline uint64_t vec_int(const json_t *v, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(v, key));
}

/* The errno of a vector's "expect", negative, or 0. */
static inline int vec_expect(const json_t *v)
{
	static const struct {
		const char *name;
		int code;
	} codes[] = {
		{ "ok", 0 },
		{ "ebadmsg", -EBADMSG },
		{ "euclean", -EUCLEAN },
		{ "eprotonosupport", -EPROTONOSUPPORT },
		{ "ekeyrejected", -EKEYREJECTED },
		{ "einval", -EINVAL },
		{ "eilseq", -EILSEQ },
		{ "e2big", -E2BIG },
		{ "enodata", -ENODATA },
	};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].name, vec_str(v, "expect")) == 0)
			return codes[i].code;
	return 1;
}

static unsigned vec_failures;

static inline void vec_check(const json_t *v, bool ok, const char *what, int line)
{
	if (ok)
		return;
	vec_failures++;
	print_message("# line %d: '%s': %s\n", line, vec_str(v, "name"), what);
}

/* Note a failure of vector v unless cond holds, and go on. */
#define CHECK(v, cond) vec_check(v, cond, #cond, __LINE__)

/* Note a failure unless got is what v expects. Is it "ok", and came out so? */
static inline bool vec_judge(const json_t *v, int got, int line)
{
	char what[64];
	snprintf(what, sizeof(what), "got %d, expected %d", got, vec_expect(v));
	vec_check(v, got == vec_expect(v), what, line);
	return got == 0 && vec_expect(v) == 0;
}

#define JUDGE(v, got) vec_judge(v, got, __LINE__)

static inline bool vec_equal(struct vec a, const void *p, size_t n)
{
	return a.n == n && memcmp(a.p, p, n) == 0;
}

#endif
