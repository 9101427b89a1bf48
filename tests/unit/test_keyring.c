/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The child, the socket and the deadline of src/keyring/keyring.c, with a keyring of the test's own behind them. */
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/bytes.h"
#include "keyring/keyring.h"
#include "keyring/secretservice.h"

static const struct keyring_item item = { "0123abcd", 7 };
static bool built = true;
static int answer;        /* of the next call, or... */
static void (*act)(void); /* ...what its child does instead */

int __real_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);
static int poll_limit; /* 0: as long as is asked for */
static int poll_asked;

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	poll_asked = timeout;
	return __real_poll(fds, n, poll_limit > 0 ? poll_limit : timeout);
}

int __real_socketpair(int domain, int type, int protocol, int ends[2]);
int __wrap_socketpair(int domain, int type, int protocol, int ends[2]);
static int socketpair_error;

int __wrap_socketpair(int domain, int type, int protocol, int ends[2])
{
	errno = socketpair_error;
	return socketpair_error ? -1 : __real_socketpair(domain, type, protocol, ends);
}

pid_t __real_fork(void);
pid_t __wrap_fork(void);
static int fork_error;

pid_t __wrap_fork(void)
{
	errno = fork_error;
	return fork_error ? -1 : __real_fork();
}

/* ---- the keyring ---- */

bool secretservice_is_built(void)
{
	return built;
}

static int obey(const struct keyring_item *i)
{
	if (strcmp(i->vault_id, item.vault_id) != 0 || i->slot != item.slot)
		return -ENOTUNIQ;
	if (act)
		act();
	return answer;
}

int secretservice_store(const struct keyring_item *i, const char *label,
			const uint8_t secret[static KEYRING_SECRET_LEN], bool may_ask)
{
	for (size_t k = 0; k < KEYRING_SECRET_LEN; k++)
		if (secret[k] != k)
			return -ENOTUNIQ;
	return strcmp(label, "label") == 0 && !may_ask ? obey(i) : -ENOTUNIQ;
}

int secretservice_lookup(const struct keyring_item *i, uint8_t secret[static KEYRING_SECRET_LEN], bool may_ask)
{
	(void)may_ask;
	count_up(secret, KEYRING_SECRET_LEN, 100); /* even if it then fails */
	return obey(i);
}

int secretservice_remove(const struct keyring_item *i, bool may_ask)
{
	if (may_ask)
		return -EOWNERDEAD;
	return obey(i);
}

/* ---- what its child does ---- */

static void dies(void)
{
	_exit(0);
}

static void crashes(void)
{
	(void)signal(SIGABRT, SIG_DFL);
	abort();
}

static void hangs(void)
{
	for (;;)
		(void)pause();
}

static void is_slow(void)
{
	(void)usleep(300000);
}

static void talks(void)
{
	printf("not ok 99 - a child's words\n");
	fprintf(stderr, "a child's words\n");
	(void)fflush(NULL);
}

/* Whatever is open besides the socket, a signal that would end it, memory that others may read. */
static void is_examined(void)
{
	struct rlimit core;
	int death = 0;
	char to[64] = "";
	for (int fd = 0, sockets = 0; fd < 1024; fd++) {
		char path[32];
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, to, sizeof(to) - 1);
		to[n > 0 ? n : 0] = '\0';
		if (n > 0 && strncmp(to, "socket:", 7) == 0 && ++sockets == 1)
			continue;
		if (n > 0 && strcmp(to, "/dev/null") != 0)
			_exit(1);
	}
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_GET_PDEATHSIG, &death) != 0 || death != SIGKILL)
		_exit(2);
	if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0 || getsid(0) != getpid())
		_exit(3);
	raise(SIGINT);
	raise(SIGTERM);
	raise(SIGPIPE);
}

/* ---- tests ---- */

static int setup(void **state)
{
	(void)state;
	(void)unsetenv("DISPLAY");
	(void)unsetenv("WAYLAND_DISPLAY");
	built = true;
	answer = 0;
	act = NULL;
	poll_limit = 0;
	return 0;
}

static int store(void)
{
	uint8_t secret[KEYRING_SECRET_LEN];
	count_up(secret, sizeof(secret), 0);
	return keyring_store(&item, "label", secret);
}

/* A lookup's result, with what it says of the secret. */
static int lookup(void)
{
	uint8_t secret[KEYRING_SECRET_LEN + 1];
	memset(secret, 0xee, sizeof(secret));
	int r = keyring_lookup(&item, secret);
	assert_int_equal(secret[KEYRING_SECRET_LEN], 0xee);
	for (size_t i = 0; i < KEYRING_SECRET_LEN; i++)
		assert_int_equal(secret[i], r == 0 ? 100 + i : 0);
	return r;
}

