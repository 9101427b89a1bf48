/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file that plaintext is written to, or standard output: a sink (offline/sink.h).
 */
#ifndef CRYPTFS_CLI_OUTPUT_H
#define CRYPTFS_CLI_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

struct output {
	int fd;
	bool holes;  /* a new file: zeros need not be written */
	uint64_t at; /* how much was put out */
};

/* arg is a struct output. A sink_fn. */
int output_sink(void *arg, const uint8_t *buf, uint64_t n);

/* After the last of it: a hole at the end. Returns 0 or -errno. */
int output_end(struct output *o);

#endif
