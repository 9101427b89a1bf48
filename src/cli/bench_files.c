/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One large file and many small ones. No rights are needed: what shall not be in memory is asked for by posix_fadvise,
 * and looked for by mincore.
 */
#include "cli/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/io.h"
#include "crypto/rng.h"

#define CHUNK (1u << 20)
#define STEP (16u * CHUNK)   /* written between two fsyncs */
#define LARGE (256u * CHUNK) /* at most */
#define SMALL_SIZE 1024u
#define SMALL_MAX 2000u
#define CACHED_MAX 10u /* percent */
#define PLACE_SIZE 32

struct files {
	int dir;
	const char *below;
	double seconds;
	const volatile sig_atomic_t *stop;
	uint8_t *buf; /* CHUNK */
	uint64_t bytes; /* of the large file */
	unsigned int n; /* small files */
	struct bench_files *out;
};

/* Parts of the time that each has. */
static const double share[BENCH_N] = { 0.35, 0.25, 0.1, 0.15, 0.05, 0.1 };

static bool is_over(const struct files *f, double began, enum bench_what what)
{
	return *f->stop || bench_now() - began >= f->seconds * share[what];
}

static int ended(const struct files *f)
{
	return *f->stop ? -EINTR : 0;
}

/* ---- the large one ---- */

static int write_large(struct files *f)
{
	_cleanup_fd_ int fd = openat(f->dir, "large", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	double began = bench_now();
	int r = fd < 0 ? -errno : 0;
	while (r == 0 && f->bytes < LARGE && !(f->bytes > 0 && is_over(f, began, BENCH_WRITE))) {
		for (unsigned int i = 0; r == 0 && i < STEP; i += CHUNK)
			r = io_write_full(fd, f->buf, CHUNK);
		if (r == 0)
			r = io_fsync(fd, false);
		f->bytes += STEP;
	}
	f->out->rate[BENCH_WRITE] = (double)f->bytes / (bench_now() - began);
	return r < 0 ? r : ended(f);
}

/* Take it out of memory. Is it? */
static bool drop(int fd)
{
	struct stat sb;
	if (fstat(fd, &sb) != 0 || sb.st_size == 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
		return true;
	size_t size = (size_t)sb.st_size, pages = (size + 4095) / 4096, in = 0;
	_cleanup_free_ unsigned char *map = malloc(pages);
	void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return false;
	if (map && mincore(p, size, map) == 0)
		for (size_t i = 0; i < pages; i++)
			in += map[i] & 1;
	else
		in = pages;
	(void)munmap(p, size);
	return in * 100 <= pages * CACHED_MAX;
}

static bool all_dropped;

static int drop_each(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type != FTW_F || !S_ISREG(sb->st_mode))
		return 0;
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || !drop(fd))
		all_dropped = false;
	return 0;
}

/* The large file, n bytes at most, or as many as fit the time. Returns how many, or -errno. */
static int64_t read_large(const struct files *f, int fd, uint64_t n, enum bench_what what)
{
	double began = bench_now();
	uint64_t at = 0;
	while (at < n && !(at > 0 && is_over(f, began, what))) {
		ssize_t got = io_pread_full(fd, f->buf, CHUNK, (off_t)at);
		if (got <= 0)
			return got < 0 ? got : -EIO;
		at += (uint64_t)got;
	}
	f->out->rate[what] = (double)at / (bench_now() - began);
	return (int64_t)at;
}

static int read_twice(struct files *f)
{
	_cleanup_fd_ int fd = openat(f->dir, "large", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	all_dropped = drop(fd);
	if (f->below)
		(void)nftw(f->below, drop_each, 16, FTW_PHYS | FTW_MOUNT);
	int64_t n = read_large(f, fd, f->bytes, BENCH_COLD);
	if (n < 0)
		return (int)n;
	if (!all_dropped)
		f->out->rate[BENCH_COLD] = 0;
	n = read_large(f, fd, (uint64_t)n, BENCH_WARM);
	return n < 0 ? (int)n : ended(f);
}

/* ---- the small ones ---- */

static void place(char out[static PLACE_SIZE], unsigned int i)
{
	(void)snprintf(out, PLACE_SIZE, "small-%u", i);
}

static int create_one(const struct files *f, unsigned int i)
{
	char name[PLACE_SIZE];
	place(name, i);
	_cleanup_fd_ int fd = openat(f->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : io_write_full(fd, f->buf, SMALL_SIZE);
}

static int stat_one(const struct files *f, unsigned int i)
{
	char name[PLACE_SIZE];
	struct stat sb;
	place(name, i);
	return fstatat(f->dir, name, &sb, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : -errno;
}

static int delete_one(const struct files *f, unsigned int i)
{
	char name[PLACE_SIZE];
	place(name, i);
	return unlinkat(f->dir, name, 0) == 0 ? 0 : -errno;
}

/* Each small file in turn, from the first again if 'again' until the time is over. Sets the rate. */
static int each(struct files *f, enum bench_what what, unsigned int max, bool again,
		int (*one)(const struct files *f, unsigned int i), unsigned int *done)
{
	double began = bench_now();
	unsigned int n = 0;
	int r = 0;
	for (; r == 0 && (again || n < max) && !(n > 0 && is_over(f, began, what)); n++)
		r = one(f, n % max);
	f->out->rate[what] = n / (bench_now() - began);
	*done = n;
	return r < 0 ? r : ended(f);
}

static int small(struct files *f)
{
	unsigned int n;
	int r = each(f, BENCH_CREATE, SMALL_MAX, false, create_one, &f->n);
	if (r == 0)
		r = each(f, BENCH_STAT, f->n, true, stat_one, &n);
	return r == 0 ? each(f, BENCH_DELETE, f->n, false, delete_one, &n) : r;
}

int bench_files(const char *dir, const char *below, double seconds, const volatile sig_atomic_t *stop,
		struct bench_files *out)
{
	_cleanup_free_ uint8_t *buf = malloc(CHUNK);
	_cleanup_fd_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct files f = { .dir = fd, .below = below, .seconds = seconds, .stop = stop, .buf = buf, .out = out };
	*out = (struct bench_files){ .rate = { 0 } };
	if (fd < 0)
		return -errno;
	if (!buf)
		return -ENOMEM;
	rng_bytes(buf, CHUNK);
	int r = write_large(&f);
	if (r == 0)
		r = read_twice(&f);
	if (r == 0 && unlinkat(fd, "large", 0) != 0)
		r = -errno;
	return r == 0 ? small(&f) : r;
}
