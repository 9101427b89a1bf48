/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "fs/status.h"

#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

static json_t *status_sandbox(const struct sandbox_state *s)
{
	return json_pack("{s:b, s:b, s:i, s:b}", "no_new_privs", (int)s->no_new_privs, "capabilities",
			 (int)s->capabilities, "landlock", s->landlock, "seccomp", (int)s->seccomp);
}

ssize_t status_get(struct fs *fs, char *buf, size_t size)
{
	/* The path may be no UTF-8, and then is left out: mountinfo has it. */
	json_t *o = json_pack("{s:s, s:i, s:o*, s:s, s:b, s:I, s:I, s:o}", "version", PACKAGE_VERSION, "pid",
			      (int)getpid(), "vault", json_string(fs->opt->vault_path), "mode",
			      fs->shared ? "shared" : "private", "read_only", (int)fs->read_only, "since",
			      (json_int_t)fs->since, "inodes", (json_int_t)atomic_load(&fs->inodes.live),
			      "sandbox", status_sandbox(&fs->sandbox));
	if (!o)
		return -ENOMEM;
	if (fs->opt->idle > 0)
		(void)json_object_set_new(o, "idle", json_integer(fs->opt->idle));
	_cleanup_free_ char *text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (!text)
		return -ENOMEM;
	size_t n = strlen(text);
	if (size > 0 && n > size)
		return -ERANGE;
	if (size > 0)
		memcpy(buf, text, n);
	return (ssize_t)n;
}
