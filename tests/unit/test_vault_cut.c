/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What changes a vault's settings, killed before each of its system calls in turn: they are the old or the new ones,
 * the same again works, and nothing has been lost that opened it.
 */
#include "vaults.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "format/name.h"
#include "vault/epoch.h"
#include "vault/slots.h"

#define CALLS_MAX 500 /* far more than any of it makes */

/* Secrets that are random need no Argon2id. */
static const uint8_t old_key[] = "the old key of 32 bytes, all here";
static const uint8_t new_key[] = "the new key of 32 bytes, all here";
static const struct vault_secret old_secret = { VAULTFILE_KEYFILE, old_key, 32 };
static const struct vault_secret new_secret = { VAULTFILE_KEYFILE, new_key, 32 };

/* ---- what is done ---- */

static int create(int dirfd)
{
	return vault_create(dirfd, &old_secret, &(struct vault_options){ .label = "label" });
}

/* The settings and their master key, by whichever of the two secrets opens them. */
static int open_by(int dirfd, const struct vault_secret *secret, struct vault **v, struct key32 *master)
{
	const char *why;
	int r = vault_open(dirfd, v, &why);
	return r < 0 ? r : vault_master(*v, secret, master, NULL, &why);
}

static int change_secret(int dirfd)
{
	struct vault *v _cleanup_vault_ = NULL;
	_cleanup_key_ struct key32 *master = keymem_alloc(sizeof(*master));
	int r = open_by(dirfd, &old_secret, &v, master);
	if (r == 0)
		r = slots_change(&v->settings, master, 0, &new_secret, &(struct slot_choice){ .label = "new" });
	return r < 0 ? r : vault_save(v, dirfd, master);
}

static int begin_epoch(int dirfd)
{
	struct vault *v _cleanup_vault_ = NULL;
	_cleanup_key_ struct key32 *master = keymem_alloc(sizeof(*master));
	_cleanup_key_ struct key32 *fresh = keymem_alloc(sizeof(*fresh));
	int r = open_by(dirfd, &old_secret, &v, master);
	if (r == 0 && v->settings.previous.there)
		return epoch_keep(v, dirfd);
	if (r == 0)
		r = epoch_begin(v, master, &old_secret, 0, fresh);
	return r < 0 ? r : epoch_save(v, dirfd, fresh);
}

static int end_epoch(int dirfd)
{
	struct vault *v _cleanup_vault_ = NULL;
	_cleanup_key_ struct key32 *master = keymem_alloc(sizeof(*master));
	int r = open_by(dirfd, &old_secret, &v, master);
	if (r < 0)
		return r;
	v->settings.previous.there = false;
	return epoch_save(v, dirfd, master);
}

/* ---- what there must be ---- */

static bool opens(const struct scratch *s, const struct vault_secret *secret)
{
	struct vault *v _cleanup_vault_ = NULL;
	const char *why;
	return vault_open(s->fd, &v, &why) == 0 && vault_unlock(v, secret, NULL, &why) == 0;
}

/* The epoch of a settings file, -1 if there is none that can be read; 1000 more with the key of the one before. */
static int epoch_of(const struct scratch *s, const char *name)
{
	struct vault *v _cleanup_vault_ = NULL;
	const char *why;
	if (vault_read(s->fd, name, &v, &why) < 0)
		return -1;
	return (int)v->settings.epoch + (v->settings.previous.there ? 1000 : 0);
}

static void judge_create(const struct scratch *s)
{
	struct stat sb;
	bool there = fstatat(s->fd, NAME_SETTINGS_FILE, &sb, AT_SYMLINK_NOFOLLOW) == 0;
	assert_true(opens(s, &old_secret) == there);
	assert_int_equal(create(s->fd), there ? -EEXIST : 0);
	assert_true(opens(s, &old_secret));
}

static void judge_change(const struct scratch *s)
{
	bool was = opens(s, &old_secret);
	assert_true(was != opens(s, &new_secret));
	if (was)
		assert_int_equal(change_secret(s->fd), 0);
	assert_true(opens(s, &new_secret));
}

