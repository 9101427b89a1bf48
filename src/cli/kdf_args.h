/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How dear guessing a secret shall be: --kdf-memory and --kdf-time, of all verbs that make a slot.
 */
#ifndef CRYPTFS_CLI_KDF_ARGS_H
#define CRYPTFS_CLI_KDF_ARGS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "crypto/kdf.h"

struct kdf_args {
	double seconds;	     /* 0: as long as is usual */
	uint32_t memory_kib; /* 0: as calibrated */
};

enum { KDF_ARGS_MEMORY = 1024, KDF_ARGS_TIME };
#define KDF_ARGS_OPTIONS                                           \
	{ "kdf-memory", required_argument, NULL, KDF_ARGS_MEMORY }, \
		{ "kdf-time", required_argument, NULL, KDF_ARGS_TIME }

/* Take one of these options, with optarg. Returns 0, an exit code (said), or -1: it is another. */
int kdf_args_take(struct kdf_args *a, const char *verb, int option);

/* Was any of them given? */
bool kdf_args_given(const struct kdf_args *a);

/* Measure this machine. After keymem_init. Returns 0 or an exit code (said). */
int kdf_args_calibrate(const struct kdf_args *a, struct kdf_cost *cost);

#endif
