/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Code of somebody's that runs inside cryptfs, loaded by LD_PRELOAD.
 *
 * In the daemon (sandbox.test) reading the attribute "security.probe.WHAT" through the mount has one of the threads
 * that serve it do WHAT; the attribute's value is what came of it.
 *
 * In a verb that reads a vault (sandbox-offline.test) the thread that first opens, below an open directory, a name
 * that begins with $CRYPTFS_PROBE_AT does $CRYPTFS_PROBE, and says on stderr what came of it. If $CRYPTFS_PROBE_AT is
 * empty or unset any name does that is the vault's (not that of a file which is read before there is a key).
 *
 * With $CRYPTFS_PROBE_CLOCK each look at the monotonic clock finds it ten seconds later.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "security.probe."
#define PROBE_MAX 64

extern char **environ;
ssize_t getxattr(const char *path, const char *name, void *value, size_t size);

static long open_shadow(void)
{
	return open("/etc/shadow", O_RDONLY | O_CLOEXEC);
}

static long open_passwd(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static long list_home(void)
{
	return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static long make_file(void)
{
	char path[64];
	snprintf(path, sizeof(path), "/tmp/cryptfs-probe.%ld", (long)getpid());
	long r = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	return r < 0 ? r : unlink(path);
}

static long exec_sh(void)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "exit 0" }, NULL };
	return execve("/bin/sh", argv, environ);
}

static long spawn_sh(void)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "exit 0" }, NULL };
	pid_t pid;
	errno = posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ);
	return errno ? -1 : 0;
}

static long socket_local(void)
{
	return socket(AF_UNIX, SOCK_DGRAM, 0);
}

static long socket_internet(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long fork_child(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return pid;
}

static long trace_parent(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long mount_something(void)
{
	return mount("none", "/mnt", "tmpfs", 0, NULL);
}

static long kill_parent(void)
{
	return kill(getppid(), 0);
}

static long map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

/* ---- what concerns a vault and a destination ---- */

static int opened_below;

static long open_vault_to_write(void)
{
	return syscall(SYS_openat, opened_below, "probe", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long remove_below(void)
{
	return syscall(SYS_unlinkat, opened_below, "probe", 0);
}

static const char *named(void)
{
	const char *path = getenv("CRYPTFS_PROBE_PATH");
	return path ? path : "/nonexistent";
}

static long make_named(void)
{
	return syscall(SYS_openat, AT_FDCWD, named(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long remove_named(void)
{
	return syscall(SYS_unlinkat, AT_FDCWD, named(), 0);
}

static long read_named(void)
{
	return syscall(SYS_openat, AT_FDCWD, named(), O_RDONLY | O_CLOEXEC);
}

static long chmod_named(void)
{
	return syscall(SYS_chmod, named(), 0600);
}

static long make_device(void)
{
	return syscall(SYS_mknodat, opened_below, "probe", S_IFCHR | 0600, 0x103);
}

static long uring(void)
{
	return syscall(425, 1, NULL);
}

static const struct {
	const char *name;
	long (*run)(void);
} acts[] = {
	{ "shadow", open_shadow },
	{ "passwd", open_passwd },
	{ "list", list_home },
	{ "make", make_file },
	{ "exec", exec_sh },
	{ "spawn", spawn_sh },
	{ "socket", socket_local },
	{ "internet", socket_internet },
	{ "fork", fork_child },
	{ "ptrace", trace_parent },
	{ "mount", mount_something },
	{ "kill", kill_parent },
	{ "code", map_code },
	{ "uring", uring },
	{ "write", open_vault_to_write },
	{ "remove", remove_below },
	{ "make-named", make_named },
	{ "remove-named", remove_named },
	{ "read-named", read_named },
	{ "chmod-named", chmod_named },
	{ "device", make_device },
};

/* "done", or the name of the error. */
static ssize_t act(const char *name, char *value, size_t size)
{
	char text[PROBE_MAX] = "unknown";
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(acts[i].name, name) == 0)
			snprintf(text, sizeof(text), "%s", acts[i].run() < 0 ? strerrorname_np(errno) : "done");
	size_t n = strlen(text);
	memcpy(value, text, n < size ? n : size);
	return (ssize_t)n;
}

ssize_t getxattr(const char *path, const char *name, void *value, size_t size)
{
	if (strncmp(name, PREFIX, strlen(PREFIX)) == 0)
		return size == 0 ? PROBE_MAX : act(name + strlen(PREFIX), value, size);
	return (ssize_t)syscall(SYS_getxattr, path, name, value, size);
}

/* ---- in a verb ---- */

static void probe_at(int dirfd, const char *name)
{
	static atomic_bool is_done;
	const char *what = getenv("CRYPTFS_PROBE"), *at = getenv("CRYPTFS_PROBE_AT");
	if (!what || dirfd < 0 || name[0] == '/' || strcmp(name, "..") == 0)
		return;
	if (at && *at ? strncmp(name, at, strlen(at)) != 0 : strncmp(name, "cryptfs.", 8) == 0 || name[0] == '.')
		return;
	if (atomic_exchange(&is_done, true))
		return;
	int saved = errno;
	char value[PROBE_MAX];
	opened_below = dirfd;
	ssize_t n = act(what, value, sizeof(value));
	dprintf(STDERR_FILENO, "probe: %.*s\n", (int)n, value);
	errno = saved;
}

static int probe_openat(int dirfd, const char *name, int flags, mode_t mode)
{
	probe_at(dirfd, name);
	return (int)syscall(SYS_openat, dirfd, name, flags, mode);
}

/* openat64, where files are large; and what _FORTIFY_SOURCE makes of it. */
int openat(int dirfd, const char *name, int flags, ...)
{
	mode_t mode = 0;
	if (flags & O_CREAT) {
		va_list ap;
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return probe_openat(dirfd, name, flags, mode);
}

int __openat64_2(int dirfd, const char *name, int flags);
int __openat64_2(int dirfd, const char *name, int flags)
{
	return probe_openat(dirfd, name, flags, 0);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	static atomic_int later;
	int r = (int)syscall(SYS_clock_gettime, clock, t);
	if (clock == CLOCK_MONOTONIC && getenv("CRYPTFS_PROBE_CLOCK"))
		t->tv_sec += 10 * atomic_fetch_add(&later, 1);
	return r;
}
