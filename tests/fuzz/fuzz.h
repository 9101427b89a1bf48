/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every fuzzer offers, and how it says that the decoder broke a promise: a crash, so that
 * libFuzzer keeps the input.
 */
#ifndef CRYPTFS_TESTS_FUZZ_H
#define CRYPTFS_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Runs one input; always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_PROMISE(cond)       \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

#endif
