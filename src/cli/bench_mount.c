/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A vault that nobody keeps. Beside us there is a process, out of reach of what ends us, that waits for our end and
 * then takes away the mount and the directory: whether we were done, interrupted or killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <time.h>

#include "base/io.h"
#include "cli/bench.h"
#include "cli/cli.h"
#include "cli/mounts.h"

#define TMPFS 0x01021994 /* of <linux/magic.h> */
#define TIDY_TRIES 100
#define TIDY_STEP_NS 100000000L

extern char **environ;

static volatile sig_atomic_t caught;

static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

struct place {
	char *dir; /* absolute */
	char *key, *vault, *mnt, *plain;
	int pipe;  /* its end is ours */
	pid_t guard;
};

/* ---- our own verbs ---- */

static int wait_for(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

/* In a group of its own: ^C at the terminal is for us. What it has to say goes to stderr. Returns its exit code or
 * -errno. */
static int run(char *const argv[])
{
	posix_spawnattr_t attr;
	posix_spawn_file_actions_t files;
	sigset_t none;
	pid_t pid;
	(void)sigemptyset(&none);
	if (posix_spawnattr_init(&attr) != 0 || posix_spawn_file_actions_init(&files) != 0)
		return -ENOMEM;
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	int r = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn(&pid, "/proc/self/exe", &files, &attr, argv, environ);
	(void)posix_spawn_file_actions_destroy(&files);
	(void)posix_spawnattr_destroy(&attr);
	return r == 0 ? wait_for(pid) : -r;
}

static int run_verb(char *verb, char *keyfile, char *a, char *b)
{
	char name[] = "cryptfs", quiet[] = "-q", key[] = "--keyfile";
	char *argv[] = { name, verb, quiet, key, keyfile, a, b, NULL };
	return run(argv);
}

/* ---- the process that tidies up ---- */

static int remove_one(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
	(void)sb;
	(void)ftw;
	(void)(type == FTW_DP || type == FTW_D || type == FTW_DNR ? rmdir(path) : unlink(path));
	return 0;
}

static bool is_mounted(const struct place *p)
{
	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	return mounts_load(&m) == 0 && mounts_at(&m, p->mnt);
}

/* A mount that was still under way when we were killed may come up meanwhile, and its process may still be writing back
 * what nobody wants. */
static void tidy(const struct place *p)
{
	const struct timespec step = { 0, TIDY_STEP_NS };
	for (int i = 0; i < TIDY_TRIES; i++) {
		if (is_mounted(p) && unmount_path(p->mnt, false) < 0)
			(void)unmount_path(p->mnt, true);
		(void)nftw(p->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
		if (access(p->dir, F_OK) != 0)
			return;
		(void)nanosleep(&step, NULL);
	}
	exit_note("cannot remove '%s': remove it by hand", p->dir);
}

static void guard(const struct place *p, int fd)
{
	char byte;
	(void)setsid();
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		(void)signal(ends[i], SIG_IGN);
	while (read(fd, &byte, 1) < 0 && errno == EINTR)
		;
	tidy(p);
	_exit(EXIT_DONE);
}

static int start_guard(struct place *p)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	p->guard = fork();
	if (p->guard == 0) {
		(void)close(fds[1]);
		guard(p, fds[0]);
	}
	int err = p->guard < 0 ? -errno : 0;
	(void)close(fds[0]);
	p->pipe = fds[1];
	return err;
}

/* ---- signals ---- */

static void catch_signal(int sig)
{
	caught = sig;
}

/* What our caller ignores stays so. */
static void catch_ends(struct sigaction old[])
{
	const struct sigaction act = { .sa_handler = catch_signal };
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		(void)sigaction(ends[i], NULL, &old[i]);
		if (old[i].sa_handler != SIG_IGN)
			(void)sigaction(ends[i], &act, NULL);
	}
}

static void restore_ends(const struct sigaction old[])
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		(void)sigaction(ends[i], &old[i], NULL);
}

/* ---- the directory ---- */

static int make_place(const char *dir, struct place *p)
{
	_cleanup_free_ char *real = NULL;
	int err = paths_resolve(dir, &real);
	if (err < 0)
		return err;
	if (asprintf(&p->dir, "%s/cryptfs-bench.XXXXXX", real) < 0) {
		p->dir = NULL;
		return -ENOMEM;
	}
	if (!mkdtemp(p->dir)) {
		err = -errno;
		free(p->dir);
		p->dir = NULL;
		return err;
	}
	p->key = p->vault = p->mnt = p->plain = NULL;
	if (asprintf(&p->key, "%s/key", p->dir) < 0 || asprintf(&p->vault, "%s/vault", p->dir) < 0 ||
	    asprintf(&p->mnt, "%s/mnt", p->dir) < 0 || asprintf(&p->plain, "%s/plain", p->dir) < 0)
		return -ENOMEM;
	return mkdir(p->mnt, 0700) == 0 && mkdir(p->plain, 0700) == 0 ? 0 : -errno;
}

/* Nothing of it is left when this returns. */
static void end_place(struct place *p)
{
	cleanup_fd(&p->pipe);
	bench_tell("removing the temporary vault");
	if (p->guard > 0)
		(void)wait_for(p->guard);
	else if (p->dir && p->mnt)
		tidy(p);
	bench_tell(NULL);
	free(p->dir);
	free(p->key);
	free(p->vault);
	free(p->mnt);
	free(p->plain);
}

static bool is_in_memory(const char *dir)
{
	struct statfs fs;
	return statfs(dir, &fs) == 0 && fs.f_type == TMPFS;
}

/* ---- measuring ---- */

static int failed(const char *doing, int err)
{
	bench_tell(NULL);
	return caught ? EXIT_FAILED : exit_fail(EXIT_FAILED, "%s: %s", doing, exit_reason(err));
}

static int start_vault(const struct place *p)
{
	char init[] = "init", mount[] = "mount";
	bench_tell("making a temporary vault");
	int code = run_verb(init, p->key, p->vault, NULL);
	if (code == 0 && !caught)
		code = run_verb(mount, p->key, p->vault, p->mnt);
	if (code < 0)
		return failed("cannot run cryptfs", code);
	return caught && code == 0 ? EXIT_FAILED : code;
}

static int measure(const struct place *p, double seconds, struct bench_mount *out)
{
	bench_tell("measuring files without a vault");
	int err = bench_files(p->plain, NULL, seconds / 2, &caught, &out->plain);
	if (err < 0)
		return failed("cannot measure in the directory", err);
	int code = start_vault(p);
	if (code != 0)
		return code;
	bench_tell("measuring files in a vault");
	err = bench_files(p->mnt, p->vault, seconds / 2, &caught, &out->vault);
	return err < 0 ? failed("cannot measure in the vault", err) : 0;
}

int bench_mount(const char *dir, double seconds, struct bench_mount *out)
{
	struct sigaction old[sizeof(ends) / sizeof(ends[0])];
	struct place p = { .pipe = -1 };
	int code;
	*out = (struct bench_mount){ .in_memory = is_in_memory(dir) };
	(void)fflush(stdout);
	catch_ends(old);
	int err = make_place(dir, &p);
	if (err == 0)
		err = start_guard(&p);
	if (err < 0)
		code = exit_fail(EXIT_FAILED, "cannot make a temporary directory in '%s': %s", dir, exit_reason(err));
	else
		code = measure(&p, seconds, out);
	end_place(&p);
	restore_ends(old);
	if (caught)
		(void)raise(caught);
	return code;
}
