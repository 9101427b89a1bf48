/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One vault that is mounted at login, as a JSON object in a file. Whatever is not exactly what we write is refused.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "cli/autostart.h"
#include "cli/cli.h"

#define AUTOSTART_VERSION 1
#define AUTOSTART_KEYS 5u
#define AUTOSTART_OPTIONS_MAX 64u

static const char *const methods[] = { [AUTOSTART_SYSTEMD] = "systemd", [AUTOSTART_XDG] = "xdg" };

static void cleanup_json(json_t **j)
{
	json_decref(*j);
}
#define _cleanup_json_ _cleanup_(cleanup_json)

void autostart_entry_free(struct autostart_entry *e)
{
	for (size_t i = 0; i < e->n_options; i++)
		free(e->options[i]);
	free(e->options);
	free(e->name);
	free(e->vault);
	free(e->mountpoint);
	*e = (struct autostart_entry){ .name = NULL };
}

/* ---- reading ---- */

static int take_path(const json_t *j, const char *key, char **out)
{
	const char *text = json_string_value(json_object_get(j, key));
	if (!text || text[0] != '/')
		return -EUCLEAN;
	*out = strdup(text);
	return *out ? 0 : -ENOMEM;
}

static int take_method(const json_t *j, enum autostart_method *out)
{
	const char *text = json_string_value(json_object_get(j, "method"));
	for (size_t i = 0; text && i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(methods[i], text) != 0)
			continue;
		*out = (enum autostart_method)i;
		return 0;
	}
	return -EUCLEAN;
}

static int take_options(const json_t *j, struct autostart_entry *e)
{
	const json_t *list = json_object_get(j, "options");
	size_t n = json_array_size(list);
	if (!json_is_array(list) || n > AUTOSTART_OPTIONS_MAX)
		return -EUCLEAN;
	e->options = calloc(n + 1, sizeof(*e->options));
	for (size_t i = 0; e->options && i < n; i++) {
		const char *text = json_string_value(json_array_get(list, i));
		if (!text)
			return -EUCLEAN;
		e->options[i] = strdup(text);
		if (!e->options[i])
			return -ENOMEM;
		e->n_options++;
	}
	return e->options ? 0 : -ENOMEM;
}

/* Does the name belong to the mount point? */
static int take_name(const char *name, struct autostart_entry *e)
{
	e->name = autostart_name(e->mountpoint);
	if (!e->name)
		return -ENOMEM;
	return strcmp(e->name, name) == 0 ? 0 : -EUCLEAN;
}

static int take(const json_t *j, const char *name, struct autostart_entry *e)
{
	if (json_object_size(j) != AUTOSTART_KEYS ||
	    json_integer_value(json_object_get(j, "version")) != AUTOSTART_VERSION)
		return -EUCLEAN;
	int err = take_path(j, "vault", &e->vault);
	if (err == 0)
		err = take_path(j, "mountpoint", &e->mountpoint);
	if (err == 0)
		err = take_method(j, &e->method);
	if (err == 0)
		err = take_options(j, e);
	return err == 0 ? take_name(name, e) : err;
}

int autostart_load(const char *name, struct autostart_entry *out)
{
	_cleanup_free_ char *path = autostart_config("cryptfs/autostart/%s.json", name);
	_cleanup_free_ char *text = NULL;
	_cleanup_autostart_ struct autostart_entry e = { .name = NULL };
	int err = !path ? -ENOMEM : autostart_name_is_valid(name) ? autostart_read(path, &text) : -EUCLEAN;
	if (err < 0)
		return err;
	_cleanup_json_ json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	err = take(j, name, &e);
	if (err < 0)
		return err;
	*out = e;
	e = (struct autostart_entry){ .name = NULL };
	return 0;
}

/* ---- writing ---- */

static json_t *encode(const struct autostart_entry *e)
{
	json_t *list = json_array();
	for (size_t i = 0; i < e->n_options; i++)
		if (json_array_append_new(list, json_string(e->options[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return json_pack("{s:i, s:s, s:s, s:s, s:o}", "version", AUTOSTART_VERSION, "vault", e->vault, "mountpoint",
			 e->mountpoint, "method", methods[e->method], "options", list);
}

int autostart_save(const struct autostart_entry *e)
{
	_cleanup_json_ json_t *j = encode(e);
	_cleanup_free_ char *text = j ? json_dumps(j, JSON_INDENT(2)) : NULL;
	_cleanup_free_ char *dir = autostart_config("cryptfs/autostart");
	_cleanup_free_ char *file = NULL;
	if (!j)
		return -EILSEQ;
	if (asprintf(&file, "%s.json", e->name) < 0)
		file = NULL;
	if (!text || !dir || !file)
		return -ENOMEM;
	_cleanup_fd_ int fd = autostart_make_dir(dir);
	return fd < 0 ? fd : io_replace_file(fd, file, NULL, text, strlen(text), 0600);
}

int autostart_forget(const char *name)
{
	_cleanup_free_ char *file = autostart_config("cryptfs/autostart/%s.json", name);
	_cleanup_free_ char *dir = autostart_config("cryptfs/autostart");
	_cleanup_free_ char *above = autostart_config("cryptfs");
	if (!file || !dir || !above)
		return -ENOMEM;
	if (unlink(file) < 0 && errno != ENOENT)
		return -errno;
	if (rmdir(dir) == 0) /* not, if there are others */
		(void)rmdir(above);
	return 0;
}
