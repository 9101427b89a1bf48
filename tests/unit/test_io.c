/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/io.h"

static void put(const struct scratch *s, const char *name, const char *text)
{
	int fd = -1;
	(void)unlinkat(s->fd, name, 0);
	assert_int_equal(io_create_file(s->fd, name, text, strlen(text), 0644, &fd), 0);
	close(fd);
}

static void assert_content(const struct scratch *s, const char *name, const char *text)
{
	char buf[256];
	ssize_t n = io_read_file(s->fd, name, buf, sizeof(buf));
	assert_int_equal(n, strlen(text));
	assert_memory_equal(buf, text, strlen(text));
}

static mode_t mode_of(const struct scratch *s, const char *name)
{
	struct stat st;
	assert_int_equal(fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

static void test_pread_short_at_end(void **state)
{
	struct scratch *s = *state;
	char buf[16];
	put(s, "f", "0123456789");
	_cleanup_fd_ int fd = openat(s->fd, "f", O_RDONLY | O_CLOEXEC);
	assert_int_equal(io_pread_full(fd, buf, 16, 0), 10);
	assert_int_equal(io_pread_full(fd, buf, 4, 3), 4);
	assert_memory_equal(buf, "3456", 4);
	assert_int_equal(io_pread_full(fd, buf, 4, 10), 0);
	assert_int_equal(io_pread_full(fd, buf, 0, 0), 0);
	assert_int_equal(io_pread_full(-1, buf, 4, 0), -EBADF);
	assert_int_equal(io_pread_full(fd, buf, 4, -1), -EINVAL);
}

static void test_pwrite(void **state)
{
	struct scratch *s = *state;
	put(s, "f", "aaaaaaaa");
	_cleanup_fd_ int fd = openat(s->fd, "f", O_RDWR | O_CLOEXEC);
	assert_int_equal(io_pwrite_full(fd, "bcd", 3, 2), 0);
	assert_int_equal(io_pwrite_full(fd, "", 0, 100), 0);
	assert_content(s, "f", "aabcdaaa");
	_cleanup_fd_ int ro = openat(s->fd, "f", O_RDONLY | O_CLOEXEC);
	assert_int_equal(io_pwrite_full(ro, "x", 1, 0), -EBADF);
	assert_int_equal(io_write_full(ro, "x", 1), -EBADF);
}

static void test_write_full_device(void **state)
{
	(void)state;
	_cleanup_fd_ int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	SKIP_IF(fd < 0, "no /dev/full");
	assert_int_equal(io_write_full(fd, "x", 1), -ENOSPC);
}

static void test_read_file_sizes(void **state)
{
	struct scratch *s = *state;
	char buf[8];
	put(s, "empty", "");
	put(s, "fits", "12345678");
	put(s, "over", "123456789");
	assert_int_equal(io_read_file(s->fd, "empty", buf, sizeof(buf)), 0);
	assert_int_equal(io_read_file(s->fd, "fits", buf, sizeof(buf)), 8);
	assert_int_equal(io_read_file(s->fd, "over", buf, sizeof(buf)), -EFBIG);
	assert_int_equal(io_read_file(s->fd, "absent", buf, sizeof(buf)), -ENOENT);
}

static void test_read_file_giant(void **state)
{
	struct scratch *s = *state;
	char buf[8];
	put(s, "giant", "");
	_cleanup_fd_ int fd = openat(s->fd, "giant", O_RDWR | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	assert_int_equal(io_read_file(s->fd, "giant", buf, sizeof(buf)), -EFBIG);
}

/* Files of /proc say 0 and have more. */
static void test_read_file_grown(void **state)
{
	(void)state;
	char buf[1];
	_cleanup_fd_ int fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	SKIP_IF(fd < 0, "no /proc");
	assert_int_equal(io_read_file(fd, "status", buf, sizeof(buf)), -EFBIG);
}

static void test_read_file_not_regular(void **state)
{
	struct scratch *s = *state;
	char buf[8];
	put(s, "target", "x");
	assert_int_equal(symlinkat("target", s->fd, "link"), 0);
	assert_int_equal(symlinkat("absent", s->fd, "dangling"), 0);
	assert_int_equal(mkfifoat(s->fd, "fifo", 0600), 0);
	assert_int_equal(mkdirat(s->fd, "dir", 0700), 0);
	_cleanup_fd_ int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/socket", s->path);
	assert_int_equal(bind(sock, (const struct sockaddr *)&addr, sizeof(addr)), 0);

	static const char *const names[] = { "link", "dangling", "fifo", "dir", "socket" };
	for (size_t i = 0; i < N_OF(names); i++)
		CHECK_CASE(io_read_file(s->fd, names[i], buf, sizeof(buf)) == -EUCLEAN, names[i]);
}

static void test_create_file(void **state)
{
	struct scratch *s = *state;
	int fd = -1;
	mode_t old = umask(077);
	assert_int_equal(io_create_file(s->fd, "f", "abc", 3, 0664, &fd), 0);
	umask(old);
	assert_int_equal(mode_of(s, "f"), 0664);
	assert_int_equal(io_pwrite_full(fd, "X", 1, 0), 0);
	close(fd);
	assert_content(s, "f", "Xbc");
	assert_int_equal(io_create_file(s->fd, "g", NULL, 0, 0600, NULL), 0);
	assert_content(s, "g", "");
}

static void test_create_file_exists(void **state)
{
	struct scratch *s = *state;
	int fd = -1;
	put(s, "f", "old");
	assert_int_equal(symlinkat("nowhere", s->fd, "link"), 0);
	assert_int_equal(io_create_file(s->fd, "f", "new", 3, 0600, &fd), -EEXIST);
	assert_int_equal(io_create_file(s->fd, "link", "new", 3, 0600, &fd), -EEXIST);
	assert_int_equal(fd, -1);
	assert_content(s, "f", "old");
	assert_int_equal(scratch_count(s), 2);
}

/* Under a limit on file sizes, which a long write meets half-way. */
static void with_small_files(void (*fn)(struct scratch *), struct scratch *s)
{
	struct rlimit old, small;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 4096;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	fn(s);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, handler);
}

static void create_too_big(struct scratch *s)
{
	static char big[65536];
	int fd = -1;
	assert_int_equal(io_create_file(s->fd, "big", big, sizeof(big), 0600, &fd), -EFBIG);
	assert_int_equal(fd, -1);
}

static void replace_too_big(struct scratch *s)
{
	static char big[65536];
	assert_int_equal(io_replace_file(s->fd, "f", "f.bak", big, sizeof(big), 0600), -EFBIG);
}

static void test_create_file_leaves_nothing(void **state)
{
	struct scratch *s = *state;
	with_small_files(create_too_big, s);
	assert_int_equal(scratch_count(s), 0);
}

static void test_replace_failure_keeps_old(void **state)
{
	struct scratch *s = *state;
	put(s, "f", "old");
	put(s, "f.bak", "older");
	with_small_files(replace_too_big, s);
	assert_content(s, "f", "old");
	assert_content(s, "f.bak", "older");
	assert_int_equal(scratch_count(s), 2);
}

/* The last step fails: the old file and no temporary remain. */
static void test_replace_of_directory_fails(void **state)
{
	struct scratch *s = *state;
	assert_int_equal(mkdirat(s->fd, "dir", 0700), 0);
	assert_int_equal(io_replace_file(s->fd, "dir", NULL, "x", 1, 0600), -EISDIR);
	assert_int_equal(io_replace_file(s->fd, "dir", "dir.bak", "x", 1, 0600), -EUCLEAN);
	assert_int_equal(scratch_count(s), 1);
	assert_int_equal(io_replace_file(-1, "f", NULL, "x", 1, 0600), -EBADF);
}

static void test_replace_backup_is_directory(void **state)
{
	struct scratch *s = *state;
	put(s, "f", "old");
	assert_int_equal(mkdirat(s->fd, "f.bak", 0700), 0);
	assert_int_equal(io_replace_file(s->fd, "f", "f.bak", "new", 3, 0600), -EISDIR);
	assert_content(s, "f", "old");
	assert_int_equal(scratch_count(s), 2);
}

static void test_replace_makes_new(void **state)
{
	struct scratch *s = *state;
	assert_int_equal(io_replace_file(s->fd, "f", "f.bak", "one", 3, 0600), 0);
	assert_content(s, "f", "one");
	assert_int_equal(mode_of(s, "f"), 0600);
	assert_int_equal(scratch_count(s), 1); /* nothing to keep */
}

static void test_replace_keeps_backup(void **state)
{
	struct scratch *s = *state;
	put(s, "f", "one");
	assert_int_equal(io_replace_file(s->fd, "f", "f.bak", "two", 3, 0640), 0);
	assert_content(s, "f", "two");
	assert_content(s, "f.bak", "one");
	assert_int_equal(io_replace_file(s->fd, "f", "f.bak", "three", 5, 0640), 0);
	assert_content(s, "f", "three");
	assert_content(s, "f.bak", "two");
	assert_int_equal(mode_of(s, "f"), 0640);
	assert_int_equal(scratch_count(s), 2);
}

static void test_replace_without_backup(void **state)
{
	struct scratch *s = *state;
	put(s, "f", "one");
	assert_int_equal(io_replace_file(s->fd, "f", NULL, "two", 3, 0600), 0);
	assert_content(s, "f", "two");
	assert_int_equal(scratch_count(s), 1);
}

/* What a cut just before the last rename leaves: the backup and the file are one. */
static void test_replace_after_interrupted_one(void **state)
{
	struct scratch *s = *state;
	put(s, "f", "one");
	assert_int_equal(linkat(s->fd, "f", s->fd, "f.bak", 0), 0);
	assert_int_equal(io_replace_file(s->fd, "f", "f.bak", "two", 3, 0600), 0);
	assert_content(s, "f", "two");
	assert_content(s, "f.bak", "one");
	assert_int_equal(scratch_count(s), 2);
}

static void test_fsync_dir(void **state)
{
	struct scratch *s = *state;
	_cleanup_fd_ int path = open(s->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(io_fsync_dir(s->fd), 0);
	assert_int_equal(io_fsync_dir(path), 0);
	assert_int_equal(io_fsync_dir(-1), -EBADF);
}

static void assert_status(int fd, const char *name)
{
	struct stat want, got;
	bool mounted;
	assert_int_equal(fstatat(fd, name, &want, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH), 0);
	assert_int_equal(io_status(fd, name, &got, &mounted), 0);
	assert_false(mounted);
	assert_true(got.st_dev == want.st_dev && got.st_ino == want.st_ino && got.st_mode == want.st_mode);
	assert_true(got.st_nlink == want.st_nlink && got.st_uid == want.st_uid && got.st_gid == want.st_gid);
	assert_true(got.st_size == want.st_size && got.st_blocks == want.st_blocks);
	assert_true(got.st_blksize == want.st_blksize && got.st_rdev == want.st_rdev);
	assert_memory_equal(&got.st_atim, &want.st_atim, sizeof(want.st_atim));
	assert_memory_equal(&got.st_mtim, &want.st_mtim, sizeof(want.st_mtim));
	assert_memory_equal(&got.st_ctim, &want.st_ctim, sizeof(want.st_ctim));
}

static void test_status(void **state)
{
	const struct timespec times[2] = { { 1234567890, 123456789 }, { 987654321, 987654321 } };
	struct scratch *s = *state;
	struct stat sb;
	bool mounted;
	put(s, "f", "0123456789");
	assert_int_equal(utimensat(s->fd, "f", times, 0), 0);
	assert_int_equal(linkat(s->fd, "f", s->fd, "g", 0), 0);
	assert_int_equal(symlinkat("nowhere", s->fd, "l"), 0);
	assert_status(s->fd, "f");
	assert_status(s->fd, "l");
	assert_status(s->fd, "");
	_cleanup_fd_ int dev = open("/dev", O_PATH | O_CLOEXEC);
	assert_status(dev, "null");
	assert_int_equal(io_status(s->fd, "none", &sb, &mounted), -ENOENT);
	assert_int_equal(io_status(AT_FDCWD, "/proc", &sb, &mounted), 0);
	assert_true(mounted);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_pread_short_at_end),
		T(test_pwrite),
		T(test_write_full_device),
		T(test_read_file_sizes),
		T(test_read_file_giant),
		T(test_read_file_grown),
		T(test_read_file_not_regular),
		T(test_create_file),
		T(test_create_file_exists),
		T(test_create_file_leaves_nothing),
		T(test_replace_failure_keeps_old),
		T(test_replace_of_directory_fails),
		T(test_replace_backup_is_directory),
		T(test_replace_makes_new),
		T(test_replace_keeps_backup),
		T(test_replace_without_backup),
		T(test_replace_after_interrupted_one),
		T(test_fsync_dir),
		T(test_status),
	};
	return RUN_TAP(tests, NULL, NULL);
}
