/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The process beside a mount. What the server sends is taken for hostile: it chooses among a few sentences. What logind
 * says becomes a signal to the server, and the system waits with its sleep until the server has ended, or says that it
 * does not: its end of the socket is closed when its memory is gone.
 */
#include "desktop/listener.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/aside.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "desktop/logind.h"
#include "desktop/notification.h"
#include "sandbox/privileges.h"

#define LISTENER_RETRY_MS 3000
#define LISTENER_SHOW_SECONDS 10

enum listener_cause { LISTENER_NONE, LISTENER_SLEEP, LISTENER_SCREEN, LISTENER_IDLE };

struct listener {
	const struct desktop_options *opt;
	int fd;
	int pidfd; /* -1 before Linux 5.3 */
	pid_t server;
	struct logind *logind; /* NULL: not wanted, or lost */
	bool notify;
	bool up;
	bool asleep; /* or about to be */
	bool damaged;
	enum listener_cause cause; /* why the server has been asked to end */
};

/* ---- notifications ---- */

enum listener_note {
	LISTENER_NOTE_DAMAGED,
	LISTENER_NOTE_BUSY,
	LISTENER_NOTE_SLEEP,
	LISTENER_NOTE_SCREEN,
	LISTENER_NOTE_IDLE,
	LISTENER_NOTE_FAILED,
	LISTENER_NOTE_DIED,
};

/* The mount point stands in the summary, which nobody reads as markup. */
static const struct {
	const char *before; /* the mount point */
	const char *after;
	const char *body;
	bool urgent;
} listener_notes[] = {
	[LISTENER_NOTE_DAMAGED] = { "Damage in the vault on ", "",
				    "Something in it is damaged, or has been tampered with. 'cryptfs check' and the "
				    "system's log say what.",
				    true },
	[LISTENER_NOTE_BUSY] = { "The vault on ", " is not locked",
				 "It is in use, or not all of it could be stored. Its keys stay in memory.", true },
	[LISTENER_NOTE_SLEEP] = { "The vault on ", " is locked", "The system was about to sleep.", false },
	[LISTENER_NOTE_SCREEN] = { "The vault on ", " is locked", "The screen was locked.", false },
	[LISTENER_NOTE_IDLE] = { "The vault on ", " is locked", "Nobody has used it for a while.", false },
	[LISTENER_NOTE_FAILED] = { "The vault on ", " is unmounted",
				   "Something has failed at the end. The system's log says what.", true },
	[LISTENER_NOTE_DIED] = { "The vault on ", " is gone",
				 "The process that served it has died. The system's log may say why.", true },
};

static _Noreturn void listener_show_and_exit(const struct listener *l, enum listener_note which)
{
	struct notification n = { .body = listener_notes[which].body, .urgent = listener_notes[which].urgent };
	char *summary = NULL;
	aside_begin("cryptfs-notify", -1);
	(void)alarm(LISTENER_SHOW_SECONDS);
	if (asprintf(&summary, "%s%s%s", listener_notes[which].before, l->opt->mountpoint,
		     listener_notes[which].after) < 0)
		_exit(1);
	n.summary = summary;
	int r = notification_show(&n);
	if (r < 0)
		log_info("a notification cannot be shown: %s", strerror(-r));
	_exit(0);
}

/* In a process of its own, which has nothing of ours: a desktop that hangs is to keep neither us nor the system's sleep
 * waiting. */
static void listener_show(const struct listener *l, enum listener_note which)
{
	if (l->notify && fork() == 0)
		listener_show_and_exit(l, which);
}

/* ---- what logind says ---- */

/* By its descriptor, so that it is nobody else. */
static void listener_signal(const struct listener *l)
{
	int sig = l->opt->force ? DESKTOP_SIGNAL_FORCE : DESKTOP_SIGNAL_LOCK;
	if (l->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, l->pidfd, sig, NULL, 0);
	else if (getppid() == l->server)
		(void)kill(l->server, sig);
}

static void listener_ask(struct listener *l, enum listener_cause cause)
{
	l->cause = cause;
	log_info("%s: the mount is asked to end", cause == LISTENER_SLEEP ? "the system is about to sleep" :
									    "the screen is locked");
	listener_signal(l);
}

static void listener_on_awake(struct listener *l)
{
	l->asleep = false;
	int r = logind_hold(l->logind);
	if (r < 0)
		log_error("the next sleep will not wait until the vault is locked: %s", strerror(-r));
}

static void listener_on_logind(void *arg, enum logind_event event)
{
	struct listener *l = arg;
	if (event == LOGIND_AWAKE) {
		listener_on_awake(l);
		return;
	}
	if (event == LOGIND_SLEEP)
		l->asleep = true;
	if (l->up)
		listener_ask(l, event == LOGIND_SLEEP ? LISTENER_SLEEP : LISTENER_SCREEN);
	else if (event == LOGIND_SLEEP) /* there are no keys yet */
		logind_let_go(l->logind);
}

