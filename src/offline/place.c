/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "offline/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/codec.h"
#include "base/io.h"
#include "store/symlink.h"

#define LONG_LEN (sizeof(NAME_LONG_PREFIX) - 1 + CODEC_B64_LEN(NAME_HASH_LEN))

/* ---- kinds ---- */

static const struct {
	const char *name;
	const char *text;
} kinds[PLACE_KINDS] = {
	[PLACE_ROOT] = { "vault", "the vault's own directory" },
	[PLACE_ENTRY] = { "entry", "an entry of the vault" },
	[PLACE_COPY] = { "copy", "a copy that something else has made, under another name" },
	[PLACE_SETTINGS] = { "settings", "the vault's settings" },
	[PLACE_BACKUP] = { "settings-backup", "the copy of the previous settings" },
	[PLACE_DIR_ID] = { "directory-id", "the ID of the directory in which it lies" },
	[PLACE_LONG_NAME] = { "long-name", "the side file with a long name" },
	[PLACE_LINK_TARGET] = { "link-target", "the side file with the target of a symbolic link" },
	[PLACE_TEMPORARY] = { "temporary", "a temporary of something that was interrupted" },
	[PLACE_LOST] = { "quarantine", "what a repair has put away" },
	[PLACE_OUTSIDE] = { "outside", "kept there by a sync client or the filesystem for itself" },
	[PLACE_FOREIGN] = { "foreign", "nothing that belongs into a vault" },
};

const char *place_kind_name(enum place_kind kind)
{
	return kinds[kind].name;
}

const char *place_kind_text(enum place_kind kind)
{
	return kinds[kind].text;
}

static bool has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool is_entry(const char *disk)
{
	enum name_kind kind = name_classify(disk);
	return kind == NAME_SEALED || kind == NAME_LONG;
}

/* Do the first n characters make a name of an entry? Then 'name' has it. */
static bool begins_with_entry(const char *disk, size_t n, char name[static NAME_DISK_SIZE])
{
	if (n == 0 || n >= NAME_DISK_SIZE || strnlen(disk, n + 1) <= n)
		return false;
	memcpy(name, disk, n);
	name[n] = '\0';
	return is_entry(name);
}

/* What sync clients put behind a name mostly begins with a character that no sealed name has. */
static bool looks_like_copy(const char *disk)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char name[NAME_DISK_SIZE];
	if (has_prefix(disk, NAME_LONG_PREFIX))
		return begins_with_entry(disk, LONG_LEN, name);
	return begins_with_entry(disk, strspn(disk, alphabet), name);
}

static enum place_kind kind_of_ours(const char *disk, bool root)
{
	char entry[NAME_DISK_SIZE];
	if (root && strcmp(disk, NAME_SETTINGS_FILE) == 0)
		return PLACE_SETTINGS;
	if (root && strcmp(disk, NAME_SETTINGS_BACKUP) == 0)
		return PLACE_BACKUP;
	if (root && strcmp(disk, NAME_LOST_DIR) == 0)
		return PLACE_LOST;
	if (!root && strcmp(disk, NAME_DIR_FILE) == 0)
		return PLACE_DIR_ID;
	if (name_long_entry(disk, entry))
		return PLACE_LONG_NAME;
	if (has_prefix(disk, NAME_SLINK_PREFIX) && strlen(disk) == NAME_SLINK_LEN)
		return PLACE_LINK_TARGET;
	if (has_prefix(disk, NAME_TMP_PREFIX))
		return PLACE_TEMPORARY;
	return looks_like_copy(disk) ? PLACE_COPY : PLACE_FOREIGN;
}

enum place_kind place_kind_of(const char *disk, bool root)
{
	if (strcmp(disk, ".") == 0)
		return PLACE_ROOT;
	switch (name_classify(disk)) {
	case NAME_SEALED:
	case NAME_LONG: return PLACE_ENTRY;
	case NAME_OURS: return kind_of_ours(disk, root);
	default: break;
	}
	if (name_is_outside(disk, root))
		return PLACE_OUTSIDE;
	return looks_like_copy(disk) ? PLACE_COPY : PLACE_FOREIGN;
}

/* ---- the way ---- */

/* A directory on the way. Its plaintext path ends at 'len' of that of what lies below it. */
struct place_step {
	struct dir *dir;
	char *disk;
	char *plain;	  /* its plaintext path; "" of the root */
	size_t copy;	  /* where in 'disk' something was put behind the name; 0: it was not */
};

