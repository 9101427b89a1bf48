/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/codec.h"

/* NAME_TMP_PREFIX of format/name.h, which this room must not include. */
#define TMP_PREFIX "cryptfs.tmp."
#define TMP_RANDOM 12
#define TMP_SIZE (sizeof(TMP_PREFIX) + 2 * TMP_RANDOM)

#define IO_STATX_MOUNT_ROOT 0x2000U /* STATX_ATTR_MOUNT_ROOT, Linux 5.8 */

ssize_t io_pread_full(int fd, void *buf, size_t n, off_t off)
{
	uint8_t *p = buf;
	size_t done = 0;
	while (done < n) {
		ssize_t r = pread(fd, p + done, n - done, off + (off_t)done);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

int io_pwrite_full(int fd, const void *buf, size_t n, off_t off)
{
	const uint8_t *p = buf;
	size_t done = 0;
	while (done < n) {
		ssize_t r = pwrite(fd, p + done, n - done, off + (off_t)done);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			return -EIO;
		done += (size_t)r;
	}
	return 0;
}

int io_write_full(int fd, const void *buf, size_t n)
{
	const uint8_t *p = buf;
	size_t done = 0;
	while (done < n) {
		ssize_t r = write(fd, p + done, n - done);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			return -EIO;
		done += (size_t)r;
	}
	return 0;
}

int io_truncate(int fd, off_t size)
{
	while (ftruncate(fd, size) != 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

bool io_is_foreign(int fd)
{
	static const long types[] = {
		AFS_SUPER_MAGIC, CEPH_SUPER_MAGIC, CIFS_SUPER_MAGIC, CODA_SUPER_MAGIC, FUSE_SUPER_MAGIC,
		NFS_SUPER_MAGIC, SMB2_SUPER_MAGIC, SMB_SUPER_MAGIC,  V9FS_MAGIC,
	};
	struct statfs sf;
	if (fstatfs(fd, &sf) != 0)
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((uint32_t)sf.f_type == (uint32_t)types[i])
			return true;
	return false;
}

int io_fsync(int fd, bool datasync)
{
	while ((datasync ? fdatasync(fd) : fsync(fd)) != 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int io_syncfs(int fd)
{
	while (syncfs(fd) != 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int io_write_back(int fd, off_t off, off_t n)
{
	while (sync_file_range(fd, off, n,
			       SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) != 0) {
		if (errno == ENOSYS || errno == ESPIPE || errno == EINVAL || errno == EOPNOTSUPP)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static int openat_retry(int dirfd, const char *name, int flags, mode_t mode)
{
	for (;;) {
		int fd = openat(dirfd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, mode);
		if (fd >= 0)
			return fd;
		if (errno != EINTR)
			return -errno;
	}
}

/* Open a regular file for reading. Opening some devices does something, so none is opened that is there before;
 * O_NONBLOCK so that a FIFO put in its place meanwhile can't hold us. */
static int open_regular(int dirfd, const char *name, struct stat *st)
{
	if (fstatat(dirfd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(st->st_mode))
		return -EUCLEAN;
	_cleanup_fd_ int fd = openat_retry(dirfd, name, O_RDONLY | O_NONBLOCK, 0);
	if (fd == -ELOOP || fd == -ENXIO)
		return -EUCLEAN; /* a symbolic link, a socket */
	if (fd < 0)
		return fd;
	if (fstat(fd, st) < 0)
		return -errno;
	if (!S_ISREG(st->st_mode))
		return -EUCLEAN;
	return TAKE_FD(fd);
}

ssize_t io_read_file(int dirfd, const char *name, void *buf, size_t cap)
{
	struct stat st;
	_cleanup_fd_ int fd = open_regular(dirfd, name, &st);
	if (fd < 0)
		return fd;
	if (st.st_size > 0 && (uintmax_t)st.st_size > cap)
		return -EFBIG;
	ssize_t n = io_pread_full(fd, buf, cap, 0);
	if (n < 0 || (size_t)n < cap)
		return n;
	/* It may have grown since fstat. */
	char more;
	ssize_t r = io_pread_full(fd, &more, 1, (off_t)cap);
	if (r < 0)
		return r;
	return r > 0 ? -EFBIG : n;
}

static int fill_new(int fd, const void *buf, size_t n, mode_t mode)
{
	int r = io_write_full(fd, buf, n);
	if (r < 0)
		return r;
	/* The umask has had its say at creation; the caller's word counts. */
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

int io_create_file(int dirfd, const char *name, const void *buf, size_t n, mode_t mode, int *fd_out)
{
	_cleanup_fd_ int fd = openat_retry(dirfd, name, O_RDWR | O_CREAT | O_EXCL, mode & 0700);
	if (fd < 0)
		return fd;
	int r = fill_new(fd, buf, n, mode);
	if (r < 0) {
		(void)unlinkat(dirfd, name, 0);
		return r;
	}
	if (fd_out)
		*fd_out = TAKE_FD(fd);
	return 0;
}

static int tmp_name(char out[static TMP_SIZE])
{
	uint8_t rnd[TMP_RANDOM];
	ssize_t r;
	do {
		r = getrandom(rnd, sizeof(rnd), 0);
	} while (r < 0 && errno == EINTR);
	if (r != (ssize_t)sizeof(rnd))
		return r < 0 ? -errno : -EIO;
	memcpy(out, TMP_PREFIX, strlen(TMP_PREFIX));
	codec_hex_encode(out + strlen(TMP_PREFIX), rnd, sizeof(rnd));
	return 0;
}

/* A new file on disk under a new temporary name. */
static int write_tmp(int dirfd, char tmp[static TMP_SIZE], const void *buf, size_t n, mode_t mode)
{
	int r = tmp_name(tmp);
	if (r < 0)
		return r;
	_cleanup_fd_ int fd = -1;
	r = io_create_file(dirfd, tmp, buf, n, mode, &fd);
	if (r < 0)
		return r;
	r = io_fsync(fd, false);
	if (r < 0)
		(void)unlinkat(dirfd, tmp, 0);
	return r;
}

static int copy_tmp(int dirfd, const char *name, const char *tmp)
{
	struct stat st;
	_cleanup_fd_ int in = open_regular(dirfd, name, &st);
	if (in < 0)
		return in;
	_cleanup_fd_ int out = -1;
	int r = io_create_file(dirfd, tmp, NULL, 0, st.st_mode & 0777, &out);
	if (r < 0)
		return r;
	char buf[4096];
	ssize_t n = 0;
	for (off_t off = 0; r == 0; off += n) {
		n = io_pread_full(in, buf, sizeof(buf), off);
		if (n <= 0)
			break;
		r = io_pwrite_full(out, buf, (size_t)n, off);
	}
	if (r == 0 && n < 0)
		r = (int)n;
	if (r == 0)
		r = io_fsync(out, false);
	if (r < 0)
		(void)unlinkat(dirfd, tmp, 0);
	return r;
}

/* Give the file a second name, the backup's, in one step: neither name is ever missing. */
static int keep_backup(int dirfd, const char *name, const char *backup)
{
	char tmp[TMP_SIZE];
	int r = tmp_name(tmp);
	if (r < 0)
		return r;
	if (linkat(dirfd, name, dirfd, tmp, 0) < 0) {
		if (errno == ENOENT)
			return 0; /* nothing to keep */
		r = copy_tmp(dirfd, name, tmp); /* no hard links here */
		if (r < 0)
			return r;
	}
	if (renameat(dirfd, tmp, dirfd, backup) < 0)
		r = -errno;
	/* Also after success: renaming one link of a file onto another does nothing (a replacement
	 * that was cut short after this point leaves the two the same). */
	(void)unlinkat(dirfd, tmp, 0);
	return r;
}

/* To whom the old file belongs, for root; the directory, if there is none. */
static void keep_owner(int dirfd, const char *name, const char *tmp)
{
	struct stat sb;
	if (geteuid() != 0)
		return;
	if (fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW) != 0 && fstat(dirfd, &sb) != 0)
		return;
	if (fchownat(dirfd, tmp, sb.st_uid, sb.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
		return; /* a filesystem that knows one owner */
}

int io_replace_file(int dirfd, const char *name, const char *backup, const void *buf, size_t n,
		    mode_t mode)
{
	char tmp[TMP_SIZE];
	int r = write_tmp(dirfd, tmp, buf, n, mode);
	if (r < 0)
		return r;
	keep_owner(dirfd, name, tmp);
	if (backup)
		r = keep_backup(dirfd, name, backup);
	if (r == 0 && renameat(dirfd, tmp, dirfd, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dirfd, tmp, 0);
		return r;
	}
	return io_fsync_dir(dirfd);
}

static int fsync_dir_fd(int fd)
{
	int r = io_fsync(fd, false);
	return r == -EINVAL ? 0 : r; /* a filesystem whose directories need no fsync */
}

void io_fd_path(char path[static IO_FD_PATH], int fd)
{
	snprintf(path, IO_FD_PATH, "/proc/self/fd/%d", fd);
}

static struct timespec io_time(struct statx_timestamp t)
{
	return (struct timespec){ .tv_sec = t.tv_sec, .tv_nsec = t.tv_nsec };
}

int io_status(int fd, const char *name, struct stat *sb, bool *mounted)
{
	struct statx x;
	if (statx(fd, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &x) != 0)
		return -errno;
	*mounted = x.stx_attributes & IO_STATX_MOUNT_ROOT;
	*sb = (struct stat){
		.st_dev = makedev(x.stx_dev_major, x.stx_dev_minor),
		.st_ino = x.stx_ino,
		.st_mode = x.stx_mode,
		.st_nlink = x.stx_nlink,
		.st_uid = x.stx_uid,
		.st_gid = x.stx_gid,
		.st_rdev = makedev(x.stx_rdev_major, x.stx_rdev_minor),
		.st_size = (off_t)x.stx_size,
		.st_blksize = (blksize_t)x.stx_blksize,
		.st_blocks = (blkcnt_t)x.stx_blocks,
		.st_atim = io_time(x.stx_atime),
		.st_mtim = io_time(x.stx_mtime),
		.st_ctim = io_time(x.stx_ctime),
	};
	return 0;
}

bool io_is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int io_opendir(int dirfd, const char *name, DIR **out)
{
	_cleanup_fd_ int fd = openat_retry(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	*out = fdopendir(fd);
	if (!*out)
		return -errno;
	(void)TAKE_FD(fd);
	return 0;
}

void io_closedir(DIR **stream)
{
	if (*stream)
		(void)closedir(*stream);
}

size_t io_fd_share(unsigned int parts, size_t least, size_t most)
{
	struct rlimit lim;
	if (getrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_cur == RLIM_INFINITY || lim.rlim_cur / parts >= most)
		return most;
	return lim.rlim_cur / parts > least ? (size_t)(lim.rlim_cur / parts) : least;
}

int io_fsync_dir(int dirfd)
{
	int r = fsync_dir_fd(dirfd);
	if (r != -EBADF)
		return r;
	/* O_PATH */
	_cleanup_fd_ int fd = openat_retry(dirfd, ".", O_RDONLY | O_DIRECTORY, 0);
	return fd < 0 ? fd : fsync_dir_fd(fd);
}

int64_t io_now_ms(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int io_wait(int fd, int64_t until_ms)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = until_ms - io_now_ms();
		int n = left > 0 ? poll(&p, 1, left < INT_MAX ? (int)left : INT_MAX) : 0;
		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}
