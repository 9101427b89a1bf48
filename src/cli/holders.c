/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/holders.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/holders_impl.h"
#include "cli/mounts.h"

#define HOLDERS_WAIT_MS 5000

static void add(struct holders *out, const struct holder *h)
{
	if (out->n < HOLDERS_MAX)
		out->first[out->n] = *h;
	out->n++;
}

static void add_named(struct holders *out, enum holder_kind kind, const char *name)
{
	struct holder h = { .kind = kind };
	(void)snprintf(h.name, sizeof(h.name), "%s", name);
	add(out, &h);
}

/* ---- what is no program ---- */

static void find_mounts(const struct holders_place *p, struct holders *out)
{
	for (size_t i = 0; i < p->mounts->n; i++) {
		const struct mountinfo *e = &p->mounts->entries[i];
		if (e->parent == p->mount->id && e != p->mount)
			add_named(out, HOLDER_MOUNT, e->mountpoint);
		else if (e->ours && holders_is_inside(p, e->source))
			add_named(out, HOLDER_VAULT, e->mountpoint);
	}
}

static void find_loop(const struct holders_place *p, const char *device, struct holders *out)
{
	char name[NAME_MAX + 32], path[PATH_MAX] = "";
	(void)snprintf(name, sizeof(name), "/sys/block/%s/loop/backing_file", device);
	_cleanup_file_ FILE *f = fopen(name, "re");
	if (!f)
		return;
	size_t n = fread(path, 1, sizeof(path) - 1, f);
	path[n] = '\0';
	(void)snprintf(name, sizeof(name), "/dev/%s", device);
	if (holders_is_inside(p, path))
		add_named(out, HOLDER_LOOP, name);
}

static void find_loops(const struct holders_place *p, struct holders *out)
{
	DIR _cleanup_dir_stream_ *d = opendir("/sys/block");
	const struct dirent *e;
	while (d && (e = readdir(d)))
		if (strncmp(e->d_name, "loop", 4) == 0)
			find_loop(p, e->d_name, out);
}

/* ---- programs ---- */

static int64_t now_ms(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* Until the end of what the other process tells; false if that does not come in time. */
static bool collect(int fd, struct holders *out)
{
	const int64_t end = now_ms() + HOLDERS_WAIT_MS;
	for (;;) {
		struct holder h;
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = end - now_ms();
		int r = poll(&p, 1, left > 0 ? (int)left : 0);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0 || read(fd, &h, sizeof(h)) != (ssize_t)sizeof(h))
			return false;
		if (h.pid == 0)
			return true;
		h.name[sizeof(h.name) - 1] = '\0';
		add(out, &h);
	}
}

/* By another process, for the kernel may keep whoever looks at a program waiting for that one's memory, and that for
 * a mount that does not answer. */
static int find_programs(const struct holders_place *p, struct holders *out)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	_cleanup_fd_ int from = ends[0];
	_cleanup_fd_ int to = ends[1];
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		holders_scan(p, to);
		_exit(0);
	}
	(void)close(TAKE_FD(to));
	out->is_cut = !collect(from, out);
	if (out->is_cut)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, out->is_cut ? WNOHANG : 0) < 0 && errno == EINTR)
		;
	return 0;
}

int holders_find(const char *mountpoint, struct holders *out)
{
	*out = (struct holders){ .n = 0 };
	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	int r = mounts_load(&m);
	if (r < 0)
		return r;
	const struct holders_place p = { .mounts = &m, .mount = mounts_at(&m, mountpoint) };
	if (!p.mount)
		return -EINVAL;
	find_mounts(&p, out);
	find_loops(&p, out);
	return find_programs(&p, out);
}

/* ---- telling ---- */

static void join(FILE *f, bool *any, const char *text)
{
	(void)fprintf(f, "%s%s", *any ? ", " : "", text);
	*any = true;
}

static void count(FILE *f, bool *any, unsigned int n, const char *one, const char *many)
{
	char text[64];
	(void)snprintf(text, sizeof(text), "%u %s", n, n == 1 ? one : many);
	if (n > 0)
		join(f, any, text);
}

static void program_text(FILE *f, const struct holder *h)
{
	bool any = false;
	(void)fprintf(f, "%s (%ld): ", h->name, (long)h->pid);
	if (h->cwd)
		join(f, &any, "its working directory");
	if (h->root)
		join(f, &any, "its root directory");
	if (h->exe)
		join(f, &any, "the program itself");
	count(f, &any, h->files, "open file", "open files");
	count(f, &any, h->maps, "mapped file", "mapped files");
	count(f, &any, h->sockets, "socket", "sockets");
}

char *holders_text(const struct holder *h)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	if (!f)
		return NULL;
	switch (h->kind) {
	case HOLDER_PROGRAM: program_text(f, h); break;
	case HOLDER_MOUNT: (void)fprintf(f, "a mount on '%s'", h->name); break;
	case HOLDER_VAULT: (void)fprintf(f, "a vault in it, which is mounted on '%s'", h->name); break;
	case HOLDER_LOOP: (void)fprintf(f, "%s, a device made of a file in it", h->name); break;
	}
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

void holders_tell(const struct holders *h)
{
	for (size_t i = 0; i < h->n && i < HOLDERS_MAX; i++) {
		_cleanup_free_ char *text = holders_text(&h->first[i]);
		exit_note("  %s", text ? text : "out of memory");
	}
	if (h->n > HOLDERS_MAX)
		exit_note("  and %zu more", h->n - HOLDERS_MAX);
	if (h->is_cut)
		exit_note("  (not all programs could be looked at)");
	else if (geteuid() != 0)
		exit_note("  (as an ordinary user you see your own programs only; root sees all)");
	else if (h->n == 0)
		exit_note("  (no program of this system; perhaps a container, or something that the kernel exports)");
}
