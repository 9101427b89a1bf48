/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What `cryptfs status` shows: mounts at one moment, as text or JSON, once or again and again.
 */
#ifndef CRYPTFS_CLI_STATUS_SHOW_H
#define CRYPTFS_CLI_STATUS_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include "cli/mounts.h"

/* Of a second, since the time before; less than 0: not known. */
struct status_rates {
	double read_bytes, written_bytes, requests, damaged;
};

struct status_mount {
	char *mountpoint, *vault;
	bool read_only;
	struct mounts_status st;
	struct status_rates rates;
};

struct status_list {
	struct status_mount *mounts;
	size_t n;
	double at; /* seconds of a clock that only goes forward */
};

/* status_load.c. What is mounted now, but only what lies on the path 'only' or has it as its vault, unless that is
 * NULL; with rates since 'before' (nothing at first). Returns 0 or -errno. */
int status_load(const char *only, const struct status_list *before, struct status_list *out);
void status_free(struct status_list *list);

/* 'operand' is not mounted. Says so, returns EXIT_NO_VAULT. */
int status_not_mounted(const char *operand);

#define _cleanup_status_list_ __attribute__((cleanup(status_free)))

/* status_text.c. All of it for people, escaped. */
void status_text(FILE *out, const struct status_list *list);

/* status_json.c. NULL without memory. One of many comes with the time, and with rates. */
json_t *status_json(const struct status_list *list, bool many);

/* status_watch.c. Again and again, this many seconds apart, until SIGINT or until nobody reads it any more; with 'only'
 * until that is not mounted. Returns an exit code. */
int status_watch(const char *only, const char *operand, bool json, double seconds);

#endif
