/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a process that reads, exports or repairs may still read and write, with which capabilities; and processes that
 * run errands for it. */
#include "sandbox.h"

#include <ftw.h>
#include <limits.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#include "sandbox/errand.h"
#include "sandbox/filter.h"
#include "sandbox/sandbox.h"

#define CAP_READ (1ULL << 2 | 1ULL << 3)		   /* dac_read_search, fowner */
#define CAP_REPAIR (CAP_READ | 1ULL << 1 | 1ULL << 4)	   /* dac_override, fsetid */
#define CAP_EXPORT (CAP_REPAIR | 1ULL << 0)		   /* chown */
#define CAP_EXPORT_DEVICES (CAP_EXPORT | 1ULL << 27)	   /* mknod */
#define CAP_REKEY (CAP_EXPORT | 1ULL << 21 | 1ULL << 31)   /* sys_admin, setfcap */

/* ---- places ---- */

static int below(const struct scratch *s, const char *name)
{
	int fd = openat(s->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static int at(const struct scratch *s, const char *name, int flags)
{
	int fd = openat(s->fd, name, flags | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* "vault" is to be read and "dest" to be filled. */
static int do_fill(const struct scratch *s)
{
	if (at(s, "vault/file", O_RDONLY) != 0 || at(s, "vault/file", O_RDWR) != EACCES ||
	    at(s, "vault/new", O_CREAT | O_RDWR) != EACCES)
		return 1;
	if (at(s, "dest/file", O_RDONLY) != EACCES || at(s, "dest/file", O_RDWR) != EACCES ||
	    at(s, "dest/file", O_WRONLY | O_TRUNC) != 0 || at(s, "dest/new", O_CREAT | O_WRONLY) != 0)
		return 2;
	if (mkdirat(s->fd, "dest/in/made", 0700) != 0 || renameat(s->fd, "dest/new", s->fd, "dest/in/new") != 0 ||
	    unlinkat(s->fd, "dest/in/new", 0) != 0 || unlinkat(s->fd, "dest/in/made", AT_REMOVEDIR) == 0 ||
	    errno != EACCES)
		return 3;
	return at(s, "beside", O_RDONLY) == EACCES && at(s, "made", O_CREAT | O_WRONLY) == EACCES ? 0 : 4;
}

static int do_narrow(const struct scratch *s)
{
	if (sandbox_narrow(&(struct sandbox_state){ .landlock = 1 }, below(s, "vault"), below(s, "dest/in")) != 0)
		return 1;
	if (at(s, "vault/file", O_RDONLY) != 0 || at(s, "dest/in/f", O_CREAT | O_WRONLY) != 0)
		return 2;
	return at(s, "dest/file", O_WRONLY) == EACCES && at(s, "dest/g", O_CREAT | O_WRONLY) == EACCES ? 0 : 3;
}

static int enter_fill(const struct scratch *s)
{
	const struct landlock_place places[] = {
		{ below(s, "vault"), LANDLOCK_TO_READ },
		{ below(s, "dest"), LANDLOCK_TO_FILL },
	};
	return enter_places(places, N_OF(places));
}

static void put_places(const struct scratch *s)
{
	static const char *const dirs[] = { "vault", "dest", "dest/in" };
	static const char *const names[] = { "vault/file", "dest/file", "beside" };
	for (size_t i = 0; i < N_OF(dirs); i++)
		assert_int_equal(mkdirat(s->fd, dirs[i], 0700), 0);
	for (size_t i = 0; i < N_OF(names); i++)
		assert_int_equal(at(s, names[i], O_CREAT | O_WRONLY), 0);
}

static int remove_one(const char *path, const struct stat *sb, int flag, struct FTW *f)
{
	(void)sb;
	(void)flag;
	return f->level > 0 ? remove(path) : 0;
}

static int places_teardown(void **state)
{
	const struct scratch *s = *state;
	return nftw(s->path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0 ? scratch_teardown(state) : -1;
}

static void a_destination_is_filled(void **state)
{
	const struct scratch *s = *state;
	SKIP_IF(!landlock_is_here(s), "no Landlock in this kernel");
	put_places(s);
	assert_int_equal(in_child(enter_fill, do_fill, s), 0);
	if (!UNIT_SANITIZED) /* such a build has nothing to narrow */
		assert_int_equal(in_child(enter_fill, do_narrow, s), 0);
}

/* ---- all of it ---- */

static struct sandbox_options use;
static unsigned long long caps;

static int enter_use(const struct scratch *s)
{
	struct sandbox_state state;
	use.vault_fd = below(s, "vault");
	use.dest_fd = below(s, "dest");
	sandbox_enter(&use, &state);
	return state.no_new_privs && state.capabilities && state.seccomp == filter_is_built() ? 0 : -1;
}

struct thread_args {
	const struct scratch *s;
	int got;
};

static void *thread_reads(void *arg)
{
	struct thread_args *a = arg;
	a->got = at(a->s, "vault/file", O_RDONLY) == 0 ? at(a->s, "beside", O_RDONLY) : -1;
	return NULL;
}

/* Permitted to us; /proc cannot be read any more. */
static unsigned long long permitted(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	if (syscall(SYS_capget, &head, data) != 0)
		return ~0ULL;
	return data[0].permitted | (unsigned long long)data[1].permitted << 32;
}

/* In a thread that is made later. Returns what came of opening what is neither in the vault nor in the destination. */
static int do_use(const struct scratch *s)
{
	struct thread_args a = { s, 0 };
	pthread_t t;
	if ((permitted() & ~caps) != 0)
		return 1;
	if (pthread_create(&t, NULL, thread_reads, &a) != 0 || pthread_join(t, NULL) != 0)
		return 2;
	return -a.got;
}

static void every_use_opens_only_its_places(void **state)
{
	static const struct {
		struct sandbox_options use;
		unsigned long long caps;
		const char *name;
	} uses[] = {
		{ { .use = SANDBOX_READ }, CAP_READ, "read" },
		{ { .use = SANDBOX_REPAIR }, CAP_REPAIR, "repair" },
		{ { .use = SANDBOX_REKEY }, CAP_REKEY, "rekey" },
		{ { .use = SANDBOX_EXPORT }, CAP_EXPORT, "export" },
		{ { .use = SANDBOX_EXPORT, .devices = true }, CAP_EXPORT_DEVICES, "export with devices" },
	};
	const struct scratch *s = *state;
	SKIP_IF(UNIT_SANITIZED || strncmp(sandbox_build(), "none", 4) == 0, "this build is not confined");
	SKIP_IF(!landlock_is_here(s), "no Landlock in this kernel");
	put_places(s);
	for (size_t i = 0; i < N_OF(uses); i++) {
		use = uses[i].use;
		caps = uses[i].caps;
		CHECK_CASE(in_child(enter_use, do_use, s) == EACCES, uses[i].name);
	}
}

/* ---- errands ---- */

/* Answers with what it was asked, dies of "die", and tells of its descriptors; at the end it makes a file. */
static size_t serve(void *arg, const void *question, size_t n, char answer[static ERRAND_MAX])
{
	const struct scratch *s = arg;
	if (n == 0) {
		char path[PATH_MAX];
		snprintf(path, sizeof(path), "%s/end", s->path);
		return close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0;
	}
	if (n == 3 && memcmp(question, "die", 3) == 0)
		_exit(1);
	if (n == 2 && memcmp(question, "fd", 2) == 0) {
		int open_fds = 0;
		for (int fd = 0; fd < 256; fd++)
			open_fds += fcntl(fd, F_GETFD) >= 0;
		answer[0] = (char)open_fds;
		return 1;
	}
	memcpy(answer, question, n);
	return n;
}

static int do_errands(const struct scratch *s)
{
	struct errand e;
	char answer[ERRAND_MAX];
	(void)alarm(120);
	if (errand_start(&e, serve, (void *)(uintptr_t)s) != 0)
		return 1;
	if (filter_is_built() && !UNIT_SANITIZED && (privileges_fix() != 0 || filter_load(FILTER_READ) != 0))
		return 2;
	if (errand_ask(&e, "one", 3, answer) != 3 || memcmp(answer, "one", 3) != 0)
		return 3;
	if (errand_ask(&e, "fd", 2, answer) != 1 || answer[0] != 4) /* its end of the socket, and /dev/null */
		return 4;
	errand_end(&e);
	if (errand_ask(&e, "two", 3, answer) != -EPIPE)
		return 5;
	while (faccessat(s->fd, "end", F_OK, 0) != 0)
		(void)sched_yield();
	return 0;
}

static int do_lose_errand(const struct scratch *s)
{
	struct errand e;
	char answer[ERRAND_MAX];
	if (errand_start(&e, serve, (void *)(uintptr_t)s) != 0)
		return 1;
	for (int i = 0; i < 3; i++)
		if (errand_ask(&e, "die", 3, answer) != -EPIPE)
			return 2;
	errand_end(&e);
	errand_end(&e);
	return 0;
}

static void errands_are_run(void **state)
{
	assert_int_equal(in_child(enter_nothing, do_errands, *state), 0);
	assert_int_equal(in_child(enter_nothing, do_lose_errand, *state), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, scratch_setup, places_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_destination_is_filled),
		TEST(every_use_opens_only_its_places),
		TEST(errands_are_run),
	};
	return RUN_TAP(tests, NULL, NULL);
}
