/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a process cannot do any more, and what it still can: each case in a child that gives up its powers first. */
#include "sandbox.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "sandbox/attendant.h"
#include "sandbox/attendant_impl.h"
#include "sandbox/filter.h"
#include "sandbox/landlock.h"
#include "sandbox/privileges.h"
#include "sandbox/sandbox.h"

/* ---- the filter ---- */

static int enter_filter(const struct scratch *s)
{
	(void)s;
	int r = privileges_fix();
	return r < 0 ? r : filter_load(FILTER_SERVE);
}

static int do_exec(const struct scratch *s)
{
	(void)s;
	char *argv[] = { (char[]){ "true" }, NULL };
	return result(execv("/bin/true", argv));
}

static int do_execveat(const struct scratch *s)
{
	(void)s;
	char *argv[] = { (char[]){ "true" }, NULL };
	return result(syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, NULL, 0));
}

static int do_socket(const struct scratch *s)
{
	(void)s;
	return result(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int do_internet(const struct scratch *s)
{
	(void)s;
	return result(socket(AF_INET, SOCK_STREAM, 0));
}

static int do_fork(const struct scratch *s)
{
	(void)s;
	return result(fork());
}

static int do_vfork(const struct scratch *s)
{
	(void)s;
	return result(syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL, NULL, NULL, NULL));
}

static int do_thread_namespace(const struct scratch *s)
{
	(void)s;
	const unsigned long flags = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_NEWNS;
	return result(syscall(SYS_clone, flags, NULL, NULL, NULL, NULL));
}

static int do_ptrace(const struct scratch *s)
{
	(void)s;
	return result(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int do_vm_read(const struct scratch *s)
{
	(void)s;
	return result(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
}

static int do_mount(const struct scratch *s)
{
	return result(mount("none", s->path, "tmpfs", 0, NULL));
}

static int do_umount(const struct scratch *s)
{
	return result(umount2(s->path, MNT_DETACH));
}

static int do_unshare(const struct scratch *s)
{
	(void)s;
	return result(unshare(CLONE_NEWUSER));
}

static int do_bpf(const struct scratch *s)
{
	(void)s;
	return result(syscall(SYS_bpf, 0, NULL, 0));
}

static int do_keyctl(const struct scratch *s)
{
	(void)s;
	return result(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

static int do_handle(const struct scratch *s)
{
	(void)s;
	return result(syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0));
}

static int do_kill_parent(const struct scratch *s)
{
	(void)s;
	return result(kill(getppid(), 0));
}

static int do_tgkill_parent(const struct scratch *s)
{
	(void)s;
	return result(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static int do_setuid(const struct scratch *s)
{
	(void)s;
	return result(syscall(SYS_setresuid, -1, -1, -1));
}

static int do_map_code(const struct scratch *s)
{
	(void)s;
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return result(p == MAP_FAILED ? -1 : 0);
}

static int do_make_code(const struct scratch *s)
{
	(void)s;
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return result(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static void dies_of_what_is_hostile(void **state)
{
	SKIP_IF(UNIT_SANITIZED, "sanitizers make other calls");
	static const struct act acts[] = {
		{ "execve", do_exec },
		{ "execveat", do_execveat },
		{ "a local socket", do_socket },
		{ "a TCP socket", do_internet },
		{ "fork", do_fork },
		{ "vfork", do_vfork },
		{ "a thread in a new namespace", do_thread_namespace },
		{ "ptrace", do_ptrace },
		{ "process_vm_readv", do_vm_read },
		{ "mount", do_mount },
		{ "umount", do_umount },
		{ "unshare", do_unshare },
		{ "bpf", do_bpf },
		{ "keyctl", do_keyctl },
		{ "open_by_handle_at", do_handle },
		{ "kill of another", do_kill_parent },
		{ "tgkill of another", do_tgkill_parent },
		{ "setresuid", do_setuid },
		{ "mmap of code", do_map_code },
		{ "mprotect to code", do_make_code },
	};
	SKIP_IF(!filter_is_built(), "built without libseccomp");
	for (size_t i = 0; i < N_OF(acts); i++)
		CHECK_CASE(in_child(enter_filter, acts[i].run, *state) == 1000 + SIGSYS, acts[i].name);
}

static int do_clone3(const struct scratch *s)
{
	(void)s;
	return result(syscall(435, NULL, 0));
}

static int do_io_uring(const struct scratch *s)
{
	(void)s;
	return result(syscall(425, 1, NULL));
}

static int do_what_libraries_try(const struct scratch *s)
{
	static const long calls[] = {
		SYS_memfd_create, SYS_get_mempolicy, SYS_set_mempolicy, SYS_mbind, SYS_name_to_handle_at, SYS_tkill,
		440, 447, 450, 457, 458, 459, 460, 461, 468, 469,
	};
	(void)s;
	for (size_t i = 0; i < N_OF(calls); i++)
		if (syscall(calls[i], 0, 0, 0, 0, 0, 0) == 0 || errno != ENOSYS)
			return -EINVAL;
	return -ENOSYS;
}

static int do_tomorrow(const struct scratch *s)
{
	(void)s;
	return result(syscall(499, 0, 0));
}

static int do_youngest(const struct scratch *s)
{
	(void)s;
	return result(syscall(470, 0, 0));
}

static void goes_on_without_what_is_new(void **state)
{
	SKIP_IF(UNIT_SANITIZED, "sanitizers make other calls");
	static const struct act acts[] = {
		{ "clone3", do_clone3 },
		{ "io_uring_setup", do_io_uring },
		{ "what libraries try", do_what_libraries_try },
		{ "the first call that is younger than us", do_youngest },
		{ "a call of the future", do_tomorrow },
	};
	SKIP_IF(!filter_is_built(), "built without libseccomp");
	for (size_t i = 0; i < N_OF(acts); i++)
		CHECK_CASE(in_child(enter_filter, acts[i].run, *state) == ENOSYS, acts[i].name);
}

static int do_terminal_input(const struct scratch *s)
{
	(void)s;
	return result(ioctl(0, TIOCSTI, "x"));
}

static int do_dumpable(const struct scratch *s)
{
	(void)s;
	return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

/* To the parent, by way of a pipe that is written to; the kernel takes the lower half of a command. */
static int do_own(const struct scratch *s)
{
	static const unsigned long commands[] = { F_SETOWN, F_SETSIG, F_SETOWN_EX,
						 F_SETOWN | (unsigned long)(UINT64_C(1) << 32) };
	struct f_owner_ex owner = { .type = F_OWNER_PID, .pid = getpid() };
	(void)s;
	for (size_t i = 0; i < N_OF(commands); i++) {
		unsigned long arg = commands[i] == F_SETOWN_EX ? (unsigned long)(uintptr_t)&owner :
				    commands[i] == F_SETSIG    ? 0 :
								 (unsigned long)getpid();
		if (syscall(SYS_fcntl, 0, commands[i], arg) == 0 || errno != EPERM)
			return 1;
	}
	return 0;
}

/* What libraries and we do use. */
static int do_fcntl(const struct scratch *s)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = openat(s->fd, "locked", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 || fcntl(fd, F_SETLK, &lock) != 0 || fcntl(fd, F_OFD_GETLK, &lock) != 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_GETFD) != FD_CLOEXEC)
		return -errno;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	return copy < 100 || fcntl(copy, F_DUPFD, 0) < 0 || unlinkat(s->fd, "locked", 0) != 0 ? -errno : 0;
}

static void refuses_what_may_be_asked(void **state)
{
	SKIP_IF(UNIT_SANITIZED, "sanitizers make other calls");
	SKIP_IF(!filter_is_built(), "built without libseccomp");
	assert_int_equal(in_child(enter_filter, do_terminal_input, *state), ENOTTY);
	assert_int_equal(in_child(enter_filter, do_dumpable, *state), EINVAL);
	assert_int_equal(in_child(enter_filter, do_own, *state), 0);
}

static void *thread(void *arg)
{
	char *p = malloc(1 << 20);
	if (!p)
		return NULL;
	memset(p, 1, 1 << 20);
	free(p);
	return arg;
}

static int do_threads(const struct scratch *s)
{
	(void)s;
	pthread_t t[8];
	void *got;
	for (size_t i = 0; i < N_OF(t); i++)
		if (pthread_create(&t[i], NULL, thread, t) != 0)
			return -EAGAIN;
	for (size_t i = 0; i < N_OF(t); i++)
		if (pthread_join(t[i], &got) != 0 || got != t)
			return -EINVAL;
	return pthread_kill(pthread_self(), 0) == 0 ? 0 : -ESRCH;
}

static int do_files(const struct scratch *s)
{
	char buf[8];
	int fd = openat(s->fd, "f", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 || pwrite(fd, "text", 4, 0) != 4 || pread(fd, buf, sizeof(buf), 0) != 4 || fsync(fd) != 0 ||
	    mkdirat(s->fd, "d", 0700) != 0 || renameat(s->fd, "f", s->fd, "d/f") != 0 ||
	    linkat(s->fd, "d/f", s->fd, "f", 0) != 0 || unlinkat(s->fd, "d/f", 0) != 0 ||
	    unlinkat(s->fd, "d", AT_REMOVEDIR) != 0)
		return -errno;
	close(fd);
	return result(unlinkat(s->fd, "f", 0));
}

static int do_printing(const struct scratch *s)
{
	struct timespec t = { 0, 1000 };
	time_t now = time(NULL);
	struct tm tm;
	char text[64];
	(void)s;
	(void)nanosleep(&t, NULL);
	(void)strftime(text, sizeof(text), "%F %T", localtime_r(&now, &tm));
	int null = dup(1);
	FILE *f = fdopen(null, "w");
	return f && fprintf(f, "# %s\n", strerror(EIO)) > 0 && fclose(f) == 0 ? 0 : -EIO;
}

static void goes_on_with_its_work(void **state)
{
	SKIP_IF(UNIT_SANITIZED, "sanitizers make other calls");
	SKIP_IF(!filter_is_built(), "built without libseccomp");
	assert_int_equal(in_child(enter_filter, do_threads, *state), 0);
	assert_int_equal(in_child(enter_filter, do_files, *state), 0);
	assert_int_equal(in_child(enter_filter, do_fcntl, *state), 0);
	assert_int_equal(in_child(enter_filter, do_printing, *state), 0);
}

/* ---- Landlock ---- */

static int enter_landlock(const struct scratch *s)
{
	return enter_places(&(struct landlock_place){ s->fd, LANDLOCK_TO_CHANGE }, 1);
}

static int enter_landlock_read(const struct scratch *s)
{
	return enter_places(&(struct landlock_place){ s->fd, LANDLOCK_TO_READ }, 1);
}

static int do_read_outside(const struct scratch *s)
{
	(void)s;
	return result(open(OUTSIDE, O_RDONLY | O_CLOEXEC));
}

static int do_list_outside(const struct scratch *s)
{
	(void)s;
	return result(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static int do_write_outside(const struct scratch *s)
{
	(void)s;
	return result(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

/* As the store opens what it has an O_PATH descriptor of, also when its name is gone. */
static int do_reopen(const struct scratch *s)
{
	char path[64];
	int fd = openat(s->fd, "kept", O_PATH | O_CLOEXEC);
	if (fd < 0 || unlinkat(s->fd, "kept", 0) != 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return result(open(path, O_RDWR | O_CLOEXEC));
}

static int do_read(const struct scratch *s)
{
	return result(openat(s->fd, "kept", O_RDONLY | O_CLOEXEC));
}

static int do_write(const struct scratch *s)
{
	return result(openat(s->fd, "kept", O_RDWR | O_CLOEXEC));
}

static int do_remove(const struct scratch *s)
{
	return result(unlinkat(s->fd, "kept", 0));
}

static void put_file(const struct scratch *s)
{
	int fd = openat(s->fd, "kept", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void opens_only_the_vault(void **state)
{
	const struct scratch *s = *state;
	SKIP_IF(!landlock_is_here(s), "no Landlock in this kernel");
	put_file(s);
	assert_int_equal(in_child(enter_nothing, do_read_outside, s), 0);
	assert_int_equal(in_child(enter_landlock, do_read_outside, s), EACCES);
	assert_int_equal(in_child(enter_landlock, do_list_outside, s), EACCES);
	assert_int_equal(in_child(enter_landlock, do_write_outside, s), EACCES);
	assert_int_equal(in_child(enter_landlock, do_files, s), 0);
	assert_int_equal(in_child(enter_landlock, do_write, s), 0);
	assert_int_equal(in_child(enter_landlock, do_reopen, s), 0);
}

static void changes_nothing_if_read_only(void **state)
{
	const struct scratch *s = *state;
	SKIP_IF(!landlock_is_here(s), "no Landlock in this kernel");
	put_file(s);
	assert_int_equal(in_child(enter_landlock_read, do_read, s), 0);
	assert_int_equal(in_child(enter_landlock_read, do_write, s), EACCES);
	assert_int_equal(in_child(enter_landlock_read, do_remove, s), EACCES);
	assert_int_equal(in_child(enter_landlock_read, do_read_outside, s), EACCES);
}

static int do_exec_inside(const struct scratch *s)
{
	char *argv[] = { (char[]){ "kept" }, NULL };
	return result(syscall(SYS_execveat, s->fd, "kept", argv, NULL, 0));
}

static void executes_nothing(void **state)
{
	const struct scratch *s = *state;
	SKIP_IF(!landlock_is_here(s), "no Landlock in this kernel");
	put_file(s);
	assert_int_equal(fchmodat(s->fd, "kept", 0700, 0), 0);
	assert_int_equal(in_child(enter_nothing, do_exec_inside, s), ENOEXEC);
	assert_int_equal(in_child(enter_landlock, do_exec_inside, s), EACCES);
}

/* ---- privileges ---- */

/* chown, dac_override, dac_read_search, fowner, fsetid, sys_admin, mknod, setfcap */
static const unsigned long long files = 0x8820001fULL;

static int enter_privileges(const struct scratch *s)
{
	(void)s;
	int r = privileges_fix();
	return r < 0 ? r : privileges_drop(files);
}

/* A capability of /proc/self/status, by its name there, as a number. */
static unsigned long long capabilities(const char *which)
{
	char line[256];
	unsigned long long n = ~0ULL;
	FILE *f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, which, strlen(which)) == 0)
			n = strtoull(line + strlen(which), NULL, 16);
	if (f)
		fclose(f);
	return n;
}

static int do_count_capabilities(const struct scratch *s)
{
	(void)s;
	if ((capabilities("CapEff:") | capabilities("CapPrm:")) & ~files)
		return 1;
	if (capabilities("CapInh:") != 0 || capabilities("CapAmb:") != 0)
		return 2;
	if (geteuid() == 0 && (capabilities("CapBnd:") & ~files))
		return 3;
	if (geteuid() != 0 && capabilities("CapEff:") != 0)
		return 4;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 5;
}

static int do_chown(const struct scratch *s)
{
	return result(fchownat(s->fd, "kept", 1234, 2345, 0));
}

static int do_chroot(const struct scratch *s)
{
	return result(chroot(s->path));
}

static void keeps_what_files_need(void **state)
{
	const struct scratch *s = *state;
	put_file(s);
	assert_int_equal(in_child(enter_privileges, do_count_capabilities, s), 0);
	assert_int_equal(in_child(enter_privileges, do_chroot, s), EPERM);
	if (geteuid() == 0)
		assert_int_equal(in_child(enter_privileges, do_chown, s), 0);
}

/* ---- all of it, on a thread made later ---- */

static int enter_all(const struct scratch *s)
{
	struct sandbox_state state;
	sandbox_enter(&(struct sandbox_options){ .vault_fd = s->fd }, &state);
	return state.no_new_privs && state.capabilities && state.seccomp == filter_is_built() ? 0 : -1;
}

static void *thread_outside(void *arg)
{
	*(int *)arg = open(OUTSIDE, O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
	pthread_exit(NULL); /* which loads a library, if it has not been loaded before */
}

static int do_thread_outside(const struct scratch *s)
{
	pthread_t t;
	int got = 0;
	(void)s;
	if (pthread_create(&t, NULL, thread_outside, &got) != 0 || pthread_join(t, NULL) != 0)
		return 1;
	return -got;
}

static void threads_are_bound_as_well(void **state)
{
	const struct scratch *s = *state;
	SKIP_IF(UNIT_SANITIZED || strncmp(sandbox_build(), "none", 4) == 0, "this build is not confined");
	SKIP_IF(!landlock_is_here(s), "no Landlock in this kernel");
	assert_int_equal(in_child(enter_all, do_thread_outside, s), EACCES);
}

/* ---- the attendant ---- */

static int do_attendant(const struct scratch *s)
{
	struct attendant *a = NULL;
	int r = attendant_start(s->path, &a);
	if (r < 0)
		return r;
	/* Before there is a mount it has none to do anything with, and what is no order it does not obey. */
	if (attendant_fetch(a) != -ESTALE || attendant_unmount(a) != -ESTALE || attendant_detach(a) != -ESTALE)
		return 1;
	for (int i = 0; i < 5000; i++)
		attendant_log(LOG_LEVEL_DEBUG, "a message");
	if (attendant_fetch(a) != -ESTALE)
		return 2;
	attendant_end(a);
	attendant_end(NULL);
	return 0;
}

static void attendant_answers(void **state)
{
	assert_int_equal(in_child(enter_nothing, do_attendant, *state), 0);
}

/* The only child of a process, or 0. */
static pid_t child_of(pid_t parent)
{
	char path[64], text[512];
	pid_t child = 0;
	DIR *d = opendir("/proc");
	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
		snprintf(path, sizeof(path), "/proc/%.20s/stat", e->d_name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
		if (fd >= 0)
			close(fd);
		text[n > 0 ? n : 0] = '\0';
		const char *at = strrchr(text, ')');
		if (at && strtol(at + 3, NULL, 10) == parent)
			child = (pid_t)atoi(e->d_name);
	}
	closedir(d);
	return child;
}

static void kill_child(void)
{
	pid_t pid = child_of(getpid());
	if (pid > 0)
		(void)kill(pid, SIGKILL);
}

static int do_lose_attendant(const struct scratch *s)
{
	struct attendant *a = NULL;
	int r = attendant_start(s->path, &a);
	if (r < 0)
		return r;
	(void)attendant_mounted(a);
	kill_child();
	while (attendant_fetch(a) != -EPIPE)
		;
	attendant_log(LOG_LEVEL_ERROR, "nobody hears this");
	if (attendant_detach(a) != -EPIPE)
		return 1;
	attendant_end(a);
	return waitpid(-1, NULL, 0) < 0 && errno == ECHILD ? 0 : 2; /* no zombie */
}

static void attendant_may_be_lost(void **state)
{
	assert_int_equal(in_child(enter_nothing, do_lose_attendant, *state), 0);
}

/* By the same user, who may else. */
static int do_open_memory(const struct scratch *s)
{
	struct attendant *a = NULL;
	char path[64];
	int r = geteuid() == 0 ? setresuid(65534, 65534, 65534) : 0;
	if (r != 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
		return 1;
	snprintf(path, sizeof(path), "/proc/%ld/mem", (long)getpid());
	if (open(path, O_RDWR | O_CLOEXEC) < 0)
		return 2;
	r = attendant_start(s->path, &a);
	if (r < 0)
		return r;
	(void)attendant_fetch(a);
	snprintf(path, sizeof(path), "/proc/%ld/mem", (long)child_of(getpid()));
	r = open(path, O_RDWR | O_CLOEXEC) < 0 ? -errno : 0;
	attendant_end(a);
	return r;
}

static void attendant_keeps_its_memory(void **state)
{
	assert_int_equal(in_child(enter_nothing, do_open_memory, *state), EACCES);
}

static bool syncfs_waits;

int __wrap_syncfs(int fd);
int __wrap_syncfs(int fd)
{
	(void)fd;
	while (syncfs_waits)
		(void)pause();
	return 0;
}

static int send_order(int fd, uint32_t order)
{
	const struct attendant_message m = { .order = order };
	return write(fd, &m, offsetof(struct attendant_message, text)) > 0 ? 0 : -errno;
}

static int take_answer(int fd)
{
	int32_t answer;
	return read(fd, &answer, sizeof(answer)) == (ssize_t)sizeof(answer) ? answer : -EPIPE;
}

/* Two orders, where the first is never done, and who was to do it is killed. */
static int do_lose_order(const struct scratch *s)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return 1;
	(void)alarm(120); /* no answer is a failure as well */
	syncfs_waits = true;
	pid_t pid = fork();
	if (pid == 0)
		attendant_main(ends[1], s->path, getppid());
	close(ends[1]);
	if (send_order(ends[0], ATTENDANT_MOUNTED) < 0 || take_answer(ends[0]) != 0)
		return 2;
	if (send_order(ends[0], ATTENDANT_FETCH) < 0 || send_order(ends[0], ATTENDANT_FETCH) < 0)
		return 3;
	if (take_answer(ends[0]) != -EBUSY)
		return 4;
	pid_t child = child_of(pid);
	if (child <= 0 || kill(child, SIGKILL) != 0)
		return 5;
	if (take_answer(ends[0]) != -EIO)
		return 6;
	/* it takes the next one */
	if (send_order(ends[0], ATTENDANT_FETCH) < 0 || send_order(ends[0], ATTENDANT_FETCH) < 0 ||
	    take_answer(ends[0]) != -EBUSY || kill(child_of(pid), SIGKILL) != 0 || take_answer(ends[0]) != -EIO)
		return 7;
	(void)send_order(ends[0], ATTENDANT_END);
	return waitpid(pid, NULL, 0) == pid ? 0 : 8;
}

static void attendant_may_lose_an_order(void **state)
{
	assert_int_equal(in_child(enter_nothing, do_lose_order, *state), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opens_only_the_vault),
		TEST(changes_nothing_if_read_only),
		TEST(executes_nothing),
		TEST(keeps_what_files_need),
		TEST(threads_are_bound_as_well),
		TEST(attendant_answers),
		TEST(attendant_may_be_lost),
		TEST(attendant_may_lose_an_order),
		TEST(attendant_keeps_its_memory),
		TEST(dies_of_what_is_hostile),
		TEST(goes_on_without_what_is_new),
		TEST(refuses_what_may_be_asked),
		TEST(goes_on_with_its_work),
	};
	return RUN_TAP(tests, NULL, NULL);
}
