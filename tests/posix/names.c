/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names: of every byte, of all lengths, such as the vault itself uses. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "posix.h"

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* How many names there are in a directory, and a hash of all, sorted. */
static void listing(const char *label, const char *path)
{
	static char *names[1000];
	char *all = NULL;
	size_t n = 0, size = 0;
	struct dirent *e;
	DIR *dir = opendir(path);
	while (n < 1000 && (e = readdir(dir)))
		names[n++] = strdup(e->d_name);
	closedir(dir);
	qsort(names, n, sizeof(names[0]), compare);
	FILE *f = open_memstream(&all, &size);
	for (size_t i = 0; i < n; i++) {
		fwrite(names[i], 1, strlen(names[i]) + 1, f);
		free(names[i]);
	}
	fclose(f);
	say(label, "%zu, hash %016llx", n, (unsigned long long)hash_of(all, size));
	free(all);
}

static void bytes(void)
{
	char name[4] = "";
	int bad = 0;
	MUST(mkdir("d", 0755));
	MUST(chdir("d"));
	for (int c = 1; c < 256; c++) {
		if (c == '/' || c == '.')
			continue;
		name[0] = (char)c;
		name[1] = '\0';
		bad += close(open(name, O_CREAT | O_EXCL | O_WRONLY, 0644)) != 0;
		name[1] = (char)c;
		bad += mkdir(name, 0755) != 0;
		bad += access(name, F_OK) != 0;
	}
	say("wrong", "%d", bad);
	listing("all", ".");
	name[0] = name[1] = '\xff';
	RESULT(rmdir(name));
	listing("one less", ".");
}

static void look_alikes(void)
{
	static const char *const some[] = {
		"cryptfs.json", "cryptfs.dir", "cryptfs.long.x", "cryptfs.long.x.name", "cryptfs.", "cryptfs.tmp.0",
		"cryptfs.lost", ".fuse_hidden0000000100000001", "...", "-", "-rf", " ", "\n", "a b", "\xc3\xa4",
		"a\xcc\x88", "A", "a", "\xff\xfe", "name.", "name ", "CON", "*", "lost+found",
	};
	MUST(mkdir("d", 0755));
	MUST(chdir("d"));
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		int fd = open(some[i], O_CREAT | O_EXCL | O_WRONLY, 0644);
		say_fd(label_of("%zu", i), fd);
		if (fd >= 0 && write(fd, some[i], strlen(some[i])) < 0)
			say("write", "%s", error_name(errno));
		close(fd);
	}
	listing("all", ".");
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		content(label_of("%zu, content", i), some[i]);
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
		say_result(label_of("%zu, removed", i), unlink(some[i]));
	RESULT(chdir(".."));
	RESULT(rmdir("d"));
}

/* All lengths, of every kind of thing, each found, listed, and removed. */
static void lengths(void)
{
	int bad = 0;
	MUST(mkdir("d", 0755));
	MUST(chdir("d"));
	for (size_t n = 1; n <= 255; n++) {
		const char *name = letters('x', n);
		switch (n % 4) {
		case 0:
			bad += mkdir(name, 0755) != 0;
			break;
		case 1:
			bad += symlink(name, name) != 0;
			break;
		case 2:
			bad += mkfifo(name, 0644) != 0;
			break;
		default:
			bad += close(open(name, O_CREAT | O_EXCL | O_WRONLY, 0644)) != 0;
		}
		bad += strcmp(kind_of(name), "none") == 0;
	}
	say("wrong", "%d", bad);
	listing("all", ".");
	for (size_t n = 1; n <= 255; n++)
		bad += (n % 4 ? unlink(letters('x', n)) : rmdir(letters('x', n))) != 0;
	say("wrong in the end", "%d", bad);
	listing("none", ".");
	RESULT(rmdir("../d"));
}

static void too_long(void)
{
	const char *name = letters('x', 256);
	char buf[8];
	make_file("f", "");
	MUST(mkdir("d", 0755));
	OPENED(open(name, O_RDONLY));
	OPENED(open(name, O_CREAT | O_WRONLY, 0644));
	RESULT(mkdir(name, 0755));
	RESULT(rmdir(name));
	RESULT(unlink(name));
	RESULT(symlink("x", name));
	RESULT(link("f", name));
	RESULT(link(name, "g"));
	RESULT(rename("f", name));
	RESULT(rename(name, "f"));
	RESULT(mkfifo(name, 0644));
	RESULT(access(name, F_OK));
	RESULT(chmod(name, 0644));
	RESULT(readlink(name, buf, 8));
	RESULT(truncate(name, 0));
	RESULT(access(label_of("%s/x", name), F_OK));
	RESULT(access(label_of("d/%s", name), F_OK));
	RESULT(access(letters('x', 4095), F_OK));
	RESULT(access(letters('x', 4096), F_OK));
}

const struct posix_case names_cases[] = {
	{ .name = "bytes", .run = bytes },
	{ .name = "look-alikes", .run = look_alikes },
	{ .name = "lengths", .run = lengths },
	{ .name = "too-long", .run = too_long },
	{ .name = NULL },
};
