/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files: size hints, unfinished writes, missing ends. The times that people see stay as they were. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/io.h"
#include "offline/check_file.h"
#include "offline/repair_impl.h"
#include "store/file.h"
#include "store/force.h"

#define COPY_BUFFER 65536

/* A file that is open for writing, and what a check says of it now. */
struct content {
	int fd;
	struct stat sb;
	struct check_file file;
	bool found[CHECK_KINDS];
};

static void content_close(struct content *x)
{
	cleanup_fd(&x->fd);
}

#define _cleanup_content_ _cleanup_(content_close)

static void content_found(void *arg, enum check_kind kind, uint64_t offset, uint64_t length)
{
	struct content *x = arg;
	(void)offset;
	(void)length;
	x->found[kind] = true;
}

/* Also a file that its owner may not write to. */
static int content_open_fd(const struct repair *r, const struct repair_place *p)
{
	int fd = openat(p->d.fd, p->disk, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0 || errno != EACCES)
		return fd < 0 ? -errno : fd;
	_cleanup_fd_ int path_fd = openat(p->d.fd, p->disk, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int err = path_fd < 0 ? -errno : force_open(r->st, path_fd, O_RDWR | O_NONBLOCK, &fd);
	return err < 0 ? err : fd;
}

static int content_open(const struct repair *r, const char *cipher, struct repair_place *p, struct content *x)
{
	int err = repair_find(r, cipher, p);
	if (err < 0)
		return err;
	x->fd = content_open_fd(r, p);
	if (x->fd < 0)
		return x->fd;
	if (fstat(x->fd, &x->sb) != 0)
		return -errno;
	if (!S_ISREG(x->sb.st_mode))
		return -EUCLEAN;
	struct check_sink sink = { content_found, x };
	return check_file_load(r->st, x->fd, &x->file, &sink);
}

/* On disk, with the times of before. */
static int content_end(const struct content *x)
{
	struct timespec times[2] = { x->sb.st_atim, x->sb.st_mtim };
	if (futimens(x->fd, times) != 0 && errno != EPERM && errno != EACCES)
		return -errno;
	return fsync(x->fd) == 0 ? 0 : -errno;
}

/* The same file as an object that can be written. */
static int content_file(const struct repair *r, const struct content *x, struct file **out)
{
	struct file *f = file_new(r->st, false);
	if (!f)
		return -ENOMEM;
	int fd = fcntl(x->fd, F_DUPFD_CLOEXEC, 0);
	int err = fd < 0 ? -errno : file_attach(f, fd, true);
	if (err < 0)
		file_free(f);
	else
		*out = f;
	return err;
}

/* The object's changes are complete. Returns as content_end, or REPAIR_CANNOT. */
static int content_done(struct file *f, const struct content *x, int err)
{
	if (err == 0)
		err = file_settle(f);
	if (store_is_damage(err))
		return REPAIR_CANNOT;
	return err < 0 ? err : content_end(x);
}

int repair_content_hint(struct repair *r, const char *cipher)
{
	struct repair_place _cleanup_place_ p = REPAIR_NOWHERE;
	struct content _cleanup_content_ x = { .fd = -1 };
	int err = content_open(r, cipher, &p, &x);
	if (err < 0 || !x.found[CHECK_HINT])
		return err;
	uint64_t size = content_cipher_size(x.file.len, !r->st->hide_sizes);
	if (ftruncate(x.fd, (off_t)size) != 0)
		return -errno;
	return content_end(&x);
}

/* Is any of it damaged? What is made final then could hide that. Returns 1, 0 or -errno. */
static int content_is_damaged(struct content *x)
{
	struct check_sink sink = { content_found, x };
	_Atomic uint64_t bytes = 0;
	int err = check_file_verify(&x->file, 0, check_file_blocks(&x->file), &sink, &bytes);
	if (err < 0)
		return err;
	for (int k = CHECK_NOTHING + 1; k < CHECK_KINDS; k++)
		if (x->found[k] && check_class_of((enum check_kind)k) == CHECK_DAMAGE)
			return 1;
	return 0;
}

/* What lies behind the durable length becomes what it reads as, and is recorded as durable. */
int repair_content_finish(struct repair *r, const char *cipher)
{
	struct repair_place _cleanup_place_ p = REPAIR_NOWHERE;
	struct content _cleanup_content_ x = { .fd = -1 };
	struct file _cleanup_file_ *f = NULL;
	int err = content_open(r, cipher, &p, &x);
	if (err < 0)
		return err;
	if (x.file.len == 0) { /* zeros and nothing else */
		if (x.found[CHECK_UNFINISHED] && ftruncate(x.fd, 0) != 0)
			return -errno;
		return content_end(&x);
	}
	err = content_is_damaged(&x);
	if (err != 0)
		return err < 0 ? err : REPAIR_CANNOT;
	err = content_file(r, &x, &f);
	if (err == 0)
		err = file_sync(f, false);
	if (err == 0)
		err = file_raise(f);
	return content_done(f, &x, err);
}

/* ---- missing ends ---- */

/* The data of a file, its holes left out, to one of the same size. */
static int copy_data(int in, int out, off_t size)
{
	char buf[COPY_BUFFER];
	for (off_t at = 0; at < size;) {
		off_t data = lseek(in, at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		at = data < 0 ? at : data;
		ssize_t n = io_pread_full(in, buf, sizeof(buf), at);
		int err = n < 0 ? (int)n : io_pwrite_full(out, buf, (size_t)n, at);
		if (err < 0 || n == 0)
			return err;
		at += n;
	}
	return ftruncate(out, size) == 0 ? 0 : -errno;
}

/* A copy of the ciphertext in the slot, whole or not at all. */
static int copy_to(int slot, const char *disk, const struct content *x)
{
	char tmp[NAME_TMP_SIZE];
	const struct timespec times[2] = { x->sb.st_atim, x->sb.st_mtim };
	_cleanup_fd_ int out = -1;
	dir_tmp_name(tmp);
	int err = io_create_file(slot, tmp, NULL, 0, 0600, &out);
	if (err < 0)
		return err;
	err = copy_data(x->fd, out, x->sb.st_size);
	if (err == 0 && (futimens(out, times) != 0 || fsync(out) != 0))
		err = -errno;
	if (err == 0 && renameat(slot, tmp, slot, disk) != 0)
		err = -errno;
	if (err < 0)
		(void)unlinkat(slot, tmp, 0);
	return err < 0 ? err : io_fsync_dir(slot);
}

/* The durable length goes down to what is there, which needs the last block there to be sound. */
int repair_content_cut(struct repair *r, const char *cipher)
{
	struct repair_place _cleanup_place_ p = REPAIR_NOWHERE;
	struct content _cleanup_content_ x = { .fd = -1 };
	struct file _cleanup_file_ *f = NULL;
	int err = content_open(r, cipher, &p, &x);
	if (err < 0)
		return err;
	if (x.file.len == x.file.found)
		return 0;
	/* An older state of the last block there ends too soon: no use in a copy, each time anew. */
	if (!x.file.last_opens || x.file.found < x.file.pages * CONTENT_PAYLOAD)
		return REPAIR_CANNOT;
	err = content_file(r, &x, &f);
	if (err < 0)
		return err;
	_cleanup_fd_ int slot = repair_lost_slot(r, check_kind_name(CHECK_MISSING), cipher);
	if (slot < 0)
		return slot;
	err = copy_to(slot, p.disk, &x);
	if (err == 0)
		err = file_truncate(f, content_plain_size(x.file.found));
	err = content_done(f, &x, err);
	return err == 0 ? REPAIR_KEPT : err;
}
