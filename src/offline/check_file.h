/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The content of one regular file, verified page by page by the rules of doc/format.md section 3. Shares nothing
 * with the reader of src/store but the opening of a block.
 */
#ifndef CRYPTFS_OFFLINE_CHECK_FILE_H
#define CRYPTFS_OFFLINE_CHECK_FILE_H

#include "format/content.h"
#include "offline/check.h"

/* The unit of st_blocks. */
#define CHECK_SECTOR 512u

/* Gets what is found, as ranges of plaintext (length 0: none applies), from any thread. */
struct check_sink {
	void (*found)(void *arg, enum check_kind kind, uint64_t offset, uint64_t length);
	void *arg;
};

struct check_file {
	const struct store *st;
	int fd;
	bool holes;	  /* may have some */
	bool last_opens;
	uint64_t size;	  /* of the ciphertext */
	uint64_t pages;	  /* whole ones in it */
	uint64_t len;	  /* of the stream; 0: empty, or nothing more can be said */
	uint64_t found;	  /* what len would be by the last page alone: less if the end is missing */
	uint64_t durable;
	struct content_header header;
};

/* Look at fd, a regular file: header, length, size hint. Returns 0, also if it is damaged (then len may be 0),
 * or -errno. */
int check_file_load(const struct store *st, int fd, struct check_file *f, const struct check_sink *sink);

/* How many blocks it has to be checked, with those that are missing. */
uint64_t check_file_blocks(const struct check_file *f);

/* Verify blocks [from, to) of what was loaded, with len > 0. Several threads may. 'bytes' counts what was read.
 * Returns 0 or -errno. */
int check_file_verify(const struct check_file *f, uint64_t from, uint64_t to, const struct check_sink *sink,
		      _Atomic uint64_t *bytes);

#endif