static void step_free(struct place_step *s)
{
	dir_free(s->dir);
	free(s->disk);
	free(s->plain);
}

void place_begin(const struct tree *tree, struct places *p)
{
	*p = (struct places){ .tree = tree };
}

static void cut(struct places *p, size_t n)
{
	while (p->n > n)
		step_free(&p->step[--p->n]);
}

void place_end(struct places *p)
{
	cut(p, 0);
	free(p->step);
	*p = (struct places){ .tree = p->tree };
}

void place_free(struct place *at)
{
	free(at->plain);
	free(at->below);
	free(at->parts);
	*at = (struct place){ .kind = PLACE_ROOT };
}

/* Takes what s holds, also on failure. */
static int push(struct places *p, struct place_step *s)
{
	struct place_step *more = s->disk && s->plain ? array_more(p->step, p->n, &p->cap, sizeof(*more)) : NULL;
	if (!more) {
		step_free(s);
		return -ENOMEM;
	}
	p->step = more;
	p->step[p->n++] = *s;
	return 0;
}

static int begin_at_root(struct places *p)
{
	struct place_step root = { .dir = NULL };
	if (p->n > 0)
		return 0;
	int r = dir_open_root(p->tree->st, &root.dir);
	if (r < 0)
		return r;
	root.disk = strdup(".");
	root.plain = strdup("");
	return push(p, &root);
}

/* Open a name. Who makes copies puts something behind it: the longest beginning that opens is meant. Its length is then
 * in *copy, else 0. */
static ssize_t open_name(const struct dir *d, const char *disk, char name[static NAME_PADDED_MAX], size_t *copy)
{
	char entry[NAME_DISK_SIZE];
	ssize_t len = is_entry(disk) ? dir_open_name(d, disk, name) : -EUCLEAN;
	*copy = 0;
	if (len != -EUCLEAN)
		return len;
	for (size_t n = strnlen(disk, NAME_DISK_SIZE); n > 1; n--) {
		if (!begins_with_entry(disk, n - 1, entry))
			continue;
		len = dir_open_name(d, entry, name);
		if (len != -EUCLEAN) {
			*copy = len < 0 ? 0 : n - 1;
			return len;
		}
	}
	return -EUCLEAN;
}

static char *join(const char *above, const char *name, size_t len)
{
	char *path = NULL;
	return asprintf(&path, "%s/%.*s", above, (int)len, name) < 0 ? NULL : path;
}

/* The path of the directory that the way has led to, "/" for the root's. */
static int say_way(const struct places *p, struct place *out)
{
	const char *plain = p->n > 0 ? p->step[p->n - 1].plain : "";
	free(out->plain);
	out->plain = strdup(plain[0] ? plain : "/");
	return out->plain ? 0 : -ENOMEM;
}

/* One directory further. Returns 0 or -errno. */
static int enter(struct places *p, const char *disk)
{
	const struct place_step *top = &p->step[p->n - 1];
	char name[NAME_PADDED_MAX];
	struct place_step s = { .dir = NULL };
	ssize_t len = open_name(top->dir, disk, name, &s.copy);
	if (len < 0)
		return (int)len;
	int r = dir_open(top->dir, disk, &s.dir);
	if (r < 0)
		return r;
	s.disk = strdup(disk);
	s.plain = join(top->plain, name, (size_t)len);
	return push(p, &s);
}

/* ---- what lies there ---- */

/* What belongs to the entry 'disk' of the directory on top, or is one. */
static int say_entry(const struct places *p, const char *disk, struct place *out)
{
	const struct place_step *top = &p->step[p->n - 1];
	char name[NAME_PADDED_MAX];
	size_t copy;
	ssize_t len = open_name(top->dir, disk, name, &copy);
	if (len < 0) {
		out->err = (int)len;
		return 0;
	}
	if (copy > 0) {
		out->kind = PLACE_COPY;
		out->copy = out->disk + copy;
	}
	free(out->plain);
	out->plain = join(top->plain, name, (size_t)len);
	return out->plain ? 0 : -ENOMEM;
}

