/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "offline/repair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "crypto/kdf.h"
#include "offline/repair_impl.h"

int repair_open(const struct vault *vault, int vault_fd, struct repair *out)
{
	*out = (struct repair){ .lost = -1 };
	return store_open(vault, vault_fd, false, &out->st);
}

int repair_close(struct repair *r)
{
	int err = r->st ? store_sync(r->st) : 0;
	store_free(r->st);
	repair_index_free(r);
	repair_ids_free(r);
	cleanup_fd(&r->lost);
	*r = (struct repair){ .lost = -1 };
	return err;
}

/* ---- places ---- */

/* The next part of a path of names on disk. Returns false if it is none. */
static bool next_part(const char **path, char part[static NAME_DISK_SIZE])
{
	size_t n = strcspn(*path, "/");
	if (n == 0 || n >= NAME_DISK_SIZE)
		return false;
	memcpy(part, *path, n);
	part[n] = '\0';
	*path += n + ((*path)[n] == '/');
	return true;
}

int repair_find(const struct repair *r, const char *cipher, struct repair_place *out)
{
	struct repair_place _cleanup_place_ p = { .d.st = r->st, .d.root = true };
	struct stat sb;
	p.d.fd = openat(r->st->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p.d.fd < 0)
		return -errno;
	for (;;) {
		if (!next_part(&cipher, p.disk))
			return -EINVAL;
		if (*cipher == '\0')
			break;
		int fd = repair_open_dir(&p);
		if (fd < 0)
			return fd;
		(void)close(p.d.fd);
		p.d.fd = fd;
		p.d.root = false;
	}
	int err = store_status(r->st, p.d.fd, p.disk, &sb);
	if (err < 0)
		return err;
	*out = p;
	p.d.fd = -1;
	return 0;
}

int repair_find_still(const struct repair *r, enum check_kind kind, const char *cipher, struct repair_place *out)
{
	struct repair_place _cleanup_place_ p = REPAIR_NOWHERE;
	int still = repair_find(r, cipher, &p);
	if (still == 0)
		still = repair_still(kind, &p);
	if (still <= 0)
		return still < 0 ? still : REPAIR_CANNOT;
	*out = p;
	p.d.fd = -1;
	return 0;
}

