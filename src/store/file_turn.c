/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared mode: two mounts of one vault change one file in turns. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "base/io.h"
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

static bool turn_end_is_known(const struct file *f, int i, uint64_t k)
{
	uint8_t nonce[CONTENT_NONCE_LEN];
	ssize_t n = io_pread_full(f->fd, nonce, sizeof(nonce), (off_t)(k * CONTENT_PAGE + CONTENT_NONCE_OFF));
	return n == (ssize_t)sizeof(nonce) && memcmp(nonce, f->ends[i], sizeof(nonce)) == 0;
}

bool file_ends_are_known(const struct file *f, uint64_t size)
{
	uint64_t pages = size / CONTENT_PAGE;
	if (pages == 0)
		return true;
	int flags = fcntl(f->fd, F_GETFL);
	bool loud = flags >= 0 && !(flags & O_NOATIME) && fcntl(f->fd, F_SETFL, flags | O_NOATIME) == 0;
	bool known = turn_end_is_known(f, 0, 0) && turn_end_is_known(f, 1, pages - 1);
	if (loud)
		(void)fcntl(f->fd, F_SETFL, flags);
	return known;
}
