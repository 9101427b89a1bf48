/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What fsx.c and fsstress.c share: a generator whose numbers depend on the seed alone, and a record of the last
 * operations, for who has to find out what went wrong.
 */
#ifndef CRYPTFS_TESTS_MODEL_H
#define CRYPTFS_TESTS_MODEL_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MODEL_LOG 48
#define MODEL_LINE 120

struct model_rng {
	uint64_t state;
};

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static inline uint64_t model_next(struct model_rng *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Evenly enough from [0, n); 0 if n is 0. */
static inline uint64_t model_below(struct model_rng *r, uint64_t n)
{
	return n > 0 ? model_next(r) % n : 0;
}

static inline void model_fill(struct model_rng *r, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		uint64_t v = model_next(r);
		for (size_t j = i; j < n && j < i + 8; j++, v >>= 8)
			p[j] = (uint8_t)v;
	}
}

struct model_log {
	uint64_t n;
	char line[MODEL_LOG][MODEL_LINE];
};

/* Where the next one is to be written. */
static inline char *model_line(struct model_log *l)
{
	return l->line[l->n++ % MODEL_LOG];
}

#define model_note(l, ...) ((void)snprintf(model_line(l), MODEL_LINE, __VA_ARGS__))

static inline void model_print(const struct model_log *l)
{
	uint64_t first = l->n > MODEL_LOG ? l->n - MODEL_LOG : 0;
	for (uint64_t i = first; i < l->n; i++)
		printf("#  %llu: %s\n", (unsigned long long)(i + 1), l->line[i % MODEL_LOG]);
}

static inline uint64_t model_number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);
	if (end == text || *end) {
		fprintf(stderr, "'%s' is no number\n", text);
		exit(2);
	}
	return n;
}

#endif
