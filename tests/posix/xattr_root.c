/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Extended attributes trusted.*, security.* and of others: who may, and what takes capabilities away. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "posix.h"

static const char *const spaces[] = { "trusted.x", "security.x", "user.x" };

static void use_all(void)
{
	char buf[16];
	for (size_t i = 0; i < 3; i++) {
		say_result(label_of("get %s", spaces[i]), getxattr("f", spaces[i], buf, 16));
		say_result(label_of("set %s", spaces[i]), setxattr("f", spaces[i], "new", 3, 0));
		say_result(label_of("remove %s", spaces[i]), removexattr("f", spaces[i]));
		say_result(label_of("set %s of a directory", spaces[i]), setxattr("d", spaces[i], "new", 3, 0));
		say_result(label_of("set %s of a sticky directory", spaces[i]),
			   setxattr("sticky", spaces[i], "new", 3, 0));
		say_result(label_of("set %s of a link", spaces[i]), lsetxattr("l", spaces[i], "new", 3, 0));
		say_result(label_of("get %s of a link", spaces[i]), lgetxattr("l", spaces[i], buf, 16));
		say_result(label_of("set %s of a fifo", spaces[i]), setxattr("fifo", spaces[i], "new", 3, 0));
		say_result(label_of("get %s of a fifo", spaces[i]), getxattr("fifo", spaces[i], buf, 16));
	}
	say("names", "%zd", listxattr("f", NULL, 0));
}

static void set_up(void)
{
	make_file("f", "content");
	MUST(mkdir("d", 0755));
	MUST(mkdir("sticky", 0755));
	MUST(chmod("sticky", 01777));
	MUST(symlink("f", "l"));
	MUST(mkfifo("fifo", 0666));
	MUST(chmod("f", 0666));
	MUST(chmod("d", 0777));
	for (size_t i = 0; i < 3; i++)
		MUST(setxattr("f", spaces[i], "value", 5, 0));
}

static void by_root(void)
{
	set_up();
	use_all();
}

static void by_others(void)
{
	set_up();
	as_user(SOMEBODY, SOMEBODY, NULL, 0, use_all);
}

/* ---- capabilities of files ---- */

static const struct vfs_cap_data net_raw = {
	.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
	.data = { { .permitted = 1u << CAP_NET_RAW } },
};

static void give(const char *path)
{
	(void)unlink(path);
	make_file(path, "content");
	MUST(chmod(path, 0777));
	MUST(setxattr(path, "security.capability", &net_raw, sizeof(net_raw), 0));
}

static void has(const char *label, const char *path)
{
	struct vfs_cap_data got;
	say_result(label, getxattr(path, "security.capability", &got, sizeof(got)));
}

static void write_it(void)
{
	int fd = OPENED(open("f", O_WRONLY));
	RESULT(write(fd, "x", 1));
}

static void cut_it(void)
{
	RESULT(truncate("f", 3));
}

static void capabilities(void)
{
	give("f");
	has("given", "f");
	RESULT(chmod("f", 0755));
	has("after chmod", "f");
	MUST(chmod("f", 0777));
	RESULT(rename("f", "g"));
	has("after rename", "g");
	RESULT(link("g", "f"));
	write_it();
	has("after a write of root's", "f");
	give("f");
	as_user(SOMEBODY, SOMEBODY, NULL, 0, write_it);
	has("after a write of another's", "f");
	give("f");
	cut_it();
	has("after a cut of root's", "f");
	give("f");
	as_user(SOMEBODY, SOMEBODY, NULL, 0, cut_it);
	has("after a cut of another's", "f");
	give("f");
	RESULT(chown("f", SOMEBODY, SOMEBODY));
	has("after chown", "f");
	give("f");
	RESULT(setxattr("f", "security.capability", "bad", 3, 0));
	has("after a bad one", "f");
	RESULT(removexattr("f", "security.capability"));
	has("removed", "f");
}

const struct posix_case xattr_root_cases[] = {
	{ .name = "by-root", .run = by_root, .needs = NEEDS_ROOT },
	{ .name = "by-others", .run = by_others, .needs = NEEDS_ROOT },
	{ .name = "capabilities", .run = capabilities, .needs = NEEDS_ROOT },
	{ .name = NULL },
};
