/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vault/lock.h"

#include <errno.h>
#include <sys/file.h>

#include "base/io.h"

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
