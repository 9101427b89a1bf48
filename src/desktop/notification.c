/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "desktop/notification.h"

#include <errno.h>

#include "desktop/bus.h"

#ifdef HAVE_LIBSYSTEMD

#define NOTIFICATION_NAME "org.freedesktop.Notifications"
#define NOTIFICATION_PATH "/org/freedesktop/Notifications"

/* Who shows them may be started only by the first one. */
int notification_probe(void)
{
	_cleanup_bus_ sd_bus *b = NULL;
	return bus_open(BUS_USER, &b);
}

int notification_show(const struct notification *n)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	_cleanup_bus_ sd_bus *b = NULL;
	int r = bus_open(BUS_USER, &b);
	if (r < 0)
		return r;
	const char *icon = n->urgent ? "dialog-warning" : "dialog-information";
	r = bus_lib.sd_bus_call_method(b, NOTIFICATION_NAME, NOTIFICATION_PATH, NOTIFICATION_NAME, "Notify", &e, NULL,
				       "susssasa{sv}i", "cryptfs", 0U, icon, n->summary, n->body, 0, 1, "urgency", "y",
				       n->urgent ? 2 : 1, -1);
	bus_lib.sd_bus_error_free(&e);
	return bus_errno(r);
}

#else

int notification_probe(void)
{
	return -EOPNOTSUPP;
}

int notification_show(const struct notification *n)
{
	(void)n;
	return -EOPNOTSUPP;
}

#endif
