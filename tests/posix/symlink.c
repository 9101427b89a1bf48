/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Symbolic links: targets, lengths, resolution. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "posix.h"

static char *volatile nowhere = (char *)1;

static void targets(void)
{
	static const size_t lengths[] = { 1, 2, 59, 60, 100, 1000, 2900, 2999, 3000,
					  3001, 3050, 3100, 4000, 4094, 4095 };
	static char got[5000];
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const char *target = letters((char)('a' + i), lengths[i]);
		(void)unlink("l");
		say_result(label_of("%zu", lengths[i]), symlink(target, "l"));
		look(label_of("%zu, link", lengths[i]), "l");
		ssize_t n = readlink("l", got, sizeof(got));
		say(label_of("%zu, read", lengths[i]), "%zd, %s", n,
		    n == (ssize_t)lengths[i] && memcmp(got, target, lengths[i]) == 0 ? "the same" : "something else");
		MUST(rename("l", "m"));
		MUST(mkdir(label_of("d%zu", i), 0755));
		MUST(rename("m", label_of("d%zu/l", i)));
		n = readlink(label_of("d%zu/l", i), got, sizeof(got));
		say(label_of("%zu, moved", lengths[i]), "%zd", n);
	}
	RESULT(symlink(letters('x', 4096), "x"));
	RESULT(symlink("", "x"));
	RESULT(symlink("target", ""));
	RESULT(symlink("target", "l0/l"));
	RESULT(symlink("target", "d0"));
}

static void bytes(void)
{
	char target[256], got[300];
	for (int c = 1; c < 256; c++)
		target[c - 1] = (char)c;
	target[255] = '\0';
	RESULT(symlink(target, "l"));
	RESULT(readlink("l", got, sizeof(got)));
	say("the same", "%d", memcmp(target, got, 255) == 0);
}

static void reading(void)
{
	char buf[16] = "";
	make_file("f", "");
	MUST(mkdir("d", 0755));
	MUST(symlink("some target", "l"));
	RESULT(readlink("l", buf, 4));
	say("in part", "%s", buf);
	RESULT(readlink("l", buf, 0));
	RESULT(readlink("l", buf, 11));
	RESULT(readlink("f", buf, 16));
	RESULT(readlink("d", buf, 16));
	RESULT(readlink("missing", buf, 16));
	RESULT(readlink("l/", buf, 16));
	RESULT(readlink("l/x", buf, 16));
	RESULT(readlink("l", nowhere, 16));
	RESULT(unlink("l"));
	look("l", "l");
}

static void resolution(void)
{
	char cwd[4096];
	make_file("f", "content");
	MUST(mkdir("d", 0755));
	make_file("d/inside", "inside");
	MUST(symlink("../f", "d/up"));
	MUST(symlink("d", "to-d"));
	MUST(symlink("to-d/up", "two"));
	MUST(symlink(".", "here"));
	MUST(getcwd(cwd, sizeof(cwd)) ? 0 : -1);
	MUST(symlink(label_of("%s/f", cwd), "absolute"));
	MUST(symlink("d/", "slash"));
	MUST(symlink("f/", "wrong-slash"));
	MUST(symlink("a", "b"));
	MUST(symlink("b", "a"));
	content("d/up", "d/up");
	content("two", "two");
	content("here/here/here/f", "here/here/here/f");
	content("absolute", "absolute");
	content("slash/inside", "slash/inside");
	content("wrong-slash", "wrong-slash");
	content("a", "a");
	content("to-d/../f", "to-d/../f");
	RESULT(chmod("a", 0644));
	RESULT(access("a/x", F_OK));
	RESULT(rename("a", "c"));
	RESULT(rename("to-d", "moved"));
	content("moved/inside", "moved/inside");
	look("moved", "moved");
}

static void chains(void)
{
	make_file("l0", "at last");
	for (int i = 1; i <= 42; i++)
		MUST(symlink(label_of("l%d", i - 1), label_of("l%d", i)));
	content("40 links", "l40");
	content("41 links", "l41");
	OPENED(open("l42", O_RDONLY));
	say("l42", "%s", kind_of("l42"));
}

/* Into what is not there. */
static void dangling(void)
{
	MUST(symlink("new", "to-new"));
	MUST(symlink("missing/new", "to-missing"));
	OPENED(open("to-new", O_RDWR));
	OPENED(open("to-new", O_RDWR | O_CREAT | O_EXCL, 0644));
	OPENED(open("to-missing", O_RDWR | O_CREAT, 0644));
	OPENED(open("to-new", O_RDWR | O_CREAT, 0644));
	look("new", "new");
	RESULT(unlink("to-new"));
	look("new", "new");
}

const struct posix_case symlink_cases[] = {
	{ .name = "targets", .run = targets },
	{ .name = "bytes", .run = bytes },
	{ .name = "reading", .run = reading },
	{ .name = "resolution", .run = resolution },
	{ .name = "chains", .run = chains },
	{ .name = "dangling", .run = dangling },
	{ .name = NULL },
};
