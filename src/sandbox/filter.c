/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tables are read together with doc/decisions/0002-giving-up-powers.md: a C library that is upgraded must not
 * turn a working mount into one that is killed. So whole families are allowed, old names and new, whether or not
 * they are used today, as long as they reach nothing that our descriptors and our memory do not reach already;
 * paths are Landlock's.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "sandbox/filter.h"

#include <errno.h>

#ifdef HAVE_LIBSECCOMP

#include <asm/termbits.h>
#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <linux/prctl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILTER_N(a) (sizeof(a) / sizeof((a)[0]))

static const char *const filter_allowed[] = {
	/* descriptors */
	"read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "pwrite64", "pwritev", "pwritev2",
	"lseek", "_llseek", "close", "dup", "dup2", "dup3", "pipe", "pipe2", "flock",
	"ftruncate", "ftruncate64", "fallocate", "fadvise64", "fadvise64_64", "arm_fadvise64_64", "readahead",
	"fsync", "fdatasync", "syncfs", "sync_file_range", "sync_file_range2", "arm_sync_file_range",
	"copy_file_range", "sendfile", "sendfile64", "splice", "tee", "vmsplice",
	"poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64",
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_wait", "epoll_wait_old",
	"epoll_pwait", "eventfd", "eventfd2", "signalfd", "signalfd4",
	"timerfd_create", "timerfd_settime", "timerfd_settime64", "timerfd_gettime", "timerfd_gettime64",
	/* files */
	"access", "faccessat", "readlink", "readlinkat",
	"stat", "stat64", "lstat", "lstat64", "fstat", "fstat64", "newfstatat", "fstatat64", "oldstat", "oldlstat",
	"oldfstat", "statx", "statfs", "statfs64", "fstatfs", "fstatfs64", "getdents", "getdents64",
	"umask", "getcwd", "chdir", "fchdir",
	"getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr",
	/* memory */
	"brk", "munmap", "mremap", "madvise", "mincore", "msync", "mlock", "mlock2", "mlockall", "munlock",
	"munlockall", "membarrier", "pkey_alloc", "pkey_free", "arch_prctl", "set_thread_area", "get_thread_area",
	"set_tls", "get_tls", "cacheflush", "riscv_flush_icache",
	/* threads and ourselves */
	"exit", "exit_group", "futex", "futex_time64", "set_robust_list", "set_tid_address", "rseq",
	"gettid", "getpid", "getppid", "getpgrp", "getpgid", "getsid", "setsid", "getuid", "getuid32", "geteuid",
	"geteuid32", "getgid", "getgid32", "getegid", "getegid32", "getresuid", "getresuid32", "getresgid",
	"getresgid32", "getgroups", "getgroups32", "capget", "getrusage", "times", "uname", "sysinfo", "getrandom",
	"getrlimit", "ugetrlimit", "setrlimit", "getpriority", "sched_yield", "sched_getaffinity",
	"sched_getparam", "sched_getscheduler", "sched_get_priority_max",
	"sched_get_priority_min", "sched_getattr", "getcpu",
	/* signals */
	"rt_sigaction", "rt_sigprocmask", "rt_sigpending", "rt_sigsuspend", "rt_sigtimedwait",
	"rt_sigtimedwait_time64", "rt_sigreturn", "sigaction", "sigprocmask", "sigpending", "sigsuspend", "sigreturn",
	"sigaltstack", "pause", "restart_syscall",
	/* time */
	"clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64", "clock_nanosleep",
	"clock_nanosleep_time64", "nanosleep", "gettimeofday", "time", "alarm", "setitimer", "getitimer",
	"timer_create", "timer_settime", "timer_settime64", "timer_gettime", "timer_gettime64", "timer_getoverrun",
	"timer_delete",
};

/* From FILTER_EXPORT on: what Landlock judges by path, and what changes an open file. chown and utimes take a path, for
 * what cannot be opened. */
static const char *const filter_making[] = {
	"open", "openat", "creat",
	"mkdir", "mkdirat", "mknod", "mknodat", "symlink", "symlinkat", "link", "linkat", "unlink", "unlinkat", "rmdir",
	"rename", "renameat", "renameat2", "fchmod", "fchown", "fchown32", "fchownat", "fsetxattr", "fremovexattr",
	"utimensat", "utimensat_time64",
};

