/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The filters for reading and for exporting: which system calls are left. */
#include "sandbox.h"

#include <asm/termbits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "sandbox/filter.h"

/* ---- filters ---- */

static int enter_filter(enum filter_kind kind)
{
	int r = privileges_fix();
	return r < 0 ? r : filter_load(kind);
}

static int enter_read(const struct scratch *s)
{
	(void)s;
	return enter_filter(FILTER_READ);
}

static int enter_export(const struct scratch *s)
{
	(void)s;
	return enter_filter(FILTER_EXPORT);
}

static int do_open_to_write(const struct scratch *s)
{
	return result(openat(s->fd, "kept", O_WRONLY | O_CLOEXEC));
}

static int do_open_both(const struct scratch *s)
{
	return result(openat(s->fd, "kept", O_RDWR | O_CLOEXEC));
}

static int do_open_and_cut(const struct scratch *s)
{
	return result(openat(s->fd, "kept", O_RDONLY | O_TRUNC | O_CLOEXEC));
}

static int do_create(const struct scratch *s)
{
	return result(openat(s->fd, "new", O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int do_temporary(const struct scratch *s)
{
	return result(openat(s->fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
}

static int do_truncate(const struct scratch *s)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d/kept", s->fd);
	return result(truncate(path, 1));
}

static int do_mkdir(const struct scratch *s)
{
	return result(mkdirat(s->fd, "made", 0700));
}

static int do_mknod(const struct scratch *s)
{
	return result(mknodat(s->fd, "made", S_IFIFO | 0600, 0));
}

static int do_symlink(const struct scratch *s)
{
	return result(symlinkat("x", s->fd, "made"));
}

static int do_link(const struct scratch *s)
{
	return result(linkat(s->fd, "kept", s->fd, "made", 0));
}

static int do_rename(const struct scratch *s)
{
	return result(renameat(s->fd, "kept", s->fd, "made"));
}

static int do_unlink(const struct scratch *s)
{
	return result(unlinkat(s->fd, "kept", 0));
}

static int do_fchmod(const struct scratch *s)
{
	return result(fchmod(s->fd, 0700));
}

static int do_fchown(const struct scratch *s)
{
	return result(fchown(s->fd, (uid_t)-1, (gid_t)-1));
}

static int do_utimes(const struct scratch *s)
{
	return result(utimensat(s->fd, "kept", NULL, 0));
}

static int do_fsetxattr(const struct scratch *s)
{
	int r = fsetxattr(s->fd, "user.x", "", 0, 0);
	return r != 0 && errno == EOPNOTSUPP ? 0 : result(r);
}

static int do_chmod(const struct scratch *s)
{
	return result(fchmodat(s->fd, "kept", 0600, 0));
}

static int do_chmod_young(const struct scratch *s)
{
	return result(syscall(452, s->fd, "kept", 0600, 0));
}

static int do_setxattr(const struct scratch *s)
{
	(void)s;
	return result(setxattr("/proc/self/fd/0", "user.x", "", 0, 0));
}

static int do_landlock(const struct scratch *s)
{
	(void)s;
	long r = syscall(444, NULL, 0, 1);
	return r < 0 && errno != EOPNOTSUPP && errno != ENOSYS ? -errno : 0;
}

static int do_socket(const struct scratch *s)
{
	(void)s;
	return result(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int do_exec(const struct scratch *s)
{
	(void)s;
	char *argv[] = { (char[]){ "true" }, NULL };
	return result(execv("/bin/true", argv));
}

static int do_fork(const struct scratch *s)
{
	(void)s;
	return result(fork());
}

static void put_file(const struct scratch *s)
{
	int fd = openat(s->fd, "kept", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void a_reader_dies_of_changing_anything(void **state)
{
	static const struct act acts[] = {
		{ "opening to write", do_open_to_write },
		{ "opening to read and write", do_open_both },
		{ "opening and cutting", do_open_and_cut },
		{ "creating", do_create },
		{ "a temporary file", do_temporary },
		{ "truncate", do_truncate },
		{ "mkdir", do_mkdir },
		{ "mknod", do_mknod },
		{ "symlink", do_symlink },
		{ "link", do_link },
		{ "rename", do_rename },
		{ "unlink", do_unlink },
		{ "fchmod", do_fchmod },
		{ "fchown", do_fchown },
		{ "utimensat", do_utimes },
		{ "fsetxattr", do_fsetxattr },
		{ "chmod", do_chmod },
		{ "fchmodat2", do_chmod_young },
		{ "setxattr", do_setxattr },
		{ "landlock_create_ruleset", do_landlock },
		{ "a socket", do_socket },
		{ "execve", do_exec },
		{ "fork", do_fork },
	};
	SKIP_IF(UNIT_SANITIZED, "sanitizers make other calls");
	SKIP_IF(!filter_is_built(), "built without libseccomp");
	put_file(*state);
	for (size_t i = 0; i < N_OF(acts); i++)
		CHECK_CASE(in_child(enter_read, acts[i].run, *state) == 1000 + SIGSYS, acts[i].name);
}

static int do_reading(const struct scratch *s)
{
	char buf[8];
	int fd = openat(s->fd, "kept", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int path = openat(s->fd, "kept", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int dir = openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC);
	DIR *d = dir < 0 ? NULL : fdopendir(dir);
	if (fd < 0 || path < 0 || !d || !readdir(d) || pread(fd, buf, sizeof(buf), 0) != 0 ||
	    readlinkat(s->fd, "kept", buf, sizeof(buf)) >= 0 || errno != EINVAL ||
	    faccessat(s->fd, "kept", R_OK, AT_EACCESS) != 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
		return 1;
	if (fgetxattr(fd, "user.none", buf, sizeof(buf)) >= 0 || (errno != ENODATA && errno != EOPNOTSUPP))
		return 2;
	/* its flags are in memory */
	return syscall(437, s->fd, "kept", NULL, 0) < 0 && errno == ENOSYS ? 0 : 3;
}

static void a_reader_reads(void **state)
{
	SKIP_IF(UNIT_SANITIZED, "sanitizers make other calls");
	SKIP_IF(!filter_is_built(), "built without libseccomp");
	put_file(*state);
	assert_int_equal(in_child(enter_read, do_reading, *state), 0);
}

static int do_making(const struct scratch *s)
{
	int (*const acts[])(const struct scratch *) = {
		do_mkdir, do_open_both, do_create, do_fchmod, do_fchown, do_utimes, do_fsetxattr, do_landlock,
	};
	for (size_t i = 0; i < N_OF(acts); i++)
		if (acts[i](s) != 0)
			return (int)i + 1;
	if (unlinkat(s->fd, "made", AT_REMOVEDIR) != 0 || do_link(s) != 0 || unlinkat(s->fd, "made", 0) != 0)
		return 100;
	if (do_symlink(s) != 0 || unlinkat(s->fd, "made", 0) != 0 || do_mknod(s) != 0)
		return 101;
	return do_rename(s) == 0 ? 0 : 102;
}

static void an_exporter_changes_no_modes_by_path(void **state)
{
	static const struct act acts[] = {
		{ "chmod", do_chmod },	       { "fchmodat2", do_chmod_young }, { "setxattr", do_setxattr },
		{ "truncate", do_truncate },   { "a socket", do_socket },	{ "execve", do_exec },
		{ "fork", do_fork },
	};
	SKIP_IF(UNIT_SANITIZED, "sanitizers make other calls");
	SKIP_IF(!filter_is_built(), "built without libseccomp");
	put_file(*state);
	for (size_t i = 0; i < N_OF(acts); i++)
		CHECK_CASE(in_child(enter_export, acts[i].run, *state) == 1000 + SIGSYS, acts[i].name);
	assert_int_equal(in_child(enter_export, do_making, *state), 0);
}

/* ---- terminals, and other processes ---- */

static int tty = -1;

static long ask_tty(unsigned long request)
{
	char buf[256] = "";
	return syscall(SYS_ioctl, tty, request, buf);
}

/* What a terminal may be asked is answered; one bit more or less, and it seems to be none. The kernel takes the lower
 * half. */
static int do_terminal(const struct scratch *s)
{
	static const unsigned long asked[] = {
		TCGETS, TIOCGWINSZ,
#ifdef TCGETS2
		TCGETS2,
#endif
	};
	(void)s;
	for (size_t i = 0; i < N_OF(asked); i++) {
		if (ask_tty(asked[i]) != 0)
			return 1;
		for (unsigned int bit = 0; bit < 32; bit++) {
			unsigned long other = asked[i] ^ 1UL << bit;
			bool is_asked = false;
			for (size_t k = 0; k < N_OF(asked); k++)
				is_asked = is_asked || asked[k] == other;
			if (!is_asked && (ask_tty(other) == 0 || errno != ENOTTY))
				return 2;
		}
	}
	static const unsigned long harmful[] = { TIOCSTI,   TIOCSWINSZ, TCSETS,  TIOCSCTTY,
						 TIOCCONS, TIOCLINUX,	FIONREAD };
	const unsigned long upper = 1UL << (sizeof(long) * 8 - 1);
	for (size_t i = 0; i < N_OF(harmful); i++) {
		if (ask_tty(harmful[i]) == 0 || errno != ENOTTY)
			return 3;
		if (ask_tty(harmful[i] | upper) == 0 || errno != ENOTTY)
			return 4;
	}
	return 0;
}

static void a_terminal_is_only_asked(void **state)
{
	SKIP_IF(UNIT_SANITIZED, "sanitizers make other calls");
	SKIP_IF(!filter_is_built(), "built without libseccomp");
	tty = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	SKIP_IF(tty < 0, "no terminals");
	assert_int_equal(in_child(enter_read, do_terminal, *state), 0);
	assert_int_equal(in_child(enter_export, do_terminal, *state), 0);
	close(tty);
}

static int do_others(const struct scratch *s)
{
	cpu_set_t set;
	void *head;
	size_t len;
	(void)s;
	if (sched_getaffinity(0, sizeof(set), &set) != 0 || sched_setaffinity(0, sizeof(set), &set) != 0)
		return 1;
	if (sched_setaffinity(getppid(), sizeof(set), &set) == 0 || errno != EPERM)
		return 2;
	if (setpriority(PRIO_USER, 0, 19) == 0 || errno != ENOSYS)
		return 3;
	return syscall(SYS_get_robust_list, getppid(), &head, &len) < 0 && errno == EPERM ? 0 : 4;
}

static void others_are_let_alone(void **state)
{
	SKIP_IF(UNIT_SANITIZED, "sanitizers make other calls");
	SKIP_IF(!filter_is_built(), "built without libseccomp");
	assert_int_equal(in_child(enter_read, do_others, *state), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_reader_dies_of_changing_anything),
		TEST(a_reader_reads),
		TEST(an_exporter_changes_no_modes_by_path),
		TEST(a_terminal_is_only_asked),
		TEST(others_are_let_alone),
	};
	return RUN_TAP(tests, NULL, NULL);
}
