/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/attr.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "format/content.h"
#include "store/file.h"
#include "store/force.h"
#include "store/symlink.h"

/* Open the entry, whatever its mode says to its owner, and make sure that it is the one. */
static int attr_open(const struct dir *d, const char *disk, const struct stat *sb, int *out)
{
	struct stat now;
	_cleanup_fd_ int fd = openat(d->fd, disk, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES) {
		_cleanup_fd_ int path_fd = openat(d->fd, disk, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		int r = path_fd < 0 ? -errno : force_open(d->st, path_fd, O_RDONLY | O_NONBLOCK, &fd);
		if (r < 0)
			return r;
	}
	if (fd < 0 || fstat(fd, &now) != 0)
		return -errno;
	if (now.st_ino != sb->st_ino)
		return -ESTALE;
	*out = TAKE_FD(fd);
	return 0;
}

/* The length by looking into the file. Returns 0 or -errno. */
static int attr_look(const struct dir *d, const char *disk, const struct stat *sb, uint64_t *size)
{
	int fd = -1, r = attr_open(d, disk, sb, &fd);
	if (r < 0)
		return r;
	struct file _cleanup_file_ *f = file_new(d->st, false);
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	r = file_attach(f, fd, false);
	if (r == 0)
		*size = file_size(f);
	return r;
}

int attr_plain(const struct dir *d, const char *disk, struct stat *sb)
{
	if (S_ISLNK(sb->st_mode)) {
		ssize_t n = symlink_len(d, disk, (size_t)sb->st_size);
		sb->st_size = n > 0 ? n : 0;
		return 0;
	}
	if (!S_ISREG(sb->st_mode))
		return 0;
	if (attr_by_hint(sb))
		return 0;
	uint64_t size = 0;
	int r = attr_look(d, disk, sb, &size);
	if (store_is_damage(r) || r == -EPROTONOSUPPORT || r == -EACCES)
		size = content_plain_size((uint64_t)sb->st_size / CONTENT_PAGE * CONTENT_PAYLOAD);
	else if (r < 0)
		return r;
	sb->st_size = (off_t)size;
	return 0;
}

bool attr_by_hint(struct stat *sb)
{
	uint64_t size;
	if (!content_hint((uint64_t)sb->st_size, &size))
		return false;
	sb->st_size = (off_t)size;
	return true;
}
