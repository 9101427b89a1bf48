/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The quarantine: NAME_LOST_DIR in the vault's root. Each thing in it has a numbered directory of its own, in
 * which it keeps its name; report.txt says, in names on disk, what came from where. The line is on disk before
 * anything is moved, so that nothing lies there without one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "offline/repair_impl.h"
#include "store/symlink.h"

#define LOST_REPORT "report.txt"
#define LOST_SLOT_SIZE 16
#define LOST_SLOTS 100000000u

static int lost_open(struct repair *r)
{
	if (r->lost >= 0)
		return 0;
	if (mkdirat(r->st->root_fd, NAME_LOST_DIR, 0700) != 0 && errno != EEXIST)
		return -errno;
	_cleanup_fd_ int fd = openat(r->st->root_fd, NAME_LOST_DIR,
				     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat sb;
	if (fd < 0 || fstat(fd, &sb) != 0)
		return -errno;
	if (sb.st_dev != r->st->dev)
		return -EXDEV;
	int err = io_fsync_dir(r->st->root_fd);
	if (err == 0)
		r->lost = TAKE_FD(fd);
	return err;
}

long repair_lost_count(const struct store *st)
{
	DIR _cleanup_dir_stream_ *stream = NULL;
	int err = io_opendir(st->root_fd, NAME_LOST_DIR, &stream);
	const struct dirent *e;
	long n = 0;
	if (err < 0)
		return err == -ENOENT ? 0 : err;
	while ((e = readdir(stream)))
		n += !io_is_dot(e->d_name) && strcmp(e->d_name, LOST_REPORT) != 0;
	return n;
}

/* Claim the next free number. */
static int lost_claim(struct repair *r, char slot[static LOST_SLOT_SIZE])
{
	while (r->slot < LOST_SLOTS) {
		(void)snprintf(slot, LOST_SLOT_SIZE, "%08u", ++r->slot);
		if (mkdirat(r->lost, slot, 0700) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
	}
	return -ENOSPC;
}

/* A path on one line: what could be taken for something else as \ooo. */
static void lost_print(FILE *f, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c < 0x20 || c == 0x7f || c == '\\')
			(void)fprintf(f, "\\%03o", (unsigned int)c);
		else
			(void)fputc(c, f);
	}
}

static void lost_fclose(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static int lost_note(const struct repair *r, const char *slot, const char *why, const char *cipher)
{
	struct stat sb;
	_cleanup_fd_ int fd = openat(r->lost, LOST_REPORT,
				     O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &sb) != 0)
		return -errno;
	if (!S_ISREG(sb.st_mode))
		return -EUCLEAN;
	_cleanup_(lost_fclose) FILE *f = fdopen(fd, "a");
	if (!f)
		return -errno;
	(void)TAKE_FD(fd);
	(void)fprintf(f, "%s\t%s\t", slot, why);
	lost_print(f, cipher);
	(void)fputc('\n', f);
	return fflush(f) == 0 && fsync(fileno(f)) == 0 ? 0 : -errno;
}

int repair_lost_slot(struct repair *r, const char *why, const char *cipher)
{
	char slot[LOST_SLOT_SIZE];
	int err = lost_open(r);
	if (err == 0)
		err = lost_claim(r, slot);
	if (err == 0)
		err = lost_note(r, slot, why, cipher);
	if (err == 0)
		err = io_fsync_dir(r->lost);
	if (err < 0)
		return err;
	int fd = openat(r->lost, slot, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The slot is new, so that nothing can be in the way; some filesystems do not know the flag. */
static int lost_rename(int from, const char *disk, int slot)
{
	if (renameat2(from, disk, slot, disk, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	return renameat(from, disk, slot, disk) == 0 ? 0 : -errno;
}

/* A link takes its target's side file along, which others may need where it is. Where that is damaged or missing
 * there is nothing to take; side ends up empty. Returns 0 or -errno. */
static int lost_take_target(const struct repair *r, const struct repair_place *p, int slot,
			    char side[static NAME_DISK_SIZE])
{
	char target[NAME_LINK_TARGET_MAX + 1], made[NAME_DISK_SIZE];
	struct dir to = { .st = r->st, .fd = slot };
	side[0] = '\0';
	int err = symlink_side_of(&p->d, p->disk, target, false);
	if (err <= 0)
		return err;
	if (linkat(p->d.fd, target, slot, target, 0) != 0) {
		err = symlink_copy_side(&p->d, p->disk, &to, made);
		if (err == 0)
			err = store_drain(r->st);
		if (err < 0)
			return err == -EUCLEAN || err == -ENOENT ? 0 : err;
	}
	memcpy(side, target, NAME_SLINK_LEN + 1);
	return 0;
}

/* What has been taken along goes from where it was, if no other link there needs it. */
static int lost_drop_target(const struct repair_place *p, const char *side)
{
	int needed = side[0] ? repair_needs_side(&p->d, side) : 1;
	if (needed == 0 && unlinkat(p->d.fd, side, 0) != 0 && errno != ENOENT)
		return -errno;
	return needed < 0 ? needed : 0;
}

/* A second copy of the side file in the slot. Returns 1, 0 (there is none, or nothing that could be one: it goes
 * along later) or -errno. */
static int lost_take_side(const struct repair_place *p, const char *side, int slot)
{
	uint8_t b[NAME_SEALED_MAX];
	struct stat sb;
	if (fstatat(p->d.fd, side, &sb, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISREG(sb.st_mode))
		return 0;
	if (linkat(p->d.fd, side, slot, side, 0) == 0)
		return 1;
	ssize_t n = io_read_file(p->d.fd, side, b, sizeof(b));
	if (n == -EFBIG)
		return 0;
	int err = n < 0 ? (int)n : io_replace_file(slot, side, NULL, b, (size_t)n, REPAIR_SIDE_MODE);
	return err < 0 ? err : 1;
}

/* The entry is in the slot: its side file leaves the place where it was. */
static int lost_drop_side(const struct repair_place *p, const char *side, int slot, bool taken)
{
	if (taken)
		return unlinkat(p->d.fd, side, 0) == 0 || errno == ENOENT ? 0 : -errno;
	int err = lost_rename(p->d.fd, side, slot);
	return err == -ENOENT ? 0 : err;
}

/* Copies of side files first, then the entry, then the side files go: wherever it ends, the entry has its own
 * beside it. */
int repair_lost_move(struct repair *r, const char *why, const char *cipher, const struct repair_place *p)
{
	char side[NAME_DISK_SIZE], target[NAME_DISK_SIZE];
	bool is_long = name_classify(p->disk) == NAME_LONG;
	_cleanup_fd_ int slot = repair_lost_slot(r, why, cipher);
	if (slot < 0)
		return slot;
	name_long_side(side, p->disk);
	int taken = is_long ? lost_take_side(p, side, slot) : 0;
	int err = taken < 0 ? taken : lost_take_target(r, p, slot, target);
	if (err == 0)
		err = io_fsync_dir(slot);
	if (err == 0)
		err = lost_rename(p->d.fd, p->disk, slot);
	if (err < 0) {
		if (taken > 0)
			(void)unlinkat(slot, side, 0);
		return err;
	}
	err = io_fsync_dir(slot);
	if (err == 0 && is_long)
		err = lost_drop_side(p, side, slot, taken > 0);
	if (err == 0)
		err = lost_drop_target(p, target);
	return err < 0 ? err : io_fsync_dir(p->d.fd);
}
