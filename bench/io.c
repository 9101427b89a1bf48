// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Timed calls for bench/run: what would take Python longer than it takes the filesystem. Prints the seconds of the
 * calls alone, without those of making buffers or starting processes.
 *
 *   io write FILE BYTES CALL              write a new file in order, fsync, close
 *   io read CALL FILE...                  read files in order, one process for each
 *   io random FILE OPS READS END          READS percent of OPS read a page, the others write one. END: until the last
 *                                         call returned (call), until close did (close), with an fsync each (fsync)
 *   io append FILE OPS CALL fsync|close   append; fsync each, or open and close each
 *   io tree DIR FILES                     small files, 250 in a directory
 *   io rename DIR FILES                   give each of FILES files, made before the clock runs, another name
 *   io dir create|list|stat|delete DIR N  one directory of N empty files
 */

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define FILES_IN_DIR 250
#define SMALL_FILE 8192

static uint64_t state = 0x9e3779b97f4a7c15;
static double begun, ended;

static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t number(const char *text)
{
	char *end;
	size_t n = strtoull(text, &end, 10);

	if (*text == '\0' || *end != '\0')
		errx(2, "not a number: %s", text);
	return n;
}

/* Of noise, for which no filesystem has a short cut. Touched, too: page faults are not what is measured. */
static char *noise(size_t size)
{
	uint64_t *words = malloc(size + sizeof(*words));

	if (words == NULL)
		err(1, "malloc");
	for (size_t i = 0; i <= size / sizeof(*words); i++)
		words[i] = draw();
	return (char *)words;
}

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void close_file(int fd)
{
	if (close(fd) != 0)
		err(1, "close");
}

static void sync_file(int fd)
{
	if (fsync(fd) != 0)
		err(1, "fsync");
}

static void write_all(int fd, const char *data, size_t size)
{
	if (write(fd, data, size) != (ssize_t)size)
		err(1, "write");
}

static void enter(const char *dir)
{
	if (chdir(dir) != 0)
		err(1, "%s", dir);
}

static void make_dir(const char *dir)
{
	if (mkdir(dir, 0755) != 0)
		err(1, "%s", dir);
}

static const char *name(const char *prefix, size_t i)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s%07zu", prefix, i);
	return text;
}

static void do_write(char *argv[])
{
	size_t left = number(argv[1]), call = number(argv[2]);
	char *data = noise(call);
	int fd;

	begun = now();
	fd = open_file(argv[0], O_WRONLY | O_CREAT | O_EXCL);
	for (; left >= call; left -= call) {
		memcpy(data, &left, sizeof(left));
		write_all(fd, data, call);
	}
	sync_file(fd);
	close_file(fd);
}

static void read_file(const char *path, char *data, size_t call)
{
	int fd = open_file(path, O_RDONLY);
	ssize_t n;

	do {
		n = read(fd, data, call);
		if (n < 0)
			err(1, "%s", path);
	} while (n > 0);
	close_file(fd);
}

static void do_read(char *argv[])
{
	size_t call = number(argv[0]);
	char *data = noise(call);
	int status, bad = 0;

	begun = now();
	for (char **file = argv + 2; *file != NULL; file++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			read_file(*file, data, call);
			_exit(0);
		}
	}
	read_file(argv[1], data, call);
	while (wait(&status) > 0)
		bad |= status;
	if (bad != 0)
		errx(1, "a reader failed");
}

static void random_op(int fd, char *data, size_t pages, size_t reads, bool each)
{
	off_t at = (off_t)(draw() % pages) * PAGE;

	if (draw() % 100 < reads) {
		if (pread(fd, data, PAGE, at) != PAGE)
			err(1, "pread");
		return;
	}
	memcpy(data, &state, sizeof(state));
	if (pwrite(fd, data, PAGE, at) != PAGE)
		err(1, "pwrite");
	if (each)
		sync_file(fd);
}