/* Until the copy is that of both keys as well, nothing is sealed anew: begin_epoch has not returned. */
static void judge_begin(const struct scratch *s)
{
	assert_true(opens(s, &old_secret));
	int now = epoch_of(s, NAME_SETTINGS_FILE), copy = epoch_of(s, NAME_SETTINGS_BACKUP);
	assert_true(now == 0 || now == 1001);
	assert_true(copy == -1 || copy == 0 || copy == now);
	assert_int_equal(begin_epoch(s->fd), 0);
	assert_true(opens(s, &old_secret));
	assert_int_equal(epoch_of(s, NAME_SETTINGS_FILE), 1001);
	assert_int_equal(epoch_of(s, NAME_SETTINGS_BACKUP), 1001);
}

static void judge_end(const struct scratch *s)
{
	assert_true(opens(s, &old_secret));
	int now = epoch_of(s, NAME_SETTINGS_FILE), copy = epoch_of(s, NAME_SETTINGS_BACKUP);
	assert_true(now == 1 || now == 1001);
	assert_true(copy == 1001 || copy == 1);
	assert_int_equal(end_epoch(s->fd), 0);
	assert_true(opens(s, &old_secret));
	assert_int_equal(epoch_of(s, NAME_SETTINGS_FILE), 1);
	assert_int_equal(epoch_of(s, NAME_SETTINGS_BACKUP), 1);
}

/* ---- killing ---- */

static void child(int dirfd, int (*run)(int dirfd))
{
	if (keymem_init() < 0 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(2);
	raise(SIGSTOP);
	_exit(run(dirfd) == 0 ? 0 : 1);
}

/* Run it in a child that is killed before its nth system call. Returns 1 if it was killed, 0 if it came to its end
 * before that, -1 if nothing can be traced here. */
static int run_cut(const struct scratch *s, int (*run)(int dirfd), int nth)
{
	int status;
	bool inside = false;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child(s->fd, run);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSTOPPED(status))
		return -1;
	(void)ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
	while (WIFSTOPPED(status)) {
		bool call = WSTOPSIG(status) == (SIGTRAP | 0x80);
		inside = call ? !inside : inside;
		bool now = call && inside && nth-- == 0;
		if (now)
			kill(pid, SIGKILL);
		else if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) != 0 && errno != ESRCH)
			return -1;
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	if (WIFSIGNALED(status))
		return 1;
	assert_int_equal(WEXITSTATUS(status), 0);
	return 0;
}

static void empty(const struct scratch *s)
{
	struct dirent *e;
	DIR *d = opendir(s->path);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		(void)unlinkat(s->fd, e->d_name, 0);
	closedir(d);
}

static void cut_everywhere(struct scratch *s, int (*first)(int dirfd), int (*second)(int dirfd), int (*run)(int dirfd),
			   void (*judge)(const struct scratch *s))
{
	int r = 1, n = 0;
	for (; r == 1 && n < CALLS_MAX; n++) {
		empty(s);
		assert_int_equal(first ? first(s->fd) : 0, 0);
		assert_int_equal(second ? second(s->fd) : 0, 0);
		r = run_cut(s, run, n);
		SKIP_IF(r < 0, "no process can be traced here");
		judge(s);
	}
	assert_int_equal(r, 0);
	assert_true(n > 10);
	print_message("# killed before each of %d calls\n", n - 1);
	empty(s);
}

static void test_create(void **state)
{
	cut_everywhere(*state, NULL, NULL, create, judge_create);
}

static void test_change(void **state)
{
	cut_everywhere(*state, create, NULL, change_secret, judge_change);
}

static void test_epoch_begins(void **state)
{
	cut_everywhere(*state, create, NULL, begin_epoch, judge_begin);
}

static void test_epoch_ends(void **state)
{
	cut_everywhere(*state, create, begin_epoch, end_epoch, judge_end);
}

#define SCRATCH_TEST(fn) cmocka_unit_test_setup_teardown(fn, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_TEST(test_create),
		SCRATCH_TEST(test_change),
		SCRATCH_TEST(test_epoch_begins),
		SCRATCH_TEST(test_epoch_ends),
	};
	return RUN_TAP(tests, group_setup, group_teardown);
}
