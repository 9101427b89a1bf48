/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looking again at what a check has found, right before something is done about it. A question may stand for
 * hours, and what was missing may have arrived meanwhile: a synchronised folder brings files in any order.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "offline/repair_impl.h"
#include "store/symlink.h"

/* ---- side files ---- */

int repair_needs_side(const struct dir *d, const char *side)
{
	char target[NAME_LINK_TARGET_MAX + 1];
	const struct dirent *e;
	DIR _cleanup_dir_stream_ *stream = NULL;
	int err = io_opendir(d->fd, ".", &stream);
	if (err < 0)
		return err;
	while (errno = 0, (e = readdir(stream))) {
		if (e->d_type != DT_LNK && e->d_type != DT_UNKNOWN)
			continue;
		int r = symlink_side_of(d, e->d_name, target, false);
		if (r < 0 || (r > 0 && strcmp(target, side) == 0))
			return r;
	}
	return errno ? -errno : 0;
}

/* The entry of which it is the side file is not there, or no link has it for a target. */
static int still_orphan(const struct repair_place *p)
{
	char entry[NAME_DISK_SIZE];
	struct stat sb;
	if (name_long_entry(p->disk, entry)) {
		if (fstatat(p->d.fd, entry, &sb, AT_SYMLINK_NOFOLLOW) == 0)
			return 0;
		return errno == ENOENT ? 1 : -errno;
	}
	int needed = repair_needs_side(&p->d, p->disk);
	return needed < 0 ? needed : !needed;
}

/* ---- names ---- */

/* The directory with the ID that it has now. Returns 0, -ENOENT or -EUCLEAN (it has none) or -errno. */
static int with_id(const struct repair_place *p, struct dir *d)
{
	*d = p->d;
	if (!d->root)
		return dir_read_id(d);
	memcpy(d->id, d->st->vault->keys->root_id, sizeof(d->id));
	return 0;
}

static int any_opens(const struct dir *d)
{
	char name[NAME_PADDED_MAX];
	const struct dirent *e;
	DIR _cleanup_dir_stream_ *stream = NULL;
	int err = io_opendir(d->fd, ".", &stream);
	if (err < 0)
		return err;
	while (errno = 0, (e = readdir(stream))) {
		enum name_kind kind = name_classify(e->d_name);
		if ((kind == NAME_SEALED || kind == NAME_LONG) && dir_open_name(d, e->d_name, name) >= 0)
			return 1;
	}
	return -errno;
}

int repair_names_open(struct repair *r, const struct repair_place *p)
{
	struct dir d;
	struct stat sb;
	if (fstat(p->d.fd, &sb) != 0)
		return -errno;
	if (sb.st_ino != r->names_in) {
		int open = with_id(p, &d);
		if (open == 0)
			open = any_opens(&d);
		if (open < 0)
			return open;
		r->names_in = sb.st_ino;
		r->names_open = open > 0;
	}
	return r->names_open;
}

int repair_name_opens(const struct repair_place *p)
{
	char name[NAME_PADDED_MAX];
	struct dir d;
	ssize_t n = with_id(p, &d);
	if (n == 0)
		n = dir_open_name(&d, p->disk, name);
	if (n < 0)
		return n == -ENOENT || n == -EUCLEAN ? 0 : (int)n;
	return 1;
}

/* The name does not open under the ID that the directory has now; without one, that is what is wrong. */
static int still_no_name(const struct repair_place *p)
{
	struct dir d;
	int err = with_id(p, &d);
	if (err < 0)
		return err == -ENOENT || err == -EUCLEAN ? 0 : err;
	int open = repair_name_opens(p);
	return open < 0 ? open : !open;
}

int repair_id_sound(struct dir *d)
{
	int r = dir_read_id(d);
	if (r == 0)
		r = any_opens(d);
	if (r == 0 || r == -ENOENT || r == -EUCLEAN)
		r = dir_is_empty(d);
	return r;
}

/* The directory has names in it and no ID. */
static int still_no_id(const struct repair_place *p)
{
	_cleanup_fd_ int fd = repair_open_dir(p);
	if (fd < 0)
		return fd;
	struct dir d = { .st = p->d.st, .fd = fd };
	int err = dir_read_id(&d);
	if (err != -ENOENT && err != -EUCLEAN)
		return err;
	int empty = dir_is_empty(&d);
	return empty < 0 ? empty : !empty;
}

static int still_bad_backup(const struct repair_place *p)
{
	int r = vault_check_backup(p->d.st->vault, p->d.fd);
	return r == -EUCLEAN || r == -EPROTONOSUPPORT ? 1 : r;
}

int repair_still(enum check_kind kind, const struct repair_place *p)
{
	switch (kind) {
	case CHECK_ORPHAN: return still_orphan(p);
	case CHECK_NAME:
	case CHECK_LONG_NAME: return still_no_name(p);
	case CHECK_DIR_ID: return still_no_id(p);
	case CHECK_BACKUP: return still_bad_backup(p);
	default: return 1;
	}
}
