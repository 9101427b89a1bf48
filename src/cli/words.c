/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/words.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static int take_single(const char **in, char **out)
{
	const char *end = strchr(*in, '\'');
	if (!end)
		return -EINVAL;
	size_t n = (size_t)(end - *in);
	memcpy(*out, *in, n);
	*out += n;
	*in = end + 1;
	return 0;
}

static int take_double(const char **in, char **out)
{
	const char *s = *in;
	for (; *s && *s != '"'; s++) {
		if (*s == '\\' && s[1] && strchr("$`\"\\", s[1]))
			s++;
		*(*out)++ = *s;
	}
	if (!*s)
		return -EINVAL;
	*in = s + 1;
	return 0;
}

/* One word, from its first character; in ends behind it. */
static int take_word(const char **in, char **out)
{
	int err = 0;
	while (err == 0 && **in && !is_blank(**in)) {
		char c = *(*in)++;
		if (c == '\'')
			err = take_single(in, out);
		else if (c == '"')
			err = take_double(in, out);
		else if (c != '\\')
			*(*out)++ = c;
		else if (**in)
			*(*out)++ = *(*in)++;
		else
			err = -EINVAL;
	}
	*(*out)++ = '\0';
	return err;
}

int words_split(const char *text, char ***words)
{
	/* A word takes one character and one blank at least; its NUL takes the blank's place. */
	size_t len = strlen(text), n = 0;
	_cleanup_free_ char **all = malloc((len / 2 + 2) * sizeof(char *) + len + 1);
	if (!all)
		return -ENOMEM;
	char *out = (char *)(all + len / 2 + 2);
	for (;;) {
		while (is_blank(*text))
			text++;
		if (!*text)
			break;
		all[n++] = out;
		int err = take_word(&text, &out);
		if (err < 0)
			return err;
	}
	all[n] = NULL;
	if (n == 0)
		return -ENODATA;
	*words = TAKE_PTR(all);
	return 0;
}
