/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs mount: all that can be refused without a secret is refused first; then the process forks,
 * and only the child, which stays, ever sees the passphrase.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/io.h"
#include "base/log.h"
#include "cli/background.h"
#include "cli/cli.h"
#include "cli/listen.h"
#include "cli/mount_args.h"
#include "cli/mountpoint.h"
#include "cli/mounts.h"
#include "cli/notify.h"
#include "cli/unlock.h"
#include "sandbox/attendant.h"
#include "sandbox/mountid.h"

/* A mount in the making. */
struct job {
	struct mount_args args;
	struct unlock u;
	char *mountpoint;
	struct mountid mount_id; /* of what lay there when it was looked at */
	struct background background;
	struct attendant *attendant;
	struct desktop *desktop; /* NULL: not asked for */
	int notify_fd; /* of a service manager, or -1 */
	bool is_up;
	bool has_failed;
};

static void job_free(struct job *j)
{
	attendant_end(j->attendant);
	background_report(&j->background, EXIT_FAILED);
	cleanup_fd(&j->background.null_fd);
	cleanup_fd(&j->notify_fd);
	mount_args_free(&j->args);
	unlock_free(&j->u);
	free(j->mountpoint);
	desktop_end(j->desktop, !j->has_failed); /* keys are gone */
}

/* The operands the wrong way round. */
static bool swapped(const struct mount_args *a)
{
	return paths_is_vault(a->mountpoint) && !paths_is_vault(a->vault);
}

static int say_swapped(const struct mount_args *a)
{
	_cleanup_free_ char *vault = text_quote(a->mountpoint);
	_cleanup_free_ char *point = text_quote(a->vault);
	return exit_fail(EXIT_NO_VAULT, "'%s' is not a vault, but '%s' is: did you mean 'cryptfs mount %s %s'?",
			 a->vault, a->mountpoint, vault ? vault : "VAULT", point ? point : "MOUNTPOINT");
}

static int open_vault(struct job *j)
{
	if (swapped(&j->args))
		return say_swapped(&j->args);
	int code = unlock_open(&j->u, j->args.vault);
	if (code == 0 && j->u.vault->settings.previous.there && !j->args.quiet)
		exit_note("'%s' has not been sealed anew to the end (to go on, once it is unmounted: cryptfs rekey)",
			  j->u.path);
	if (code == 0 && j->u.vault->settings.coherency == VAULTFILE_SHARED)
		j->args.session.shared = true;
	return code;
}

/* Does nobody write to the vault's filesystem, by this mount of it or by another? */
static bool nobody_writes(int fd)
{
	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	const struct mountinfo *e = mounts_load(&m) == 0 ? mounts_of_fd(&m, fd) : NULL;
	return e && e->disk_read_only && !io_is_foreign(fd);
}

/* Like mount(8) does with a write-protected disk. Where others can write to it, a shared mount may be doing so beside
 * a read-only one, which has to look for changes then. */
static void follow_read_only(struct job *j)
{
	struct statvfs st;
	bool disk = fstatvfs(j->u.fd, &st) == 0 && (st.f_flag & ST_RDONLY), asked = j->args.session.read_only;
	if ((asked || disk) && !nobody_writes(j->u.fd))
		j->args.session.shared = true;
	if (asked || !disk)
		return;
	j->args.session.read_only = true;
	if (!j->args.quiet)
		exit_note("'%s' lies on a read-only filesystem: mounting it read-only", j->u.path);
}

/* All that needs no secret. */
static int prepare(struct job *j)
{
	int code = open_vault(j);
	if (code == 0)
		code = mountpoint_check(j->args.mountpoint, j->u.fd, j->args.quiet, &j->mountpoint);
	if (code != 0)
		return code;
	_cleanup_fd_ int fd = mountid_open(j->mountpoint, &j->mount_id);
	if (fd < 0)
		return exit_fail(EXIT_MOUNT_FAILED, "cannot open '%s': %s", j->mountpoint, exit_reason(fd));
	follow_read_only(j);
	bool others = j->args.session.shared || j->args.session.read_only;
	code = unlock_lock(&j->u, others ? UNLOCK_SHARED : UNLOCK_PRIVATE, j->args.quiet);
	return code != 0 ? code : unlock_source(&j->u, &j->args.credential);
}

/* From a thread of the session's. */
static void on_ready(void *arg)
{
	struct job *j = arg;
	j->is_up = true;
	desktop_tell(j->desktop, DESKTOP_UP);
	notify_say(j->notify_fd, "READY=1");
	if (j->background.report_fd < 0)
		return;
	background_detach(&j->background);
	log_set_sink(attendant_log);
	background_report(&j->background, EXIT_DONE);
}

