/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk in memory: the kernel's FUSE protocol for a mount that is one file. A loop device with direct I/O on
 * that file makes a block device of it, whose every write and flush passes through here. */
#ifndef MEMDISK_H
#define MEMDISK_H

#include <stdint.h>

enum { MEMDISK_PAGE = 4096 };

struct memdisk {
	int fd; /* of /dev/fuse */
	uint8_t *image;
	uint64_t size;
	/* Both are called before the reply, and may be NULL. */
	void (*on_write)(uint64_t off, const uint8_t *data, uint32_t n);
	void (*on_flush)(void);
};

/* Mount the disk on the existing file 'path'. 0 or -errno. */
int memdisk_mount(struct memdisk *d, const char *path);

/* Memory for the whole disk; pages never touched cost nothing. 0 or -errno. */
int memdisk_alloc(struct memdisk *d);

/* Answer requests until the disk is no longer mounted. Several threads may; one alone takes them one by one. The
 * disk is slow on purpose, as a real one is that reads a page by DMA: the page boundary of its buffer is in the
 * middle of each page of data, and userfaultfd takes up to 100 us to bring in the second half. So a page that is
 * changed on its way to the disk may arrive as a mixture. 0 or -errno. */
int memdisk_run(const struct memdisk *d);

#endif
