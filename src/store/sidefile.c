/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/sidefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/io.h"

#define SIDEFILE_MODE 0444
#define SIDEFILE_COMPARE_MAX 8192

void sidefile_queue_init(struct sidefile_queue *q, bool stacked, bool logged)
{
	memset(q, 0, sizeof(*q));
	q->stacked = stacked;
	q->logged = logged;
	q->max = io_fd_share(8, 0, SIDEFILE_QUEUE);
	pthread_mutex_init(&q->lock, NULL);
	pthread_mutex_init(&q->drain, NULL);
}

void sidefile_queue_destroy(struct sidefile_queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		close(q->files[i].fd);
	pthread_mutex_destroy(&q->lock);
	pthread_mutex_destroy(&q->drain);
}

static void sidefile_push(struct sidefile_queue *q, int fd, bool lost)
{
	bool kept = false;
	{
		SCOPED_LOCK(&q->lock);
		if (q->n < q->max) {
			q->files[q->n++] = (struct sidefile){ fd, lost };
			kept = true;
		} else {
			q->overflow = true;
		}
	}
	if (!kept)
		close(fd);
}

/* Let the contents be written before what needs them is made: a journal may commit that at any moment, long
 * before anybody asks for an fsync. Nobody waits for the disk's cache, for the commit flushes it first. */
static int sidefile_write_back(const struct sidefile_queue *q, int fd)
{
	return q->stacked ? io_fsync(fd, true) : io_write_back(fd, 0, 0);
}

int sidefile_create(struct sidefile_queue *q, int dirfd, const char *name, const void *buf, size_t n)
{
	int fd = -1;
	int r = io_create_file(dirfd, name, buf, n, SIDEFILE_MODE, &fd);
	if (r < 0)
		return r;
	r = sidefile_write_back(q, fd);
	if (r < 0) {
		(void)unlinkat(dirfd, name, 0);
		close(fd);
		return r;
	}
	sidefile_push(q, fd, false);
	return 0;
}

/* Is what lies there what should? Returns 1, 0 or -errno: what cannot be looked at may be good. */
static int sidefile_same(int dirfd, const char *name, const void *buf, size_t n)
{
	uint8_t there[SIDEFILE_COMPARE_MAX];
	ssize_t len = io_read_file(dirfd, name, there, sizeof(there));
	if (len == -EUCLEAN || len == -EFBIG || len == -ENOENT)
		return 0;
	if (len < 0)
		return (int)len;
	return (size_t)len == n && memcmp(there, buf, n) == 0;
}

int sidefile_ensure(struct sidefile_queue *q, int dirfd, const char *name, const void *buf, size_t n,
		    bool *created)
{
	*created = false;
	int r = sidefile_create(q, dirfd, name, buf, n);
	if (r == -EEXIST) {
		int same = sidefile_same(dirfd, name, buf, n);
		if (same != 0)
			return same < 0 ? same : 0;
		if (unlinkat(dirfd, name, 0) != 0 && errno != ENOENT)
			return -errno;
		r = sidefile_create(q, dirfd, name, buf, n);
	}
	*created = r == 0;
	return r;
}

int sidefile_syncfs(struct sidefile_queue *q, int root_fd)
{
	int r = io_syncfs(root_fd);
	if (r < 0)
		atomic_fetch_add(&q->failures, 1);
	return r;
}

void sidefile_suspect(struct sidefile_queue *q)
{
	SCOPED_LOCK(&q->lock);
	q->overflow = true;
}

/* Write what did not reach the disk, and is in memory still, once more. Returns 0 or -errno. */
static int sidefile_again(int fd)
{
	uint8_t buf[SIDEFILE_COMPARE_MAX];
	struct stat sb;
	if (fstat(fd, &sb) == 0 && sb.st_nlink == 0)
		return 0; /* nobody needs it any more */
	ssize_t n = io_pread_full(fd, buf, sizeof(buf), 0);
	if (n < 0)
		return (int)n;
	/* None is all zeros: memory has let go of it. */
	return bytes_are_zero(buf, (size_t)n) ? -EIO : io_pwrite_full(fd, buf, (size_t)n, 0);
}

/* Bring those that wait in 'files' to the disk, all that there is with 'overflow'. Returns 0, or -errno with what
 * failed marked as lost. */
static int sidefile_sync(struct sidefile_queue *q, int root_fd, struct sidefile *files, size_t n, bool overflow)
{
	int result = 0;
	for (size_t i = 0; i < n; i++) {
		int r = files[i].lost ? sidefile_again(files[i].fd) : 0;
		if (r == 0 && !overflow)
			r = io_fsync(files[i].fd, true);
		files[i].lost = r < 0;
		if (r < 0)
			result = r;
	}
	int r = overflow ? sidefile_syncfs(q, root_fd) : 0;
	for (size_t i = 0; r < 0 && i < n; i++)
		files[i].lost = true;
	return r < 0 ? r : result;
}

int sidefile_drain(struct sidefile_queue *q, int root_fd)
{
	SCOPED_LOCK(&q->drain);
	struct sidefile files[SIDEFILE_QUEUE];
	size_t n;
	bool overflow;
	{
		SCOPED_LOCK(&q->lock);
		n = q->n;
		memcpy(files, q->files, n * sizeof(files[0]));
		overflow = q->overflow || (q->logged && n > 0);
		q->n = 0;
		q->overflow = false;
	}

	int r = sidefile_sync(q, root_fd, files, n, overflow);
	for (size_t i = 0; i < n; i++) {
		if (files[i].lost)
			sidefile_push(q, files[i].fd, true);
		else
			close(files[i].fd);
	}
	if (r < 0 && overflow)
		sidefile_suspect(q);
	return r;
}

bool sidefile_pending(struct sidefile_queue *q)
{
	SCOPED_LOCK(&q->lock);
	return q->n > 0 || q->overflow;
}
