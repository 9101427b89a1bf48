/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random operations on names by several processes at the same time, in a way that makes the outcome depend on the
 * seed alone: each works on entries of its own, in directories that all of them use. Run on two filesystems, what
 * it prints must be the same: the result of each operation (a hash of them for each process, every one with -v),
 * and the tree that is left. In the manner of SGI's fsstress (1997), whose runs cannot be compared.
 *
 *	fsstress [-s SEED] [-n OPERATIONS] [-p PROCESSES] [-v] DIRECTORY
 *	fsstress -t DIRECTORY
 *
 * The directory must be empty. With -t nothing is done to it: what is there is printed, with times of modification.
 * Exit code 0, or 2 if it could not be run.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "model.h"

#define COMMON 3 /* directories at the top, of all processes */
#define NAMES 24 /* entries of a process in one directory */
#define DEPTH 3
#define PATH_SIZE 2048
#define CONTENT 20000u

struct worker {
	struct model_rng rng;
	unsigned int number;
	bool verbose;
	uint64_t hash; /* of all results */
	FILE *out;
	char text[PATH_SIZE * 3];
};

/* FNV-1a: to tell two runs apart, no more. */
static uint64_t hash_more(uint64_t h, const void *data, size_t n)
{
	const uint8_t *p = data;
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

static void told(struct worker *w, const char *what, long r)
{
	char line[sizeof(w->text) + 64];
	int n = snprintf(line, sizeof(line), "%s: %s", what,
			 r < 0 ? strerrorname_np(errno) :
			 r > 0 ? "some" :
				 "0");
	w->hash = hash_more(w->hash, line, (size_t)n);
	if (w->verbose)
		fprintf(w->out, "%s\n", line);
}

/* ---- names ---- */

/* One of the process's own entries: short, long, or of odd bytes, according to its number. */
static void a_name(struct worker *w, char *name, size_t size)
{
	unsigned int k = (unsigned int)model_below(&w->rng, NAMES);
	int n = snprintf(name, size, "%u-%u", w->number, k);
	if (k % 4 == 1)
		(void)snprintf(name + n, size - (size_t)n, "-%0200d", (int)k);
	else if (k % 4 == 2)
		(void)snprintf(name + n, size - (size_t)n, "-\xc3\xa9 \n\x01'\"$(x)");
}

/* A path of up to DEPTH parts below one of the common directories; the parts that are not the last one are the
 * process's own as well. */
static void a_path(struct worker *w, char path[static PATH_SIZE])
{
	char name[300];
	int n = snprintf(path, PATH_SIZE, "common%u", (unsigned int)model_below(&w->rng, COMMON));
	for (uint64_t parts = 1 + model_below(&w->rng, DEPTH); parts > 0; parts--) {
		a_name(w, name, sizeof(name));
		n += snprintf(path + n, PATH_SIZE - (size_t)n, "/%s", name);
	}
}

/* ---- operations ---- */

static long make_file(struct worker *w, const char *path)
{
	uint8_t buf[CONTENT];
	size_t n = model_below(&w->rng, sizeof(buf));
	mode_t mode = 0600 | (mode_t)model_below(&w->rng, 0100);
	int flags = model_below(&w->rng, 2) ? O_EXCL : O_TRUNC;
	model_fill(&w->rng, buf, n);
	int fd = open(path, O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC | flags, mode);
	if (fd < 0)
		return -1;
	ssize_t r = write(fd, buf, n);
	if (r != (ssize_t)n || close(fd) != 0)
		r = -1;
	return r < 0 ? -1 : 0;
}

static long append(struct worker *w, const char *path)
{
	uint8_t buf[512];
	size_t n = 1 + model_below(&w->rng, sizeof(buf));
	model_fill(&w->rng, buf, n);
	int fd = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t r = write(fd, buf, n);
	return close(fd) != 0 || r < 0 ? -1 : 0;
}

static long two_names(struct worker *w, const char *from, unsigned int what)
{
	static const unsigned int flags[] = { 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE };
	char to[PATH_SIZE];
	a_path(w, to);
	size_t n = strlen(w->text);
	(void)snprintf(w->text + n, sizeof(w->text) - n, " to %s", to);
	switch (what) {
	case 0:
		return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags[model_below(&w->rng, 4)]);
	case 1:
		return link(from, to);
	default:
		return symlink(from, to);
	}
}

