/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libsystemd's D-Bus, or elogind's, which is the same: loaded here and now, not linked, as no other process of ours is
 * to have it (doc/decisions/0004-loading-libsecret.md). Nothing in this room waits longer than BUS_MS for a bus.
 */
#ifndef CRYPTFS_DESKTOP_BUS_H
#define CRYPTFS_DESKTOP_BUS_H

#include <stdbool.h>

bool bus_is_built(void);

#ifdef HAVE_LIBSYSTEMD

#include <systemd/sd-bus.h>
#include <systemd/sd-login.h>

#define BUS_MS 3000

#define BUS_FUNCTIONS(F)                 \
	F(sd_bus_add_match)              \
	F(sd_bus_call_method)            \
	F(sd_bus_close)                  \
	F(sd_bus_error_free)             \
	F(sd_bus_get_events)             \
	F(sd_bus_get_fd)                 \
	F(sd_bus_get_property)           \
	F(sd_bus_get_timeout)            \
	F(sd_bus_is_ready)               \
	F(sd_bus_message_enter_container) \
	F(sd_bus_message_exit_container) \
	F(sd_bus_message_get_destination) \
	F(sd_bus_message_get_path)       \
	F(sd_bus_message_read)           \
	F(sd_bus_message_skip)           \
	F(sd_bus_message_unref)          \
	F(sd_bus_open_system)            \
	F(sd_bus_open_user)              \
	F(sd_bus_process)                \
	F(sd_bus_set_method_call_timeout) \
	F(sd_bus_unref)                  \
	F(sd_pid_get_owner_uid)

/* Its functions, once a bus has been opened. */
#define BUS_MEMBER(name) __typeof__(name) *name;
struct bus_functions {
	BUS_FUNCTIONS(BUS_MEMBER)
};
extern struct bus_functions bus_lib;

/* Load the library and connect. Returns 0, or -errno as in struct desktop_answer (desktop.h). */
enum bus_kind { BUS_SYSTEM, BUS_USER };
int bus_open(enum bus_kind kind, sd_bus **out);

/* Without a last word. bus_close(NULL) does nothing. */
void bus_close(sd_bus *b);

/* Do all that can be done without waiting. Returns 0, or -errno if the connection is lost. */
int bus_process(sd_bus *b);

/* What to wait for: events of a descriptor, and how long at most, in milliseconds (-1: for ever). */
struct pollfd;
int bus_pollfd(sd_bus *b, struct pollfd *p);

/* An error of a call, as one of struct desktop_answer. */
int bus_errno(int r);

static inline void bus_cleanup(sd_bus **b)
{
	bus_close(*b);
}

static inline void bus_cleanup_message(sd_bus_message **m)
{
	if (*m)
		(void)bus_lib.sd_bus_message_unref(*m);
}

#define _cleanup_bus_ __attribute__((cleanup(bus_cleanup)))
#define _cleanup_message_ __attribute__((cleanup(bus_cleanup_message)))

#endif
#endif
