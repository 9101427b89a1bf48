/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Extended attributes user.*, as anybody. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "posix.h"

static void *volatile nowhere = (void *)1;

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All names, sorted; what the security modules of the machine add is left out. */
static void list(const char *label, const char *path)
{
	static char names[65536];
	char *sorted[500], text[3000] = "";
	size_t n = 0;
	ssize_t len = llistxattr(path, names, sizeof(names));
	if (len < 0) {
		say_result(label, len);
		return;
	}
	for (char *p = names; p < names + len; p += strlen(p) + 1)
		if (n < 500 && strncmp(p, "security.selinux", 16) != 0)
			sorted[n++] = p;
	qsort(sorted, n, sizeof(sorted[0]), compare);
	for (size_t i = 0; i < n && strlen(text) + strlen(sorted[i]) + 2 < sizeof(text); i++)
		strcat(strcat(text, " "), sorted[i]);
	say(label, "%zu:%s", n, text);
}

static void set_and_get(void)
{
	char buf[16] = "";
	make_file("f", "");
	RESULT(setxattr("f", "user.a", "value", 5, 0));
	RESULT(getxattr("f", "user.a", NULL, 0));
	RESULT(getxattr("f", "user.a", buf, 5));
	say("value", "%s", buf);
	RESULT(getxattr("f", "user.a", buf, 4));
	RESULT(getxattr("f", "user.b", buf, 4));
	RESULT(setxattr("f", "user.a", "other", 5, XATTR_CREATE));
	RESULT(setxattr("f", "user.b", "other", 5, XATTR_REPLACE));
	RESULT(setxattr("f", "user.b", "other", 5, XATTR_CREATE));
	RESULT(setxattr("f", "user.a", "replaced", 8, XATTR_REPLACE));
	RESULT(setxattr("f", "user.a", "x", 1, XATTR_CREATE | XATTR_REPLACE));
	RESULT(setxattr("f", "user.c", "x", 1, XATTR_CREATE | XATTR_REPLACE));
	RESULT(setxattr("f", "user.c", "x", 1, 4));
	RESULT(getxattr("f", "user.a", buf, 16));
	say("value", "%.8s", buf);
	list("list", "f");
	RESULT(listxattr("f", NULL, 0));
	RESULT(listxattr("f", buf, 13));
	RESULT(listxattr("f", buf, 14));
	RESULT(removexattr("f", "user.a"));
	RESULT(removexattr("f", "user.a"));
	RESULT(getxattr("f", "user.a", buf, 16));
	list("list, one removed", "f");
}

static void empty_values(void)
{
	char buf[4];
	make_file("f", "");
	RESULT(setxattr("f", "user.empty", "", 0, 0));
	RESULT(setxattr("f", "user.null", NULL, 0, 0));
	RESULT(getxattr("f", "user.empty", NULL, 0));
	RESULT(getxattr("f", "user.empty", buf, 4));
	RESULT(getxattr("f", "user.null", buf, 4));
	list("list", "f");
	RESULT(setxattr("f", "user.empty", "full", 4, XATTR_REPLACE));
	RESULT(getxattr("f", "user.empty", buf, 4));
	RESULT(setxattr("f", "user.empty", "", 0, XATTR_REPLACE));
	RESULT(getxattr("f", "user.empty", buf, 4));
}

/* Of all bytes, and all lengths up to 255 with "user.". */
static void names(void)
{
	char name[300] = "user.", buf[4];
	unsigned int bad = 0;
	make_file("f", "");
	for (int c = 1; c < 256; c++) {
		name[5] = (char)c;
		bad += setxattr("f", name, "x", 1, 0) != 0 || getxattr("f", name, buf, 4) != 1;
		bad += removexattr("f", name) != 0;
	}
	say("of one byte", "%u wrong", bad);
	static const size_t lengths[] = { 1, 50, 100, 160, 170, 180, 200, 230, 240, 249, 250 };
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		snprintf(name, sizeof(name), "user.%s", letters('n', lengths[i]));
		const char *label = label_of("%zu letters", lengths[i]);
		say_result(label, setxattr("f", name, "x", 1, 0));
		say_result(label, getxattr("f", name, buf, 4));
		list(label, "f");
		say_result(label, removexattr("f", name));
	}
	snprintf(name, sizeof(name), "user.%s", letters('n', 251));
	RESULT(setxattr("f", name, "x", 1, 0));
	RESULT(getxattr("f", name, buf, 4));
	RESULT(removexattr("f", name));
}

static void wrong_names(void)
{
	static const char *const bad[] = { "", "user", "user.", "nosuch.x", "x", ".", "system.x", "USER.x", "trusted.",
					   "security." };
	make_file("f", "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char buf[4];
		say_result(label_of("set '%s'", bad[i]), setxattr("f", bad[i], "x", 1, 0));
		say_result(label_of("get '%s'", bad[i]), getxattr("f", bad[i], buf, 4));
		say_result(label_of("remove '%s'", bad[i]), removexattr("f", bad[i]));
	}
	list("list", "f");
}

static void sizes(void)
{
	static const size_t some[] = { 1, 100, 1000, 2000, 3000, 3500 };
	static char value[65537], got[65537];
	fill(value, sizeof(value), 1);
	make_file("f", "");
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		say_result(label_of("%zu", some[i]), setxattr("f", "user.x", value, some[i], 0));
		ssize_t n = getxattr("f", "user.x", got, sizeof(got) - 1);
		say(label_of("%zu, got", some[i]), "%zd, %s", n,
		    n == (ssize_t)some[i] && memcmp(got, value, some[i]) == 0 ? "the same" : "something else");
	}
	RESULT(setxattr("f", "user.y", value, 65536, 0));
	RESULT(setxattr("f", "user.y", value, 65537, 0));
	RESULT(getxattr("f", "user.y", got, sizeof(got)));
	RESULT(getxattr("f", "user.x", got, 65537));
	RESULT(getxattr("f", "user.x", got, 3499));
}