static long attribute(struct worker *w, const char *path)
{
	char name[32], value[600];
	(void)snprintf(name, sizeof(name), "user.%u", (unsigned int)model_below(&w->rng, 3));
	if (model_below(&w->rng, 3) == 0)
		return removexattr(path, name);
	size_t n = model_below(&w->rng, sizeof(value));
	model_fill(&w->rng, (uint8_t *)value, n);
	return setxattr(path, name, value, n, (int)model_below(&w->rng, 3));
}

static long times(struct worker *w, const char *path)
{
	struct timespec t[2];
	for (int i = 0; i < 2; i++) {
		t[i].tv_sec = (time_t)model_below(&w->rng, 2000000000);
		t[i].tv_nsec = (long)model_below(&w->rng, 1000000000);
	}
	return utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW);
}

static long look(const char *path)
{
	struct stat sb;
	return lstat(path, &sb) < 0 ? -1 : (long)S_ISDIR(sb.st_mode);
}

static long change(struct worker *w, unsigned int what, const char *path)
{
	switch (what) {
	case 0:
		return make_file(w, path);
	case 1:
		return mkdir(path, 0700 | (mode_t)model_below(&w->rng, 0100));
	case 2:
		return unlink(path);
	case 3:
		return rmdir(path);
	case 4:
		return two_names(w, path, 0);
	case 5:
		return two_names(w, path, 1);
	case 6:
		return two_names(w, path, 2);
	case 7:
		return truncate(path, (off_t)model_below(&w->rng, 2 * CONTENT));
	case 8:
		return append(w, path);
	case 9:
		return attribute(w, path);
	case 10:
		return chmod(path, 0600 | (mode_t)model_below(&w->rng, 0200));
	case 11:
		return times(w, path);
	case 12:
		return mkfifo(path, 0600);
	default:
		return look(path);
	}
}

static void one_change(struct worker *w)
{
	static const char *const what[] = { "create", "mkdir",   "unlink",   "rmdir",  "rename",
					    "link",   "symlink", "truncate", "append", "xattr",
					    "chmod",  "utimens", "mkfifo",   "lstat" };
	static const uint8_t weight[] = { 18, 14, 8, 6, 14, 6, 4, 4, 4, 5, 3, 3, 1, 10 };
	char path[PATH_SIZE];
	unsigned int k = 0;
	uint64_t at = model_below(&w->rng, 100);
	while (at >= weight[k])
		at -= weight[k++];
	a_path(w, path);
	(void)snprintf(w->text, sizeof(w->text), "%s %s", what[k], path);
	long r = change(w, k, path);
	told(w, w->text, r);
}

static int work(const char *dir, unsigned int number, uint64_t seed, uint64_t n, bool verbose,
		int out)
{
	static struct worker w;
	w.rng.state = seed + number * 0x10001u;
	w.number = number;
	w.verbose = verbose;
	w.out = fdopen(out, "w");
	if (!w.out || chdir(dir) != 0)
		return 2;
	for (uint64_t i = 0; i < n; i++)
		one_change(&w);
	fprintf(w.out, "process %u: %016llx\n", number, (unsigned long long)w.hash);
	return fclose(w.out) == 0 ? 0 : 2;
}

/* ---- what is left ---- */

static uint64_t content_hash(const char *path, uint64_t h)
{
	uint8_t buf[65536];
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t r;
	while (fd >= 0 && (r = read(fd, buf, sizeof(buf))) > 0)
		h = hash_more(h, buf, (size_t)r);
	if (fd < 0 || r < 0)
		h = hash_more(h, strerrorname_np(errno), 3);
	if (fd >= 0)
		close(fd);
	return h;
}

