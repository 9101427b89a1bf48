/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/listen.h"

#include <errno.h>

#include "cli/cli.h"

static int no_locking(int err)
{
	switch (-err) {
	case EOPNOTSUPP:
		return exit_fail(EXIT_MOUNT_FAILED,
				 "--lock-on cannot be had: this cryptfs was built without it, or libsystemd is missing "
				 "here (install it, or mount without --lock-on)");
	case EHOSTUNREACH:
		return exit_fail(EXIT_MOUNT_FAILED,
				 "--lock-on cannot be had: there is no logind here that would say when (install "
				 "elogind where there is no systemd, or mount without --lock-on)");
	case ETIMEDOUT:
		return exit_fail(EXIT_MOUNT_FAILED,
				 "--lock-on cannot be had: logind, or the system's D-Bus, does not answer (try again, "
				 "or mount without --lock-on)");
	case EACCES:
		return exit_fail(EXIT_MOUNT_FAILED,
				 "--lock-on cannot be had: logind does not permit you to delay a sleep (ask who runs "
				 "this system, or mount without --lock-on)");
	default:
		return exit_fail(EXIT_MOUNT_FAILED, "--lock-on cannot be had: %s", exit_reason(err));
	}
}

static void no_notifications(int err)
{
	switch (-err) {
	case EOPNOTSUPP:
		exit_note("no notifications: this cryptfs was built without them, or libsystemd is missing here");
		break;
	case EHOSTUNREACH:
		exit_note("no notifications: there is no desktop here (no D-Bus of a session)");
		break;
	case ETIMEDOUT:
		exit_note("no notifications: the session's D-Bus does not answer");
		break;
	default:
		exit_note("no notifications: %s", exit_reason(err));
	}
}

int listen_start(const struct desktop_options *asked, const char *mountpoint, bool quiet, struct desktop **out)
{
	struct desktop_answer answer = { 0, 0 };
	if (!asked->on_sleep && !asked->on_screen && !asked->notify)
		return 0;
	_cleanup_free_ char *text = text_escape(mountpoint);
	if (!text)
		return exit_fail(EXIT_FAILED, "out of memory");
	struct desktop_options o = *asked;
	o.mountpoint = text;
	int err = desktop_start(&o, out, &answer);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot start a process that listens: %s", exit_reason(err));
	if (answer.lock < 0)
		return no_locking(answer.lock);
	if (answer.notify < 0 && !quiet)
		no_notifications(answer.notify);
	return 0;
}
