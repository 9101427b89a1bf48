/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Passphrases: from a terminal without echo, from a file, or from standard input. Read with read(2)
 * straight into the arena; never from the command line or the environment.
 */
#ifndef CRYPTFS_CLI_PROMPT_H
#define CRYPTFS_CLI_PROMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define PROMPT_MAX 1023u /* bytes of a passphrase */
#define PROMPT_TRIES 3	 /* at a terminal */

struct prompt {
	int fd;		  /* -1: closed */
	bool terminal;
	const char *from; /* for messages */
};

/* bytes is in the arena and belongs to whoever holds the struct. */
struct prompt_secret {
	uint8_t *bytes;
	size_t len;
};

/* Open the source: passfile ("-" is standard input), or if NULL the terminal, or standard input if that
 * is none. Before any chdir. Returns 0 or -errno. */
int prompt_open(struct prompt *p, const char *passfile);

/* Read one passphrase, showing text if at a terminal. The first line counts, without its end. After
 * keymem_init. Returns 0; -ENODATA (empty or the end), -E2BIG, -EILSEQ (a NUL byte), -ENOMEM, -errno. */
int prompt_read(const struct prompt *p, const char *text, struct prompt_secret *out);

/* Read a new passphrase: at a terminal twice, with a few tries. Also returns -EKEYREJECTED if the two
 * would not agree. */
int prompt_new(const struct prompt *p, struct prompt_secret *out);

/* Wipe and give back. */
void prompt_forget(struct prompt_secret *s);

static inline void prompt_cleanup(struct prompt *p)
{
	if (p->fd > STDERR_FILENO)
		(void)close(p->fd);
	p->fd = -1;
}

#endif
