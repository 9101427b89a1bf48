/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What inspect tells: facts, pages and findings, as lines or as one JSON object, the pages of which are printed
 * as they come.
 */
#ifndef CRYPTFS_CLI_INSPECT_REPORT_H
#define CRYPTFS_CLI_INSPECT_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "offline/check.h"
#include "offline/inspect.h"

struct inspect_report {
	json_t *doc; /* or NULL: lines */
	json_t *findings;
	bool pages;  /* some have been told of */
	bool quiet;
	bool damaged;
};

/* Returns 0 or -ENOMEM. */
int inspect_report_begin(struct inspect_report *r, bool json, bool quiet);
void inspect_report_free(struct inspect_report *r);

/* A fact: a member of the object, or a line with a label (NULL: none) and text. Takes value. */
void inspect_fact(struct inspect_report *r, const char *key, json_t *value, const char *label, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Bytes as hex. */
void inspect_fact_hex(struct inspect_report *r, const char *key, const char *label, const uint8_t *b, size_t n);

/* A run of pages; verdict is what is wrong with it, or NULL. 'opened': the key has been tried on it. */
void inspect_page(struct inspect_report *r, const struct inspect_run *run, bool opened, const char *verdict);

/* Something is wrong: the word of a finding of check, a sentence, and which bytes of the plaintext (length 0: none). */
void inspect_finding(struct inspect_report *r, enum check_class class, const char *kind, const char *text,
		     uint64_t offset, uint64_t length);

/* The end: prints the object. Returns an exit code. */
int inspect_report_end(struct inspect_report *r);

#endif
