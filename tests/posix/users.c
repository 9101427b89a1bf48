/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several users: who owns what is made, who may do what. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "posix.h"

static void make_all(void)
{
	umask(027);
	make_file("d/file", "");
	RESULT(mkdir("d/dir", 0777));
	RESULT(symlink("x", "d/link"));
	RESULT(mkfifo("d/fifo", 0666));
	RESULT(mknod("d/node", S_IFREG | 0666, 0));
	RESULT(close(open("d/set", O_CREAT | O_RDWR, 07777)));
	RESULT(close(open("d/set-x", O_CREAT | O_RDWR, 02755)));
	RESULT(mkdir("d/dir/deeper", 0777));
	RESULT(link("d/file", "d/hard"));
	RESULT(close(open(label_of("d/%s", letters('l', 250)), O_CREAT | O_RDWR, 0644)));
}

static void show_all(void)
{
	static const char *const names[] = { "file", "dir", "link", "fifo", "node",
					     "set", "set-x", "dir/deeper", "hard" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		look(names[i], label_of("d/%s", names[i]));
	look("long", label_of("d/%s", letters('l', 250)));
}

static void ownership(void)
{
	static const gid_t groups[] = { A_GROUP };
	MUST(mkdir("d", 0755));
	MUST(chmod("d", 0777));
	as_user(SOMEBODY, SOMEBODY_ELSE, groups, 1, make_all);
	show_all();
}

static void set_gid_directory(void)
{
	MUST(mkdir("d", 0755));
	MUST(chown("d", 0, A_GROUP));
	MUST(chmod("d", 02777));
	as_user(SOMEBODY, SOMEBODY, NULL, 0, make_all);
	show_all();
}

static void set_gid_directory_of_ours(void)
{
	static const gid_t groups[] = { A_GROUP };
	MUST(mkdir("d", 0755));
	MUST(chown("d", 0, A_GROUP));
	MUST(chmod("d", 02775));
	as_user(SOMEBODY, SOMEBODY, groups, 1, make_all);
	show_all();
	as_user(0, 0, NULL, 0, make_all);
}

/* ---- sticky ---- */

static void remove_all(void)
{
	static const char *const names[] = { "roots", "mine", "others", "roots-dir", "mine-dir", "others-dir" };
	for (size_t i = 0; i < 6; i++) {
		const char *path = label_of("d/%s", names[i]);
		say_result(label_of("rename %s", names[i]), rename(path, label_of("d/x")));
		(void)rename("d/x", path);
		say_result(label_of("replace %s", names[i]), rename("d/new", path));
		say_result(label_of("exchange %s", names[i]),
			   renameat2(AT_FDCWD, "d/spare", AT_FDCWD, path, RENAME_EXCHANGE));
		(void)renameat2(AT_FDCWD, "d/spare", AT_FDCWD, path, RENAME_EXCHANGE);
		say_result(label_of("unlink %s", names[i]), i < 3 ? unlink(path) : rmdir(path));
	}
}

static void make_owned(const char *name, uid_t uid, bool dir)
{
	const char *path = label_of("d/%s", name);
	if (dir)
		MUST(mkdir(path, 0777));
	else
		make_file(path, name);
	MUST(chown(path, uid, uid));
}

static void with_modes(mode_t mode, uid_t owner)
{
	MUST(mkdir("d", 0755));
	make_owned("roots", 0, false);
	make_owned("mine", SOMEBODY, false);
	make_owned("others", SOMEBODY_ELSE, false);
	make_owned("roots-dir", 0, true);
	make_owned("mine-dir", SOMEBODY, true);
	make_owned("others-dir", SOMEBODY_ELSE, true);
	make_owned("new", SOMEBODY, false);
	make_owned("spare", SOMEBODY, false);
	MUST(chown("d", owner, owner));
	MUST(chmod("d", mode));
	as_user(SOMEBODY, SOMEBODY, NULL, 0, remove_all);
}

static void sticky(void)
{
	with_modes(01777, 0);
}

static void sticky_mine(void)
{
	with_modes(01777, SOMEBODY);
}

static void not_sticky(void)
{
	with_modes(0777, 0);
}

static void not_writable(void)
{
	with_modes(0755, 0);
}

static void not_searchable(void)
{
	with_modes(0666, 0);
}

/* ---- permissions ---- */

static void use_file(void)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC };
	for (mode_t m = 0; m < 8; m++) {
		const char *path = label_of("f%o", m);
		char text[80] = "";
		for (size_t i = 0; i < 4; i++) {
			int fd = open(path, flags[i]);
			strcat(text, fd < 0 ? error_name(errno) : "open");
			strcat(text, " ");
			close(fd);
		}
		say(path, "%saccess %d %d %d", text, access(path, R_OK), access(path, W_OK), access(path, X_OK));
	}
	for (mode_t m = 0; m < 8; m++) {
		const char *dir = label_of("d%o", m);
		int fd = open(dir, O_RDONLY);
		say(dir, "list %s", fd < 0 ? error_name(errno) : "open");
		close(fd);
		say_result(label_of("%s, search", dir), access(label_of("%s/inside", dir), F_OK));
		say_result(label_of("%s, missing", dir), access(label_of("%s/missing", dir), F_OK));
		say_result(label_of("%s, mkdir", dir), mkdir(label_of("%s/new", dir), 0755));
		say_result(label_of("%s, rmdir", dir), rmdir(label_of("%s/new", dir)));
		say_result(label_of("%s, enter", dir), chdir(dir) == 0 ? chdir("..") : -1);
	}
}

