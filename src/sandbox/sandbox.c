/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "sandbox/sandbox.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "sandbox/filter.h"
#include "sandbox/landlock.h"
#include "sandbox/privileges.h"

/* Sanitizers map, open and trace as they like, and coverage is written to the build directory: what is built
 * to be watched is not confined. */
#if defined(CRYPTFS_INSTRUMENTED) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_NONE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANDBOX_NONE 1
#endif
#endif

#ifdef SANDBOX_NONE

void sandbox_enter(const struct sandbox_options *opt, struct sandbox_state *out)
{
	(void)opt;
	*out = (struct sandbox_state){ 0 };
	log_debug("sandbox: none, this build is instrumented");
}

int sandbox_narrow(const struct sandbox_state *state, int vault_fd, int dest_fd)
{
	(void)state;
	(void)vault_fd;
	(void)dest_fd;
	return 0;
}

const char *sandbox_build(void)
{
	return "none: this build is instrumented";
}

#else

#define SANDBOX_CAPS_READ                                                                      \
	(PRIVILEGES_BIT(CAP_DAC_READ_SEARCH) | PRIVILEGES_BIT(CAP_FOWNER)) /* O_NOATIME for those of others */

/* What root does for others in their directories. CAP_FSETID: to write leaves set-ID bits alone. */
#define SANDBOX_CAPS_REPAIR \
	(SANDBOX_CAPS_READ | PRIVILEGES_BIT(CAP_DAC_OVERRIDE) | PRIVILEGES_BIT(CAP_FSETID))

#define SANDBOX_CAPS_EXPORT (SANDBOX_CAPS_REPAIR | PRIVILEGES_BIT(CAP_CHOWN))

#define SANDBOX_CAPS_REKEY                                                                      \
	(SANDBOX_CAPS_EXPORT |                                                                  \
	 PRIVILEGES_BIT(CAP_SETFCAP) | /* the attribute security.capability */                  \
	 PRIVILEGES_BIT(CAP_SYS_ADMIN)) /* attributes trusted.* and the rest of security.* */

/* Whoever uses the mount has been checked against modes by the kernel. An ordinary user's daemon has none of
 * them, unless somebody saw to it that it has. */
#define SANDBOX_CAPS_SERVE (SANDBOX_CAPS_REKEY | PRIVILEGES_BIT(CAP_MKNOD))

/* By use. */
static const struct {
	uint64_t caps;
	enum filter_kind filter;
	enum landlock_use vault;
} sandbox_uses[] = {
	[SANDBOX_SERVE] = { SANDBOX_CAPS_SERVE, FILTER_SERVE, LANDLOCK_TO_CHANGE },
	[SANDBOX_REPAIR] = { SANDBOX_CAPS_REPAIR, FILTER_SERVE, LANDLOCK_TO_CHANGE },
	[SANDBOX_REKEY] = { SANDBOX_CAPS_REKEY, FILTER_SERVE, LANDLOCK_TO_CHANGE },
	[SANDBOX_READ] = { SANDBOX_CAPS_READ, FILTER_READ, LANDLOCK_TO_READ },
	[SANDBOX_EXPORT] = { SANDBOX_CAPS_EXPORT, FILTER_EXPORT, LANDLOCK_TO_READ },
};

static void *sandbox_warm_thread(void *arg)
{
	(void)arg;
	pthread_exit(NULL);
}

/* The C library loads a library the first time that a thread is ended, and the time zone's file the first time that it
 * is asked for, which it cannot do later. */
static void sandbox_warm_up(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, sandbox_warm_thread, NULL) == 0)
		pthread_join(thread, NULL);
	tzset();
}

static bool sandbox_is_on(const struct sandbox_options *opt, const char *what, int r)
{
	if (r < 0)
		log_message(opt->use == SANDBOX_SERVE ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "sandbox: without %s: %s",
			    what, strerror(-r));
	return r >= 0;
}

static uint64_t sandbox_caps(const struct sandbox_options *opt)
{
	return sandbox_uses[opt->use].caps | (opt->devices ? PRIVILEGES_BIT(CAP_MKNOD) : 0);
}

static int sandbox_landlock(const struct sandbox_options *opt)
{
	const struct landlock_place places[] = {
		{ opt->vault_fd, opt->read_only ? LANDLOCK_TO_READ : sandbox_uses[opt->use].vault },
		{ opt->dest_fd, LANDLOCK_TO_FILL },
	};
	return landlock_confine(places, opt->use == SANDBOX_EXPORT ? 2 : 1);
}

void sandbox_enter(const struct sandbox_options *opt, struct sandbox_state *out)
{
	*out = (struct sandbox_state){ 0 };
	sandbox_warm_up();
	out->no_new_privs = sandbox_is_on(opt, "no_new_privs", privileges_fix());
	out->capabilities = sandbox_is_on(opt, "dropping capabilities", privileges_drop(sandbox_caps(opt)));
	int abi = sandbox_landlock(opt);
	out->landlock = sandbox_is_on(opt, "Landlock", abi) ? abi : 0;
	out->seccomp = sandbox_is_on(opt, "seccomp", filter_load(sandbox_uses[opt->use].filter));
}

int sandbox_narrow(const struct sandbox_state *state, int vault_fd, int dest_fd)
{
	const struct landlock_place places[] = { { vault_fd, LANDLOCK_TO_READ }, { dest_fd, LANDLOCK_TO_FILL } };
	int r = state->landlock > 0 ? landlock_confine(places, 2) : 0;
	return r < 0 ? r : 0;
}

const char *sandbox_build(void)
{
	return filter_is_built() ? "no_new_privs, capabilities, Landlock, seccomp" :
				   "no_new_privs, capabilities, Landlock (no seccomp: built without libseccomp)";
}

#endif
