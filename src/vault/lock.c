/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vault/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "format/name.h"

#define SETTINGS_TRIES 300
#define SETTINGS_STEP_MS 100

int lock_vault(int dirfd, bool exclusive)
{
	if (flock(dirfd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
		return io_is_foreign(dirfd) ? 1 : 0;
	switch (errno) {
	case EWOULDBLOCK:
		return -EBUSY;
	case ENOLCK:
	case ENOSYS:
	case EOPNOTSUPP:
	case EINVAL:
		return 1;
	default:
		return -errno;
	}
}

/* Changing the settings puts another file in their place: the lock counts if what is there is still what we have. */
static int lock_present(int dirfd, int *out)
{
	struct stat ours, there;
	_cleanup_fd_ int fd = openat(dirfd, NAME_SETTINGS_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK || errno == EINTR)
			return -EBUSY;
		if (errno != ENOLCK && errno != ENOSYS && errno != EOPNOTSUPP && errno != EINVAL && errno != EBADF)
			return -errno;
	}
	if (fstat(fd, &ours) < 0)
		return -errno;
	if (fstatat(dirfd, NAME_SETTINGS_FILE, &there, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? -EBUSY : -errno;
	if (ours.st_dev != there.st_dev || ours.st_ino != there.st_ino)
		return -EBUSY;
	*out = TAKE_FD(fd);
	return 0;
}

int lock_settings(int dirfd, int *fd)
{
	const struct timespec step = { 0, SETTINGS_STEP_MS * 1000000L };
	for (int tries = SETTINGS_TRIES;;) {
		int r = lock_present(dirfd, fd);
		if (r != -EBUSY || --tries == 0)
			return r;
		(void)nanosleep(&step, NULL);
	}
}
