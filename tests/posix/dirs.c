/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making and removing directories: counts, modes, what is not empty. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "posix.h"

static void link_counts(void)
{
	MUST(mkdir("d", 0755));
	look("empty", "d");
	MUST(mkdir("d/a", 0755));
	MUST(mkdir("d/b", 0755));
	MUST(mkdir("d/a/c", 0755));
	make_file("d/f", "");
	MUST(symlink("a", "d/l"));
	look("two in it", "d");
	look("one in it", "d/a");
	MUST(rename("d/a/c", "d/c"));
	look("three in it", "d");
	look("none in it", "d/a");
	MUST(rmdir("d/c"));
	look("two again", "d");
	MUST(rename("d/a", "d/b"));
	look("one", "d");
	MUST(renameat2(AT_FDCWD, "d/b", AT_FDCWD, "d/f", RENAME_EXCHANGE));
	look("one, exchanged", "d");
}

static void not_empty(void)
{
	static const char *const inside[] = { "file", "dir", "link", "fifo", "long" };
	for (size_t i = 0; i < 5; i++) {
		MUST(mkdir("d", 0755));
		const char *path = i == 4 ? label_of("d/%s", letters('l', 250)) : label_of("d/%s", inside[i]);
		if (i == 1)
			MUST(mkdir(path, 0755));
		else if (i == 2)
			MUST(symlink("nowhere", path));
		else if (i == 3)
			MUST(mkfifo(path, 0644));
		else
			make_file(path, "");
		say_result(label_of("with a %s", inside[i]), rmdir("d"));
		say_result(label_of("unlink with a %s", inside[i]), unlink("d"));
		say(label_of("then, with a %s", inside[i]), "%s", kind_of(path));
		if (unlink(path) != 0)
			MUST(rmdir(path));
		say_result(label_of("without the %s", inside[i]), rmdir("d"));
	}
}

/* What failed before does not hinder what comes after. */
static void after_failure(void)
{
	make_full_dir("d");
	RESULT(rmdir("d"));
	MUST(mkdir("e", 0755));
	RESULT(rename("e", "d"));
	make_file("d/more", "more");
	content("more", "d/more");
	content("inside", "d/inside");
	MUST(unlink("d/more"));
	MUST(unlink("d/inside"));
	RESULT(rename("e", "d"));
	RESULT(mkdir("e", 0755));
	RESULT(rmdir("e"));
	RESULT(rmdir("d"));
	RESULT(mkdir("d", 0755));
	make_file("d/again", "again");
	content("again", "d/again");
}

static void modes(void)
{
	static const mode_t all[] = { 0, 0100, 0151, 0300, 0400, 0500, 0700, 0755, 01777, 02755, 04755, 07777 };
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const char *name = label_of("%04o", all[i]);
		umask(0);
		say_result(name, mkdir(name, all[i]));
		look(name, name);
		int fd = open(label_of("%s/f", name), O_CREAT | O_RDWR, 0644);
		say_fd(label_of("%s, a file in it", name), fd);
		close(fd);
		fd = open(name, O_RDONLY | O_DIRECTORY);
		say_fd(label_of("%s, read", name), fd);
		close(fd);
		say_result(label_of("%s, entered", name), chdir(name));
		if (errno != EACCES || fd >= 0)
			(void)!chdir(strcmp(kind_of(name), "dir") == 0 ? "." : "..");
		say_result(label_of("%s, removed", name), rmdir(name));
	}
}

/* As a user who is not root meets them: a directory that is shut, its files open. */
static void shut_while_used(void)
{
	MUST(mkdir("d", 0755));
	make_file("d/f", "content");
	int fd = (int)MUST(open("d/f", O_RDWR)), dir = (int)MUST(open("d", O_RDONLY));
	DIR *stream = opendir("d");
	MUST(chmod("d", 0));
	int n = 0;
	while (stream && readdir(stream))
		n++;
	say("its entries", "%d", n);
	if (stream)
		closedir(stream);
	RESULT(access("d/f", F_OK));
	RESULT(faccessat(dir, "f", F_OK, 0));
	content_fd("f", fd);
	RESULT(write(fd, "CONTENT, longer", 15));
	RESULT(fsync(fd));
	RESULT(ftruncate(fd, 10));
	RESULT(fchmod(fd, 0600));
	look_fd("f", fd);
	RESULT(unlinkat(dir, "f", 0));
	MUST(chmod("d", 0755));
	content("f, opened up", "d/f");
	RESULT(unlink("d/f"));
}

static void existing(void)
{
	make_file("f", "");
	MUST(mkdir("d", 0755));
	MUST(symlink("nowhere", "dangling"));
	MUST(symlink("d", "to-d"));
	RESULT(mkdir("f", 0755));
	RESULT(mkdir("d", 0755));
	RESULT(mkdir("dangling", 0755));
	RESULT(mkdir("to-d", 0755));
	RESULT(mkdir("/", 0755));
	RESULT(mkdir("missing/d", 0755));
	RESULT(mkdir("f/d", 0755));
	RESULT(rmdir("f"));
	RESULT(rmdir("to-d"));
	RESULT(rmdir("to-d/"));
	RESULT(rmdir("missing"));
	RESULT(rmdir("/"));
	RESULT(unlink("d"));
	RESULT(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR));
	RESULT(unlinkat(AT_FDCWD, "d", 0));
	RESULT(unlinkat(AT_FDCWD, "d", 0x4000));
	RESULT(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR));
}

const struct posix_case dirs_cases[] = {
	{ .name = "link-counts", .run = link_counts },
	{ .name = "not-empty", .run = not_empty },
	{ .name = "after-failure", .run = after_failure },
	{ .name = "modes", .run = modes },
	{ .name = "shut-while-used", .run = shut_while_used },
	{ .name = "existing", .run = existing },
	{ .name = NULL },
};