static uint64_t attribute_hash(const char *path, uint64_t h)
{
	char name[32], value[1024];
	for (int i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof(name), "user.%d", i);
		ssize_t n = lgetxattr(path, name, value, sizeof(value));
		if (n >= 0)
			h = hash_more(hash_more(h, name, strlen(name)), value, (size_t)n);
	}
	return h;
}

static void print_entry(const char *path, bool times)
{
	struct stat sb;
	char target[PATH_SIZE + 1] = "";
	if (lstat(path, &sb) != 0) {
		printf("%s: %s\n", path, strerrorname_np(errno));
		return;
	}
	uint64_t h = attribute_hash(path, 0xcbf29ce484222325u);
	if (S_ISREG(sb.st_mode))
		h = content_hash(path, h);
	if (S_ISLNK(sb.st_mode))
		(void)!readlink(path, target, sizeof(target) - 1);
	for (const char *p = path; *p; p++)
		printf(*p > ' ' && *p < 127 ? "%c" : "\\x%02x", (uint8_t)*p);
	printf(" %o %lu %lld %016llx %s", (unsigned int)sb.st_mode, (unsigned long)sb.st_nlink,
	       S_ISDIR(sb.st_mode) ? 0LL : (long long)sb.st_size, (unsigned long long)h, target);
	if (times)
		printf(" %lld.%09ld", (long long)sb.st_mtim.tv_sec, sb.st_mtim.tv_nsec);
	(void)putchar('\n');
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void print_tree(const char *dir, bool times)
{
	struct dirent **list;
	int n = scandir(dir, &list, NULL, by_name);
	for (int i = 0; i < n; i++) {
		char path[PATH_SIZE * 2];
		const char *name = list[i]->d_name;
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
			print_entry(path, times);
			if (list[i]->d_type == DT_DIR)
				print_tree(path, times);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	else
		printf("%s: %s\n", dir, strerrorname_np(errno));
}

/* ---- the run ---- */

/* What a process has to say, once it is done: in order, whichever is done first. */
static int collect(FILE *from)
{
	char buf[4096];
	size_t n;
	rewind(from);
	while ((n = fread(buf, 1, sizeof(buf), from)) > 0)
		(void)fwrite(buf, 1, n, stdout);
	return fclose(from);
}

int main(int argc, char **argv)
{
	uint64_t seed = 1, n = 2000, processes = 4;
	bool verbose = false, only_tree = false;
	int o, bad = 0;
	while ((o = getopt(argc, argv, "s:n:p:vt")) != -1) {
		switch (o) {
		case 's':
			seed = model_number(optarg);
			break;
		case 'n':
			n = model_number(optarg);
			break;
		case 'p':
			processes = model_number(optarg);
			break;
		case 'v':
			verbose = true;
			break;
		case 't':
			only_tree = true;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 1 || processes < 1 || processes > 64 || chdir(argv[optind]) != 0) {
		fprintf(stderr, "fsstress: see the head of its source\n");
		return 2;
	}
	if (only_tree) {
		print_tree(".", true);
		return 0;
	}
	umask(022);
	for (unsigned int i = 0; i < COMMON; i++) {
		char dir[16];
		(void)snprintf(dir, sizeof(dir), "common%u", i);
		if (mkdir(dir, 0755) != 0) {
			perror(dir);
			return 2;
		}
	}
	FILE *said[64];
	pid_t pid[64];
	for (unsigned int i = 0; i < processes; i++) {
		said[i] = tmpfile();
		pid[i] = said[i] ? fork() : -1;
		if (pid[i] < 0)
			return 2;
		if (pid[i] == 0)
			_exit(work(".", i, seed, n, verbose, fileno(said[i])));
	}
	for (unsigned int i = 0; i < processes; i++) {
		int status;
		bad |= waitpid(pid[i], &status, 0) < 0 || status != 0;
		bad |= collect(said[i]) != 0;
	}
	print_tree(".", false);
	return bad ? 2 : 0;
}
