/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/idle.h"

#include <linux/fuse.h>
#include <string.h>

#include "base/cleanup.h"
#include "fs/session.h"

#define IDLE_SECOND INT64_C(1000000000)
#define IDLE_LOOKS 16			  /* within the limit */
#define IDLE_PAUSE_MAX (60 * IDLE_SECOND) /* how late after the end of a sleep, or of a long limit */
#define IDLE_SYNCFS 50			  /* FUSE_SYNCFS, Linux 5.14 */

static int64_t idle_clock(clockid_t id)
{
	struct timespec t;
	(void)clock_gettime(id, &t);
	return t.tv_sec * IDLE_SECOND + t.tv_nsec;
}

void idle_init(struct idle *i, unsigned int seconds)
{
	*i = (struct idle){ .limit = seconds * IDLE_SECOND };
	pthread_mutex_init(&i->lock, NULL);
	idle_restart(i);
}

/* ---- requests ---- */

static const void *idle_body(const struct fuse_in_header *h, size_t n, size_t size)
{
	return n >= sizeof(*h) + size ? h + 1 : NULL;
}

/* The times of a file that it keeps for programs go with what they have written. */
static bool idle_is_times(const struct fuse_in_header *h, size_t n)
{
	const struct fuse_setattr_in *in = idle_body(h, n, sizeof(*in));
	return in && (in->valid & ~(uint32_t)(FATTR_MTIME | FATTR_CTIME | FATTR_FH)) == 0;
}

static bool idle_is_written_back(const struct fuse_in_header *h, size_t n)
{
	const struct fuse_write_in *in = idle_body(h, n, sizeof(*in));
	return in && (in->write_flags & FUSE_WRITE_CACHE);
}

static bool idle_is_status(const struct fuse_in_header *h, size_t n)
{
	const size_t size = sizeof(struct fuse_getxattr_in) + sizeof(SESSION_STATUS_XATTR);
	const char *in = h->nodeid == FUSE_ROOT_ID ? idle_body(h, n, size) : NULL;
	return in && memcmp(in + sizeof(struct fuse_getxattr_in), SESSION_STATUS_XATTR,
			    sizeof(SESSION_STATUS_XATTR)) == 0;
}

enum idle_kind { IDLE_KERNEL, IDLE_ABOUT, IDLE_ROOT, IDLE_PROGRAM };

static enum idle_kind idle_kind(const struct fuse_in_header *h, size_t n)
{
	switch (h->opcode) {
	case FUSE_INIT:
	case FUSE_DESTROY:
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
	case FUSE_NOTIFY_REPLY:
	case IDLE_SYNCFS: return IDLE_KERNEL;
	case FUSE_WRITE: return idle_is_written_back(h, n) ? IDLE_KERNEL : IDLE_PROGRAM;
	case FUSE_SETATTR: return idle_is_times(h, n) ? IDLE_KERNEL : IDLE_PROGRAM;
	case FUSE_STATFS: return IDLE_ABOUT;
	case FUSE_GETXATTR: return idle_is_status(h, n) ? IDLE_ABOUT : IDLE_PROGRAM;
	case FUSE_GETATTR: return h->nodeid == FUSE_ROOT_ID ? IDLE_ROOT : IDLE_PROGRAM;
	default: return IDLE_PROGRAM;
	}
}

/* It may only be for the sake of a question about the mount. */
static void idle_note_root(struct idle *i, uint32_t pid, int64_t now)
{
	SCOPED_LOCK(&i->lock);
	i->root = (struct idle_root){ .pid = pid, .at = now, .before = atomic_exchange(&i->used, now) };
}

/* It was, if nothing else has been asked for since. */
static void idle_take_back(struct idle *i, uint32_t pid)
{
	SCOPED_LOCK(&i->lock);
	int64_t at = i->root.at;
	if (pid != 0 && i->root.pid == pid)
		(void)atomic_compare_exchange_strong(&i->used, &at, i->root.before);
	i->root.pid = 0;
}

void idle_note(struct idle *i, const void *request, size_t n)
{
	const struct fuse_in_header *h = request;
	if (i->limit == 0)
		return;
	switch (idle_kind(h, n)) {
	case IDLE_KERNEL: break;
	case IDLE_ABOUT: idle_take_back(i, h->pid); break;
	case IDLE_ROOT: idle_note_root(i, h->pid, idle_clock(CLOCK_BOOTTIME)); break;
	case IDLE_PROGRAM: atomic_store(&i->used, idle_clock(CLOCK_BOOTTIME)); break;
	}
}

/* ---- looking ---- */

/* How long the machine has slept since it was started; two clocks are not read at once. */
static int64_t idle_slept(int64_t now)
{
	return now - idle_clock(CLOCK_MONOTONIC);
}

/* Only the first use since the last look is sure to be seen: take it that there was one just now. But if the machine
 * has slept meanwhile, it may all have been before that. */
static int64_t idle_last_use(const struct idle *i, int64_t used, int64_t now, int64_t slept)
{
	return slept - i->slept > IDLE_SECOND ? used : now;
}

enum idle_verdict idle_look(struct idle *i)
{
	const int64_t now = idle_clock(CLOCK_BOOTTIME), slept = idle_slept(now), used = atomic_load(&i->used);
	const bool is_used = used > i->looked;
	if (is_used)
		i->since = idle_last_use(i, used, now, slept);
	i->looked = now;
	i->slept = slept;
	return now - i->since >= i->limit ? IDLE_OVER : is_used ? IDLE_USED : IDLE_QUIET;
}

void idle_restart(struct idle *i)
{
	i->looked = i->since = idle_clock(CLOCK_BOOTTIME);
	i->slept = idle_slept(i->looked);
}

struct timespec idle_pause(const struct idle *i)
{
	int64_t ns = i->limit / IDLE_LOOKS;
	ns = ns < IDLE_PAUSE_MAX ? ns : IDLE_PAUSE_MAX;
	return (struct timespec){ .tv_sec = ns / IDLE_SECOND, .tv_nsec = ns % IDLE_SECOND };
}
