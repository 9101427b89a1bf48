/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/unlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/mounts.h"
#include "vault/lock.h"

#define LOCK_WAIT_MS 10000
#define LOCK_STEP_MS 100
#define LOCK_TELL_MS 1000

void unlock_free(struct unlock *u)
{
	vault_free(u->vault);
	credential_free(&u->credential);
	cleanup_fd(&u->fd);
	free(u->path);
	*u = (struct unlock)UNLOCK_NONE;
}

void unlock_descriptors(void)
{
	struct rlimit lim;
	if (getrlimit(RLIMIT_NOFILE, &lim) < 0 || lim.rlim_cur == lim.rlim_max)
		return;
	lim.rlim_cur = lim.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &lim);
}

void unlock_hint(const char *path, const char *verb)
{
	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	_cleanup_free_ char *real = NULL;
	if (paths_resolve(path, &real) < 0 || mounts_load(&m) < 0)
		return;
	const struct mountinfo *e = mounts_at(&m, real);
	if (!e || !e->ours)
		return;
	_cleanup_free_ char *word = text_quote(e->source);
	if (!verb)
		exit_note("'%s' is where the vault '%s' is mounted: its files are to be had right there", path,
			  e->source);
	else
		exit_note("'%s' is where the vault '%s' is mounted: try 'cryptfs %s %s'", path, e->source, verb,
		  word ? word : e->source);
}

