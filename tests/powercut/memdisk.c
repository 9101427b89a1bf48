/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "memdisk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
	MEMDISK_MAX_IO = 32 * MEMDISK_PAGE, /* of one request */
	MEMDISK_HEAD = sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in),
	MEMDISK_ODD = 24, /* bytes */
};

int memdisk_mount(struct memdisk *d, const char *path)
{
	char opts[96];
	d->fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (d->fd < 0)
		return -errno;
	snprintf(opts, sizeof(opts), "fd=%d,rootmode=100600,user_id=0,group_id=0,max_read=%d",
		 d->fd, MEMDISK_MAX_IO);
	return mount("memdisk", path, "fuse", MS_NOSUID | MS_NODEV, opts) == 0 ? 0 : -errno;
}

int memdisk_alloc(struct memdisk *d)
{
	d->image = mmap(NULL, d->size, PROT_READ | PROT_WRITE,
			MAP_ANONYMOUS | MAP_PRIVATE | MAP_NORESERVE, -1, 0);
	return d->image == MAP_FAILED ? -errno : 0;
}

static int memdisk_reply(const struct memdisk *d, uint64_t unique, int error, const void *data,
			 size_t n)
{
	struct fuse_out_header h = { .len = (uint32_t)(sizeof(h) + n),
				     .error = error,
				     .unique = unique };
	struct iovec v[2] = { { &h, sizeof(h) }, { (void *)(uintptr_t)data, n } };
	if (writev(d->fd, v, n ? 2 : 1) < 0 && errno != ENOENT && errno != ENODEV)
		return -errno;
	return 0;
}

static int memdisk_init(const struct memdisk *d, uint64_t unique, const uint8_t *arg)
{
	struct fuse_init_in in;
	memcpy(&in, arg, sizeof(in));
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor =
			in.minor < FUSE_KERNEL_MINOR_VERSION ? in.minor : FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = MEMDISK_MAX_IO,
		.flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_ASYNC_DIO,
		.max_background = 64,
		.congestion_threshold = 48,
		.max_write = MEMDISK_MAX_IO,
		.max_pages = MEMDISK_MAX_IO / MEMDISK_PAGE,
		.time_gran = 1,
	};
	return memdisk_reply(d, unique, 0, &out, sizeof(out));
}

static int memdisk_getattr(const struct memdisk *d, uint64_t unique)
{
	struct fuse_attr_out out = {
		.attr_valid = 3600,
		.attr = { .ino = 1,
			  .size = d->size,
			  .blocks = d->size / 512,
			  .mode = S_IFREG | 0600,
			  .nlink = 1,
			  .blksize = MEMDISK_PAGE },
	};
	return memdisk_reply(d, unique, 0, &out, sizeof(out));
}

static bool memdisk_fits(const struct memdisk *d, uint64_t off, uint32_t n)
{
	return off <= d->size && n <= d->size - off;
}

static int memdisk_read(const struct memdisk *d, uint64_t unique, const uint8_t *arg)
{
	struct fuse_read_in in;
	memcpy(&in, arg, sizeof(in));
	if (!memdisk_fits(d, in.offset, in.size))
		return memdisk_reply(d, unique, -EIO, NULL, 0);
	return memdisk_reply(d, unique, 0, d->image + in.offset, in.size);
}

static int memdisk_write(const struct memdisk *d, uint64_t unique, const uint8_t *arg)
{
	struct fuse_write_in in;
	memcpy(&in, arg, sizeof(in));
	struct fuse_write_out out = { .size = in.size };
	if (!memdisk_fits(d, in.offset, in.size))
		return memdisk_reply(d, unique, -EIO, NULL, 0);
	if (d->on_write)
		d->on_write(in.offset, arg + sizeof(in), in.size);
	memcpy(d->image + in.offset, arg + sizeof(in), in.size);
	return memdisk_reply(d, unique, 0, &out, sizeof(out));
}