/* What an ext4 inode holds beside itself is one block; ciphertext is longer than its plaintext. */
static void near_the_limit(void)
{
	static char value[4096];
	make_file("f", "");
	RESULT(setxattr("f", "user.x", value, 4000, 0));
	RESULT(setxattr("f", "user.y", value, 4000, 0));
	RESULT(setxattr("f", "user.x", value, 10, 0));
}

static void many(void)
{
	char name[32], value[32];
	unsigned int bad = 0;
	make_file("f", "");
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "user.name%d", i);
		bad += setxattr("f", name, name, strlen(name), 0) != 0;
	}
	list("list", "f");
	for (int i = 0; i < 20; i += 2) {
		snprintf(name, sizeof(name), "user.name%d", i);
		bad += removexattr("f", name) != 0;
	}
	for (int i = 1; i < 20; i += 2) {
		snprintf(name, sizeof(name), "user.name%d", i);
		ssize_t n = getxattr("f", name, value, sizeof(value));
		bad += n != (ssize_t)strlen(name) || memcmp(value, name, (size_t)n) != 0;
	}
	say("wrong", "%u", bad);
	list("list, half removed", "f");
}

static void on_what(void)
{
	char buf[16];
	make_file("f", "");
	MUST(mkdir("d", 0755));
	MUST(symlink("f", "l"));
	MUST(mkfifo("fifo", 0644));
	MUST(symlink("nothing", "dangling"));
	RESULT(setxattr("d", "user.x", "on d", 4, 0));
	RESULT(getxattr("d", "user.x", buf, 16));
	RESULT(lsetxattr("l", "user.x", "on l", 4, 0));
	RESULT(lgetxattr("l", "user.x", buf, 16));
	RESULT(lremovexattr("l", "user.x"));
	RESULT(llistxattr("l", buf, 16));
	RESULT(setxattr("l", "user.x", "through l", 9, 0));
	RESULT(getxattr("f", "user.x", buf, 16));
	RESULT(setxattr("fifo", "user.x", "x", 1, 0));
	RESULT(getxattr("fifo", "user.x", buf, 16));
	RESULT(listxattr("fifo", buf, 16));
	RESULT(setxattr("dangling", "user.x", "x", 1, 0));
	RESULT(setxattr("missing", "user.x", "x", 1, 0));
	int fd = (int)MUST(open("f", O_RDONLY));
	RESULT(fsetxattr(fd, "user.y", "by fd", 5, 0));
	RESULT(fgetxattr(fd, "user.y", buf, 16));
	MUST(link("f", "g"));
	list("by another name", "g");
	MUST(rename("f", "h"));
	list("renamed", "h");
	int d = (int)MUST(open("d", O_RDONLY));
	RESULT(fsetxattr(d, "user.y", "by fd", 5, 0));
	list("d", "d");
	RESULT(fsetxattr(99, "user.y", "by fd", 5, 0));
	RESULT(setxattr("h", "user.z", nowhere, 5, 0));
	RESULT(getxattr("h", "user.y", nowhere, 5));
}

/* To read takes the right to read, to change the right to write; times and content stay. */
static void with_modes(void)
{
	static const mode_t modes[] = { 0, 0200, 0400, 0600 };
	char buf[8];
	make_file("f", "content");
	MUST(setxattr("f", "user.x", "x", 1, 0));
	for (size_t i = 0; i < 4; i++) {
		MUST(chmod("f", modes[i]));
		say_result(label_of("%04o, set", modes[i]), setxattr("f", "user.y", "y", 1, 0));
		say_result(label_of("%04o, get", modes[i]), getxattr("f", "user.x", buf, 8));
		say_result(label_of("%04o, remove", modes[i]), removexattr("f", "user.y"));
		say_result(label_of("%04o, list", modes[i]), listxattr("f", NULL, 0) > 0);
	}
	content("f", "f");
}

/* What the file keeps through what. */
static void kept(void)
{
	make_data("f", 10000, 1);
	MUST(setxattr("f", "user.x", "kept", 4, 0));
	MUST(truncate("f", 0));
	list("emptied", "f");
	make_file("f", "written");
	list("written", "f");
	make_file("g", "g");
	MUST(setxattr("g", "user.g", "g", 1, 0));
	MUST(renameat2(AT_FDCWD, "f", AT_FDCWD, "g", RENAME_EXCHANGE));
	list("exchanged f", "f");
	list("exchanged g", "g");
	MUST(rename("g", "f"));
	list("replaced", "f");
	int fd = (int)MUST(open("f", O_RDWR));
	MUST(unlink("f"));
	RESULT(fgetxattr(fd, "user.x", (char[8]){ 0 }, 8));
	make_file("f", "new");
	list("a new one", "f");
}

const struct posix_case xattr_cases[] = {
	{ .name = "set-and-get", .run = set_and_get },
	{ .name = "empty-values", .run = empty_values },
	{ .name = "names", .run = names },
	{ .name = "wrong-names", .run = wrong_names },
	{ .name = "sizes", .run = sizes },
	{ .name = "near-the-limit", .run = near_the_limit },
	{ .name = "many", .run = many },
	{ .name = "on-what", .run = on_what },
	{ .name = "with-modes", .run = with_modes },
	{ .name = "kept", .run = kept },
	{ .name = NULL },
};
