/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looking through /proc. The kernel tells of every descriptor which mount it belongs to, and a directory or a program
 * can be had as one (O_PATH), all without a question to the mount. Of a mapped file it tells the filesystem only, which
 * another mount namespace may have a mount of its own of.
 */
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cli/holders_impl.h"

#define SCAN_MAPS 64
#define SCAN_SOCKETS 64

struct scan {
	const struct holders_place *place;
	char namespace[64];
	unsigned long sockets[SCAN_SOCKETS]; /* inode numbers of those that are bound to a name in it */
	size_t n_sockets;
};

/* ---- paths ---- */

static bool is_below(const char *path, const char *dir)
{
	const size_t n = strcmp(dir, "/") == 0 ? 0 : strlen(dir);
	return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

bool holders_is_inside(const struct holders_place *p, const char *path)
{
	if (!is_below(path, p->mount->mountpoint))
		return false;
	const struct mountinfo *in = p->mount;
	for (size_t i = 0; i < p->mounts->n; i++) {
		const struct mountinfo *e = &p->mounts->entries[i];
		if (strlen(e->mountpoint) >= strlen(in->mountpoint) && is_below(path, e->mountpoint))
			in = e;
	}
	return in == p->mount;
}

/* ---- files in /proc ---- */

static int proc_open(int dir, const char *name)
{
	return openat(dir, name, O_RDONLY | O_CLOEXEC);
}

static FILE *proc_fopen(int dir, const char *name)
{
	int fd = proc_open(dir, name);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	if (!f && fd >= 0)
		(void)close(fd);
	return f;
}

static bool proc_link(int dir, const char *name, char *out, size_t size)
{
	ssize_t n = readlinkat(dir, name, out, size - 1);
	out[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static DIR *proc_opendir(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d && fd >= 0)
		(void)close(fd);
	return d;
}

/* ---- open files ---- */

static bool is_of_mount(const struct scan *s, int dir, int fd)
{
	return mounts_id_of_fd(dir, fd) == s->place->mount->id;
}

static bool is_socket(const struct scan *s, const char *link)
{
	unsigned long inode;
	if (sscanf(link, "socket:[%lu]", &inode) != 1)
		return false;
	for (size_t i = 0; i < s->n_sockets; i++)
		if (s->sockets[i] == inode)
			return true;
	return false;
}

static void scan_fds(const struct scan *s, int dir, struct holder *h)
{
	char link[PATH_MAX];
	const struct dirent *e;
	DIR _cleanup_dir_stream_ *d = proc_opendir(dir, "fd");
	while (d && (e = readdir(d))) {
		if (!isdigit((unsigned char)e->d_name[0]) || !proc_link(dirfd(d), e->d_name, link, sizeof(link)))
			continue;
		if (link[0] == '/' && is_of_mount(s, dir, atoi(e->d_name)))
			h->files++;
		else if (is_socket(s, link))
			h->sockets++;
	}
}

/* ---- mapped files ---- */

/* Of the mount, and none that has been counted, or is the program itself? */
static bool is_new_map(const struct scan *s, const char *line, const char *exe, unsigned long seen[SCAN_MAPS],
		       unsigned int n)
{
	unsigned int dev_major, dev_minor;
	unsigned long inode;
	int at = 0;
	if (sscanf(line, "%*s %*s %*s %x:%x %lu %n", &dev_major, &dev_minor, &inode, &at) != 3 ||
	    makedev(dev_major, dev_minor) != s->place->mount->dev)
		return false;
	if (exe[0] && strncmp(line + at, exe, strlen(exe)) == 0 && line[(size_t)at + strlen(exe)] == '\n')
		return false;
	for (unsigned int i = 0; i < n; i++)
		if (seen[i] == inode)
			return false;
	seen[n] = inode;
	return true;
}

static void scan_maps(const struct scan *s, int dir, const char *exe, struct holder *h)
{
	unsigned long seen[SCAN_MAPS];
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;
	_cleanup_file_ FILE *f = proc_fopen(dir, "maps");
	while (f && h->maps < SCAN_MAPS && getline(&line, &cap, f) > 0)
		if (is_new_map(s, line, exe, seen, h->maps))
			h->maps++;
}

/* ---- processes ---- */

static bool is_place_of_mount(const struct scan *s, int dir, const char *name)
{
	_cleanup_fd_ int fd = openat(dir, name, O_PATH | O_CLOEXEC);
	return fd >= 0 && is_of_mount(s, AT_FDCWD, fd);
}

static void scan_places(const struct scan *s, int dir, struct holder *h)
{
	char namespace[64], exe[PATH_MAX] = "";
	h->cwd = is_place_of_mount(s, dir, "cwd");
	h->root = is_place_of_mount(s, dir, "root");
	h->exe = is_place_of_mount(s, dir, "exe");
	if (h->exe)
		(void)proc_link(dir, "exe", exe, sizeof(exe));
	if (proc_link(dir, "ns/mnt", namespace, sizeof(namespace)) && strcmp(namespace, s->namespace) == 0)
		scan_maps(s, dir, exe, h);
}

static void scan_name(int dir, struct holder *h)
{
	_cleanup_fd_ int fd = proc_open(dir, "comm");
	ssize_t n = fd < 0 ? -1 : io_pread_full(fd, h->name, sizeof(h->name) - 1, 0);
	if (n > 0 && h->name[n - 1] == '\n')
		h->name[n - 1] = '\0';
	if (n <= 0)
		(void)snprintf(h->name, sizeof(h->name), "?");
}

static void scan_process(const struct scan *s, int proc, const char *pid, int out)
{
	struct holder h = { .kind = HOLDER_PROGRAM, .pid = (pid_t)atol(pid) };
	_cleanup_fd_ int dir = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || h.pid == getpid())
		return;
	scan_fds(s, dir, &h);
	scan_places(s, dir, &h);
	if (!h.cwd && !h.root && !h.exe && h.files == 0 && h.maps == 0 && h.sockets == 0)
		return;
	scan_name(dir, &h);
	(void)io_write_full(out, &h, sizeof(h));
}

/* Num RefCount Protocol Flags Type St Inode Path: a socket holds on to where it is bound. */
static void scan_sockets(struct scan *s)
{
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;
	_cleanup_file_ FILE *f = fopen("/proc/net/unix", "re");
	while (f && s->n_sockets < SCAN_SOCKETS && getline(&line, &cap, f) > 0) {
		unsigned long inode;
		int at = 0;
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %lu %n", &inode, &at) == 1 && at > 0 &&
		    holders_is_inside(s->place, line + at))
			s->sockets[s->n_sockets++] = inode;
	}
}

void holders_scan(const struct holders_place *p, int out)
{
	struct scan s = { .place = p };
	const struct holder end = { .pid = 0 };
	const struct dirent *e;
	DIR _cleanup_dir_stream_ *d = opendir("/proc");
	if (!d || !proc_link(dirfd(d), "self/ns/mnt", s.namespace, sizeof(s.namespace)))
		return;
	scan_sockets(&s);
	while ((e = readdir(d)))
		if (isdigit((unsigned char)e->d_name[0]))
			scan_process(&s, dirfd(d), e->d_name, out);
	(void)io_write_full(out, &end, sizeof(end));
}
