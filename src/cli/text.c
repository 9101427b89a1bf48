/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text for people and for programs, made from names that anybody may have chosen.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/codec.h"
#include "cli/cli.h"
#include "cli/colour.h"

static bool is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* Length of the printable character at s, 0 if it must be escaped. */
static size_t printable(const unsigned char *s)
{
	if (s[0] < 0x80)
		return s[0] >= 0x20 && s[0] != 0x7f;
	if (s[0] < 0xc2 || !is_continuation(s[1]))
		return 0;
	if (s[0] < 0xe0) /* U+0080 to U+009F are controls as well */
		return s[0] == 0xc2 && s[1] < 0xa0 ? 0 : 2;
	if (!is_continuation(s[2]))
		return 0;
	if (s[0] < 0xf0)
		return (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ? 0 : 3;
	if (!is_continuation(s[3]) || s[0] > 0xf4)
		return 0;
	return (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90) ? 0 : 4;
}

char *text_escape(const char *s)
{
	char *out = malloc(4 * strlen(s) + 1);
	if (!out)
		return NULL;

	char *p = out;
	while (*s) {
		size_t n = printable((const unsigned char *)s);
		if (n > 0)
			memcpy(p, s, n);
		else
			(void)snprintf(p, 5, "\\%03o", (unsigned int)(unsigned char)*s);
		p += n > 0 ? n : 4;
		s += n > 0 ? n : 1;
	}
	*p = '\0';
	return out;
}

char *text_quote(const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+:@%,=";
	if (*s && s[strspn(s, plain)] == '\0')
		return strdup(s);

	char *out = malloc(4 * strlen(s) + 3);
	if (!out)
		return NULL;
	char *p = out;
	*p++ = '\'';
	for (; *s; s++)
		p = *s == '\'' ? stpcpy(p, "'\\''") : (*p = *s, p + 1);
	*p++ = '\'';
	*p = '\0';
	return out;
}

static char *text_format(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

static char *text_format(const char *fmt, va_list ap)
{
	_cleanup_free_ char *raw = NULL;
	if (vasprintf(&raw, fmt, ap) < 0)
		raw = NULL;
	return raw ? text_escape(raw) : NULL;
}

void text_line(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *text = text_format(fmt, ap);
	va_end(ap);
	(void)puts(text ? text : "out of memory");
}

void text_head(enum colour c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *text = text_format(fmt, ap);
	va_end(ap);
	const char *line = text ? text : "out of memory";
	int head = (int)strcspn(line, ":");
	(void)printf("%s%.*s%s%s\n", colour(stdout, c), head, line, colour(stdout, COLOUR_NONE), line + head);
}

json_t *text_json(const char *s)
{
	json_t *j = json_string(s);
	if (j)
		return j;
	_cleanup_free_ char *text = text_escape(s);
	return text ? json_string(text) : NULL;
}

void text_json_name(json_t *o, const char *key, const char *name)
{
	size_t n = strlen(name);
	json_t *plain = json_string(name);
	if (plain) {
		(void)json_object_set_new(o, key, plain);
		return;
	}
	_cleanup_free_ char *hex = malloc(2 * n + 1), *hex_key = NULL;
	(void)json_object_set_new(o, key, text_json(name));
	if (!hex || asprintf(&hex_key, "%s_hex", key) < 0) {
		hex_key = NULL;
		return;
	}
	codec_hex_encode(hex, (const uint8_t *)name, n);
	(void)json_object_set_new(o, hex_key, json_string(hex));
}

void text_time(char out[static TEXT_TIME_SIZE], uint64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	if (seconds > INT64_MAX || !gmtime_r(&t, &tm) ||
	    strftime(out, TEXT_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(out, TEXT_TIME_SIZE, "unknown");
}

int text_print_json(json_t *doc)
{
	_cleanup_free_ char *text = doc ? json_dumps(doc, JSON_INDENT(2)) : NULL;
	json_decref(doc);
	if (!text)
		return exit_fail(EXIT_FAILED, "out of memory");
	(void)puts(text);
	return EXIT_DONE;
}
