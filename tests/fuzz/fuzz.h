/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every fuzzer offers, and how it says that the decoder broke a promise: a crash, so that
 * libFuzzer keeps the input.
 */
#ifndef CRYPTFS_TESTS_FUZZ_H
#define CRYPTFS_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Runs one input; always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* For a harness's own loops over bytes: they are no news to the fuzzer, and slow if it is told of them. */
#ifdef __clang__
#define FUZZ_PLAIN __attribute__((no_sanitize("address", "undefined", "coverage")))
#else
#define FUZZ_PLAIN
#endif

#define FUZZ_PROMISE(cond)                                                             \
	do {                                                                           \
		if (!(cond)) {                                                         \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                       \
		}                                                                      \
	} while (0)

/* What may fail, such as an attack. */
static inline void fuzz_tried(int r)
{
	(void)r;
}

#endif
