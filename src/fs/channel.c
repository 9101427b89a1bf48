/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/channel.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stddef.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fs/fs.h"

static _Thread_local bool channel_kills;

bool channel_kills_set_id(fuse_req_t req)
{
	const struct fs *fs = fs_of(req);
	return fs->handshake != 0 ? channel_kills : fs->serve_others && fuse_req_ctx(req)->uid != 0;
}

/* ---- requests ---- */

/* What follows the header of a request of n bytes, if there is so much of it. */
static const void *channel_body(const void *request, size_t n, size_t size)
{
	const struct fuse_in_header *h = request;
	return n >= sizeof(*h) + size ? h + 1 : NULL;
}

#define CHANNEL_BODY(type, request, n) ((const struct type *)channel_body(request, n, sizeof(struct type)))

static bool channel_asks_kill(const void *request, size_t n)
{
	const struct fuse_write_in *write;
	const struct fuse_setattr_in *attr;
	const struct fuse_open_in *open;
	const struct fuse_create_in *create;
	switch (((const struct fuse_in_header *)request)->opcode) {
	case FUSE_WRITE:
		write = CHANNEL_BODY(fuse_write_in, request, n);
		return write && (write->write_flags & FUSE_WRITE_KILL_SUIDGID);
	case FUSE_SETATTR:
		attr = CHANNEL_BODY(fuse_setattr_in, request, n);
		return attr && (attr->valid & FATTR_KILL_SUIDGID);
	case FUSE_OPEN:
		open = CHANNEL_BODY(fuse_open_in, request, n);
		return open && (open->open_flags & FUSE_OPEN_KILL_SUIDGID);
	case FUSE_CREATE:
		create = CHANNEL_BODY(fuse_create_in, request, n);
		return create && (create->open_flags & FUSE_OPEN_KILL_SUIDGID);
	default:
		return false;
	}
}

/* The first request of all: does the kernel offer it? */
static void channel_handshake(struct fs *fs, const void *request, size_t n)
{
	const struct fuse_in_header *h = request;
	/* Older kernels send less of it. */
	const struct fuse_init_in *init =
		channel_body(request, n, offsetof(struct fuse_init_in, flags) + sizeof(init->flags));
	if (h->opcode == FUSE_INIT && init && (init->flags & FUSE_HANDLE_KILLPRIV_V2))
		fs->handshake = h->unique;
}

static ssize_t channel_read(int fd, void *buf, size_t size, void *userdata)
{
	struct fs *fs = userdata;
	linger_wait(&fs->linger, fd);
	ssize_t n = read(fd, buf, size);
	if (n < (ssize_t)sizeof(struct fuse_in_header))
		return n;
	linger_note(&fs->linger);
	tally_request(&fs->tally, ((const struct fuse_in_header *)buf)->opcode);
	idle_note(&fs->idle, buf, (size_t)n);
	channel_kills = channel_asks_kill(buf, (size_t)n);
	channel_handshake(fs, buf, (size_t)n);
	return n;
}

/* ---- replies ---- */

/* libfuse is done with what it sends: it can be changed where it is. */
static ssize_t channel_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct fs *fs = userdata;
	const struct fuse_out_header *h = iov[0].iov_base;
	if (h->unique != 0 && h->unique == fs->handshake && h->error == 0 && count > 1 &&
	    iov[1].iov_len >= offsetof(struct fuse_init_out, flags) + sizeof(uint32_t)) {
		struct fuse_init_out *out = iov[1].iov_base;
		out->flags |= FUSE_HANDLE_KILLPRIV_V2;
	}
	return writev(fd, iov, count);
}

int channel_take(struct fs *fs)
{
	const struct fuse_custom_io io = { .read = channel_read, .writev = channel_writev };
	linger_init(&fs->linger);
	return fuse_session_custom_io(fs->se, &io, fuse_session_fd(fs->se)) == 0 ? 0 : -ENOMEM;
}
