/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Away with the mount, and back only when its process has written all and ended, so that the vault can be copied, or
 * mounted again, at once.
 */
#include "cli/leave.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/io.h"
#include "cli/cli.h"
#include "cli/holders.h"
#include "cli/mounts.h"
#include "cli/patience.h"

#define WAIT_MS 60000
#define BUSY_TRIES 5
#define BUSY_PAUSE_NS 100000000L

/* Ask for what the kernel still holds to be written now: only this tells whether it could be. It also tells that a
 * program was killed while times of a file were being written (EINTR), which loses nothing and is asked once more. */
static int write_back(const char *mountpoint)
{
	_cleanup_fd_ int fd = open(mountpoint, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? io_syncfs(fd) : 0;
}

static int wait_for_end(int pidfd, const char *mountpoint)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int n;
	while ((n = poll(&p, 1, WAIT_MS)) < 0 && errno == EINTR)
		;
	if (n > 0)
		return EXIT_DONE;
	return exit_fail(EXIT_FAILED,
			 "'%s' is unmounted, but its process has not ended within a minute: it is still writing to a "
			 "busy disk, or a container or another mount namespace has the mount, too; wait for it before "
			 "you copy the vault",
			 mountpoint);
}

/* ---- in use ---- */

static int busy(const char *mountpoint)
{
	struct holders h;
	bool known = holders_find(mountpoint, &h) == 0;
	exit_note("'%s' is busy: close what uses it, leave it in every shell, or use --lazy%s", mountpoint,
		  known && h.n > 0 ? ":" : "");
	if (known)
		holders_tell(&h);
	return EXIT_FAILED;
}

static int cannot_unmount(int err, const char *mountpoint)
{
	switch (-err) {
	case EBUSY:
		return busy(mountpoint);
	case EINVAL:
	case ENOENT:
		return exit_fail(EXIT_NO_VAULT, "'%s' was unmounted by somebody else meanwhile", mountpoint);
	case ENOSYS:
		return exit_fail(EXIT_FAILED, "cannot unmount '%s': fusermount3 is missing (install fuse3)",
				 mountpoint);
	default:
		return exit_fail(EXIT_FAILED, "cannot unmount '%s': %s", mountpoint, exit_reason(err));
	}
}

/* Whoever looks at all mounts (df, a file manager, cryptfs status) keeps each busy for a moment. */
static int unmount_patiently(const char *mountpoint, bool lazy)
{
	int err = unmount_path(mountpoint, lazy);
	for (int i = 0; err == -EBUSY && i < BUSY_TRIES; i++) {
		(void)nanosleep(&(struct timespec){ .tv_nsec = BUSY_PAUSE_NS }, NULL);
		err = unmount_path(mountpoint, lazy);
	}
	return err;
}

/* It is served to those who are in it, and its keys are kept, until they leave. */
static int detach_in_use(const char *mountpoint, const struct leave_how *how)
{
	struct holders h = { .n = 0 };
	bool known = !how->quiet && holders_find(mountpoint, &h) == 0;
	int err = unmount_path(mountpoint, true);
	if (err < 0)
		return cannot_unmount(err, mountpoint);
	if (how->quiet)
		return EXIT_DONE;
	exit_note("'%s' is detached, but in use: the vault stays open until %s", mountpoint,
		  known && h.n > 0 ? "these let go of it:" : "that ends");
	if (known)
		holders_tell(&h);
	return EXIT_DONE;
}

static int leave_lazily(const char *mountpoint, const struct mounts_status *st, const struct leave_how *how)
{
	/* Only of one that answers is it of interest, and safe, to ask whether it is in use. */
	int err = st->state == MOUNTS_ALIVE ? unmount_path(mountpoint, false) : unmount_path(mountpoint, true);
	if (err == -EBUSY)
		return detach_in_use(mountpoint, how);
	return err < 0 ? cannot_unmount(err, mountpoint) : EXIT_DONE;
}

/* ---- in order ---- */

static int leave_in_order(const char *mountpoint, const struct mounts_status *st, const struct leave_how *how)
{
	_cleanup_fd_ int pidfd = st->pid > 0 ? (int)syscall(SYS_pidfd_open, st->pid, 0) : -1;
	if (!how->quiet)
		patience_begin("still writing back to the vault");
	int lost = st->state == MOUNTS_ALIVE ? write_back(mountpoint) : 0;
	int err = unmount_patiently(mountpoint, st->state == MOUNTS_DEAD);
	int code = err == 0 && pidfd >= 0 ? wait_for_end(pidfd, mountpoint) : EXIT_DONE;
	patience_end();
	if (err < 0)
		return cannot_unmount(err, mountpoint);
	if (lost < 0)
		return exit_fail(EXIT_FAILED,
				 "'%s' is unmounted, but not all that was written there could be stored: %s",
				 mountpoint, exit_reason(lost));
	return code;
}

int leave_mount(const char *mountpoint, const struct leave_how *how)
{
	struct mounts_status st;
	mounts_ask(mountpoint, &st);
	return how->lazy ? leave_lazily(mountpoint, &st, how) : leave_in_order(mountpoint, &st, how);
}