static int memdisk_answer(const struct memdisk *d, const struct fuse_in_header *h,
			  const uint8_t *arg)
{
	struct fuse_open_out opened = { .open_flags =
						FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES };
	switch (h->opcode) {
	case FUSE_INIT:
		return memdisk_init(d, h->unique, arg);
	case FUSE_GETATTR:
		return memdisk_getattr(d, h->unique);
	case FUSE_OPEN:
		return memdisk_reply(d, h->unique, 0, &opened, sizeof(opened));
	case FUSE_READ:
		return memdisk_read(d, h->unique, arg);
	case FUSE_WRITE:
		return memdisk_write(d, h->unique, arg);
	case FUSE_FSYNC:
		if (d->on_flush)
			d->on_flush();
		return memdisk_reply(d, h->unique, 0, NULL, 0);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return 0;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_DESTROY:
		return memdisk_reply(d, h->unique, 0, NULL, 0);
	default:
		return memdisk_reply(d, h->unique, -ENOSYS, NULL, 0);
	}
}

/* Read one request and answer it. */
static int memdisk_serve(const struct memdisk *d, uint8_t *buf)
{
	ssize_t n = read(d->fd, buf, MEMDISK_MAX_IO + MEMDISK_HEAD);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN || errno == ENOENT ? 0 : -errno;
	struct fuse_in_header h;
	memcpy(&h, buf, sizeof(h));
	return memdisk_answer(d, &h, buf + sizeof(h));
}

static uint64_t memdisk_draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 11;
}

/* Fill in the buffer's pages when they are touched, at leisure every other time. */
static void *memdisk_fault_thread(void *arg)
{
	int uffd = (int)(intptr_t)arg;
	struct timespec now;
	struct uffd_msg msg;
	clock_gettime(CLOCK_MONOTONIC, &now);
	uint64_t seed = (uint64_t)now.tv_nsec | 1;
	prctl(PR_SET_TIMERSLACK, 1);
	while (read(uffd, &msg, sizeof(msg)) == (ssize_t)sizeof(msg)) {
		uint64_t r = memdisk_draw(&seed);
		struct timespec nap = { 0, 10000 + (long)(r / 2 % 90000) };
		if (r & 1)
			nanosleep(&nap, NULL);
		struct uffdio_zeropage z = {
			.range = { msg.arg.pagefault.address & ~(uint64_t)(MEMDISK_PAGE - 1),
				   MEMDISK_PAGE },
		};
		ioctl(uffd, UFFDIO_ZEROPAGE, &z);
	}
	return NULL;
}

/* A slow second half for each page of data in [base, base + len). Without userfaultfd an ordinary page fault
 * makes a shorter gap. */
static void memdisk_slow(uint8_t *base, size_t len)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .range = { (uintptr_t)base, len },
				       .mode = UFFDIO_REGISTER_MODE_MISSING };
	pthread_t t;
	int uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) != 0 ||
	    ioctl(uffd, UFFDIO_REGISTER, &reg) != 0) {
		fprintf(stderr, "memdisk: no userfaultfd, so the disk is a fast one: %s\n",
			strerror(errno));
		return;
	}
	pthread_create(&t, NULL, memdisk_fault_thread, (void *)(intptr_t)uffd);
}

int memdisk_run(const struct memdisk *d)
{
	/* Header and write arguments end about the middle of the first page, and nothing that a program writes in
	 * one piece ends where the buffer's page does. */
	const size_t len = MEMDISK_MAX_IO + 2 * MEMDISK_PAGE;
	uint8_t *base = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
	if (base == MAP_FAILED)
		return -errno;
	base[0] = 1;
	memdisk_slow(base + MEMDISK_PAGE, len - MEMDISK_PAGE);
	int r;
	do {
		r = memdisk_serve(d, base + MEMDISK_PAGE / 2 + MEMDISK_ODD - MEMDISK_HEAD);
		madvise(base + MEMDISK_PAGE, len - MEMDISK_PAGE, MADV_DONTNEED);
	} while (r == 0);
	return r == -ENODEV ? 0 : r;
}
