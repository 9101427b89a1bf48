/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/force.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"

int force_open(struct store *st, int path_fd, int flags, int *out)
{
	char path[IO_FD_PATH];
	struct stat sb;
	io_fd_path(path, path_fd);
	SCOPED_WRITE(&st->modes);
	if (fstat(path_fd, &sb) != 0)
		return -errno;
	if (!S_ISREG(sb.st_mode) || sb.st_uid != geteuid() || st->read_only)
		return -EACCES;
	if (chmod(path, (sb.st_mode & 07777) | S_IRUSR | S_IWUSR) != 0)
		return -errno;
	*out = open(path, (flags & ~O_NOFOLLOW) | O_CLOEXEC);
	int r = *out < 0 ? -errno : 0;
	(void)chmod(path, sb.st_mode & 07777);
	return r;
}

void force_enter(struct store *st, int fd, struct force_dir *out)
{
	char path[IO_FD_PATH];
	struct stat sb;
	*out = (struct force_dir){ .st = st, .fd = fd, .mode = -1 };
	if (st->read_only || geteuid() == 0)
		return;
	io_fd_path(path, fd);
	pthread_rwlock_wrlock(&st->modes);
	if (fstat(fd, &sb) == 0 && (sb.st_mode & S_IRWXU) != S_IRWXU && sb.st_uid == geteuid() &&
	    chmod(path, (sb.st_mode & 07777) | S_IRWXU) == 0)
		out->mode = (int)(sb.st_mode & 07777);
	else
		pthread_rwlock_unlock(&st->modes);
}

void force_leave(struct force_dir *f)
{
	char path[IO_FD_PATH];
	if (f->mode < 0)
		return;
	io_fd_path(path, f->fd);
	(void)chmod(path, (mode_t)f->mode);
	f->mode = -1;
	pthread_rwlock_unlock(&f->st->modes);
}
