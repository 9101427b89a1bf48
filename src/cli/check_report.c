/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/check_report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "cli/colour.h"
#include "offline/repair.h"

/* After a power cut there may be as many leftovers as files: people see the first of a kind. */
#define LEFTOVERS_SHOWN 20u
#define SAME_LOOK_BACK 64u

static const char *const class_names[] = { "damage", "leftover", "not checked" };
static const enum colour class_colours[] = { COLOUR_BAD, COLOUR_ODD, COLOUR_ODD };
static const char *const class_keys[] = { "damage", "leftovers", "unchecked" };

int check_report_begin(struct check_report *r, bool json, bool keep, struct progress *progress)
{
	*r = (struct check_report){ .json = json, .keep = keep, .progress = progress };
	if (!json)
		return 0;
	for (int i = 0; i < 3; i++)
		r->list[i] = json_array();
	r->repaired = json_array();
	return r->list[0] && r->list[1] && r->list[2] && r->repaired ? 0 : -ENOMEM;
}

void check_report_free(struct check_report *r)
{
	for (int i = 0; i < 3; i++)
		json_decref(r->list[i]);
	json_decref(r->repaired);
	for (size_t i = 0; i < r->n_items; i++) {
		free(r->item[i].path);
		free(r->item[i].cipher);
	}
	free(r->item);
	*r = (struct check_report){ .json = false };
}

/* ---- one finding ---- */

/* The same in another piece of a file? Threads work on several files at a time. */
static struct check_report_item *same_item(const struct check_report *r, const struct check_finding *f)
{
	for (size_t i = r->n_items; i > 0 && r->n_items - i < SAME_LOOK_BACK; i--) {
		struct check_report_item *x = &r->item[i - 1];
		if (x->kind == f->kind && strcmp(x->cipher, f->cipher) == 0)
			return x;
	}
	return NULL;
}

static void keep_item(struct check_report *r, const struct check_finding *f)
{
	struct check_report_item *same = same_item(r, f);
	if (same) {
		same->findings++;
		return;
	}
	struct check_report_item i = {
		.kind = f->kind,
		.path = strdup(f->path),
		.cipher = strdup(f->cipher),
		.findings = 1,
	};
	struct check_report_item *more = array_more(r->item, r->n_items, &r->cap, sizeof(*more));
	if (more)
		r->item = more;
	if (!i.path || !i.cipher || !more) {
		free(i.path);
		free(i.cipher);
		r->no_memory = true;
		return;
	}
	r->item[r->n_items++] = i;
}

static void add_json(struct check_report *r, json_t *list, json_t *j)
{
	if (json_array_append_new(list, j) != 0)
		r->no_memory = true;
}

static json_t *number_json(bool is, uint64_t n)
{
	return is ? json_integer((json_int_t)n) : json_null();
}

static json_t *finding_json(const struct check_finding *f)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:o}", "kind", check_kind_name(f->kind), "path",
			 text_json(f->path), "ciphertext", text_json(f->cipher), "offset",
			 number_json(f->has_range, f->offset), "length", number_json(f->has_range, f->length),
			 "message", f->message, "attribute", f->detail ? text_json(f->detail) : json_null());
}

static void print_finding(const struct check_finding *f, enum check_class class)
{
	char range[64] = "";
	if (f->has_range)
		(void)snprintf(range, sizeof(range), ", bytes %llu-%llu", (unsigned long long)f->offset,
			       (unsigned long long)(f->offset + f->length - 1));
	text_head(class_colours[class], "%s: %s%s: %s%s%s [%s; ciphertext %s]", class_names[class], f->path, range,
		  f->message, f->detail ? ": " : "", f->detail ? f->detail : "", check_kind_name(f->kind), f->cipher);
	(void)fflush(stdout);
}

void check_report_found(void *arg, const struct check_finding *f)
{
	struct check_report *r = arg;
	enum check_class class = check_class_of(f->kind);
	r->n[f->kind]++;
	if (r->keep)
		keep_item(r, f);
	if (r->json) {
		add_json(r, r->list[class], finding_json(f));
		return;
	}
	if (class == CHECK_LEFTOVER && r->n[f->kind] > LEFTOVERS_SHOWN)
		return;
	progress_hide(r->progress);
	print_finding(f, class);
}

/* By the directory, then by the name in it. */
static int compare_items(const void *a, const void *b)
{
	const char *x = ((const struct check_report_item *)a)->cipher;
	const char *y = ((const struct check_report_item *)b)->cipher;
	const char *x_name = strrchr(x, '/'), *y_name = strrchr(y, '/');
	size_t x_len = x_name ? (size_t)(x_name - x) : 0, y_len = y_name ? (size_t)(y_name - y) : 0;
	int order = strncmp(x, y, x_len < y_len ? x_len : y_len);
	if (order == 0)
		order = (x_len > y_len) - (x_len < y_len);
	return order != 0 ? order : strcmp(x + x_len, y + y_len);
}

void check_report_sort(struct check_report *r)
{
	if (r->n_items > 0)
		qsort(r->item, r->n_items, sizeof(*r->item), compare_items);
}

