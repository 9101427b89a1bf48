/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chmod and chown, and what clears set-id bits. */
#include <errno.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "posix.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static void all_bits(void)
{
	make_file("f", "content");
	MUST(mkdir("d", 0755));
	for (mode_t mode = 0; mode <= 07777; mode += 0111) {
		int r = chmod("f", mode), q = chmod("d", mode);
		struct stat f, d;
		MUST(stat("f", &f));
		MUST(stat("d", &d));
		say(label_of("%04o", mode), "%d %d, %04o %04o", r, q, f.st_mode & 07777, d.st_mode & 07777);
	}
	RESULT(chmod("f", 0170644));
	look("f", "f");
	MUST(chmod("d", 0755));
}

static void on_what(void)
{
	make_file("f", "");
	MUST(symlink("f", "l"));
	MUST(symlink("nothing", "dangling"));
	MUST(mkfifo("fifo", 0644));
	RESULT(chmod("l", 0600));
	look("f", "f");
	look("l", "l");
	RESULT(fchmodat(AT_FDCWD, "l", 0640, AT_SYMLINK_NOFOLLOW));
	RESULT(syscall(SYS_fchmodat2, AT_FDCWD, "l", 0640, AT_SYMLINK_NOFOLLOW));
	RESULT(syscall(SYS_fchmodat2, AT_FDCWD, "f", 0640, AT_SYMLINK_NOFOLLOW));
	look("l", "l");
	look("f", "f");
	RESULT(chmod("dangling", 0600));
	RESULT(chmod("fifo", 0600));
	look("fifo", "fifo");
	RESULT(chmod("missing", 0600));
	RESULT(chmod("f/", 0600));
	RESULT(lchown("l", (uid_t)-1, getgid()));
	RESULT(chown("dangling", (uid_t)-1, (gid_t)-1));
	RESULT(fchownat(AT_FDCWD, "dangling", (uid_t)-1, getgid(), AT_SYMLINK_NOFOLLOW));
	RESULT(fchownat(AT_FDCWD, "f", getuid(), getgid(), 0x4000));
}

/* ---- set-id bits ---- */

static int fd;

static long write_it(void)
{
	return write(fd, "x", 1);
}

static long write_nothing(void)
{
	return write(fd, "x", 0);
}

static long truncate_it(void)
{
	return ftruncate(fd, 3);
}

static long truncate_same(void)
{
	return ftruncate(fd, 7);
}

static long open_trunc(void)
{
	int other = open("f", O_WRONLY | O_TRUNC);
	close(other);
	return other < 0 ? -1 : 0;
}

static long allocate_it(void)
{
	return fallocate(fd, 0, 0, 100);
}

static long punch_it(void)
{
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 5);
}

static long copy_into(void)
{
	return copy_file_range(fd, &(off_t){ 0 }, fd, &(off_t){ 10 }, 5, 0);
}

static long map_it(void)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	*p = 'm';
	return msync(p, 4096, MS_SYNC) | munmap(p, 4096);
}

static long chown_nothing(void)
{
	return chown("f", (uid_t)-1, (gid_t)-1);
}

static long chown_same(void)
{
	return chown("f", getuid(), getgid());
}

static long utime_it(void)
{
	return utimensat(AT_FDCWD, "f", NULL, 0);
}

static long rename_it(void)
{
	return rename("f", "g") | rename("g", "f");
}

static const struct {
	const char *name;
	long (*run)(void);
} acts[] = {
	{ "write", write_it },
	{ "write of nothing", write_nothing },
	{ "truncate", truncate_it },
	{ "truncate to the same", truncate_same },
	{ "open with O_TRUNC", open_trunc },
	{ "fallocate", allocate_it },
	{ "punch", punch_it },
	{ "copy_file_range", copy_into },
	{ "mmap", map_it },
	{ "chown of nothing", chown_nothing },
	{ "chown to the same", chown_same },
	{ "utimensat", utime_it },
	{ "rename", rename_it },
};

static const mode_t bits[] = { 06777, 04755, 02755, 02745, 06666 };

static void clear_set_id(void)
{
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		for (size_t j = 0; j < sizeof(bits) / sizeof(bits[0]); j++) {
			const char *label = label_of("%s, %04o", acts[i].name, bits[j]);
			struct stat sb;
			(void)unlink("f");
			make_file("f", "content");
			MUST(chmod("f", bits[j]));
			fd = (int)MUST(open("f", O_RDWR));
			long r = acts[i].run();
			int error = errno;
			MUST(stat("f", &sb));
			say(label, "%s, then %04o", r < 0 ? error_name(error) : "done", sb.st_mode & 07777);
			close(fd);
		}
	}
}

