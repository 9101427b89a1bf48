/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sealing all of a vault anew, when it has been given a new master key (vault/epoch.h). Everything is changed where it
 * lies, a page, a name, an attribute at a time, and each opens before and after; what has been done is told by looking,
 * so a run that was cut off is simply made again, and in between the vault can be mounted.
 *
 * What opens under neither key stays as it is: it is lost without this as well. doc/format.md 3.4.
 */
#ifndef CRYPTFS_OFFLINE_REKEY_H
#define CRYPTFS_OFFLINE_REKEY_H

#include <stdbool.h>

#include "offline/tree.h"

#define REKEY_JOBS_MAX 64

enum rekey_trouble {
	REKEY_DAMAGED, /* it does not open, in whole or in part, under either key: nothing of it is lost by going on */
	REKEY_LEFT,    /* it could not be done, and still needs the key of the epoch before */
};

struct rekey_options {
	unsigned int jobs; /* threads for file content, 1..REKEY_JOBS_MAX */
	bool again;	   /* not the first run: one before may have ended in any way */
	/* One call at a time, from any thread. path is of the plaintext, "" the root; cipher below the vault. */
	void (*trouble)(void *arg, enum rekey_trouble what, const char *path, const char *cipher, int err);
	/* From any thread: so many entries, and bytes of ciphertext. */
	void (*done)(void *arg, uint64_t entries, uint64_t bytes);
	/* Asked again and again, from any thread: stop now? The run ends with -EINTR. */
	bool (*stop)(void *arg);
	void *arg;
};

/* Seal anew whatever is of the epoch before. The vault is unlocked with both keys (vault->past), nobody else uses it,
 * and t is its tree over a store that can be written to. Returns 0 when all is sealed under the present key and on the
 * disk: then the old one may go; 1 if something was left; -EINTR; or -errno. */
int rekey_run(struct tree *t, const struct rekey_options *opt);

#endif
