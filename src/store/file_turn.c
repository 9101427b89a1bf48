/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared mode: two mounts of one vault change one file in turns. */
#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "store/file_impl.h"
#include "store/store.h"

/* Somebody who holds it longer has stopped, or means ill: one goes on without. */
#define TURN_TRIES 1000
#define TURN_WAIT_NS 1000000

static int turn_set(int fd, short type)
{
	/* Of the open file, not of the process: all of it, however long it becomes. */
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };
	return fcntl(fd, F_OFD_SETLK, &lock) == 0 ? 0 : -errno;
}

int file_turn_begin(struct file *f)
{
	const struct timespec wait = { .tv_nsec = TURN_WAIT_NS };
	int r = -EAGAIN;
	if (f->st->alone || f->fd < 0)
		return -1;
	for (int i = 0; i < TURN_TRIES && (r == -EAGAIN || r == -EACCES); i++) {
		if (i > 0)
			(void)nanosleep(&wait, NULL);
		r = turn_set(f->fd, f->writable ? F_WRLCK : F_RDLCK);
	}
	return r == 0 ? f->fd : -1; /* a filesystem without locks has none to wait for */
}

void file_turn_end(int *fd)
{
	if (*fd >= 0)
		(void)turn_set(*fd, F_UNLCK);
}
