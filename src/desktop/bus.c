/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "desktop/bus.h"

#ifdef HAVE_LIBSYSTEMD

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

struct bus_functions bus_lib;

bool bus_is_built(void)
{
	return true;
}

/* ---- loading it ---- */

static bool bus_find(void *library, const char *name, void *function)
{
	void *p = dlsym(library, name);
	memcpy(function, &p, sizeof(p));
	return p != NULL;
}

#define BUS_FIND(name) bus_find(library, #name, &bus_lib.name) &&
static int bus_load(void)
{
	void *library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		library = dlopen("libelogind.so.0", RTLD_NOW | RTLD_LOCAL);
	return library && BUS_FUNCTIONS(BUS_FIND) true ? 0 : -EOPNOTSUPP;
}

/* ---- connecting ---- */

static uint64_t bus_now_us(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int bus_ms_until(uint64_t us)
{
	uint64_t now = bus_now_us();
	if (us == UINT64_MAX)
		return -1;
	return us > now ? (int)((us - now) / 1000 + 1) : 0;
}

int bus_pollfd(sd_bus *b, struct pollfd *p)
{
	uint64_t us = UINT64_MAX;
	int events = bus_lib.sd_bus_get_events(b);
	*p = (struct pollfd){ .fd = bus_lib.sd_bus_get_fd(b), .events = events > 0 ? (short)events : 0 };
	(void)bus_lib.sd_bus_get_timeout(b, &us);
	return bus_ms_until(us);
}

int bus_process(sd_bus *b)
{
	int r;
	while ((r = bus_lib.sd_bus_process(b, NULL)) > 0)
		;
	return r;
}

/* A call would wait for the handshake itself, and much longer. */
static int bus_shake_hands(sd_bus *b)
{
	const uint64_t end = bus_now_us() + (uint64_t)BUS_MS * 1000;
	struct pollfd p;
	int r;
	while ((r = bus_process(b)) == 0 && (r = bus_lib.sd_bus_is_ready(b)) == 0) {
		int soon = bus_pollfd(b, &p), left = bus_ms_until(end);
		if (left == 0)
			return -ETIMEDOUT;
		(void)poll(&p, 1, soon >= 0 && soon < left ? soon : left);
	}
	return r < 0 ? r : 0;
}

int bus_errno(int r)
{
	switch (-r) {
	case EOPNOTSUPP:
	case ENOMEM:
	case ETIMEDOUT:
		return r;
	case EACCES:
	case EPERM:
		return -EACCES;
	default: /* no address, nobody there, nobody who could be started */
		return r < 0 ? -EHOSTUNREACH : 0;
	}
}

int bus_open(enum bus_kind kind, sd_bus **out)
{
	_cleanup_bus_ sd_bus *b = NULL;
	int r = bus_load();
	if (r == 0)
		r = kind == BUS_SYSTEM ? bus_lib.sd_bus_open_system(&b) : bus_lib.sd_bus_open_user(&b);
	if (r >= 0)
		r = bus_shake_hands(b);
	if (r < 0)
		return bus_errno(r);
	(void)bus_lib.sd_bus_set_method_call_timeout(b, (uint64_t)BUS_MS * 1000);
	*out = b;
	b = NULL;
	return 0;
}

void bus_close(sd_bus *b)
{
	if (!b)
		return;
	bus_lib.sd_bus_close(b);
	(void)bus_lib.sd_bus_unref(b);
}

#else

bool bus_is_built(void)
{
	return false;
}

#endif
