/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs umount: one mount, several, or all. Each is tried, whatever becomes of those before it; the first failure is
 * the exit code.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/leave.h"
#include "cli/mounts.h"

static int not_mounted(const char *operand, const char *real, const struct mounts *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (!m->entries[i].ours || strcmp(m->entries[i].source, real) != 0)
			continue;
		_cleanup_free_ char *word = text_quote(m->entries[i].mountpoint);
		return exit_fail(EXIT_NO_VAULT,
				 "'%s' is a vault, not a mount point; it is mounted on '%s' (to end that: cryptfs "
				 "umount %s)",
				 operand, m->entries[i].mountpoint, word ? word : "MOUNTPOINT");
	}
	return exit_fail(EXIT_NO_VAULT, "nothing is mounted on '%s' by cryptfs ('cryptfs status' lists what is)",
			 operand);
}

static int cannot_list(int err)
{
	return exit_fail(EXIT_FAILED, "cannot read the list of mounts: %s", exit_reason(err));
}

/* So that we do not keep a mount busy ourselves. */
static void leave_directory(void)
{
	if (chdir("/") != 0)
		exit_note("cannot go to '/': %s", exit_reason(-errno));
}

/* ---- operands ---- */

struct operand {
	const char *given;
	char *real;
	int err;
};

static int umount_operand(const struct operand *o, const struct leave_how *how)
{
	if (o->err == -ENOENT || o->err == -ENOTDIR)
		return exit_fail(EXIT_NO_VAULT, "there is no mount point '%s'", o->given);
	if (o->err < 0)
		return exit_fail(EXIT_FAILED, "cannot look at '%s': %s", o->given, exit_reason(o->err));

	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	int err = mounts_load(&m);
	if (err < 0)
		return cannot_list(err);
	const struct mountinfo *e = mounts_at(&m, o->real);
	return e && e->ours ? leave_mount(o->real, how) : not_mounted(o->given, o->real, &m);
}

static int umount_operands(char **argv, int n, const struct leave_how *how)
{
	_cleanup_free_ struct operand *list = calloc((size_t)n, sizeof(*list));
	int code = EXIT_DONE;
	if (!list)
		return exit_fail(EXIT_FAILED, "out of memory");
	for (int i = 0; i < n; i++) {
		list[i].given = argv[i];
		list[i].err = paths_resolve(argv[i], &list[i].real);
	}
	leave_directory();
	for (int i = 0; i < n; i++) {
		int r = umount_operand(&list[i], how);
		code = code == EXIT_DONE ? r : code;
		free(list[i].real);
	}
	return code;
}

/* ---- all ---- */

static bool may_unmount(const struct mountinfo *e)
{
	return e->ours && (geteuid() == 0 || e->user == getuid());
}

/* Is it what a path leads to, and not hidden by another? */
static bool is_within_reach(const struct mountinfo *e)
{
	_cleanup_fd_ int fd = open(e->mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && mounts_id_of_fd(AT_FDCWD, fd) == e->id;
}

static bool is_still_there(const struct mountinfo *e)
{
	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	if (mounts_load(&m) < 0)
		return true;
	for (size_t i = 0; i < m.n; i++)
		if (m.entries[i].id == e->id && m.entries[i].dev == e->dev)
			return true;
	return false;
}

static int umount_one_of_all(const struct mountinfo *e, const struct leave_how *how)
{
	if (!is_still_there(e))
		return EXIT_DONE;
	if (!is_within_reach(e))
		return exit_fail(EXIT_FAILED, "'%s' cannot be reached: another mount hides it; unmount that first",
				 e->mountpoint);
	int code = leave_mount(e->mountpoint, how);
	if (code == EXIT_DONE && !how->quiet)
		text_line("unmounted %s", e->mountpoint);
	return code;
}

/* The latest first: a vault may lie in the mount of another. */
static int umount_all(const struct leave_how *how)
{
	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	int err = mounts_load(&m), code = EXIT_DONE;
	bool any = false;
	if (err < 0)
		return cannot_list(err);
	leave_directory();
	for (size_t i = m.n; i-- > 0;) {
		if (!may_unmount(&m.entries[i]))
			continue;
		int r = umount_one_of_all(&m.entries[i], how);
		code = code == EXIT_DONE ? r : code;
		any = true;
	}
	if (!any && !how->quiet)
		(void)puts("nothing is mounted");
	return code;
}

int cmd_umount(int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "lazy", no_argument, NULL, 'z' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct leave_how how = { .lazy = false };
	bool all = false;
	int c;
	while ((c = getopt_long(argc, argv, "azqh", options, NULL)) != -1) {
		switch (c) {
		case 'a': all = true; break;
		case 'z': how.lazy = true; break;
		case 'q': how.quiet = args_quiet(); break;
		case 'h': return main_help("umount");
		default: return exit_usage("umount", NULL);
		}
	}
	if (all && optind < argc)
		return exit_usage("umount", "umount takes --all or mount points, not both");
	if (!all && optind == argc)
		return exit_usage("umount", "umount takes the mount points, or --all");
	return all ? umount_all(&how) : umount_operands(argv + optind, argc - optind, &how);
}