void check_report_mended(struct check_report *r, struct check_report_item *i, const char *done, bool kept)
{
	i->mended = true;
	if (kept && check_class_of(i->kind) == CHECK_DAMAGE)
		r->put_away += i->findings;
	r->mended[i->kind] += i->findings;
	if (r->json)
		add_json(r, r->repaired,
			 json_pack("{s:s, s:o, s:o, s:s}", "kind", check_kind_name(i->kind), "path",
				   text_json(i->path), "ciphertext", text_json(i->cipher), "done", done));
	else
		text_line("%s: %s [%s; ciphertext %s]", done, i->path, check_kind_name(i->kind), i->cipher);
}

/* ---- all of it ---- */

uint64_t check_report_count(const struct check_report *r, enum check_class class)
{
	uint64_t n = 0;
	for (int k = CHECK_NOTHING + 1; k < CHECK_KINDS; k++)
		if (check_class_of((enum check_kind)k) == class)
			n += r->n[k] - r->mended[k];
	return class == CHECK_DAMAGE ? n + r->put_away : n;
}

static json_t *counts_json(const struct check_counts *c)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "files", (json_int_t)c->files, "directories",
			 (json_int_t)c->directories, "links", (json_int_t)c->links, "specials",
			 (json_int_t)c->specials, "names", (json_int_t)c->names, "bytes", (json_int_t)c->bytes);
}

static int print_json(struct check_report *r, const char *vault, const struct check_counts *c, long lost)
{
	if (r->no_memory)
		return exit_fail(EXIT_FAILED, "out of memory");
	json_t *doc = json_pack("{s:o, s:o}", "vault", text_json(vault), "checked", counts_json(c));
	for (int i = 0; doc && i < 3; i++)
		(void)json_object_set(doc, class_keys[i], r->list[i]);
	if (doc) {
		bool clean = check_report_count(r, CHECK_DAMAGE) == 0 && check_report_count(r, CHECK_UNCHECKED) == 0;
		(void)json_object_set(doc, "repaired", r->repaired);
		(void)json_object_set_new(doc, "quarantined", number_json(lost >= 0, (uint64_t)lost));
		(void)json_object_set_new(doc, "clean", json_boolean(clean));
	}
	return text_print_json(doc);
}

static void print_more(const struct check_report *r)
{
	for (int k = CHECK_NOTHING + 1; k < CHECK_KINDS; k++)
		if (check_class_of((enum check_kind)k) == CHECK_LEFTOVER && r->n[k] > LEFTOVERS_SHOWN)
			text_line("leftover: %llu more [%s] (--json lists all)",
				  (unsigned long long)(r->n[k] - LEFTOVERS_SHOWN),
				  check_kind_name((enum check_kind)k));
}

/* "3 damaged, 1 leftover" and what of it has been mended. */
static void print_class(const struct check_report *r, enum check_class class)
{
	uint64_t left = check_report_count(r, class), found = 0;
	uint64_t away = class == CHECK_DAMAGE ? r->put_away : 0;
	enum colour c = class_colours[class];
	for (int k = CHECK_NOTHING + 1; k < CHECK_KINDS; k++)
		if (check_class_of((enum check_kind)k) == class)
			found += r->n[k];
	if (found == 0)
		return;
	if (away > 0)
		text_head(c, "%s: %llu found, %llu repaired, %llu moved or cut (" NAME_LOST_DIR " has what was there)",
			  class_names[class], (unsigned long long)found, (unsigned long long)(found - left),
			  (unsigned long long)away);
	else if (left < found)
		text_head(c, "%s: %llu found, %llu repaired", class_names[class], (unsigned long long)found,
			  (unsigned long long)(found - left));
	else
		text_head(c, "%s: %llu found", class_names[class], (unsigned long long)found);
}

/* A number, and how the word behind it ends. */
#define NUMBER(n, one, more) (unsigned long long)(n), (n) == 1 ? (one) : (more)

int check_report_print(struct check_report *r, const char *vault, const struct check_counts *c, long lost,
		       bool quiet)
{
	char size[PROGRESS_SIZE];
	if (r->json)
		return print_json(r, vault, c, lost);
	print_more(r);
	if (quiet)
		return EXIT_DONE;
	progress_size(size, c->bytes);
	text_line("checked: %llu file%s, %llu director%s, %llu link%s, %llu other%s, %s", NUMBER(c->files, "", "s"),
		  NUMBER(c->directories, "y", "ies"), NUMBER(c->links, "", "s"), NUMBER(c->specials, "", "s"), size);
	for (int i = 0; i < 3; i++)
		print_class(r, (enum check_class)i);
	if (check_report_count(r, CHECK_DAMAGE) == 0 && check_report_count(r, CHECK_UNCHECKED) == 0)
		text_head(COLOUR_GOOD, "no damage");
	if (lost > 0)
		text_line("quarantine: %ld in " NAME_LOST_DIR " (its report.txt says from where)", lost);
	return EXIT_DONE;
}