/* FILTER_SERVE: what changes a file by its path, where Landlock has no say. */
static const char *const filter_serving[] = {
	"chmod", "fchmodat", "chown", "chown32", "lchown", "lchown32", "utime", "utimes", "futimesat", "truncate",
	"truncate64", "setxattr", "lsetxattr", "removexattr", "lremovexattr",
};

/* The same of what came since Linux 5.1. All architectures number these alike, so libseccomp need not know them. */
static const int filter_allowed_young[] = {
	436, /* close_range */
	439, /* faccessat2 */
	441, /* epoll_pwait2 */
	449, /* futex_waitv */
	451, /* cachestat */
	453, /* map_shadow_stack */
	454, /* futex_wake */
	455, /* futex_wait */
	456, /* futex_requeue */
	462, /* mseal */
	464, /* getxattrat */
	465, /* listxattrat */
};

static const int filter_serving_young[] = {
	452, /* fchmodat2 */
	463, /* setxattrat */
	466, /* removexattrat */
};

/* They can only take more away. */
static const int filter_landlock_young[] = {
	444, /* landlock_create_ruleset */
	445, /* landlock_add_rule */
	446, /* landlock_restrict_self */
};

#define FILTER_OPENAT2 437

/* Tried first by C libraries and libfuse, which go on without. */
static const int filter_absent_young[] = {
	425, /* io_uring_setup */
	426, /* io_uring_enter */
	427, /* io_uring_register */
	435, /* clone3, whose flags a filter cannot see: clone does it */
	440, /* process_madvise */
	447, /* memfd_secret */
	450, /* set_mempolicy_home_node */
	457, /* statmount */
	458, /* listmount */
	459, /* lsm_get_self_attr */
	460, /* lsm_set_self_attr */
	461, /* lsm_list_modules */
	468, /* file_getattr */
	469, /* file_setattr */
};

/* Older ones that libraries may try as well. */
static const char *const filter_absent[] = {
	"memfd_create", "get_mempolicy", "set_mempolicy", "mbind", "name_to_handle_at", "setpriority",
	"tkill", /* which does not say whose thread it means: tgkill does */
};

/* The youngest call that these tables have an opinion on (file_setattr, Linux 6.17). Who uses later ones has to do
 * without on older kernels as well. */
#define FILTER_YOUNGEST 469
#define FILTER_YOUNG_END 640

/* The first of the calls that all architectures number alike; some add a constant. */
#define FILTER_YOUNG_NAME "pidfd_send_signal"
#define FILTER_YOUNG_NUMBER 424

/* What opens or makes a file to write, or writes to it by being opened. */
#define FILTER_OPEN_WRITES (O_ACCMODE | O_CREAT | O_TRUNC)

/* Commands of fcntl: those of all systems from 0 on, and those of Linux alone. */
#define FILTER_FCNTL_END 48
#define FILTER_FCNTL_LINUX 1024
#define FILTER_FCNTL_LINUX_N 64

#define FILTER_NEW_NAMESPACES                                                                                  \
	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP)
#define FILTER_THREAD (CLONE_VM | CLONE_THREAD)
#if defined(__s390__)
#define FILTER_CLONE_FLAGS 1
#else
#define FILTER_CLONE_FLAGS 0
#endif

/* With a condition on one argument, in 'compare'; 'otherwise' is what happens if it does not hold, 0 for death. */
struct filter_rule {
	const char *name;
	struct scmp_arg_cmp compare;
	int otherwise;
};

static int filter_add(scmp_filter_ctx f, uint32_t action, const char *name, const struct scmp_arg_cmp *compare)
{
	int nr = seccomp_syscall_resolve_name(name);
	if (nr < 0)
		return 0; /* not on this architecture */
	return seccomp_rule_add_array(f, action, nr, compare ? 1 : 0, compare);
}