int unlock_open(struct unlock *u, const char *operand)
{
	const char *why = NULL;
	u->fd = open(operand, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (u->fd < 0)
		return exit_vault_dir(-errno, operand);
	int err = vault_open(u->fd, &u->vault, &why);
	if (err < 0)
		return exit_vault(err, operand, why);
	err = paths_resolve(operand, &u->path);
	return err < 0 ? exit_vault_dir(err, operand) : 0;
}

/* Who holds the vault? Returns an exit code if it is a mount that will not go away by itself. */
static int holder(const struct unlock *u, bool reading)
{
	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	if (mounts_load(&m) < 0)
		return 0;
	const struct mountinfo *e = mounts_of_vault(&m, u->fd);
	if (!e)
		return 0;
	_cleanup_free_ char *word = text_quote(e->mountpoint);
	if (reading)
		return exit_fail(EXIT_IN_USE,
				 "the vault '%s' is mounted on '%s': its files are to be had there (or unmount it "
				 "first: cryptfs umount %s)",
				 u->path, e->mountpoint, word ? word : "MOUNTPOINT");
	return exit_fail(EXIT_IN_USE,
			 "the vault '%s' is mounted already, on '%s' (to end that: cryptfs umount %s)", u->path,
			 e->mountpoint, word ? word : "MOUNTPOINT");
}

/* The lock is there, but does not hold everybody off. */
static int half_locked(const struct unlock *u, enum unlock_for what, bool quiet)
{
	if (what == UNLOCK_CHANGE)
		return exit_fail(EXIT_FAILED,
				 "the filesystem of '%s' knows no locks that hold off all others, so nothing keeps "
				 "them from using the vault meanwhile: do this on another",
				 u->path);
	if (what == UNLOCK_PRIVATE && !quiet)
		exit_note("a lock on '%s' does not hold off other machines: take care that none uses it meanwhile, "
			  "or mount it with --shared",
			  u->path);
	return 0;
}

/* Whoever had the lock may have given the vault another master key: what was read before is of no use then. */
static int read_again(struct unlock *u)
{
	struct vault *v = NULL;
	const char *why = NULL;
	int err = vault_open(u->fd, &v, &why);
	if (err < 0)
		return exit_vault(err, u->path, why);
	vault_free(u->vault);
	u->vault = v;
	return 0;
}

int unlock_lock(struct unlock *u, enum unlock_for what, bool quiet)
{
	bool exclusive = what == UNLOCK_PRIVATE || what == UNLOCK_CHANGE;
	const struct timespec step = { 0, LOCK_STEP_MS * 1000000L };
	int r;
	for (int waited = 0;; waited += LOCK_STEP_MS) {
		r = lock_vault(u->fd, exclusive);
		if (r >= 0)
			break;
		if (r != -EBUSY)
			return exit_vault(r, u->path, NULL);
		int code = holder(u, what == UNLOCK_READ);
		if (code != 0)
			return code;
		if (waited >= LOCK_WAIT_MS)
			return exit_vault(-EBUSY, u->path, NULL);
		if (waited == LOCK_TELL_MS && !quiet)
			exit_note("the vault is in use; waiting for that to end...");
		(void)nanosleep(&step, NULL);
	}
	int code = r == 0 ? 0 : half_locked(u, what, quiet);
	return code != 0 ? code : read_again(u);
}

/* Others who would change it meanwhile are kept away if that is still possible. */
static int look_locked(struct unlock *u)
{
	int r = lock_vault(u->fd, false);
	u->in_use = r == -EBUSY;
	return r < 0 && r != -EBUSY ? exit_vault(r, u->path, NULL) : read_again(u);
}

int unlock_exclude(int fd, const char *path)
{
	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	int r = lock_vault(fd, true);
	if (r >= 0)
		return 0;
	if (r == -EBUSY && mounts_load(&m) == 0 && mounts_of_vault(&m, fd))
		return 0;
	return exit_vault(r, path, NULL);
}

int unlock_source(struct unlock *u, const struct credential_args *a)
{
	return credential_open(&u->credential, a, &u->vault->settings, u->path);
}

static int try_unlock(void *arg, const struct vault_secret *secret, uint32_t *slot, const char **why)
{
	return vault_unlock(arg, secret, slot, why);
}

int unlock_ask(struct unlock *u)
{
	int code = credential_ask(&u->credential, &u->vault->settings, u->path, try_unlock, u->vault);
	credential_forget(&u->credential);
	return code;
}

struct master {
	const struct vault *vault;
	struct key32 *key;
};

static int try_master(void *arg, const struct vault_secret *secret, uint32_t *slot, const char **why)
{
	const struct master *m = arg;
	return vault_master(m->vault, secret, m->key, slot, why);
}

int unlock_master(struct unlock *u, struct key32 *master)
{
	struct master m = { u->vault, master };
	return credential_ask(&u->credential, &u->vault->settings, u->path, try_master, &m);
}

/* We have a shared lock: so may a shared mount, which others can write through meanwhile. */
static void warn_of_shared_mount(const struct unlock *u)
{
	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	const struct mountinfo *e = mounts_load(&m) < 0 ? NULL : mounts_of_vault(&m, u->fd);
	if (e && !e->read_only)
		exit_note("the vault is mounted on '%s', shared: what is written there meanwhile may be read in "
			  "part or seem damaged",
			  e->mountpoint);
}

int unlock_tree(struct unlock *u, const char *operand, const struct credential_args *a, enum unlock_for what,
		bool quiet, struct tree *t)
{
	int code = unlock_open(u, operand);
	if (code == EXIT_NO_VAULT)
		unlock_hint(operand, NULL);
	if (code == 0)
		code = what == UNLOCK_LOOK ? look_locked(u) : unlock_lock(u, what, quiet);
	if (code == 0)
		code = unlock_source(u, a);
	if (code != 0)
		return code;
	if (what == UNLOCK_READ && !quiet)
		warn_of_shared_mount(u);
	if ((code = secrets_prepare(false)) != 0 || (code = unlock_ask(u)) != 0)
		return code;
	unlock_descriptors(); /* a program that was asked need not have them */
	log_set_level(LOG_LEVEL_NONE); /* the verbs say themselves what is damaged, by names that a log may not see */
	int err = tree_open(u->vault, u->fd, t);
	return err < 0 ? exit_vault_dir(err, u->path) : 0;
}
