/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loaded into the daemon by LD_PRELOAD (sandbox.test): code of somebody's that runs inside it. Reading the attribute
 * "security.probe.WHAT" through the mount has one of the threads that serve it do WHAT; the attribute's
 * value is what came of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
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
	return open("/tmp/cryptfs-probe", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
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
