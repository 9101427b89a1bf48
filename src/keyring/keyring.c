/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The child has what it is asked for from its parent's memory, but no key: the arena is not inherited. The secret of a
 * store goes to it, and that of a lookup comes from it, through a socket.
 */
#include "keyring/keyring.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/aside.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "keyring/secretservice.h"

#define KEYRING_MS 10000
#define KEYRING_MS_ASKING 60000

struct keyring_order {
	enum { KEYRING_STORE, KEYRING_LOOKUP, KEYRING_REMOVE } verb;
	const struct keyring_item *item;
	const char *label;
	bool may_ask;
};

/* A packet; what follows the result is there only if something was found. */
struct keyring_answer {
	int32_t result;
	uint8_t secret[KEYRING_SECRET_LEN];
};

/* ---- the child ---- */

static int keyring_obey(const struct keyring_order *o, int fd, uint8_t secret[static KEYRING_SECRET_LEN])
{
	switch (o->verb) {
	case KEYRING_STORE:
		if (read(fd, secret, KEYRING_SECRET_LEN) != KEYRING_SECRET_LEN)
			return -EIO;
		return secretservice_store(o->item, o->label, secret, o->may_ask);
	case KEYRING_LOOKUP: return secretservice_lookup(o->item, secret, o->may_ask);
	default: return secretservice_remove(o->item, o->may_ask);
	}
}

/* Signals are ignored, so neither read nor write is interrupted. */
static _Noreturn void keyring_child(int fd, const struct keyring_order *o, pid_t parent)
{
	const struct rlimit none = { 0, 0 };
	struct keyring_answer a;
	memset(&a, 0, sizeof(a));
	aside_begin("cryptfs-keyring", fd);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(0); /* it was gone before that */
	a.result = keyring_obey(o, fd, a.secret);
	bool found = o->verb == KEYRING_LOOKUP && a.result == 0;
	ssize_t n = write(fd, &a, found ? sizeof(a) : sizeof(a.result));
	explicit_bzero(&a, sizeof(a));
	_exit(n < 0);
}

/* ---- whoever asks ---- */

struct keyring_ask {
	pid_t pid;
	int fd;
};

static int keyring_start(struct keyring_ask *a, const struct keyring_order *o)
{
	int ends[2];
	const pid_t parent = getpid();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return -errno;
	a->pid = fork();
	if (a->pid == 0)
		keyring_child(ends[1], o, parent);
	int r = a->pid < 0 ? -errno : 0;
	(void)close(ends[1]);
	if (r < 0)
		(void)close(ends[0]);
	else
		a->fd = ends[0];
	return r;
}

/* The child's result, and the secret (if one is asked for) to where it belongs. Anything else is the child's death. */
static int keyring_receive(int fd, uint8_t *secret, bool *answered)
{
	int32_t result = 0;
	const size_t n_secret = secret ? KEYRING_SECRET_LEN : 0;
	const struct iovec parts[] = { { &result, sizeof(result) }, { secret, n_secret } };
	ssize_t n;
	while ((n = readv(fd, parts, 2)) < 0 && errno == EINTR)
		;
	if (n < (ssize_t)sizeof(result) || result > 0)
		return -EIO;
	*answered = true;
	return result == 0 && (size_t)n != sizeof(result) + n_secret ? -EIO : result;
}

static int keyring_ask(int fd, const uint8_t *stored, uint8_t *found, int64_t end, bool *answered)
{
	if (stored && send(fd, stored, KEYRING_SECRET_LEN, MSG_NOSIGNAL) != KEYRING_SECRET_LEN)
		return -EIO;
	int r = io_wait(fd, end);
	return r < 0 ? r : keyring_receive(fd, found, answered);
}

static bool keyring_env_is_set(const char *name)
{
	const char *value = getenv(name);
	return value && *value;
}

/* A child that has answered ends by itself. If nobody waits for children of ours (SIGCHLD is ignored) its number may be
 * another's by now, so it is not to be killed; and there is nothing to wait for (ECHILD). */
static void keyring_end(struct keyring_ask *a, bool answered)
{
	if (!answered)
		(void)kill(a->pid, SIGKILL);
	while (waitpid(a->pid, NULL, 0) < 0 && errno == EINTR)
		;
	(void)close(a->fd);
}

static int keyring_run(struct keyring_order *o, const uint8_t *stored, uint8_t *found)
{
	struct keyring_ask a = { .fd = -1 };
	bool answered = false;
	if (!secretservice_is_built())
		return -EOPNOTSUPP;
	o->may_ask = keyring_env_is_set("DISPLAY") || keyring_env_is_set("WAYLAND_DISPLAY");
	const int64_t end = io_now_ms() + (o->may_ask ? KEYRING_MS_ASKING : KEYRING_MS);
	int r = keyring_start(&a, o);
	if (r < 0)
		return r;
	r = keyring_ask(a.fd, stored, found, end, &answered);
	keyring_end(&a, answered);
	return r;
}

/* ---- what it is for ---- */

bool keyring_is_built(void)
{
	return secretservice_is_built();
}

int keyring_store(const struct keyring_item *item, const char *label, const uint8_t secret[static KEYRING_SECRET_LEN])
{
	struct keyring_order o = { .verb = KEYRING_STORE, .item = item, .label = label };
	return keyring_run(&o, secret, NULL);
}

int keyring_lookup(const struct keyring_item *item, uint8_t secret[static KEYRING_SECRET_LEN])
{
	struct keyring_order o = { .verb = KEYRING_LOOKUP, .item = item };
	int r = keyring_run(&o, NULL, secret);
	if (r < 0)
		explicit_bzero(secret, KEYRING_SECRET_LEN);
	return r;
}

int keyring_remove(const struct keyring_item *item)
{
	struct keyring_order o = { .verb = KEYRING_REMOVE, .item = item };
	return keyring_run(&o, NULL, NULL);
}
