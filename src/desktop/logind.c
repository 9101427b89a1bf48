/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "desktop/logind.h"

#include <errno.h>

#include "desktop/bus.h"

#ifdef HAVE_LIBSYSTEMD

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define LOGIND_NAME "org.freedesktop.login1"
#define LOGIND_PATH "/org/freedesktop/login1"
#define LOGIND_MANAGER "org.freedesktop.login1.Manager"
#define LOGIND_SESSION "org.freedesktop.login1.Session"

#define LOGIND_MATCH "type='signal',sender='" LOGIND_NAME "',"
#define LOGIND_MATCH_SLEEP                                                                               \
	LOGIND_MATCH "path='" LOGIND_PATH "',interface='" LOGIND_MANAGER "',member='PrepareForSleep'"
#define LOGIND_MATCH_LOCK LOGIND_MATCH "interface='" LOGIND_SESSION "',member='Lock'"
/* How desktops that lock the screen by themselves tell of it. */
#define LOGIND_MATCH_HINT                                                                                 \
	LOGIND_MATCH "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'," \
		     "arg0='" LOGIND_SESSION "'"

struct logind {
	sd_bus *bus;
	logind_fn *fn;
	void *arg;
	uid_t user;
	int inhibitor; /* -1: the system may sleep */
};

/* ---- what it says ---- */

/* The bus compares the sender with our matches only for what is sent to all, as logind does. To us alone any user may
 * send a signal, and the library cannot tell whose it is. */
static bool logind_said(sd_bus_message *m)
{
	return !bus_lib.sd_bus_message_get_destination(m);
}

static int logind_on_sleep(sd_bus_message *m, void *arg, sd_bus_error *e)
{
	struct logind *l = arg;
	int begins;
	(void)e;
	if (logind_said(m) && bus_lib.sd_bus_message_read(m, "b", &begins) >= 0)
		l->fn(l->arg, begins ? LOGIND_SLEEP : LOGIND_AWAKE);
	return 0;
}

/* Who cannot be told from us is taken for us: better locked once too often. */
static bool logind_is_ours(struct logind *l, const char *session)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	_cleanup_message_ sd_bus_message *m = NULL;
	uint32_t user = l->user;
	if (bus_lib.sd_bus_get_property(l->bus, LOGIND_NAME, session, LOGIND_SESSION, "User", &e, &m, "(uo)") >= 0)
		(void)bus_lib.sd_bus_message_read(m, "(uo)", &user, NULL);
	bus_lib.sd_bus_error_free(&e);
	return user == l->user;
}

static int logind_on_lock(sd_bus_message *m, void *arg, sd_bus_error *e)
{
	struct logind *l = arg;
	const char *session = bus_lib.sd_bus_message_get_path(m);
	(void)e;
	if (session && logind_said(m) && logind_is_ours(l, session))
		l->fn(l->arg, LOGIND_SCREEN);
	return 0;
}

/* One of what has changed. Returns 1 if it says that the screen is locked, 0, or -errno. */
static int logind_read_hint(sd_bus_message *m)
{
	const char *name;
	int locked = 0;
	int r = bus_lib.sd_bus_message_read(m, "s", &name);
	if (r < 0)
		return r;
	if (strcmp(name, "LockedHint") != 0)
		return bus_lib.sd_bus_message_skip(m, "v") < 0 ? -EBADMSG : 0;
	r = bus_lib.sd_bus_message_read(m, "v", "b", &locked);
	return r < 0 ? r : locked != 0;
}