static int filter_add_rule(scmp_filter_ctx f, const struct filter_rule *rule)
{
	int r = filter_add(f, SCMP_ACT_ALLOW, rule->name, &rule->compare);
	struct scmp_arg_cmp other = rule->compare;
	other.op = SCMP_CMP_NE;
	if (r == 0 && rule->otherwise != 0)
		r = filter_add(f, SCMP_ACT_ERRNO((uint32_t)rule->otherwise), rule->name, &other);
	return r;
}

static int filter_add_all(scmp_filter_ctx f, uint32_t action, const char *const *names, size_t n)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = filter_add(f, action, names[i], NULL);
	return r;
}

static int filter_add_rules(scmp_filter_ctx f)
{
	const scmp_datum_t pid = (scmp_datum_t)getpid();
	const struct filter_rule rules[] = {
		/* no code but what is there */
		{ "mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0), 0 },
		{ "mmap2", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0), 0 },
		{ "mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0), 0 },
		{ "pkey_mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0), 0 },
		/* threads, no processes, no namespaces */
		{ "clone",
		  SCMP_CMP(FILTER_CLONE_FLAGS, SCMP_CMP_MASKED_EQ, FILTER_THREAD | FILTER_NEW_NAMESPACES,
			   FILTER_THREAD),
		  0 },
		/* signals and limits of our own, and nobody else's processors and locks */
		{ "tgkill", SCMP_A0(SCMP_CMP_EQ, pid, 0), 0 },
		{ "prlimit64", SCMP_A0(SCMP_CMP_EQ, 0, 0), 0 },
		{ "sched_setaffinity", SCMP_A0(SCMP_CMP_EQ, 0, 0), EPERM },
		{ "get_robust_list", SCMP_A0(SCMP_CMP_EQ, 0, 0), EPERM },
		/* what a kernel without it says */
		{ "prctl", SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0), EINVAL },
	};
	int r = 0;
	for (size_t i = 0; r == 0 && i < FILTER_N(rules); i++)
		r = filter_add_rule(f, &rules[i]);
	return r;
}

/* All but what has the kernel send signals to others, whatever the upper half says: the kernel does not look at it. */
static int filter_add_fcntl(scmp_filter_ctx f, const char *name)
{
	struct scmp_arg_cmp cmd = SCMP_A1(SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)(FILTER_FCNTL_LINUX_N - 1) & UINT32_MAX,
					  FILTER_FCNTL_LINUX);
	int r = filter_add(f, SCMP_ACT_ALLOW, name, &cmd);
	for (unsigned int nr = 0; r == 0 && nr < FILTER_FCNTL_END; nr++) {
		bool is_signal = nr == F_SETOWN || nr == F_SETSIG || nr == F_SETOWN_EX;
		cmd = SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, nr);
		r = filter_add(f, is_signal ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW, name, &cmd);
	}
	return r;
}

/* Is it, from the bit 'low' upwards, the beginning of one of those? */
static bool filter_begins(const uint32_t *few, size_t n, uint32_t value, unsigned int low)
{
	for (size_t i = 0; i < n; i++)
		if (few[i] >> low == value >> low)
			return true;
	return false;
}

/* What a terminal is asked for passes; all else is what a descriptor that is none says. The kernel looks at the lower
 * half. There is no "none of these": all others begin as one of these, and differ in the next bit. */
static int filter_add_ioctl(scmp_filter_ctx f)
{
	static const uint32_t few[] = {
		TCGETS, TIOCGWINSZ,
#ifdef TCGETS2
		TCGETS2,
#endif
	};
	int r = 0;
	for (size_t i = 0; r == 0 && i < FILTER_N(few); i++) {
		struct scmp_arg_cmp is = SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, few[i]);
		r = filter_add(f, SCMP_ACT_ALLOW, "ioctl", &is);
		for (unsigned int bit = 0; r == 0 && bit < 32; bit++) {
			uint32_t mask = UINT32_MAX << bit, other = (few[i] ^ UINT32_C(1) << bit) & mask;
			is = SCMP_A1(SCMP_CMP_MASKED_EQ, mask, other);
			if (!filter_begins(few, FILTER_N(few), other, bit))
				r = filter_add(f, SCMP_ACT_ERRNO(ENOTTY), "ioctl", &is);
		}
	}
	return r;
}

