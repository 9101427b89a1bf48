/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared mode: two mounts of one vault change one file in turns. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "base/io.h"
#include "base/log.h"
#include "store/file_impl.h"
#include "store/store.h"

/* Who holds it waits for a disk at most, which may be a slow one. Somebody who holds it longer has stopped, or means
 * ill: one goes on without. */
#define TURN_TRIES 10000
#define TURN_WAIT_NS 1000000

static int turn_set(int fd, short type)
{
	/* Of the open file, not of the process: all of it, however long it becomes. */
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };
	return fcntl(fd, F_OFD_SETLK, &lock) == 0 ? 0 : -errno;
}

static bool turn_is_taken(int r)
{
	return r == -EAGAIN || r == -EACCES || r == -EINTR;
}

int file_turn_begin(struct file *f)
{
	const struct timespec wait = { .tv_nsec = TURN_WAIT_NS };
	if (f->st->alone || f->fd < 0)
		return -1;
	const short type = f->writable ? F_WRLCK : F_RDLCK;
	const int tries = f->turn_missed ? 1 : TURN_TRIES;
	int r = turn_set(f->fd, type);
	for (int i = 1; i < tries && turn_is_taken(r); i++) {
		(void)nanosleep(&wait, NULL);
		r = turn_set(f->fd, type);
	}
	if (turn_is_taken(r) && !f->turn_missed)
		log_warn("a file in the vault is kept locked by another program: going on without its lock");
	f->turn_missed = turn_is_taken(r);
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