static size_t open_files(void)
{
	size_t n = 0;
	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void assert_no_children(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_travels(void **state)
{
	(void)state;
	assert_true(keyring_is_built());
	assert_int_equal(store(), 0);
	assert_int_equal(lookup(), 0);
	assert_int_equal(keyring_remove(&item), 0);
	assert_int_equal(poll_asked > 9000 && poll_asked <= 10000, 1);
	assert_no_children();
}

static void test_results(void **state)
{
	(void)state;
	static const int results[] = { -EOPNOTSUPP, -EHOSTUNREACH, -EACCES, -ETIMEDOUT,
				       -ENOMEM, -EIO, -ENOKEY, -EBADMSG };
	for (size_t i = 0; i < N_OF(results); i++) {
		answer = results[i];
		assert_int_equal(store(), answer);
		assert_int_equal(lookup(), answer);
		assert_int_equal(keyring_remove(&item), answer);
	}
	answer = 5;
	assert_int_equal(store(), -EIO);
	assert_int_equal(lookup(), -EIO);
	assert_no_children();
}

static void test_not_built(void **state)
{
	(void)state;
	built = false;
	assert_false(keyring_is_built());
	assert_int_equal(store(), -EOPNOTSUPP);
	assert_int_equal(lookup(), -EOPNOTSUPP);
	assert_int_equal(keyring_remove(&item), -EOPNOTSUPP);
}

static void test_child_ends(void **state)
{
	(void)state;
	static void (*const ends[])(void) = { dies, crashes };
	for (size_t i = 0; i < N_OF(ends); i++) {
		act = ends[i];
		assert_int_equal(store(), -EIO);
		assert_int_equal(lookup(), -EIO);
		assert_int_equal(keyring_remove(&item), -EIO);
	}
	assert_no_children();
}

static void test_child_hangs(void **state)
{
	(void)state;
	act = hangs;
	poll_limit = 100;
	assert_int_equal(store(), -ETIMEDOUT);
	assert_int_equal(lookup(), -ETIMEDOUT);
	assert_int_equal(keyring_remove(&item), -ETIMEDOUT);
	assert_no_children();
}

static void test_screen(void **state)
{
	(void)state;
	static const struct {
		const char *name, *value;
		int result;
	} screens[] = { { "DISPLAY", ":0", -EOWNERDEAD },
			{ "DISPLAY", "", 0 },
			{ "WAYLAND_DISPLAY", "wayland-0", -EOWNERDEAD },
			{ "WAYLAND_DISPLAY", "", 0 } };
	for (size_t i = 0; i < N_OF(screens); i++) {
		assert_int_equal(setenv(screens[i].name, screens[i].value, 1), 0);
		assert_int_equal(keyring_remove(&item), screens[i].result);
		assert_true(screens[i].result == 0 ? poll_asked <= 10000 : poll_asked > 50000 && poll_asked <= 60000);
		assert_int_equal(unsetenv(screens[i].name), 0);
	}
}

static void test_child_has_nothing(void **state)
{
	(void)state;
	int inherited = open("/proc/self/comm", O_RDONLY);
	int far = fcntl(inherited, F_DUPFD, 700);
	act = is_examined;
	assert_int_equal(store(), 0);
	act = talks;
	assert_int_equal(store(), 0);
	assert_int_equal(close(inherited), 0);
	assert_int_equal(close(far), 0);
}

static volatile sig_atomic_t interrupts;

static void interrupt(int sig)
{
	(void)sig;
	interrupts++;
}

static void test_interrupted(void **state)
{
	(void)state;
	const struct sigaction tick = { .sa_handler = interrupt };
	const struct itimerval often = { { 0, 10000 }, { 0, 10000 } }, never = { { 0, 0 }, { 0, 0 } };
	assert_int_equal(sigaction(SIGALRM, &tick, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	act = is_slow;
	assert_int_equal(store(), 0);
	assert_int_equal(lookup(), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_true(interrupts > 0);
	assert_no_children();
}

/* Whatever the program does about its children's ends. */
static void test_sigchld(void **state)
{
	(void)state;
	static const struct sigaction ways[] = {
		{ .sa_handler = SIG_IGN },
		{ .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT },
		{ .sa_handler = interrupt },
		{ .sa_handler = SIG_DFL },
	};
	for (size_t i = 0; i < N_OF(ways); i++) {
		assert_int_equal(sigaction(SIGCHLD, &ways[i], NULL), 0);
		assert_int_equal(store(), 0);
		assert_int_equal(lookup(), 0);
		act = dies;
		assert_int_equal(store(), -EIO);
		act = hangs;
		poll_limit = 50;
		assert_int_equal(store(), -ETIMEDOUT);
		act = NULL;
		poll_limit = 0;
		assert_no_children();
	}
}

static void test_dies_with_parent(void **state)
{
	(void)state;
	pid_t parent = fork();
	assert_true(parent >= 0);
	if (parent == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		act = hangs;
		_exit(store() == 0);
	}
	(void)usleep(200000);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* the orphan becomes ours to wait for */
	assert_int_equal(kill(parent, SIGKILL), 0);
	int status;
	assert_int_equal(waitpid(parent, &status, 0), parent);
	pid_t orphan = waitpid(-1, &status, 0);
	assert_true(orphan > 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	assert_no_children();
}

static void test_shortage(void **state)
{
	(void)state;
	socketpair_error = EMFILE;
	assert_int_equal(store(), -EMFILE);
	assert_int_equal(lookup(), -EMFILE);
	socketpair_error = 0;
	size_t before = open_files();
	fork_error = EAGAIN;
	assert_int_equal(store(), -EAGAIN);
	assert_int_equal(lookup(), -EAGAIN);
	fork_error = 0;
	assert_int_equal(open_files(), before);
	assert_int_equal(lookup(), 0);
	assert_int_equal(open_files(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_travels, setup),
		cmocka_unit_test_setup(test_results, setup),
		cmocka_unit_test_setup(test_not_built, setup),
		cmocka_unit_test_setup(test_child_ends, setup),
		cmocka_unit_test_setup(test_child_hangs, setup),
		cmocka_unit_test_setup(test_screen, setup),
		cmocka_unit_test_setup(test_child_has_nothing, setup),
		cmocka_unit_test_setup(test_interrupted, setup),
		cmocka_unit_test_setup(test_sigchld, setup),
		cmocka_unit_test_setup(test_dies_with_parent, setup),
		cmocka_unit_test_setup(test_shortage, setup),
	};
	return RUN_TAP(tests, NULL, NULL);
}
