/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two sides of src/desktop: desktop.c and listener.c, with a logind and a desktop of the test's own behind them. */
#include "unit.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "desktop/bus.h"
#include "desktop/desktop.h"
#include "desktop/logind.h"
#include "desktop/notification.h"

/* All processes have this. */
static struct shared {
	atomic_int listener;
	atomic_int order; /* to logind: what it is to say, + 1; LOSE */
	atomic_int opened;
	atomic_int held;
	atomic_int let_go;
	atomic_int asked; /* of the server: the signal */
	atomic_int n_notes;
	char notes[8][128];
} *shared;

#define LOSE 100

static int lock_result, hold_result, notify_result;
static void (*act)(void); /* of logind, when it is opened */
static int poll_limit;
static int socketpair_error, fork_error;

int __real_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);
int __real_socketpair(int domain, int type, int protocol, int ends[2]);
int __wrap_socketpair(int domain, int type, int protocol, int ends[2]);
pid_t __real_fork(void);
pid_t __wrap_fork(void);

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	return __real_poll(fds, n, poll_limit > 0 && (timeout < 0 || timeout > poll_limit) ? poll_limit : timeout);
}

int __wrap_socketpair(int domain, int type, int protocol, int ends[2])
{
	errno = socketpair_error;
	return socketpair_error ? -1 : __real_socketpair(domain, type, protocol, ends);
}

pid_t __wrap_fork(void)
{
	errno = fork_error;
	return fork_error ? -1 : __real_fork();
}

/* ---- the system ---- */

struct logind {
	logind_fn *fn;
	void *arg;
};

bool bus_is_built(void)
{
	return true;
}

int logind_open(bool sleep, bool screen, logind_fn *fn, void *arg, struct logind **out)
{
	static struct logind logind;
	(void)sleep;
	(void)screen;
	shared->listener = getpid();
	if (act)
		act();
	if (lock_result < 0)
		return lock_result;
	logind = (struct logind){ fn, arg };
	shared->opened++;
	*out = &logind;
	poll_limit = 20; /* it looks for orders, and tries again, soon */
	return 0;
}

void logind_close(struct logind *l)
{
	(void)l;
}

int logind_pollfd(struct logind *l, struct pollfd *p)
{
	(void)l;
	*p = (struct pollfd){ .fd = -1 };
	return 5;
}

int logind_process(struct logind *l)
{
	int order = atomic_exchange(&shared->order, 0);
	if (order == LOSE)
		return -ECONNRESET;
	if (order > 0)
		l->fn(l->arg, (enum logind_event)(order - 1));
	return 0;
}

void logind_let_go(struct logind *l)
{
	(void)l;
	shared->let_go++;
}

int logind_hold(struct logind *l)
{
	(void)l;
	shared->held++;
	return hold_result;
}

int notification_probe(void)
{
	shared->listener = getpid();
	return notify_result;
}

int notification_show(const struct notification *n)
{
	int i = atomic_fetch_add(&shared->n_notes, 1);
	if (i < (int)N_OF(shared->notes))
		(void)snprintf(shared->notes[i], sizeof(shared->notes[i]), "%s|%s|%d", n->summary, n->body, n->urgent);
	return 0;
}

/* ---- a server ---- */

static const struct desktop_options everything = {
	.mountpoint = "/m", .on_sleep = true, .on_screen = true, .notify = true
};

static void on_signal(int sig)
{
	shared->asked = sig;
}

/* At most 20 s; a server that waits in vain says so by its end. */
static void wait_for(atomic_int *what, int value)
{
	for (int i = 0; *what != value; i++) {
		if (i == 4000)
			_exit(99);
		(void)usleep(5000);
	}
}

static void say(enum logind_event event)
{
	shared->order = (int)event + 1;
	wait_for(&shared->order, 0);
}

static struct desktop *start(const struct desktop_options *o)
{
	struct desktop *d = NULL;
	struct desktop_answer a;
	(void)signal(SIGUSR2, on_signal);
	(void)signal(SIGTERM, on_signal);
	(void)signal(SIGPIPE, SIG_IGN);
	if (desktop_start(o, &d, &a) != 0 || a.lock != 0 || a.notify != 0 || !d)
		_exit(98);
	return d;
}

/* A server in a process of its own; waits for its end and that of all it has started. */
static void serve(void (*server)(void))
{
	int status;
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		server();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	while (waitpid(-1, &status, 0) > 0) /* they are ours now */
		assert_int_equal(status, 0);
}

