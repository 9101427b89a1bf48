/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes of a file below of which nobody is to see anything: its times, set-id bits and capabilities stay. */
#include <errno.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "store/file_impl.h"
#include "store/store.h"

/* capabilities(7), "File capabilities": 24 bytes at present. */
#define FILE_POWERS "security.capability"
#define FILE_POWERS_MAX 64

int file_put_times(struct file *f, const struct timespec times[2])
{
	if (futimens(f->fd, times) != 0 && errno != EPERM && errno != EACCES)
		return -errno;
	f->touched = false;
	return 0;
}

/* What the file can do beyond what whoever runs it can: to write and to cut takes it away, even if it is root. */
struct file_powers {
	char value[FILE_POWERS_MAX];
	ssize_t size;
};

static void file_powers_get(const struct file *f, struct file_powers *p)
{
	p->size = fgetxattr(f->fd, FILE_POWERS, p->value, sizeof(p->value));
}

static void file_powers_put(const struct file *f, const struct file_powers *p)
{
	if (p->size > 0)
		(void)fsetxattr(f->fd, FILE_POWERS, p->value, (size_t)p->size, 0); /* in vain but for root */
}

static int file_change_and_back(struct file *f, const struct stat *sb, file_change *change)
{
	struct file_powers powers;
	file_powers_get(f, &powers);
	int r = change(f, sb);
	file_powers_put(f, &powers);
	if (r < 0)
		return r;
	const struct timespec times[2] = { sb->st_atim, f->st->alone ? f->mtime : sb->st_mtim };
	int put = file_put_times(f, times);
	return put < 0 ? put : r;
}

/* To write and to cut takes set-id bits away, unless it is root who does it. Nobody sees or sets a mode meanwhile. */
static int file_change_set_id(struct file *f, file_change *change)
{
	struct stat sb, after;
	SCOPED_WRITE(&f->st->modes);
	if (fstat(f->fd, &sb) != 0)
		return -errno;
	int r = file_change_and_back(f, &sb, change);
	if (fstat(f->fd, &after) == 0 && after.st_mode != sb.st_mode)
		(void)fchmod(f->fd, sb.st_mode & 07777); /* in vain if the file is another's */
	return r;
}

int file_change_unseen(struct file *f, file_change *change)
{
	struct stat sb;
	if (fstat(f->fd, &sb) != 0)
		return -errno;
	return sb.st_mode & (S_ISUID | S_ISGID) ? file_change_set_id(f, change) : file_change_and_back(f, &sb, change);
}
