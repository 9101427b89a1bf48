/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whole reads and writes, small files and their atomic replacement. EINTR and short transfers are
 * dealt with here and nowhere else. All return 0 (or a count) or -errno.
 */
#ifndef CRYPTFS_BASE_IO_H
#define CRYPTFS_BASE_IO_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Read up to n bytes at off; less only at the end of the file. Returns the count or -errno. */
ssize_t io_pread_full(int fd, void *buf, size_t n, off_t off);

/* Write all n bytes at off. If it fails, what lies in the range is unknown. Returns 0 or -errno
 * (-EIO if the kernel takes nothing without saying why). */
int io_pwrite_full(int fd, const void *buf, size_t n, off_t off);

/* Write all n bytes at the file position. Returns 0 or -errno. */
int io_write_full(int fd, const void *buf, size_t n);

/* Read a small regular file below dirfd (O_NOFOLLOW) into buf. Returns its length, -EFBIG if it has
 * more than cap bytes, -EUCLEAN if it is no regular file, or -errno. Never blocks on a FIFO. */
ssize_t io_read_file(int dirfd, const char *name, void *buf, size_t cap);

/* Create name below dirfd (O_EXCL, O_NOFOLLOW) with exactly this mode and n bytes. On success the
 * open descriptor is stored in *fd_out if fd_out is not NULL (nothing is synced). On failure
 * nothing is left behind. Returns 0, -EEXIST, or -errno. */
int io_create_file(int dirfd, const char *name, const void *buf, size_t n, mode_t mode, int *fd_out);

/* Replace name below dirfd atomically and durably, by a file that root gives the old one's owner: a temporary, fsync,
 * the old file (if any) kept as backup if that is not NULL, rename, fsync of dirfd. dirfd must be open for reading (no
 * O_PATH). On failure the old file is as it was and no temporary is left; but if it is dirfd that cannot be synced, the
 * new one is in its place already, and a power cut may undo that. Returns 0 or -errno. */
int io_replace_file(int dirfd, const char *name, const char *backup, const void *buf, size_t n,
		    mode_t mode);

/* The path by which calls that want one get at what fd (O_PATH or not) refers to. */
#define IO_FD_PATH 32
void io_fd_path(char path[static IO_FD_PATH], int fd);

/* Status of name below fd, or of fd itself if that is empty, without following links. *mounted: is it where something
 * is mounted? Kernels before 5.8 do not tell. Returns 0 or -errno. */
int io_status(int fd, const char *name, struct stat *sb, bool *mounted);

/* Is it "." or ".."? */
bool io_is_dot(const char *name);

/* Open a stream of the entries of name below dirfd ("." for dirfd itself, which may be O_PATH; O_NOFOLLOW), at its
 * beginning and with a position of its own. Returns 0 or -errno. */
int io_opendir(int dirfd, const char *name, DIR **out);

void io_closedir(DIR **stream);
#define _cleanup_dir_stream_ _cleanup_(io_closedir)

/* One part of so many as we may have open, within bounds: nobody takes all descriptors. */
size_t io_fd_share(unsigned int parts, size_t least, size_t most);

/* ftruncate. Returns 0 or -errno. */
int io_truncate(int fd, off_t size);

/* Is what fd refers to kept by another machine or by a program (network filesystems, FUSE)? Then others may change
 * it, and flock on a directory holds on this machine or this mount only. */
bool io_is_foreign(int fd);

/* fsync or fdatasync, and syncfs. Returns 0 or -errno: the kernel says it once. An interrupted call, which has
 * lost nothing, is made again. */
int io_fsync(int fd, bool datasync);
int io_syncfs(int fd);

/* Write n bytes (0: all) from off back and wait for that (sync_file_range): they leave memory, and may stay in the
 * disk's cache. Returns 0, also where nothing is written back, or -errno. */
int io_write_back(int fd, off_t off, off_t n);

/* fsync the directory that dirfd (O_PATH or not) refers to. Returns 0 or -errno. */
int io_fsync_dir(int dirfd);

/* Milliseconds by a clock that only goes forward. */
int64_t io_now_ms(void);

/* Wait until there is something to read, or that time has come. Returns 0, -ETIMEDOUT or -errno. */
int io_wait(int fd, int64_t until_ms);

#endif
