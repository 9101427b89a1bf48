/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/kdf_args.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/patience.h"
#include "vault/vault.h"

#define TIME_DEFAULT 1.0
#define TIME_MAX 60.0

static int take_memory(const char *verb, const char *text, uint32_t *kib)
{
	char *end;
	errno = 0;
	long mib = strtol(text, &end, 10);
	if (errno || end == text || *end || mib < (long)(VAULTFILE_KDF_MEMORY_MIN / 1024) ||
	    mib > (long)(VAULTFILE_KDF_MEMORY_MAX / 1024))
		return exit_usage(verb, "--kdf-memory takes a number of MiB from 8 to 4096, not '%s'", text);
	*kib = (uint32_t)mib * 1024;
	return 0;
}

static int take_time(const char *verb, const char *text, double *seconds)
{
	char *end;
	*seconds = strtod(text, &end);
	if (end == text || *end || !isfinite(*seconds) || *seconds <= 0 || *seconds > TIME_MAX)
		return exit_usage(verb, "--kdf-time takes a number of seconds up to 60, not '%s'", text);
	return 0;
}

int kdf_args_take(struct kdf_args *a, const char *verb, int option)
{
	switch (option) {
	case KDF_ARGS_MEMORY: return take_memory(verb, optarg, &a->memory_kib);
	case KDF_ARGS_TIME: return take_time(verb, optarg, &a->seconds);
	default: return -1;
	}
}

bool kdf_args_given(const struct kdf_args *a)
{
	return a->seconds > 0 || a->memory_kib > 0;
}

int kdf_args_calibrate(const struct kdf_args *a, struct kdf_cost *cost)
{
	patience_begin("measuring how long this machine takes for a guess");
	int err = kdf_calibrate(cost, a->seconds > 0 ? a->seconds : TIME_DEFAULT, a->memory_kib);
	patience_end();
	return err < 0 ? exit_crypto(err, "cannot measure how fast this machine is") : 0;
}
