/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs umount: away with the mount, and back only when its process has written all and ended, so
 * that the vault can be copied, or mounted again, at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/io.h"
#include "cli/cli.h"
#include "cli/mounts.h"

#define WAIT_MS 60000
#define TELL_AFTER 2 /* seconds */
#define BUSY_TRIES 5
#define BUSY_PAUSE_NS 100000000L

/* Taking long: say why, once, to a person. */
static void tell(int sig)
{
	static const char text[] = "cryptfs: still writing back to the vault...\n";
	int saved = errno;
	(void)sig;
	(void)io_write_full(STDERR_FILENO, text, sizeof(text) - 1);
	errno = saved;
}

static void tell_if_slow(void)
{
	struct sigaction act = { .sa_handler = tell, .sa_flags = SA_RESTART };
	if (isatty(STDERR_FILENO) != 1)
		return;
	(void)sigaction(SIGALRM, &act, NULL);
	(void)alarm(TELL_AFTER);
}

static int not_mounted(const char *operand, const char *real, const struct mounts *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->entries[i].ours && strcmp(m->entries[i].source, real) == 0)
			return exit_fail(EXIT_NO_VAULT,
					 "'%s' is a vault, not a mount point; it is mounted on '%s': try "
					 "'cryptfs umount %s'",
					 operand, m->entries[i].mountpoint, m->entries[i].mountpoint);
	return exit_fail(EXIT_NO_VAULT, "nothing is mounted on '%s' by cryptfs ('cryptfs status' lists what is)",
			 operand);
}

/* Ask for what the kernel still holds to be written now: only this tells whether it could be. */
static int write_back(const char *mountpoint)
{
	_cleanup_fd_ int fd = open(mountpoint, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && syncfs(fd) < 0 ? -errno : 0;
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

static int cannot_unmount(int err, const char *mountpoint)
{
	switch (-err) {
	case EBUSY:
		return exit_fail(EXIT_FAILED,
				 "'%s' is busy: close the programs that use it, and leave it in every shell (try: "
				 "fuser -vm '%s'), or use --lazy",
				 mountpoint, mountpoint);
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

static int unmount(const char *mountpoint, bool lazy)
{
	struct mounts_status st;
	mounts_ask(mountpoint, &st);
	_cleanup_fd_ int pidfd = -1;
	if (st.pid > 0 && !lazy)
		pidfd = (int)syscall(SYS_pidfd_open, st.pid, 0);

	tell_if_slow();
	int lost = st.state == MOUNTS_ALIVE && !lazy ? write_back(mountpoint) : 0;
	int err = unmount_patiently(mountpoint, lazy || st.state == MOUNTS_DEAD);
	if (err < 0)
		return cannot_unmount(err, mountpoint);

	int code = pidfd >= 0 ? wait_for_end(pidfd, mountpoint) : EXIT_DONE;
	(void)alarm(0);
	if (lost < 0)
		return exit_fail(EXIT_FAILED,
				 "'%s' is unmounted, but not all that was written there could be stored: %s",
				 mountpoint, exit_reason(lost));
	return code;
}

static int umount_operand(const char *operand, bool lazy)
{
	_cleanup_free_ char *real = NULL;
	int err = paths_resolve(operand, &real);
	if (err == -ENOENT || err == -ENOTDIR)
		return exit_fail(EXIT_NO_VAULT, "there is no mount point '%s'", operand);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot look at '%s': %s", operand, exit_reason(err));

	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	err = mounts_load(&m);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot read the list of mounts: %s", exit_reason(err));
	const struct mountinfo *e = mounts_at(&m, real);
	return e && e->ours ? unmount(real, lazy) : not_mounted(operand, real, &m);
}

int cmd_umount(int argc, char **argv)
{
	static const struct option options[] = {
		{ "lazy", no_argument, NULL, 'z' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	bool lazy = false;
	int c;
	while ((c = getopt_long(argc, argv, "zh", options, NULL)) != -1) {
		if (c == 'h')
			return main_help("umount");
		if (c != 'z')
			return exit_usage("umount", NULL);
		lazy = true;
	}
	if (argc - optind != 1)
		return exit_usage("umount", "umount takes one operand: the mount point");
	return umount_operand(argv[optind], lazy);
}
