/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is no content: directories, links, what belongs to the format.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "cli/cli.h"
#include "cli/inspect_file.h"
#include "cli/offline.h"
#include "store/symlink.h"

typedef unsigned long long ull;

static int failed(int err)
{
	return exit_fail(EXIT_FAILED, "cannot read it: %s", exit_reason(err));
}

static void damage(struct inspection *x, enum check_kind kind, const char *text)
{
	inspect_finding(&x->report, check_class_of(kind), check_kind_name(kind), text ? text : check_kind_text(kind),
			0, 0);
}

/* ---- directories ---- */

static void on_bad(void *arg, const char *disk)
{
	struct inspection *x = arg;
	_cleanup_free_ char *text = NULL;
	bool is_long = strncmp(disk, NAME_LONG_PREFIX, strlen(NAME_LONG_PREFIX)) == 0;
	enum check_kind kind = is_long ? CHECK_LONG_NAME : CHECK_NAME;
	if (asprintf(&text, "%s: %s", check_kind_text(kind), disk) < 0)
		text = NULL;
	damage(x, kind, text);
}

static void say_dir(struct inspection *x, const struct inspect_dir *d)
{
	struct inspect_report *r = &x->report;
	bool root = strcmp(x->disk, ".") == 0;
	inspect_fact(r, "entries", json_integer((json_int_t)d->entries), "entries",
		     "%llu, of which %llu have long names",
		     (ull)d->entries, (ull)d->long_names);
	inspect_fact(r, "others",
		     json_pack("{s:I, s:I, s:I, s:I}", "side_files", (json_int_t)d->sides, "temporaries",
			       (json_int_t)d->temporaries, "outside", (json_int_t)d->outside, "foreign",
			       (json_int_t)d->foreign),
		     "beside them",
		"%llu side files, %llu temporaries, %llu of sync clients, %llu that belong to nothing",
		     (ull)d->sides, (ull)d->temporaries, (ull)d->outside, (ull)d->foreign);
	if (d->id)
		inspect_fact_hex(r, "directory_id", "directory ID", d->id_bytes, sizeof(d->id_bytes));
	else if (!root && d->entries > 0)
		damage(x, CHECK_DIR_ID, NULL);
	else if (!root)
		damage(x, CHECK_NO_ID, NULL);
	if (d->foreign > 0)
		damage(x, CHECK_FOREIGN, NULL);
}

static int look_at_dir(struct inspection *x)
{
	_cleanup_dir_ struct dir *d = NULL;
	_cleanup_fd_ int fd = openat(x->parent, x->disk, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct inspect_dir found;
	if (fd < 0)
		return failed(-errno);
	int err = x->dir ? tree_open_dir(x->dir, x->disk, &d) : 0;
	if (err < 0 && err != -EUCLEAN)
		return failed(err);
	int r = inspect_dir(fd, d, strcmp(x->disk, ".") == 0, on_bad, x, &found);
	if (r < 0)
		return failed(r);
	say_dir(x, &found);
	if (err == -EUCLEAN && found.id)
		damage(x, CHECK_DIR_ID, NULL);
	if (d && !x->report.damaged)
		inspect_fact(&x->report, "sound", json_true(), "sound", "%s",
			     "its ID is right, and all names in it open");
	return 0;
}

/* ---- links ---- */

static int look_at_link(struct inspection *x)
{
	char target[NAME_LINK_TARGET_MAX + 1];
	struct inspect_link l;
	int err = inspect_link(x->parent, x->disk, &l);
	if (err < 0)
		return failed(err);
	inspect_fact(&x->report, "target_length", json_integer(l.plain), "target",
		     "%u characters on disk, %lld plain%s",
		     (unsigned int)l.length, (long long)l.plain, l.side ? ", in a side file" : "");
	if (l.plain < 0 || (l.side && !l.side_there)) {
		damage(x, CHECK_LINK, NULL);
		return 0;
	}
	ssize_t n = x->dir ? symlink_read(x->dir, x->disk, target) : 0;
	if (store_is_damage((int)n))
		damage(x, CHECK_LINK, NULL);
	else if (n < 0)
		return failed((int)n);
	else if (n > 0)
		inspect_fact(&x->report, "target", text_json(target), "leads to", "%s", target);
	return 0;
}

/* ---- what belongs to the format ---- */

static int look_at_settings(struct inspection *x)
{
	_cleanup_vault_ struct vault *v = NULL;
	const char *why = NULL;
	int err = vault_read(x->parent, x->disk, &v, &why);
	if (err == -EUCLEAN || err == -EPROTONOSUPPORT)
		inspect_finding(&x->report, x->kind == PLACE_BACKUP ? CHECK_LEFTOVER : CHECK_DAMAGE, "settings",
				why ? why : exit_reason(err), 0, 0);
	else if (err < 0)
		return failed(err);
	else
		inspect_fact(&x->report, "format", json_integer(v->settings.version), "format",
			     "%u, %u slots, epoch %u (more of it: cryptfs info)", (unsigned int)v->settings.version,
			     (unsigned int)v->settings.n_slots, (unsigned int)v->settings.epoch);
	return 0;
}

static int look_at_id(struct inspection *x)
{
	uint8_t id[NAME_DIR_FILE_LEN];
	ssize_t n = io_read_file(x->parent, x->disk, id, sizeof(id));
	if (n < 0 && n != -EFBIG && n != -EUCLEAN)
		return failed((int)n);
	if (n != (ssize_t)sizeof(id)) {
		damage(x, CHECK_DIR_ID, NULL);
		return 0;
	}
	inspect_fact_hex(&x->report, "directory_id", "directory ID", id, NAME_DIR_ID_LEN);
	return 0;
}

static int look_at_side(struct inspection *x)
{
	struct inspect_name n;
	char entry[NAME_DISK_SIZE];
	size_t len = strlen(x->disk) - strlen(NAME_LONG_SUFFIX);
	memcpy(entry, x->disk, len);
	entry[len] = '\0';
	int err = inspect_name(x->parent, entry, &n);
	if (err < 0)
		return failed(err);
	if (n.right)
		inspect_fact(&x->report, "name_length", json_pack("[i, i]", (int)n.least, (int)n.most), "name",
			     "%u to %u bytes, of the entry %s", (unsigned int)n.least, (unsigned int)n.most, entry);
	else
		damage(x, CHECK_LONG_NAME, NULL);
	return 0;
}

static int look_at_ours(struct inspection *x)
{
	if (!S_ISREG(x->sb.st_mode))
		return 0;
	inspect_fact(&x->report, "size", json_integer((json_int_t)x->sb.st_size), "size", "%llu bytes",
		     (ull)x->sb.st_size);
	switch (x->kind) {
	case PLACE_SETTINGS:
	case PLACE_BACKUP: return look_at_settings(x);
	case PLACE_DIR_ID: return look_at_id(x);
	case PLACE_LONG_NAME: return look_at_side(x);
	default: return 0;
	}
}

int inspect_other(struct inspection *x)
{
	if (x->kind == PLACE_FOREIGN)
		damage(x, CHECK_FOREIGN, NULL);
	if (x->kind != PLACE_ENTRY && x->kind != PLACE_COPY && x->kind != PLACE_ROOT && x->kind != PLACE_LOST)
		return look_at_ours(x);
	if (S_ISDIR(x->sb.st_mode) && x->kind != PLACE_LOST)
		return look_at_dir(x);
	if (S_ISLNK(x->sb.st_mode))
		return look_at_link(x);
	return 0;
}
