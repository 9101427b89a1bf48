/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * See inject.h. What the program calls is found here first, and the C library's own by dlsym. Compiled like the
 * program, so that names which the C library renames (pread64) are renamed alike.
 */
#undef _FORTIFY_SOURCE /* which makes inline functions of what is defined here */

#include "inject.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PAGE 4096u

static struct inject own;
struct inject *inject = &own;

int inject_hit(enum inject_kind kind)
{
	if (!atomic_load(&inject->armed))
		return 0;
	uint32_t n = atomic_fetch_add(&inject->calls[kind], 1) + 1;
	uint32_t nth = atomic_load(&inject->nth);
	int error = atomic_load(&inject->error);
	if (atomic_load(&inject->kind) != (int)kind || n < nth)
		return 0;
	if (error > INJECT_PART && n > nth)
		error -= INJECT_PART;
	else if (n > nth && !atomic_load(&inject->rest))
		return 0;
	if (n > nth + 1 && !atomic_load(&inject->rest))
		return 0;
	atomic_fetch_add(&inject->hits, 1);
	return error;
}

/* The C library's; "name64" before "name". */
static void *inject_real(const char *name)
{
	char wide[64];
	(void)snprintf(wide, sizeof(wide), "%s64", name);
	void *p = sizeof(off_t) > sizeof(long) || sizeof(long) == 8 ? dlsym(RTLD_NEXT, wide) : NULL;
	return p ? p : dlsym(RTLD_NEXT, name);
}