/* To read: all flags but those that write. */
static int filter_add_reading(scmp_filter_ctx f)
{
	static const struct filter_rule rules[] = {
		{ "open", SCMP_A1(SCMP_CMP_MASKED_EQ, FILTER_OPEN_WRITES, O_RDONLY), 0 },
		{ "openat", SCMP_A2(SCMP_CMP_MASKED_EQ, FILTER_OPEN_WRITES, O_RDONLY), 0 },
	};
	int r = filter_add_rule(f, &rules[0]);
	return r == 0 ? filter_add_rule(f, &rules[1]) : r;
}

static int filter_add_files(scmp_filter_ctx f, enum filter_kind kind)
{
	if (kind == FILTER_READ)
		return filter_add_reading(f);
	int r = filter_add_all(f, SCMP_ACT_ALLOW, filter_making, FILTER_N(filter_making));
	if (r == 0 && kind == FILTER_SERVE)
		r = filter_add_all(f, SCMP_ACT_ALLOW, filter_serving, FILTER_N(filter_serving));
	return r;
}

static int filter_add_numbers(scmp_filter_ctx f, uint32_t action, const int *nr, size_t n)
{
	int first = seccomp_syscall_resolve_name(FILTER_YOUNG_NAME);
	int shift = first > 0 ? first - FILTER_YOUNG_NUMBER : 0, r = 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = seccomp_rule_add(f, action, nr[i] + shift, 0);
	return r;
}

static int filter_add_young_files(scmp_filter_ctx f, enum filter_kind kind)
{
	static const int open[] = { FILTER_OPENAT2 };
	/* Its flags are in memory: who is to read only goes on with openat. */
	int r = filter_add_numbers(f, kind == FILTER_READ ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_ALLOW, open, 1);
	if (r == 0 && kind == FILTER_EXPORT)
		r = filter_add_numbers(f, SCMP_ACT_ALLOW, filter_landlock_young, FILTER_N(filter_landlock_young));
	if (r == 0 && kind == FILTER_SERVE)
		r = filter_add_numbers(f, SCMP_ACT_ALLOW, filter_serving_young, FILTER_N(filter_serving_young));
	return r;
}

static int filter_add_young(scmp_filter_ctx f, enum filter_kind kind)
{
	const uint32_t absent = SCMP_ACT_ERRNO(ENOSYS);
	int r = filter_add_numbers(f, SCMP_ACT_ALLOW, filter_allowed_young, FILTER_N(filter_allowed_young));
	if (r == 0)
		r = filter_add_numbers(f, absent, filter_absent_young, FILTER_N(filter_absent_young));
	if (r == 0)
		r = filter_add_young_files(f, kind);
	for (int nr = FILTER_YOUNGEST + 1; r == 0 && nr < FILTER_YOUNG_END; nr++)
		r = filter_add_numbers(f, absent, &nr, 1);
	return r;
}

static int filter_make(scmp_filter_ctx f, enum filter_kind kind)
{
	int r = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (r == 0)
		r = seccomp_attr_set(f, SCMP_FLTATR_CTL_NNP, 0); /* done already */
	if (r == 0)
		r = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	/* Of no effect on what is allowed whatever its arguments, which the kernel knows without running the filter. */
	(void)seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = filter_add_all(f, SCMP_ACT_ALLOW, filter_allowed, FILTER_N(filter_allowed));
	if (r == 0)
		r = filter_add_all(f, SCMP_ACT_ERRNO(ENOSYS), filter_absent, FILTER_N(filter_absent));
	if (r == 0)
		r = filter_add_files(f, kind);
	if (r == 0)
		r = filter_add_rules(f);
	if (r == 0)
		r = filter_add_ioctl(f);
	if (r == 0)
		r = filter_add_fcntl(f, "fcntl");
	if (r == 0)
		r = filter_add_fcntl(f, "fcntl64");
	return r == 0 ? filter_add_young(f, kind) : r;
}

int filter_load(enum filter_kind kind)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!f)
		return -ENOMEM;
	int r = filter_make(f, kind);
	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	return r;
}

bool filter_is_built(void)
{
	return true;
}

#else

int filter_load(enum filter_kind kind)
{
	(void)kind;
	return -ENOSYS;
}

bool filter_is_built(void)
{
	return false;
}

#endif
