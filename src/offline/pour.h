/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The whole content of an intact file.
 */
#ifndef CRYPTFS_OFFLINE_POUR_H
#define CRYPTFS_OFFLINE_POUR_H

#include "offline/sink.h"
#include "store/file.h"

/* Plaintext bytes that cannot be had. */
struct pour_range {
	uint64_t from;
	uint64_t to;
};

/* Give all of the file to the sink, its holes as zeros. Returns 0; -EBADMSG or -EUCLEAN with *bad the first block that
 * is damaged (all before it has been given); what the sink said, with *sunk; or -errno. */
int pour_file(struct file *f, sink_fn *sink, void *arg, struct pour_range *bad, bool *sunk);

#endif
