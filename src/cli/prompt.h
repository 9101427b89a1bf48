/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Passphrases: from a terminal without echo, from a file, from standard input, from a program. Read with read(2)
 * straight into the arena; never from the command line or the environment.
 */
#ifndef CRYPTFS_CLI_PROMPT_H
#define CRYPTFS_CLI_PROMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define PROMPT_MAX 1023u /* bytes of a passphrase */
#define PROMPT_TRIES 3	 /* if somebody is asked */

struct prompt {
	int fd;		  /* -1: closed, or a program that is started when it is its turn */
	bool terminal;
	bool window;	  /* the program asks somebody, and gets the text as its argument */
	char **argv;	  /* the program, or NULL; one allocation */
	char *text;	  /* what 'from' points to, if that is ours */
	const char *from; /* for messages */
};

/* What the command line says of where a passphrase comes from; NULL: nothing. */
struct prompt_source {
	const char *passfile; /* "-" is standard input */
	const char *extpass;  /* a command (words_split); not both */
	bool unlocks;	      /* for a passphrase that is to open a slot, not a new one: systemd's credential will do */
};

/* bytes is in the arena and belongs to whoever holds the struct. */
struct prompt_secret {
	uint8_t *bytes;
	size_t len;
};

/* Open the source: the one that src names, or else the first of these that there is: the file cryptfs.passphrase in
 * $CREDENTIALS_DIRECTORY; standard input if it is a file or a pipe; a window (askpass_open); the terminal. Programs
 * are started later. Before any chdir. Returns 0 or -errno (as words_split for a command); prompt_cleanup in any
 * case. */
int prompt_open_from(struct prompt *p, const struct prompt_source *src);

/* The same with passfile or NULL, and without a credential. */
int prompt_open(struct prompt *p, const char *passfile);

/* Read one passphrase, showing text if somebody is asked; or run the program for it. The first line counts, without
 * its end. After keymem_init. Returns 0; -ENODATA (empty or the end), -E2BIG, -EILSEQ (a NUL byte), -ECANCELED (the
 * window was closed), -ECHILD (the program failed, which has been said), -ENOMEM, -errno. */
int prompt_read(const struct prompt *p, const char *text, struct prompt_secret *out);

/* Read a new passphrase: if somebody is asked twice, with a few tries, at a terminal with a word on its quality. Also
 * returns -EKEYREJECTED if the two would not agree. */
int prompt_new(const struct prompt *p, struct prompt_secret *out);

/* How often to ask: once if nobody is there to answer. */
static inline int prompt_tries(const struct prompt *p)
{
	return p->terminal || p->window ? PROMPT_TRIES : 1;
}

/* After this error: may the next try do better? -EKEYREJECTED, also a caller's own, and what was no passphrase. */
bool prompt_may_retry(int err);

/* Wipe and give back. */
void prompt_forget(struct prompt_secret *s);

/* Close; 'from' is gone too. */
void prompt_cleanup(struct prompt *p);

#endif