/* From any thread of the session's. */
static void on_event(enum session_event event, void *arg)
{
	const struct job *j = arg;
	switch (event) {
	case SESSION_DAMAGED: desktop_tell(j->desktop, DESKTOP_DAMAGED); break;
	case SESSION_BUSY: desktop_tell(j->desktop, DESKTOP_BUSY); break;
	case SESSION_IDLE: desktop_tell(j->desktop, DESKTOP_IDLE); break;
	}
}

static bool have_helper(void)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *copy = strdup(path ? path : "/usr/bin:/bin");
	char *save = NULL;
	for (char *dir = copy ? strtok_r(copy, ":", &save) : NULL; dir; dir = strtok_r(NULL, ":", &save)) {
		_cleanup_free_ char *file = NULL;
		if (asprintf(&file, "%s/fusermount3", dir) < 0) {
			file = NULL;
			return true;
		}
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

/* The session has logged what failed; the likely reason is known from here. */
static int mount_failed(const struct job *j)
{
	const char *advice = "the line above says why";
	if (access("/dev/fuse", F_OK) < 0)
		advice = "/dev/fuse is missing (load it: modprobe fuse; in a container, give it that device)";
	else if (geteuid() != 0 && !have_helper())
		advice = "fusermount3 is missing, which mounts for users (install fuse3)";
	else if (geteuid() != 0 && j->args.session.allow_other)
		advice = "--allow-other needs a line 'user_allow_other' in /etc/fuse.conf";
	return exit_fail(EXIT_MOUNT_FAILED, "cannot mount '%s' on '%s': %s", j->u.path, j->mountpoint, advice);
}

/* While a passphrase was asked for another mount may have come to lie there: the one would hide the other. */
static int check_unchanged(const struct job *j)
{
	struct mountid id;
	_cleanup_fd_ int fd = mountid_open(j->mountpoint, &id);
	if (fd >= 0 && mountid_same(&id, &j->mount_id))
		return 0;
	return exit_fail(EXIT_MOUNT_FAILED, "something else has been mounted on '%s' meanwhile", j->mountpoint);
}

static int serve(struct job *j)
{
	struct session_options *opt = &j->args.session;
	opt->attendant = j->attendant;
	opt->vault_path = j->u.path;
	opt->mountpoint = j->mountpoint;
	opt->fuse_opts = j->args.rest;
	opt->tell = on_event;
	opt->tell_arg = j;

	unlock_descriptors();
	int r = session_run(j->u.vault, j->u.fd, opt, on_ready, j);
	if (j->is_up)
		notify_say(j->notify_fd, "STOPPING=1");
	if (r == SESSION_MOUNT_FAILED)
		return mount_failed(j);
	if (r < 0) {
		j->has_failed = true;
		log_error("the mount has ended: %s", strerror(-r));
		return EXIT_FAILED;
	}
	return j->is_up ? EXIT_DONE : exit_fail(EXIT_FAILED, "interrupted before the mount was up");
}

/* The last forks. */
static int start_others(struct job *j)
{
	background_prepare(&j->background);
	int err = attendant_start(j->mountpoint, &j->attendant);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot start a process: %s", exit_reason(err));
	return listen_start(&j->args.desktop, j->mountpoint, j->args.quiet, &j->desktop);
}

/* In the process that stays. */
static int run(struct job *j)
{
	int code = start_others(j);
	if (code == 0 && j->args.foreground)
		j->notify_fd = notify_open();
	if (code == 0)
		code = secrets_prepare(j->args.session.debug);
	if (code == 0)
		code = unlock_ask(&j->u);
	else
		credential_free(&j->u.credential);
	if (!j->args.foreground)
		background_close_inherited();
	if (code == 0)
		code = check_unchanged(j);
	if (code == 0)
		code = serve(j);
	background_report(&j->background, code);
	return code;
}

int cmd_mount(int argc, char **argv)
{
	_cleanup_(job_free) struct job j = { .u = UNLOCK_NONE, .background = { -1, -1 }, .notify_fd = -1 };
	int code = mount_args_parse(argc, argv, &j.args);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	if (j.args.quiet)
		log_set_level(LOG_LEVEL_WARN);
	if (j.args.session.debug)
		log_set_level(LOG_LEVEL_DEBUG);
	if ((code = prepare(&j)) != 0)
		return code;
	if (j.args.foreground)
		return run(&j);

	code = background_start(&j.background);
	if (code == BACKGROUND_CHILD)
		return run(&j);
	if (code == -ECHILD)
		return exit_fail(EXIT_FAILED, "the process that was to serve the mount has died");
	return code < 0 ? exit_fail(EXIT_FAILED, "cannot start a process: %s", exit_reason(code)) : code;
}
