/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Paths as names of units, by the rules of systemd.unit(5), "String escaping for inclusion in unit names".
 */
#include <stdio.h>
#include <string.h>

#include "cli/autostart.h"

static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.";

static char *put_escaped(char *at, char c)
{
	return at + snprintf(at, 5, "\\x%02x", (unsigned int)(unsigned char)c);
}

char *autostart_name(const char *path)
{
	char *out = malloc(4 * strlen(path) + 2), *at = out;
	if (!out)
		return NULL;
	for (path += strspn(path, "/"); *path; path++) {
		bool first = at == out;
		if (*path != '/')
			at = strchr(plain, *path) && !(first && *path == '.') ? (*at = *path, at + 1) :
										 put_escaped(at, *path);
		else if (path[1] && path[1] != '/')
			*at++ = '-';
	}
	if (at == out)
		*at++ = '-'; /* the root */
	*at = '\0';
	return out;
}

bool autostart_name_is_valid(const char *name)
{
	static const char rest[] = "-\\";
	size_t n = strlen(name);
	for (size_t i = 0; i < n; i++)
		if (!strchr(plain, name[i]) && !strchr(rest, name[i]))
			return false;
	return n > 0 && n <= AUTOSTART_NAME_MAX && name[0] != '.';
}