int repair_open_dir(const struct repair_place *p)
{
	int fd = openat(p->d.fd, p->disk, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Through a third name, where the filesystem cannot exchange two: a temporary is searched as they are. */
static int exchange_by_hand(int dir_a, const char *a, int dir_b, const char *b)
{
	char tmp[NAME_TMP_SIZE];
	dir_tmp_name(tmp);
	if (renameat(dir_b, b, dir_a, tmp) != 0)
		return errno == ENOENT && renameat(dir_a, a, dir_b, b) == 0 ? 0 : -errno;
	return renameat(dir_a, a, dir_b, b) == 0 && renameat(dir_a, tmp, dir_a, a) == 0 ? 0 : -errno;
}

int repair_exchange(int dir_a, const char *a, int dir_b, const char *b)
{
	int err = renameat2(dir_a, a, dir_b, b, RENAME_EXCHANGE) == 0 ? 0 : -errno;
	if (err == -ENOENT || err == -EINVAL || err == -ENOSYS)
		err = exchange_by_hand(dir_a, a, dir_b, b);
	if (err == 0)
		err = io_fsync_dir(dir_b);
	return err < 0 ? err : io_fsync_dir(dir_a);
}

/* ---- quarantine ---- */

static int keep(struct repair *r, enum check_kind kind, const char *cipher, const struct repair_place *p)
{
	int err = repair_lost_move(r, check_kind_name(kind), cipher, p);
	return err < 0 ? err : REPAIR_KEPT;
}

/* ---- leftovers ---- */

/* Is it the side file of a link, whole by its hash? Then it is somebody's target. Returns 1, 0 or -errno. */
static int is_target(const struct repair_place *p)
{
	uint8_t box[NAME_LINK_OVERHEAD + NAME_LINK_TARGET_MAX], hash[NAME_HASH_LEN];
	char again[NAME_DISK_SIZE];
	if (strncmp(p->disk, NAME_SLINK_PREFIX, strlen(NAME_SLINK_PREFIX)) != 0)
		return 0;
	ssize_t n = io_read_file(p->d.fd, p->disk, box, sizeof(box));
	if (n < 0)
		return n == -EUCLEAN || n == -EFBIG || n == -ELOOP ? 0 : (int)n;
	kdf_hash(hash, sizeof(hash), NULL, 0, box, (size_t)n, NULL, 0);
	name_encode_hashed(again, NAME_SLINK_PREFIX, hash);
	return strcmp(again, p->disk) == 0;
}

static int remove_file(struct repair *r, const char *cipher)
{
	struct repair_place _cleanup_place_ p = REPAIR_NOWHERE;
	int err = repair_find_still(r, CHECK_ORPHAN, cipher, &p);
	if (err != 0)
		return err;
	int target = is_target(&p);
	if (target < 0)
		return target;
	if (r->keep || target)
		return keep(r, CHECK_ORPHAN, cipher, &p);
	return unlinkat(p.d.fd, p.disk, 0) == 0 ? 0 : -errno;
}

/* A directory that was being made or removed has its ID in it and nothing else; if there is more, it is kept. */
static int remove_tmp_dir(struct repair *r, const char *cipher, const struct repair_place *p)
{
	_cleanup_fd_ int fd = repair_open_dir(p);
	if (fd < 0)
		return fd;
	if (unlinkat(p->d.fd, p->disk, AT_REMOVEDIR) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	struct dir d = { .st = r->st, .fd = fd };
	int empty = dir_is_empty(&d);
	if (empty < 0)
		return empty;
	if (empty == 0)
		return keep(r, CHECK_TEMPORARY, cipher, p);
	if (unlinkat(fd, NAME_DIR_FILE, 0) != 0 && errno != ENOENT)
		return -errno;
	if (unlinkat(p->d.fd, p->disk, AT_REMOVEDIR) == 0)
		return 0;
	return errno == ENOTEMPTY || errno == EEXIST ? keep(r, CHECK_TEMPORARY, cipher, p) : -errno;
}

static int remove_tmp(struct repair *r, const char *cipher)
{
	struct repair_place _cleanup_place_ p = REPAIR_NOWHERE;
	int err = repair_find(r, cipher, &p);
	if (err < 0)
		return err;
	if (r->keep)
		return keep(r, CHECK_TEMPORARY, cipher, &p);
	if (unlinkat(p.d.fd, p.disk, 0) == 0)
		return 0;
	return errno == EISDIR || errno == EPERM ? remove_tmp_dir(r, cipher, &p) : -errno;
}

/* An empty directory gets an ID when it is opened. */
static int new_id(struct repair *r, const char *cipher)
{
	struct repair_place _cleanup_place_ p = REPAIR_NOWHERE;
	struct dir _cleanup_dir_ *d = NULL;
	int err = repair_find(r, cipher, &p);
	if (err == 0)
		err = dir_open(&p.d, p.disk, &d);
	return err < 0 ? err : store_drain(r->st);
}

/* ---- damage ---- */

static int move_away(struct repair *r, enum check_kind kind, const char *cipher)
{
	struct repair_place _cleanup_place_ p = REPAIR_NOWHERE;
	int err = repair_find_still(r, kind, cipher, &p);
	return err != 0 ? err : keep(r, kind, cipher, &p);
}

/* If no name in the directory opens, it is its ID that is not the right one: the names are left to it. */
static int move_name(struct repair *r, const char *cipher)
{
	struct repair_place _cleanup_place_ p = REPAIR_NOWHERE;
	int err = repair_find_still(r, CHECK_NAME, cipher, &p);
	if (err != 0)
		return err;
	int open = repair_names_open(r, &p);
	if (open <= 0)
		return open < 0 ? open : REPAIR_CANNOT;
	return keep(r, CHECK_NAME, cipher, &p);
}

static int move_long_name(struct repair *r, const char *cipher)
{
	return move_away(r, CHECK_LONG_NAME, cipher);
}

static int move_dir(struct repair *r, const char *cipher)
{
	return move_away(r, CHECK_DIR_ID, cipher);
}

static int move_foreign(struct repair *r, const char *cipher)
{
	return move_away(r, CHECK_FOREIGN, cipher);
}

static int move_backup(struct repair *r, const char *cipher)
{
	return move_away(r, CHECK_BACKUP, cipher);
}

#define MOVED "moved to " NAME_LOST_DIR

/* IDs and side files may be found again in temporaries and orphans, so those go later. What is moved goes last,
 * since it takes along what lies in it. */
const struct repair_step repair_steps[] = {
	{ CHECK_DIR_ID, REPAIR_REBUILD, false,
	  "rebuild damaged directory IDs, where something in the vault tells what they were",
	  "rebuilt", NULL, repair_rebuild_id },
	{ CHECK_OTHER_ID, REPAIR_REBUILD, false,
	  "give directories in which no name opens their own ID, where that lies elsewhere in the vault",
	  "put right", NULL, repair_rebuild_id },
	{ CHECK_NAME, REPAIR_ANY, false, NULL, "opens again", NULL, repair_names_again },
	{ CHECK_LONG_NAME, REPAIR_REBUILD, false,
	  "rebuild side files of long names, where something tells what they were",
	  "rebuilt", NULL, repair_rebuild_long },
	{ CHECK_NO_ID, REPAIR_ANY, false, "give empty directories without an ID a new one",
	  "given a new ID", NULL, new_id },
	{ CHECK_TEMPORARY, REPAIR_CLEAR, false, "remove leftover temporaries", "removed", MOVED, remove_tmp },
	{ CHECK_ORPHAN, REPAIR_CLEAR, false, "remove side files that nothing needs", "removed", MOVED, remove_file },
	{ CHECK_UNFINISHED, REPAIR_ANY, false, "make the zeros of unfinished writes final", "finished", NULL,
	  repair_content_finish },
	{ CHECK_MISSING, REPAIR_ANY, false,
	  "let files that were cut off end where they end now, with a copy kept in " NAME_LOST_DIR,
	  NULL, "given the length that is left", repair_content_cut },
	{ CHECK_HINT, REPAIR_ANY, false, "put size hints right", "put right", NULL, repair_content_hint },
	{ CHECK_FOREIGN, REPAIR_ANY, false, "move what does not belong into a vault to " NAME_LOST_DIR, NULL, MOVED,
	  move_foreign },
	{ CHECK_BACKUP, REPAIR_ANY, false,
	  "move the copy of the previous settings, which is of no use, to " NAME_LOST_DIR, NULL, MOVED, move_backup },
	{ CHECK_NAME, REPAIR_ANY, false,
	  "move entries whose names do not open to " NAME_LOST_DIR, NULL, MOVED, move_name },
	{ CHECK_LONG_NAME, REPAIR_REST, true,
	  "move entries that have lost their long names to " NAME_LOST_DIR
	  " (who still knows such a name need only look it up in the mount)",
	  NULL, MOVED, move_long_name },
	{ CHECK_DIR_ID, REPAIR_REST, false, "move directories that have lost their ID to " NAME_LOST_DIR, NULL, MOVED,
	  move_dir },
};
const size_t repair_n_steps = sizeof(repair_steps) / sizeof(repair_steps[0]);