static bool listener_wants_logind(const struct listener *l)
{
	return l->opt->on_sleep || l->opt->on_screen;
}

static int listener_connect(struct listener *l)
{
	if (!listener_wants_logind(l))
		return 0;
	return logind_open(l->opt->on_sleep, l->opt->on_screen, listener_on_logind, l, &l->logind);
}

static void listener_on_bus(struct listener *l)
{
	int r = l->logind ? logind_process(l->logind) : 0;
	if (r == 0)
		return;
	log_error("logind is lost, which was to say when to lock the vault (%s); trying again", strerror(-r));
	logind_close(l->logind);
	l->logind = NULL;
	l->asleep = false;
}

static void listener_reconnect(struct listener *l)
{
	if (listener_connect(l) == 0)
		log_info("logind is there again");
}

/* ---- what the server says ---- */

static void listener_on_busy(struct listener *l)
{
	l->cause = LISTENER_NONE;
	listener_show(l, LISTENER_NOTE_BUSY);
	if (l->asleep && l->logind)
		logind_let_go(l->logind);
}

static void listener_on_damage(struct listener *l)
{
	if (!l->damaged)
		listener_show(l, LISTENER_NOTE_DAMAGED);
	l->damaged = true;
}

static void listener_on_end(const struct listener *l)
{
	if (l->up && l->cause != LISTENER_NONE)
		listener_show(l, l->cause == LISTENER_SLEEP    ? LISTENER_NOTE_SLEEP
				 : l->cause == LISTENER_SCREEN ? LISTENER_NOTE_SCREEN
							       : LISTENER_NOTE_IDLE);
}

/* A packet. Returns false if it is the last. */
static bool listener_take(struct listener *l, uint8_t what)
{
	switch (what) {
	case DESKTOP_UP: l->up = true; break;
	case DESKTOP_DAMAGED: listener_on_damage(l); break;
	case DESKTOP_BUSY: listener_on_busy(l); break;
	case DESKTOP_IDLE: l->cause = LISTENER_IDLE; break;
	case LISTENER_ENDED: listener_on_end(l); return false;
	case LISTENER_FAILED:
		if (l->up)
			listener_show(l, LISTENER_NOTE_FAILED);
		return false;
	default: break;
	}
	return true;
}

/* Wait until there is nobody at the other end: what is held until then is the sleep. */
static void listener_wait_for_end(const struct listener *l)
{
	uint8_t what;
	ssize_t n;
	while ((n = recv(l->fd, &what, sizeof(what), 0)) > 0 || (n < 0 && errno == EINTR))
		;
}

/* Returns false if the server is gone. */
static bool listener_hear(struct listener *l)
{
	uint8_t what;
	ssize_t n = recv(l->fd, &what, sizeof(what), 0);
	if (n < 0 && errno == EINTR)
		return true;
	if (n > 0 && listener_take(l, what))
		return true;
	if (n > 0)
		listener_wait_for_end(l);
	else if (l->up)
		listener_show(l, LISTENER_NOTE_DIED);
	return false;
}

/* ---- its life ---- */

static void listener_run(struct listener *l)
{
	for (;;) {
		struct pollfd p[2] = { { .fd = l->fd, .events = POLLIN }, { .fd = -1 } };
		int limit = -1;
		if (l->logind)
			limit = logind_pollfd(l->logind, &p[1]);
		else if (listener_wants_logind(l))
			limit = LISTENER_RETRY_MS;
		int n = poll(p, 2, limit);
		if (p[0].revents && n > 0 && !listener_hear(l))
			return;
		if (n == 0 && !l->logind)
			listener_reconnect(l);
		listener_on_bus(l);
	}
}

/* Returns false if there is nothing to do. */
static bool listener_begin(struct listener *l)
{
	struct desktop_answer a = { 0, 0 };
	a.lock = listener_connect(l);
	if (a.lock == 0 && l->opt->notify)
		a.notify = notification_probe();
	l->notify = l->opt->notify && a.notify == 0;
	if (send(l->fd, &a, sizeof(a), MSG_NOSIGNAL) != (ssize_t)sizeof(a))
		return false;
	return a.lock == 0 && (l->notify || l->logind);
}

void listener_main(int fd, const struct desktop_options *o, pid_t server)
{
	struct listener l = { .opt = o, .fd = fd, .server = server };
	aside_begin("cryptfs-listen", fd);
	l.pidfd = (int)syscall(SYS_pidfd_open, server, 0);
	if (getppid() != server || chdir("/") != 0)
		_exit(1);
	(void)privileges_fix();
	(void)privileges_drop(0);
	(void)unsetenv("CRYPTFS_WARN_FATAL"); /* the server's warnings are not ours */
	log_syslog_as(server);
	log_set_level(LOG_LEVEL_INFO);
	log_set_sink(log_syslog);
	if (listener_begin(&l))
		listener_run(&l);
	_exit(0);
}
