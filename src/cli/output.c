/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/output.h"

#include <errno.h>
#include <unistd.h>

#include "base/io.h"

static int put_zeros(int fd, uint64_t n)
{
	static const uint8_t zeros[65536];
	int err = 0;
	while (n > 0 && err == 0) {
		size_t some = n < sizeof(zeros) ? (size_t)n : sizeof(zeros);
		err = io_write_full(fd, zeros, some);
		n -= some;
	}
	return err;
}

int output_sink(void *arg, const uint8_t *buf, uint64_t n)
{
	struct output *o = arg;
	uint64_t at = o->at;
	o->at += n;
	if (o->holes)
		return buf ? io_pwrite_full(o->fd, buf, (size_t)n, (off_t)at) : 0;
	return buf ? io_write_full(o->fd, buf, (size_t)n) : put_zeros(o->fd, n);
}

int output_end(struct output *o)
{
	return o->holes && ftruncate(o->fd, (off_t)o->at) != 0 ? -errno : 0;
}
