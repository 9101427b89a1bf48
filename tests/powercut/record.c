/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * record: a disk in memory that keeps a log of all writes and flushes, in their order.
 *
 * usage: record MIB FILE LOG [NAMESPACE]
 *
 * The disk, of so many MiB, is mounted on FILE; it says "ready" and ends when that is unmounted. NAMESPACE is
 * a descriptor of the mount namespace to move to once it is mounted (of the one above: a process that is the
 * last one of its namespace may not be the disk under the mounts that end with it).
 *
 * LOG begins with 4096 bytes: the magic number, and how many records there are, which counts a record before
 * the kernel is told that it is done. Who maps the file knows the position at any time. The records follow:
 * offset (u64), length (u32), kind (u32), and for DATA the bytes. Requests are served one by one, so a flush
 * covers exactly what stands before it. The loop device has no FUA of its own: the kernel makes a write and a
 * flush of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "memdisk.h"

#define RECORD_MAGIC UINT64_C(0x31474f4c54554343) /* "CCUTLOG1" */

enum { RECORD_DATA = 1, RECORD_ZEROS = 2, RECORD_FLUSH = 3 };

struct record_head {
	uint64_t magic;
	atomic_ullong count;
};

struct record_entry {
	uint64_t off;
	uint32_t len;
	uint32_t kind;
};

static int log_fd;
static struct record_head *head;

__attribute__((noreturn)) static void die(const char *what, int err)
{
	fprintf(stderr, "record: %s: %s\n", what, strerror(err));
	exit(1);
}

static void append(const struct record_entry *e, const uint8_t *data, uint32_t n)
{
	struct iovec v[2] = { { (void *)(uintptr_t)e, sizeof(*e) },
			      { (void *)(uintptr_t)data, n } };
	ssize_t want = (ssize_t)(sizeof(*e) + n);
	if (writev(log_fd, v, n ? 2 : 1) != want)
		die("log", errno);
	atomic_fetch_add(&head->count, 1);
}

static bool all_zero(const uint8_t *p, uint32_t n)
{
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static void on_write(uint64_t off, const uint8_t *data, uint32_t n)
{
	bool zeros = all_zero(data, n);
	struct record_entry e = { .off = off,
				  .len = n,
				  .kind = zeros ? RECORD_ZEROS : RECORD_DATA };
	append(&e, data, zeros ? 0 : n);
}

static void on_flush(void)
{
	struct record_entry e = { .kind = RECORD_FLUSH };
	append(&e, NULL, 0);
}

static void log_open(const char *path)
{
	log_fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (log_fd < 0 || ftruncate(log_fd, MEMDISK_PAGE) != 0)
		die(path, errno);
	head = mmap(NULL, MEMDISK_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, log_fd, 0);
	if (head == MAP_FAILED || lseek(log_fd, 0, SEEK_END) != MEMDISK_PAGE)
		die(path, errno);
	head->magic = RECORD_MAGIC;
}

int main(int argc, char **argv)
{
	struct memdisk d = { .fd = -1, .on_write = on_write, .on_flush = on_flush };
	if (argc < 4) {
		fprintf(stderr, "usage: record MIB FILE LOG [NAMESPACE]\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	d.size = strtoull(argv[1], NULL, 10) << 20;
	log_open(argv[3]);
	int r = memdisk_alloc(&d);
	if (r == 0)
		r = memdisk_mount(&d, argv[2]);
	if (r < 0)
		die(argv[2], -r);
	if (argc > 4 && setns(atoi(argv[4]), CLONE_NEWNS) != 0)
		die("namespace", errno);
	printf("ready\n");
	fflush(stdout);
	r = memdisk_run(&d);
	if (r < 0)
		die("disk", -r);
	return 0;
}
