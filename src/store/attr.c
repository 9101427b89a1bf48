/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/attr.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "format/content.h"
#include "store/file.h"
#include "store/symlink.h"

static void attr_cleanup_file(struct file **f)
{
	file_free(*f);
}

/* The length by looking into the file. Returns 0 or -errno. */
static int attr_look(const struct dir *d, const char *disk, const struct stat *sb, uint64_t *size)
{
	struct stat now;
	int fd = openat(d->fd, disk, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &now) != 0 || now.st_ino != sb->st_ino) {
		close(fd);
		return -ESTALE;
	}
	_cleanup_(attr_cleanup_file) struct file *f = file_new(d->st, false);
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	int r = file_attach(f, fd, false);
	if (r < 0)
		return r;
	*size = file_size(f);
	return 0;
}

void attr_plain(const struct dir *d, const char *disk, struct stat *sb)
{
	if (S_ISLNK(sb->st_mode)) {
		ssize_t n = symlink_len(d, disk, (size_t)sb->st_size);
		sb->st_size = n > 0 ? n : 0;
		return;
	}
	if (!S_ISREG(sb->st_mode))
		return;
	uint64_t size, cipher = (uint64_t)sb->st_size;
	if (!content_hint(cipher, &size) && attr_look(d, disk, sb, &size) < 0)
		size = content_plain_size(cipher / CONTENT_PAGE * CONTENT_PAYLOAD);
	sb->st_size = (off_t)size;
}