static void do_random(char *argv[])
{
	size_t ops = number(argv[1]), reads = number(argv[2]);
	bool each = strcmp(argv[3], "fsync") == 0;
	char *data = noise(PAGE);
	struct stat st;
	int fd = open_file(argv[0], reads == 100 ? O_RDONLY : O_RDWR);

	if (fstat(fd, &st) != 0 || st.st_size < PAGE)
		errx(1, "%s: too short", argv[0]);
	begun = now();
	while (ops-- > 0)
		random_op(fd, data, (size_t)st.st_size / PAGE, reads, each);
	if (strcmp(argv[3], "call") == 0)
		ended = now();
	close_file(fd);
}

static void do_append(char *argv[])
{
	size_t ops = number(argv[1]), call = number(argv[2]);
	char *data = noise(call);
	int flags = O_WRONLY | O_CREAT | O_APPEND, fd;

	if (strcmp(argv[3], "close") == 0) {
		begun = now();
		for (; ops > 0; ops--) {
			fd = open_file(argv[0], flags);
			write_all(fd, data, call);
			close_file(fd);
		}
		return;
	}
	fd = open_file(argv[0], flags);
	begun = now();
	for (; ops > 0; ops--) {
		write_all(fd, data, call);
		sync_file(fd);
	}
	close_file(fd);
}

static void new_file(const char *path, const char *data, size_t size)
{
	int fd = open_file(path, O_WRONLY | O_CREAT | O_EXCL);

	if (size > 0)
		write_all(fd, data, size);
	close_file(fd);
}

static void do_tree(char *argv[])
{
	size_t files = number(argv[1]);
	char *data = noise(SMALL_FILE), path[128];

	begun = now();
	make_dir(argv[0]);
	enter(argv[0]);
	for (size_t i = 0; i < files; i++) {
		if (i % FILES_IN_DIR == 0)
			make_dir(name("dir-", i / FILES_IN_DIR));
		snprintf(path, sizeof(path), "dir-%07zu/some-file-%zu.c", i / FILES_IN_DIR, i);
		memcpy(data, &i, sizeof(i));
		new_file(path, data, draw() % SMALL_FILE);
	}
}

static void do_rename(char *argv[])
{
	size_t files = number(argv[1]);
	char old[64];

	make_dir(argv[0]);
	enter(argv[0]);
	for (size_t i = 0; i < files; i++)
		new_file(name("old-", i), NULL, 0);
	begun = now();
	for (size_t i = 0; i < files; i++) {
		snprintf(old, sizeof(old), "%s", name("old-", i));
		if (rename(old, name("new-", i)) != 0)
			err(1, "rename");
	}
}

static void list_dir(size_t files)
{
	DIR *dir = opendir(".");
	size_t seen = 0;

	if (dir == NULL)
		err(1, "opendir");
	while (readdir(dir) != NULL)
		seen++;
	closedir(dir);
	if (seen != files + 2)
		errx(1, "%zu names instead of %zu", seen, files + 2);
}

static void stat_one(const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		err(1, "%s", path);
}

static void delete_one(const char *path)
{
	if (unlink(path) != 0)
		err(1, "%s", path);
}

static void do_dir(char *argv[])
{
	size_t files = number(argv[2]);

	if (strcmp(argv[0], "create") == 0)
		make_dir(argv[1]);
	enter(argv[1]);
	begun = now();
	if (strcmp(argv[0], "list") == 0) {
		list_dir(files);
		return;
	}
	for (size_t i = 0; i < files; i++) {
		const char *path = name("entry-", i);

		if (strcmp(argv[0], "create") == 0)
			new_file(path, NULL, 0);
		else if (strcmp(argv[0], "stat") == 0)
			stat_one(path);
		else
			delete_one(path);
	}
}

static const struct {
	const char *name;
	int least, most;
	void (*go)(char *argv[]);
} verbs[] = {
	{ "write", 3, 3, do_write }, { "read", 2, 100, do_read }, { "random", 4, 4, do_random },
	{ "append", 4, 4, do_append }, { "tree", 2, 2, do_tree }, { "rename", 2, 2, do_rename },
	{ "dir", 3, 3, do_dir },
};

int main(int argc, char *argv[])
{
	int args = argc - 2;

	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(argv[1], verbs[i].name) != 0 || args < verbs[i].least || args > verbs[i].most)
			continue;
		verbs[i].go(argv + 2);
		printf("%.6f\n", (ended > 0 ? ended : now()) - begun);
		return 0;
	}
	errx(2, "no such verb, or not its arguments");
}