static void assert_notes(int n, const char *first)
{
	assert_int_equal(shared->n_notes, n);
	if (n > 0)
		assert_non_null(strstr(shared->notes[0], first));
}

static int setup(void **state)
{
	(void)state;
	memset(shared, 0, sizeof(*shared));
	lock_result = hold_result = notify_result = 0;
	act = NULL;
	poll_limit = 0;
	socketpair_error = fork_error = 0;
	return 0;
}

/* ---- beginning ---- */

static int begin(const struct desktop_options *o, struct desktop_answer *a)
{
	struct desktop *d = NULL;
	int r = desktop_start(o, &d, a);
	assert_null(d);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	return r;
}

static void test_answers(void **state)
{
	(void)state;
	static const int results[] = { -EOPNOTSUPP, -EHOSTUNREACH, -EACCES, -ETIMEDOUT };
	const struct desktop_options notes = { .mountpoint = "/m", .notify = true };
	struct desktop_answer a;
	for (size_t i = 0; i < N_OF(results); i++) {
		lock_result = results[i];
		assert_int_equal(begin(&everything, &a), 0);
		assert_int_equal(a.lock, results[i]);
		notify_result = results[i];
		assert_int_equal(begin(&notes, &a), 0);
		assert_int_equal(a.lock, 0);
		assert_int_equal(a.notify, results[i]);
	}
}

static void crashes(void)
{
	_exit(3);
}

static void hangs(void)
{
	for (;;)
		(void)pause();
}

static void test_does_not_begin(void **state)
{
	(void)state;
	struct desktop_answer a;
	socketpair_error = EMFILE;
	assert_int_equal(begin(&everything, &a), -EMFILE);
	socketpair_error = 0;
	fork_error = EAGAIN;
	assert_int_equal(begin(&everything, &a), -EAGAIN);
	fork_error = 0;
	act = crashes;
	assert_int_equal(begin(&everything, &a), -EIO);
	act = hangs;
	poll_limit = 100;
	assert_int_equal(begin(&everything, &a), -ETIMEDOUT);
}

static void is_never_up(void)
{
	struct desktop *d = start(&everything);
	say(LOGIND_SLEEP);
	wait_for(&shared->let_go, 1);
	say(LOGIND_SCREEN);
	desktop_end(d, false);
}

static void test_never_up(void **state)
{
	(void)state;
	serve(is_never_up);
	assert_int_equal(shared->asked, 0);
	assert_notes(0, NULL);
}

/* ---- locking ---- */

/* Until it has heard that the mount is up. */
static void say_until_asked(enum logind_event event)
{
	while (shared->asked == 0) {
		say(event);
		(void)usleep(20000);
	}
}

static void is_locked(enum logind_event event, const struct desktop_options *o)
{
	struct desktop *d = start(o);
	desktop_tell(d, DESKTOP_UP);
	say_until_asked(event);
	desktop_end(d, true);
}

static void sleeps(void)
{
	is_locked(LOGIND_SLEEP, &everything);
}

static void is_left(void)
{
	is_locked(LOGIND_SCREEN, &everything);
}

static void is_forced(void)
{
	struct desktop_options o = everything;
	o.force = true;
	o.notify = false;
	is_locked(LOGIND_SLEEP, &o);
}

static void test_locks(void **state)
{
	static const struct {
		void (*server)(void);
		int signal, notes;
		const char *note;
	} ways[] = { { sleeps, SIGUSR2, 1, "The vault on /m is locked|The system was about to sleep" },
		     { is_left, SIGUSR2, 1, "The vault on /m is locked|The screen was locked" },
		     { is_forced, SIGTERM, 0, NULL } };
	for (size_t i = 0; i < N_OF(ways); i++) {
		(void)setup(state);
		serve(ways[i].server);
		assert_int_equal(shared->asked, ways[i].signal);
		assert_notes(ways[i].notes, ways[i].note);
	}
}

static struct desktop *starts_busy(enum logind_event event)
{
	struct desktop *d = start(&everything);
	desktop_tell(d, DESKTOP_UP);
	say_until_asked(event);
	shared->let_go = 0;
	desktop_tell(d, DESKTOP_BUSY);
	wait_for(&shared->n_notes, 1);
	return d;
}

static void is_busy(void)
{
	struct desktop *d = starts_busy(LOGIND_SLEEP);
	wait_for(&shared->let_go, 1);
	say(LOGIND_AWAKE);
	wait_for(&shared->held, 1);
	desktop_end(d, true); /* by an umount, now */
}

