/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mountinfo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* The kernel writes blanks, line ends and backslashes as \ooo. */
static char *unescape(const char *s, size_t n)
{
	char *out = malloc(n + 1);
	if (!out)
		return NULL;

	char *p = out;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\' && n - i > 3 && is_octal(s[i + 1]) && is_octal(s[i + 2]) &&
		    is_octal(s[i + 3])) {
			*p++ = (char)((s[i + 1] - '0') << 6 | (s[i + 2] - '0') << 3 | (s[i + 3] - '0'));
			i += 3;
		} else {
			*p++ = s[i];
		}
	}
	*p = '\0';
	return out;
}

/* The next word, its length in *n; *s moves behind it. */
static const char *word(const char **s, size_t *n)
{
	*s += strspn(*s, " ");
	const char *w = *s;
	*n = strcspn(w, " \n");
	*s += *n;
	return *n > 0 ? w : NULL;
}

static bool word_is(const char *w, size_t n, const char *text)
{
	return n == strlen(text) && memcmp(w, text, n) == 0;
}

/* Is "ro" among comma-separated options? It is their first word if so. */
static bool is_ro(const char *opts, size_t n)
{
	return opts && n >= 2 && memcmp(opts, "ro", 2) == 0 && (n == 2 || opts[2] == ',');
}

/* The number of "user_id=" among comma-separated options, which no backslash takes apart. */
static uid_t user_id(const char *opts, size_t n)
{
	static const char key[] = "user_id=";
	const size_t k = sizeof(key) - 1;
	for (size_t i = 0; opts && i + k < n; i++)
		if ((i == 0 || opts[i - 1] == ',') && memcmp(opts + i, key, k) == 0 && opts[i + k] >= '0' &&
		    opts[i + k] <= '9')
			return (uid_t)strtoul(opts + i + k, NULL, 10);
	return (uid_t)-1;
}

/* id parent maj:min root MOUNTPOINT OPTIONS [tag...] - TYPE SOURCE superoptions */
int mountinfo_parse(const char *line, struct mountinfo *e)
{
	const char *w, *point, *opts, *type, *source, *super;
	size_t n, point_n, opts_n, type_n, source_n, super_n;
	unsigned int dev_major, dev_minor;
	int id, parent;
	if (sscanf(line, "%d %d %u:%u", &id, &parent, &dev_major, &dev_minor) != 4)
		return -EINVAL;

	for (int i = 0; i < 4; i++)
		if (!word(&line, &n))
			return -EINVAL;
	point = word(&line, &point_n);
	opts = word(&line, &opts_n);
	do
		w = word(&line, &n);
	while (w && !word_is(w, n, "-"));
	type = word(&line, &type_n);
	source = word(&line, &source_n);
	super = word(&line, &super_n);
	if (!point || !opts || !w || !type)
		return -EINVAL;

	*e = (struct mountinfo){
		.mountpoint = unescape(point, point_n),
		.source = unescape(source ? source : "", source ? source_n : 0),
		.ours = word_is(type, type_n, "fuse.cryptfs"),
		.id = id,
		.parent = parent,
		.user = user_id(super, super_n),
		.dev = makedev(dev_major, dev_minor),
		.read_only = is_ro(opts, opts_n) || is_ro(super, super_n),
		.disk_read_only = is_ro(super, super_n),
	};
	if (e->mountpoint && e->source)
		return 0;
	mountinfo_free(e);
	return -ENOMEM;
}

void mountinfo_free(struct mountinfo *e)
{
	free(e->mountpoint);
	free(e->source);
	*e = (struct mountinfo){ .mountpoint = NULL };
}