static void make_matrix(uid_t uid, gid_t gid, int shift)
{
	for (mode_t m = 0; m < 8; m++) {
		const char *f = label_of("f%o", m), *d = label_of("d%o", m);
		make_file(f, "content");
		MUST(mkdir(d, 0755));
		make_file(label_of("%s/inside", d), "");
		MUST(chown(f, uid, gid));
		MUST(chown(d, uid, gid));
		MUST(chmod(f, m << shift));
		MUST(chmod(d, m << shift));
	}
}

static void as_owner(void)
{
	make_matrix(SOMEBODY, 0, 6);
	as_user(SOMEBODY, SOMEBODY, NULL, 0, use_file);
}

static void as_group(void)
{
	make_matrix(0, SOMEBODY, 3);
	as_user(SOMEBODY, SOMEBODY, NULL, 0, use_file);
}

static void as_member(void)
{
	static const gid_t groups[] = { 5, A_GROUP, 9 };
	make_matrix(0, A_GROUP, 3);
	as_user(SOMEBODY, SOMEBODY, groups, 3, use_file);
}

static void as_other(void)
{
	make_matrix(0, 0, 0);
	as_user(SOMEBODY, SOMEBODY, NULL, 0, use_file);
}

static void as_root(void)
{
	make_matrix(SOMEBODY, SOMEBODY, 0);
	use_file();
}

/* ---- access ---- */

static void ask(void)
{
	MUST(setreuid((uid_t)-1, SOMEBODY_ELSE));
	RESULT(access("mine", R_OK | W_OK));
	RESULT(faccessat(AT_FDCWD, "mine", R_OK, AT_EACCESS));
	RESULT(faccessat(AT_FDCWD, "theirs", R_OK, AT_EACCESS));
	RESULT(access("theirs", R_OK));
	OPENED(open("mine", O_RDONLY));
	OPENED(open("theirs", O_RDONLY));
	RESULT(access("mine", 99));
	RESULT(faccessat(AT_FDCWD, "mine", R_OK, 0x8000));
}

/* By real or effective user. */
static void real_and_effective(void)
{
	make_file("mine", "");
	make_file("theirs", "");
	MUST(chmod("mine", 0600));
	MUST(chmod("theirs", 0600));
	MUST(chown("mine", SOMEBODY, SOMEBODY));
	MUST(chown("theirs", SOMEBODY_ELSE, SOMEBODY));
	pid_t pid = (pid_t)MUST(fork());
	if (pid == 0) {
		MUST(setresuid(SOMEBODY, SOMEBODY_ELSE, SOMEBODY_ELSE));
		ask();
		_exit(0);
	}
	say_end("child", pid);
}

/* ---- at the same time ---- */

static void work(uid_t uid)
{
	MUST(setresgid(uid, uid, uid));
	MUST(setresuid(uid, uid, uid));
	for (int i = 0; i < 40; i++) {
		const char *f = label_of("d/f-%u-%d", uid, i), *dir = label_of("d/d-%u-%d", uid, i);
		MUST(mkdir(dir, 0700));
		make_file(f, f);
		MUST(symlink("x", label_of("%s/link", dir)));
		MUST(rename(f, label_of("%s/f", dir)));
		MUST(chmod(label_of("%s/f", dir), 0600));
	}
}

static void at_once(void)
{
	enum { USERS = 4, EACH = 40 };
	struct stat sb;
	int wrong = 0;
	MUST(mkdir("d", 0755));
	MUST(chmod("d", 01777));
	for (unsigned int u = 0; u < USERS; u++) {
		if (MUST(fork()) == 0) {
			work(SOMEBODY + u);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	for (unsigned int u = 0; u < USERS; u++) {
		for (int i = 0; i < EACH; i++) {
			static const char *const what[] = { "", "/link", "/f" };
			for (size_t k = 0; k < 3; k++) {
				const char *path = label_of("d/d-%u-%d%s", SOMEBODY + u, i, what[k]);
				wrong += lstat(path, &sb) != 0 || sb.st_uid != SOMEBODY + u ||
					 sb.st_gid != SOMEBODY + u;
			}
		}
	}
	say("of the wrong user", "%d", wrong);
}

const struct posix_case users_cases[] = {
	{ .name = "ownership", .run = ownership, .needs = NEEDS_ROOT },
	{ .name = "set-gid-directory", .run = set_gid_directory, .needs = NEEDS_ROOT },
	{ .name = "set-gid-directory-of-ours", .run = set_gid_directory_of_ours, .needs = NEEDS_ROOT },
	{ .name = "sticky", .run = sticky, .needs = NEEDS_ROOT },
	{ .name = "sticky-mine", .run = sticky_mine, .needs = NEEDS_ROOT },
	{ .name = "not-sticky", .run = not_sticky, .needs = NEEDS_ROOT },
	{ .name = "not-writable", .run = not_writable, .needs = NEEDS_ROOT },
	{ .name = "not-searchable", .run = not_searchable, .needs = NEEDS_ROOT },
	{ .name = "as-owner", .run = as_owner, .needs = NEEDS_ROOT },
	{ .name = "as-group", .run = as_group, .needs = NEEDS_ROOT },
	{ .name = "as-member", .run = as_member, .needs = NEEDS_ROOT },
	{ .name = "as-other", .run = as_other, .needs = NEEDS_ROOT },
	{ .name = "as-root", .run = as_root, .needs = NEEDS_ROOT },
	{ .name = "real-and-effective", .run = real_and_effective, .needs = NEEDS_ROOT },
	{ .name = "at-once", .run = at_once, .needs = NEEDS_ROOT },
	{ .name = NULL },
};