#define REAL(name) \
	static __typeof__(&name) real; \
	if (!real) \
	real = (__typeof__(&name))inject_real(#name)

/* A call that fails with 'failed' and errno. */
#define CALL(kind, type, failed, name, params, value) \
	type name params; \
	type name params \
	{ \
		REAL(name); \
		int e = inject_hit(INJECT_##kind); \
		if (e > 0) { \
			errno = e; \
			return failed; \
		} \
		return value; \
	}
#define CALL_INT(kind, name, params, args) CALL(kind, int, -1, name, params, real args)
#define CALL_SYNC(kind, name, params, args) \
	CALL(kind, int, -1, name, params, atomic_load(&inject->dry) ? 0 : real args)

CALL_SYNC(SYNC, fsync, (int fd), (fd))
CALL_SYNC(SYNC, fdatasync, (int fd), (fd))
CALL_SYNC(SYNCFS, syncfs, (int fd), (fd))
CALL_SYNC(RANGE, sync_file_range, (int fd, off_t off, off_t n, unsigned int flags), (fd, off, n, flags))
CALL_INT(TRUNCATE, ftruncate, (int fd, off_t n), (fd, n))
CALL_INT(ALLOCATE, fallocate, (int fd, int mode, off_t off, off_t n), (fd, mode, off, n))
CALL_INT(RENAME, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
CALL_INT(RENAME, renameat2, (int a, const char *from, int b, const char *to, unsigned int flags),
	 (a, from, b, to, flags))
CALL_INT(LINK, linkat, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags))
CALL_INT(UNLINK, unlinkat, (int fd, const char *name, int flags), (fd, name, flags))
CALL_INT(MKDIR, mkdirat, (int fd, const char *name, mode_t mode), (fd, name, mode))
CALL_INT(SYMLINK, symlinkat, (const char *target, int fd, const char *name), (target, fd, name))
CALL_INT(MKNOD, mknodat, (int fd, const char *name, mode_t mode, dev_t dev), (fd, name, mode, dev))
CALL_INT(STAT, fstat, (int fd, struct stat *sb), (fd, sb))
CALL_INT(STAT, fstatat, (int fd, const char *name, struct stat *sb, int flags), (fd, name, sb, flags))
CALL_INT(STAT, statx, (int fd, const char *name, int flags, unsigned int mask, struct statx *x),
	 (fd, name, flags, mask, x))
CALL_INT(MODE, fchmod, (int fd, mode_t mode), (fd, mode))
CALL_INT(MODE, chmod, (const char *path, mode_t mode), (path, mode))
CALL_INT(MODE, fchownat, (int fd, const char *name, uid_t uid, gid_t gid, int flags), (fd, name, uid, gid, flags))
CALL_INT(TIMES, futimens, (int fd, const struct timespec t[2]), (fd, t))
CALL_INT(TIMES, utimensat, (int fd, const char *name, const struct timespec t[2], int flags), (fd, name, t, flags))
CALL_INT(SETXATTR, setxattr, (const char *path, const char *name, const void *value, size_t n, int flags),
	 (path, name, value, n, flags))
CALL_INT(SETXATTR, removexattr, (const char *path, const char *name), (path, name))
CALL(GETXATTR, ssize_t, -1, getxattr, (const char *path, const char *name, void *value, size_t n),
     real(path, name, value, n))
CALL(GETXATTR, ssize_t, -1, listxattr, (const char *path, char *list, size_t n), real(path, list, n))
CALL(READLINK, ssize_t, -1, readlinkat, (int fd, const char *name, char *buf, size_t n), real(fd, name, buf, n))
CALL(SEEK, off_t, -1, lseek, (int fd, off_t off, int whence), real(fd, off, whence))
CALL(LIST, DIR *, NULL, fdopendir, (int fd), real(fd))
CALL(LIST, struct dirent *, NULL, readdir, (DIR *d), real(d))

/* ---- memory ---- */

static bool inject_no_memory(size_t n)
{
	bool memory = inject_hit(INJECT_MEMORY) > 0;
	bool buffer = n >= INJECT_BUFFER_MIN && inject_hit(INJECT_BUFFER) > 0;
	if (memory || buffer)
		errno = ENOMEM;
	return memory || buffer;
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t off)
{
	REAL(mmap);
	return inject_no_memory(n) ? MAP_FAILED : real(at, n, prot, flags, fd, off);
}

/* ---- what may be cut short ---- */

ssize_t pread(int fd, void *buf, size_t n, off_t off)
{
	REAL(pread);
	int e = inject_hit(INJECT_READ);
	if (e == 0)
		return real(fd, buf, n, off);
	if (e == INJECT_SHORT)
		return real(fd, buf, n > 1 ? n / 2 : n, off);
	errno = e;
	return -1;
}

/* How much of n is to be written after all; -1: nothing, errno is set. */
static ssize_t inject_share(int e, size_t n)
{
	if (e == 0)
		return (ssize_t)n;
	if (e == INJECT_SHORT)
		return (ssize_t)(n > 1 ? n / 2 : n);
	if (e > INJECT_PART && n / 2 >= PAGE)
		return (ssize_t)(n / 2 / PAGE * PAGE);
	errno = e > INJECT_PART ? e - INJECT_PART : e;
	return -1;
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t off)
{
	REAL(pwrite);
	ssize_t share = inject_share(inject_hit(INJECT_WRITE), n);
	return share < 0 ? -1 : real(fd, buf, (size_t)share, off);
}

ssize_t write(int fd, const void *buf, size_t n)
{
	REAL(write);
	ssize_t share = inject_share(inject_hit(INJECT_WRITE), n);
	return share < 0 ? -1 : real(fd, buf, (size_t)share);
}

/* ---- variable arguments ---- */

static mode_t inject_mode(int flags, va_list ap)
{
	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? (mode_t)va_arg(ap, unsigned int) : 0;
}

static int inject_openat(int fd, const char *path, int flags, mode_t mode)
{
	REAL(openat);
	int e = inject_hit(INJECT_OPEN);
	if (e > 0) {
		errno = e;
		return -1;
	}
	return real(fd, path, flags, mode);
}

int openat(int fd, const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	mode_t mode = inject_mode(flags, ap);
	va_end(ap);
	return inject_openat(fd, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	va_start(ap, flags);
	mode_t mode = inject_mode(flags, ap);
	va_end(ap);
	return inject_openat(AT_FDCWD, path, flags, mode);
}

/* What _FORTIFY_SOURCE makes of a call without a mode. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int fd, const char *path, int flags);
int __openat64_2(int fd, const char *path, int flags);

int __open_2(const char *path, int flags)
{
	return inject_openat(AT_FDCWD, path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
	return inject_openat(AT_FDCWD, path, flags, 0);
}

int __openat_2(int fd, const char *path, int flags)
{
	return inject_openat(fd, path, flags, 0);
}

int __openat64_2(int fd, const char *path, int flags)
{
	return inject_openat(fd, path, flags, 0);
}

/* Only getdents64 is called by number. */
long syscall(long number, ...)
{
	REAL(syscall);
	long a[6];
	va_list ap;
	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	int e = inject_hit(INJECT_LIST);
	if (e > 0) {
		errno = e;
		return -1;
	}
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#ifdef INJECT_PRELOAD

/* ---- in the daemon ---- */

int pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	REAL(pthread_create);
	int e = inject_hit(INJECT_THREAD);
	return e > 0 ? e : real(t, attr, fn, arg);
}

/* dlsym wants memory itself. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
	return inject_no_memory(n) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return inject_no_memory(n * size) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return inject_no_memory(n) ? NULL : __libc_realloc(p, n);
}

/* The file stays mapped: nothing is opened later, whatever the daemon gives up. */
__attribute__((constructor)) static void inject_begin(void)
{
	const char *path = getenv("CRYPTFS_INJECT");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return;
	void *p = mmap(NULL, sizeof(*inject), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		inject = p;
	(void)close(fd);
}

#endif