static void is_busy_at_a_desk(void)
{
	struct desktop *d = starts_busy(LOGIND_SCREEN);
	desktop_end(d, true);
}

static void test_busy(void **state)
{
	(void)state;
	serve(is_busy);
	assert_notes(1, "The vault on /m is not locked");
	(void)setup(NULL);
	hold_result = -EHOSTUNREACH;
	serve(is_busy);
	(void)setup(NULL);
	serve(is_busy_at_a_desk);
	assert_notes(1, "The vault on /m is not locked");
	assert_int_equal(shared->let_go, 0);
}

static void loses_logind(void)
{
	struct desktop *d = start(&everything);
	desktop_tell(d, DESKTOP_UP);
	shared->order = LOSE;
	wait_for(&shared->opened, 2);
	say_until_asked(LOGIND_SLEEP);
	desktop_end(d, true);
}

static void test_lost(void **state)
{
	(void)state;
	serve(loses_logind);
	assert_int_equal(shared->opened, 2);
	assert_notes(1, "The vault on /m is locked");
}

/* ---- notifications ---- */

static void is_damaged(void)
{
	struct desktop *d = start(&everything);
	desktop_tell(d, DESKTOP_DAMAGED);
	desktop_tell(d, DESKTOP_UP);
	desktop_tell(d, DESKTOP_DAMAGED);
	desktop_end(d, true);
}

static void is_idle(void)
{
	struct desktop *d = start(&everything);
	desktop_tell(d, DESKTOP_UP);
	desktop_tell(d, DESKTOP_IDLE);
	desktop_end(d, true);
}

static void fails(void)
{
	struct desktop *d = start(&everything);
	desktop_tell(d, DESKTOP_UP);
	desktop_end(d, false);
}

static void dies(void)
{
	desktop_tell(start(&everything), DESKTOP_UP);
}

static void is_unmounted(void)
{
	struct desktop *d = start(&everything);
	desktop_tell(d, DESKTOP_UP);
	desktop_end(d, true);
}

static void is_silent(void)
{
	struct desktop_options o = everything;
	o.notify = false;
	struct desktop *d = start(&o);
	desktop_tell(d, DESKTOP_UP);
	desktop_tell(d, DESKTOP_DAMAGED);
	desktop_tell(d, DESKTOP_BUSY);
	desktop_end(d, false);
}

static void test_notes(void **state)
{
	static const struct {
		void (*server)(void);
		const char *note;
	} cases[] = { { is_damaged, "Damage in the vault on /m|" },
		      { is_idle, "The vault on /m is locked|Nobody" },
		      { fails, "The vault on /m is unmounted|" },
		      { dies, "The vault on /m is gone|" },
		      { is_unmounted, NULL },
		      { is_silent, NULL } };
	for (size_t i = 0; i < N_OF(cases); i++) {
		(void)setup(state);
		serve(cases[i].server);
		assert_notes(cases[i].note ? 1 : 0, cases[i].note);
	}
}

/* What no server says; the socket is taken from it. */
static void talks(void)
{
	static const uint8_t nonsense[] = { 255, 63, 10 };
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
	(void)close(before); /* the next descriptor, which is the server's end */
	struct desktop *d = start(&everything);
	for (size_t i = 0; i < sizeof(nonsense); i++)
		if (write(before, &nonsense[i], 1) != 1)
			_exit(97);
	if (write(before, nonsense, sizeof(nonsense)) < 0)
		_exit(97);
	desktop_tell(d, DESKTOP_UP);
	desktop_end(d, true);
}

static void test_nonsense(void **state)
{
	(void)state;
	serve(talks);
	assert_notes(0, NULL);
}

static void test_nobody(void **state)
{
	(void)state;
	desktop_tell(NULL, DESKTOP_DAMAGED);
	desktop_end(NULL, false);
	assert_true(desktop_is_built());
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_answers, setup),  cmocka_unit_test_setup(test_does_not_begin, setup),
		cmocka_unit_test_setup(test_never_up, setup), cmocka_unit_test_setup(test_locks, setup),
		cmocka_unit_test_setup(test_busy, setup),     cmocka_unit_test_setup(test_lost, setup),
		cmocka_unit_test_setup(test_notes, setup),    cmocka_unit_test_setup(test_nonsense, setup),
		cmocka_unit_test_setup(test_nobody, setup),
	};
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		return 1;
	return RUN_TAP(tests, NULL, NULL);
}