static void set_id_mine(void)
{
	clear_set_id();
}

static void set_id_somebodys(void)
{
	MUST(chmod(".", 0777));
	as_user(SOMEBODY, SOMEBODY, NULL, 0, clear_set_id);
}

/* What another user may write, by a descriptor. */
static void write_as_other(void)
{
	for (size_t j = 0; j < sizeof(bits) / sizeof(bits[0]); j++) {
		const char *path = label_of("f%04o", bits[j]);
		fd = open(path, O_WRONLY);
		if (fd < 0)
			continue;
		say_result(label_of("write to %04o", bits[j]), write(fd, "x", 1));
		close(fd);
	}
}

static void set_id_of_others(void)
{
	for (size_t j = 0; j < sizeof(bits) / sizeof(bits[0]); j++) {
		const char *path = label_of("f%04o", bits[j]);
		make_file(path, "content");
		MUST(chmod(path, bits[j]));
	}
	as_user(SOMEBODY, SOMEBODY, NULL, 0, write_as_other);
	for (size_t j = 0; j < sizeof(bits) / sizeof(bits[0]); j++)
		look(label_of("%04o written by another", bits[j]), label_of("f%04o", bits[j]));
}

static void set_id_chown(void)
{
	static const mode_t modes[] = { 06777, 02745, 04644, 07777 };
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		make_file("f", "");
		MUST(mkdir("d", 0755));
		MUST(chmod("f", modes[i]));
		MUST(chmod("d", modes[i]));
		RESULT(chown("f", SOMEBODY, (gid_t)-1));
		RESULT(chown("d", SOMEBODY, (gid_t)-1));
		look(label_of("f of %04o given away", modes[i]), "f");
		look(label_of("d of %04o given away", modes[i]), "d");
		MUST(chmod("f", modes[i]));
		RESULT(chown("f", (uid_t)-1, A_GROUP));
		look(label_of("f of %04o to a group", modes[i]), "f");
		MUST(unlink("f"));
		MUST(rmdir("d"));
	}
}

/* ---- who may ---- */

static void change_others(void)
{
	RESULT(chmod("roots", 0600));
	RESULT(chown("roots", SOMEBODY, (gid_t)-1));
	RESULT(chown("roots", (uid_t)-1, (gid_t)-1));
	RESULT(chmod("mine", 02755));
	look("mine, set-gid, of a group that is not ours", "mine");
	RESULT(chmod("dir", 02755));
	look("dir, set-gid, of a group that is not ours", "dir");
	RESULT(chown("mine", SOMEBODY_ELSE, (gid_t)-1));
	RESULT(chown("mine", SOMEBODY, (gid_t)-1));
	RESULT(chown("mine", (uid_t)-1, A_GROUP));
	RESULT(chown("mine", (uid_t)-1, SOMEBODY_ELSE));
	look("mine", "mine");
	RESULT(chmod("mine", 02755));
	look("mine, set-gid, of our group", "mine");
	RESULT(chmod("mine", 01644));
	look("mine, sticky", "mine");
	RESULT(chmod("dir", 01755));
	look("dir, sticky", "dir");
	RESULT(lchown("link", (uid_t)-1, A_GROUP));
	RESULT(lchown("link", SOMEBODY_ELSE, (gid_t)-1));
	look("link", "link");
}

static void who_may(void)
{
	static const gid_t groups[] = { A_GROUP };
	make_file("roots", "");
	make_file("mine", "");
	MUST(mkdir("dir", 0755));
	MUST(symlink("mine", "link"));
	MUST(chown("mine", SOMEBODY, 0));
	MUST(chown("dir", SOMEBODY, 0));
	MUST(lchown("link", SOMEBODY, 0));
	as_user(SOMEBODY, SOMEBODY, groups, 1, change_others);
}

const struct posix_case mode_cases[] = {
	{ .name = "all-bits", .run = all_bits },
	{ .name = "on-what", .run = on_what },
	{ .name = "set-id-mine", .run = set_id_mine },
	{ .name = "set-id-somebodys", .run = set_id_somebodys, .needs = NEEDS_ROOT },
	{ .name = "set-id-of-others", .run = set_id_of_others, .needs = NEEDS_ROOT },
	{ .name = "set-id-chown", .run = set_id_chown, .needs = NEEDS_ROOT },
	{ .name = "who-may", .run = who_may, .needs = NEEDS_ROOT },
	{ .name = NULL },
};