/* Which link has its target there? */
static int say_link(const struct places *p, const char *side, struct place *out)
{
	const struct dir *d = p->step[p->n - 1].dir;
	char target[NAME_LINK_TARGET_MAX + 1];
	DIR _cleanup_dir_stream_ *stream = NULL;
	const struct dirent *e;
	int r = io_opendir(d->fd, ".", &stream);
	out->err = r < 0 ? r : -ENOENT;
	while (stream && (errno = 0, e = readdir(stream)))
		if (is_entry(e->d_name) && symlink_side_of(d, e->d_name, target, false) > 0 &&
		    strcmp(target, side) == 0) {
			out->err = 0;
			return say_entry(p, e->d_name, out);
		}
	if (stream && errno != 0)
		out->err = -errno;
	return 0;
}

static int arrive(const struct places *p, const char *disk, struct place *out)
{
	char entry[NAME_DISK_SIZE];
	out->dir = p->step[p->n - 1].dir;
	out->disk = disk;
	out->kind = place_kind_of(disk, p->n == 1);
	switch (out->kind) {
	case PLACE_ENTRY:
	case PLACE_COPY:
	case PLACE_FOREIGN:
		return say_entry(p, disk, out);
	case PLACE_LONG_NAME:
		return name_long_entry(disk, entry) ? say_entry(p, entry, out) : 0;
	case PLACE_LINK_TARGET:
		return say_link(p, disk, out);
	default:
		return 0;
	}
}

/* The parts of the path in turn. Which of the directories on the way are known from last time is told by their
 * names. */
static int go(struct places *p, struct place *out)
{
	char *rest = out->parts, *part;
	size_t depth = 1;
	int r = begin_at_root(p);
	for (part = strsep(&rest, "/"); r == 0 && part; depth++) {
		char *next = strsep(&rest, "/");
		if (!next) {
			cut(p, depth);
			r = say_way(p, out);
			return r < 0 ? r : arrive(p, part, out);
		}
		if (depth == 1 && place_kind_of(part, true) == PLACE_LOST) {
			out->kind = PLACE_LOST;
			return 0;
		}
		if (depth >= p->n || strcmp(p->step[depth].disk, part) != 0) {
			cut(p, depth);
			r = enter(p, part);
		}
		if (r == 0 && p->step[depth].copy > 0)
			out->copy = part + p->step[depth].copy;
		part = next;
	}
	out->err = r;
	if (r < 0 && r != -ENOMEM)
		out->kind = PLACE_ENTRY;
	return r == -ENOMEM ? r : say_way(p, out);
}

/* Without slashes too many, and without "." but for the root. NULL if it has a "..", or without memory. */
static char *tidy(const char *below, int *err)
{
	char *out = malloc(strlen(below) + 2), *p = out;
	*err = -ENOMEM;
	if (!out)
		return NULL;
	while (below += strspn(below, "/"), *below) {
		size_t n = strcspn(below, "/");
		if (n == 2 && memcmp(below, "..", 2) == 0) {
			*err = -EINVAL;
			free(out);
			return NULL;
		}
		if (n != 1 || *below != '.') {
			if (p > out)
				*p++ = '/';
			p = mempcpy(p, below, n);
		}
		below += n;
	}
	strcpy(p, p == out ? "." : "");
	return out;
}

int place_find(struct places *p, const char *below, struct place *out)
{
	int err;
	struct place at = { .kind = PLACE_ENTRY, .disk = ".", .parts = tidy(below, &err), .plain = strdup("/") };
	at.below = strdup(at.parts ? at.parts : below);
	at.err = at.parts ? 0 : err;
	int r = !at.below || !at.plain || at.err == -ENOMEM ? -ENOMEM : 0;
	if (r == 0 && at.err == 0)
		r = go(p, &at);
	if (r < 0)
		place_free(&at);
	else
		*out = at;
	return r;
}

int place_parent(int vault_fd, const char *below, int *out, const char **disk)
{
	_cleanup_fd_ int fd = openat(vault_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *at = below;
	while (fd >= 0 && strchr(at, '/')) {
		_cleanup_free_ char *part = strndup(at, strcspn(at, "/"));
		if (!part)
			return -ENOMEM;
		if (strcmp(part, "..") == 0)
			return -EINVAL;
		int next = openat(fd, *part ? part : ".", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		(void)close(fd);
		fd = next;
		at += strlen(part);
		at += strspn(at, "/");
	}
	if (fd < 0)
		return -errno;
	if (strcmp(at, "..") == 0)
		return -EINVAL;
	*disk = *at ? at : ".";
	*out = TAKE_FD(fd);
	return 0;
}
