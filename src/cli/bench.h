/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How fast this machine is: the ciphers, and files in a temporary vault beside files without one.
 */
#ifndef CRYPTFS_CLI_BENCH_H
#define CRYPTFS_CLI_BENCH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/kdf.h"

/* What the measurements of a run take in all when nothing else is said, but for the unlocking. */
#define BENCH_SECONDS 10.0

/* Seconds since some moment. */
double bench_now(void);

/* What is being done, on a terminal; NULL takes it away. */
void bench_tell(const char *what);

/* ---- bench_crypto.c ---- */

#define BENCH_CIPHERS 2

struct bench_cipher {
	const char *name;
	bool used; /* by mounts and all else */
	double seal, open; /* bytes a second, of blocks as files have them */
};

struct bench_crypto {
	struct bench_cipher cipher[BENCH_CIPHERS]; /* those that are built in */
	size_t n;
	double names_sealed, names_opened; /* a second */
	struct kdf_cost cost;		   /* what init chooses here */
	double unlock;			   /* seconds */
};

/* After secrets_prepare. Each of its measurements but the last takes 'seconds'. Returns 0 or -errno. */
int bench_crypto(double seconds, struct bench_crypto *out);

/* ---- bench_files.c ---- */

enum bench_what { BENCH_WRITE, BENCH_COLD, BENCH_WARM, BENCH_CREATE, BENCH_STAT, BENCH_DELETE, BENCH_N };

struct bench_files {
	double rate[BENCH_N]; /* bytes a second of the first three, else files; 0: not to be measured here */
};

/* Measure in the directory dir, which is empty and ours, for 'seconds' in all. below: where the files really are, so
 * that they can be taken out of memory, or NULL. Ends early with -EINTR once *stop is set. Returns 0 or -errno. */
int bench_files(const char *dir, const char *below, double seconds, const volatile sig_atomic_t *stop,
		struct bench_files *out);

/* ---- bench_mount.c ---- */

struct bench_mount {
	struct bench_files plain, vault;
	bool in_memory; /* the directory is */
};

/* The same without and with a vault, in a temporary directory below dir that is taken away in any case, whatever ends
 * us, as is the mount. Returns 0 or an exit code (said); a signal that ends us is raised. */
int bench_mount(const char *dir, double seconds, struct bench_mount *out);

#endif
