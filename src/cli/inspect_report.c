/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/inspect_report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "cli/cli.h"

#define HEX_MAX 64u

int inspect_report_begin(struct inspect_report *r, bool json, bool quiet)
{
	*r = (struct inspect_report){ .quiet = quiet };
	if (!json)
		return 0;
	r->doc = json_object();
	r->findings = json_array();
	return r->doc && r->findings ? 0 : -ENOMEM;
}

void inspect_report_free(struct inspect_report *r)
{
	json_decref(r->doc);
	json_decref(r->findings);
	*r = (struct inspect_report){ .doc = NULL };
}

void inspect_fact(struct inspect_report *r, const char *key, json_t *value, const char *label, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	if (r->doc) {
		(void)json_object_set_new(r->doc, key, value);
		return;
	}
	json_decref(value);
	if (!label || r->quiet)
		return;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	text_line("%-15s %s", label, text ? text : "out of memory");
}

void inspect_fact_hex(struct inspect_report *r, const char *key, const char *label, const uint8_t *b, size_t n)
{
	char hex[2 * HEX_MAX + 1];
	codec_hex_encode(hex, b, n < HEX_MAX ? n : HEX_MAX);
	inspect_fact(r, key, json_string(hex), label, "%s", hex);
}

/* ---- pages ---- */

static void print_page(const struct inspect_run *run, const char *nonce, bool opened, const char *verdict)
{
	char range[48], meta[96] = "";
	if (run->to - run->from == 1)
		(void)snprintf(range, sizeof(range), "%llu", (unsigned long long)run->from);
	else
		(void)snprintf(range, sizeof(range), "%llu-%llu", (unsigned long long)run->from,
			       (unsigned long long)run->to - 1);
	if (run->state == INSPECT_SEALED && run->meta_is_right)
		(void)snprintf(meta, sizeof(meta), ", epoch %u, %u bytes used", run->meta.epoch, run->meta.used);
	else if (run->state == INSPECT_SEALED)
		(void)snprintf(meta, sizeof(meta), ", no valid meta");
	const char *good = !opened ? "" : run->state == INSPECT_SEALED ? ", opens" : ", as may be";
	(void)printf("page %-10s %s%s%s%s%s%s%s\n", range, inspect_state_name(run->state), nonce[0] ? ", nonce " : "",
		     nonce, meta, verdict ? ", BAD [" : good, verdict ? verdict : "", verdict ? "]" : "");
}

static void print_page_json(struct inspect_report *r, const struct inspect_run *run, const char *nonce, bool opened,
			    const char *verdict)
{
	json_t *o = json_pack("{s:I, s:I, s:s}", "first", (json_int_t)run->from, "last", (json_int_t)run->to - 1,
			      "state",
			      inspect_state_name(run->state));
	if (o && nonce[0])
		(void)json_object_set_new(o, "nonce", json_string(nonce));
	if (o && run->state == INSPECT_SEALED && run->meta_is_right) {
		(void)json_object_set_new(o, "epoch", json_integer(run->meta.epoch));
		(void)json_object_set_new(o, "used", json_integer(run->meta.used));
	}
	if (o && opened)
		(void)json_object_set_new(o, "verdict", verdict ? json_string(verdict) : json_string("sound"));
	_cleanup_free_ char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	(void)printf("%s\n    %s", r->pages ? "," : "{\n  \"blocks\": [", text ? text : "null");
}

void inspect_page(struct inspect_report *r, const struct inspect_run *run, bool opened, const char *verdict)
{
	char nonce[2 * CONTENT_NONCE_LEN + 1] = "";
	if (run->state == INSPECT_SEALED)
		codec_hex_encode(nonce, run->nonce, CONTENT_NONCE_LEN);
	if (r->doc)
		print_page_json(r, run, nonce, opened, verdict);
	else
		print_page(run, nonce, opened, verdict);
	r->pages = true;
}

/* ---- findings, and the end ---- */

void inspect_finding(struct inspect_report *r, enum check_class class, const char *kind, const char *text,
		     uint64_t offset, uint64_t length)
{
	static const char *const classes[] = { "damage", "leftover", "not checked" };
	char range[64] = "";
	r->damaged = r->damaged || class == CHECK_DAMAGE;
	if (r->doc) {
		json_t *o = json_pack("{s:s, s:s, s:o}", "class", classes[class], "kind", kind, "message",
				      text_json(text));
		if (o && length > 0) {
			(void)json_object_set_new(o, "offset", json_integer((json_int_t)offset));
			(void)json_object_set_new(o, "length", json_integer((json_int_t)length));
		}
		(void)json_array_append_new(r->findings, o);
		return;
	}
	if (length > 0)
		(void)snprintf(range, sizeof(range), "bytes %llu-%llu: ", (unsigned long long)offset,
			       (unsigned long long)(offset + length - 1));
	text_line("%-15s %s%s [%s]", classes[class], range, text, kind);
}

int inspect_report_end(struct inspect_report *r)
{
	if (!r->doc)
		return EXIT_DONE;
	(void)json_object_set_new(r->doc, "damaged", json_boolean(r->damaged));
	(void)json_object_set(r->doc, "findings", r->findings);
	_cleanup_free_ char *text = json_dumps(r->doc, JSON_INDENT(2));
	if (!text)
		return exit_fail(EXIT_FAILED, "out of memory");
	(void)printf("%s%s\n", r->pages ? "\n  ],\n" : "", r->pages ? text + strcspn(text, " ") : text);
	return EXIT_DONE;
}