static int logind_on_hint(sd_bus_message *m, void *arg, sd_bus_error *e)
{
	int r, locked = 0;
	if (bus_lib.sd_bus_message_skip(m, "s") < 0 ||
	    bus_lib.sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{sv}") < 0)
		return 0;
	while (locked == 0 && (r = bus_lib.sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv")) > 0) {
		locked = logind_read_hint(m);
		if (bus_lib.sd_bus_message_exit_container(m) < 0)
			break;
	}
	return locked > 0 ? logind_on_lock(m, arg, e) : 0;
}

/* ---- sleep ---- */

int logind_hold(struct logind *l)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	_cleanup_message_ sd_bus_message *m = NULL;
	int fd, r = bus_lib.sd_bus_call_method(l->bus, LOGIND_NAME, LOGIND_PATH, LOGIND_MANAGER, "Inhibit", &e, &m,
					       "ssss", "sleep", "cryptfs", "Locking a vault", "delay");
	bus_lib.sd_bus_error_free(&e);
	if (r >= 0)
		r = bus_lib.sd_bus_message_read(m, "h", &fd);
	if (r < 0)
		return bus_errno(r);
	logind_let_go(l);
	l->inhibitor = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* this one is the message's */
	return l->inhibitor < 0 ? -errno : 0;
}

void logind_let_go(struct logind *l)
{
	cleanup_fd(&l->inhibitor);
	l->inhibitor = -1;
}

/* ---- beginning, going on ---- */

/* That a bus is there says nothing about who is on it. */
static int logind_ask(struct logind *l)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	_cleanup_message_ sd_bus_message *m = NULL;
	int r = bus_lib.sd_bus_get_property(l->bus, LOGIND_NAME, LOGIND_PATH, LOGIND_MANAGER, "IdleHint", &e, &m, "b");
	bus_lib.sd_bus_error_free(&e);
	return r < 0 ? r : 0;
}

static int logind_match(struct logind *l, const char *match, sd_bus_message_handler_t fn)
{
	int r = bus_lib.sd_bus_add_match(l->bus, NULL, match, fn, l);
	return r < 0 ? r : 0;
}

static int logind_begin(struct logind *l, bool sleep, bool screen)
{
	int r = bus_open(BUS_SYSTEM, &l->bus);
	if (r < 0)
		return r;
	if (bus_lib.sd_pid_get_owner_uid(0, &l->user) < 0) /* of the login, even if it is root by now */
		l->user = getuid();
	if (sleep && (r = logind_match(l, LOGIND_MATCH_SLEEP, logind_on_sleep)) == 0)
		r = logind_hold(l);
	if (screen && r == 0 && (r = logind_match(l, LOGIND_MATCH_LOCK, logind_on_lock)) == 0)
		r = logind_match(l, LOGIND_MATCH_HINT, logind_on_hint);
	if (screen && r == 0)
		r = logind_ask(l);
	return bus_errno(r);
}

int logind_open(bool sleep, bool screen, logind_fn *fn, void *arg, struct logind **out)
{
	struct logind *l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	*l = (struct logind){ .fn = fn, .arg = arg, .inhibitor = -1 };
	int r = logind_begin(l, sleep, screen);
	if (r < 0)
		logind_close(l);
	else
		*out = l;
	return r;
}

void logind_close(struct logind *l)
{
	if (!l)
		return;
	logind_let_go(l);
	bus_close(l->bus);
	free(l);
}

int logind_pollfd(struct logind *l, struct pollfd *p)
{
	return bus_pollfd(l->bus, p);
}

int logind_process(struct logind *l)
{
	return bus_process(l->bus);
}

#else

#include <poll.h>

int logind_open(bool sleep, bool screen, logind_fn *fn, void *arg, struct logind **out)
{
	(void)sleep;
	(void)screen;
	(void)fn;
	(void)arg;
	(void)out;
	return -EOPNOTSUPP;
}

void logind_close(struct logind *l)
{
	(void)l;
}

int logind_pollfd(struct logind *l, struct pollfd *p)
{
	(void)l;
	*p = (struct pollfd){ .fd = -1 };
	return -1;
}

int logind_process(struct logind *l)
{
	(void)l;
	return -EOPNOTSUPP;
}

void logind_let_go(struct logind *l)
{
	(void)l;
}

int logind_hold(struct logind *l)
{
	(void)l;
	return -EOPNOTSUPP;
}

#endif
