/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every call on every kind of path: which error. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "posix.h"

static struct stat sb;
static char buf[64];

static long do_stat(const char *p)
{
	return stat(p, &sb);
}

static long do_lstat(const char *p)
{
	return lstat(p, &sb);
}

static long shut(int fd)
{
	return fd < 0 ? -1 : close(fd);
}

static long do_open(const char *p)
{
	return shut(open(p, O_RDONLY | O_NONBLOCK));
}

static long do_write(const char *p)
{
	return shut(open(p, O_WRONLY | O_NONBLOCK));
}

static long do_create(const char *p)
{
	return shut(open(p, O_RDWR | O_CREAT | O_EXCL, 0644));
}

static long do_opendir(const char *p)
{
	return shut(open(p, O_RDONLY | O_DIRECTORY));
}

static long do_mkdir(const char *p)
{
	return mkdir(p, 0755);
}

static long do_rmdir(const char *p)
{
	return rmdir(p);
}

static long do_unlink(const char *p)
{
	return unlink(p);
}

static long do_rename_from(const char *p)
{
	return rename(p, "other");
}

static long do_rename_to(const char *p)
{
	return rename("spare", p);
}

static long do_link_from(const char *p)
{
	return link(p, "other");
}

static long do_link_to(const char *p)
{
	return link("spare", p);
}

static long do_symlink(const char *p)
{
	return symlink("target", p);
}

static long do_readlink(const char *p)
{
	return readlink(p, buf, sizeof(buf));
}

static long do_mknod(const char *p)
{
	return mknod(p, S_IFIFO | 0644, 0);
}

static long do_chmod(const char *p)
{
	return chmod(p, 0755);
}

static long do_chown(const char *p)
{
	return chown(p, getuid(), getgid());
}

static long do_lchown(const char *p)
{
	return lchown(p, getuid(), getgid());
}

static long do_truncate(const char *p)
{
	return truncate(p, 0);
}

static long do_utimens(const char *p)
{
	return utimensat(AT_FDCWD, p, NULL, 0);
}

static long do_access(const char *p)
{
	return access(p, F_OK);
}

static long do_chdir(const char *p)
{
	static int here = -1;
	if (here < 0)
		here = open(".", O_RDONLY | O_DIRECTORY);
	long r = chdir(p);
	int error = errno;
	(void)!fchdir(here);
	errno = error;
	return r;
}

static long do_statfs(const char *p)
{
	struct statfs sf;
	return statfs(p, &sf);
}

static long do_getxattr(const char *p)
{
	return getxattr(p, "user.x", buf, sizeof(buf));
}

static long do_setxattr(const char *p)
{
	return setxattr(p, "user.x", "x", 1, 0);
}

static long do_listxattr(const char *p)
{
	return listxattr(p, NULL, 0) < 0 ? -1 : 0;
}

static long do_removexattr(const char *p)
{
	return removexattr(p, "user.x");
}

static long do_watch(const char *p)
{
	int fd = inotify_init();
	long r = inotify_add_watch(fd, p, IN_MODIFY);
	int error = errno;
	close(fd);
	errno = error;
	return r < 0 ? -1 : 0;
}

static long do_statx(const char *p)
{
	struct statx x;
	return statx(AT_FDCWD, p, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &x);
}

static const struct {
	const char *name;
	long (*run)(const char *path);
} calls[] = {
	{ "stat", do_stat },
	{ "lstat", do_lstat },
	{ "statx", do_statx },
	{ "open", do_open },
	{ "write", do_write },
	{ "create", do_create },
	{ "opendir", do_opendir },
	{ "access", do_access },
	{ "chdir", do_chdir },
	{ "statfs", do_statfs },
	{ "readlink", do_readlink },
	{ "chmod", do_chmod },
	{ "chown", do_chown },
	{ "lchown", do_lchown },
	{ "truncate", do_truncate },
	{ "utimensat", do_utimens },
	{ "setxattr", do_setxattr },
	{ "getxattr", do_getxattr },
	{ "listxattr", do_listxattr },
	{ "removexattr", do_removexattr },
	{ "inotify", do_watch },
	{ "link from", do_link_from },
	{ "link to", do_link_to },
	{ "rename from", do_rename_from },
	{ "rename to", do_rename_to },
	{ "mkdir", do_mkdir },
	{ "rmdir", do_rmdir },
	{ "unlink", do_unlink },
	{ "symlink", do_symlink },
	{ "mknod", do_mknod },
};

static void make_things(void)
{
	make_file("file", "content");
	make_file("spare", "spare");
	MUST(mkdir("dir", 0755));
	make_full_dir("full");
	MUST(mkdir("closed", 0755));
	make_file("closed/file", "");
	MUST(symlink("file", "to-file"));
	MUST(symlink("dir", "to-dir"));
	MUST(symlink("nothing", "dangling"));
	MUST(symlink("loop", "loop"));
	MUST(mkfifo("fifo", 0644));
}

/* Each in a place of its own: what one call does, no other sees. */
static void on(const char *name, const char *path)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const char *place = label_of("%s-%zu", name, i);
		MUST(mkdir(place, 0755));
		MUST(chdir(place));
		make_things();
		MUST(chmod("closed", 0));
		long r = calls[i].run(path);
		say(label_of("%s, %s", calls[i].name, name), "%s", r < 0 ? error_name(errno) : "0");
		(void)chmod("closed", 0755);
		MUST(chdir(".."));
	}
}

static void what_is_there(void)
{
	on("file", "file");
	on("dir", "dir");
	on("full", "full");
	on("to-file", "to-file");
	on("to-dir", "to-dir");
	on("fifo", "fifo");
	on("closed", "closed");
}

static void what_is_not(void)
{
	on("missing", "missing");
	on("below-missing", "missing/x");
	on("below-file", "file/x");
	on("below-fifo", "fifo/x");
	on("below-dir", "dir/x");
	on("below-closed", "closed/file");
	on("new-below-closed", "closed/x");
	on("empty", "");
	on("null", NULL);
}

static void links(void)
{
	on("dangling", "dangling");
	on("below-dangling", "dangling/x");
	on("loop", "loop");
	on("below-loop", "loop/x");
	on("below-to-file", "to-file/x");
	on("below-to-dir", "to-dir/x");
	on("to-dir-slash", "to-dir/");
	on("file-slash", "file/");
	on("missing-slash", "missing/");
	on("dangling-slash", "dangling/");
}

static void lengths(void)
{
	on("long-name", letters('x', 256));
	on("long-path", letters('x', PATH_MAX));
	on("dot", ".");
	on("dot-dot", "dir/..");
}

const struct posix_case errno_cases[] = {
	{ .name = "what-is-there", .run = what_is_there },
	{ .name = "what-is-not", .run = what_is_not },
	{ .name = "links", .run = links },
	{ .name = "lengths", .run = lengths },
	{ .name = NULL },
};
