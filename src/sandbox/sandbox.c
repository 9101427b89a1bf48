/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "sandbox/sandbox.h"

#include <pthread.h>
#include <string.h>

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

const char *sandbox_build(void)
{
	return "none: this build is instrumented";
}

#else

static void *sandbox_warm_thread(void *arg)
{
	(void)arg;
	pthread_exit(NULL);
}

/* The C library loads a library the first time that a thread is ended, which it cannot do later. */
static void sandbox_warm_up(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, sandbox_warm_thread, NULL) == 0)
		pthread_join(thread, NULL);
}

static bool sandbox_is_on(const char *what, int r)
{
	if (r < 0)
		log_info("sandbox: without %s: %s", what, strerror(-r));
	return r >= 0;
}

void sandbox_enter(const struct sandbox_options *opt, struct sandbox_state *out)
{
	*out = (struct sandbox_state){ 0 };
	sandbox_warm_up();
	out->no_new_privs = sandbox_is_on("no_new_privs", privileges_fix());
	out->capabilities = sandbox_is_on("dropping capabilities", privileges_drop());
	int abi = landlock_confine(opt->vault_fd, opt->read_only);
	out->landlock = sandbox_is_on("Landlock", abi) ? abi : 0;
	out->seccomp = sandbox_is_on("seccomp", filter_load());
}

const char *sandbox_build(void)
{
	return filter_is_built() ? "no_new_privs, capabilities, Landlock, seccomp" :
				   "no_new_privs, capabilities, Landlock (no seccomp: built without libseccomp)";
}

#endif
