/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two files changed at random, in every way that there is to change content, and held against the same in memory;
 * an own program after the idea of Apple's fsx (1991). What is done depends on the seed alone, so a failure comes
 * again: it is printed with the operations before it.
 *
 *	fsx [-s SEED] [-n OPERATIONS] [-l MAXSIZE] [-u] [-e EVERY -r COMMAND] [-x OPERATION] DIRECTORY
 *
 *	-l MAXSIZE   neither file gets larger (262144)
 *	-u           O_DIRECT must work at any place, for any length and with any memory
 *	-e EVERY     after so many operations all is closed and COMMAND run, say to unmount and mount again
 *	-x OPERATION spoil what is in memory after this one, to see that it is noticed
 *
 * Exit code 0: all agreed. 1: a difference, or an operation failed. 2: could not be run.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "model.h"

#define PAGE 4096u
#define BLOCK 4032u /* of a ciphertext page, so that borders of blocks are hit */
#define HEADER 64u /* less in the first block */
#define LONGEST 70000u
#define FILES 2
#define LOOK_EVERY 512u /* operations between looks at all of it */

struct copy {
	char path[4096];
	char name; /* of it, for the record */
	int fd;
	uint8_t *want;
	uint64_t size;
	uint8_t *map; /* all that there can be, shared; never touched behind the end */
};

struct fsx {
	struct model_rng rng;
	struct model_log log;
	struct copy file[FILES];
	uint64_t max;
	uint64_t seed;
	bool unaligned;
	uint8_t *buf;    /* LONGEST */
	uint8_t *direct; /* aligned, with two pages more */
};

__attribute__((noreturn, format(printf, 2, 3))) static void fail(struct fsx *x, const char *fmt,
								 ...)
{
	va_list ap;
	va_start(ap, fmt);
	printf("# seed %llu: ", (unsigned long long)x->seed);
	vprintf(fmt, ap);
	printf("\n# the operations before it:\n");
	va_end(ap);
	model_print(&x->log);
	exit(1);
}

/* A call that must not fail. */
static void must(struct fsx *x, long r, const char *what)
{
	if (r < 0)
		fail(x, "%s: %s", what, strerror(errno));
}

/* ---- looking ---- */

static void same(struct fsx *x, const struct copy *c, const uint8_t *got, uint64_t off, uint64_t n,
		 const char *how)
{
	if (memcmp(got, c->want + off, n) == 0)
		return;
	uint64_t first = 0, wrong = 0;
	while (got[first] == c->want[off + first])
		first++;
	for (uint64_t i = first; i < n; i++)
		wrong += got[i] != c->want[off + i];
	fail(x,
	     "%s of %s at %llu, %llu bytes: the one at %llu is %02x, not %02x, and %llu are wrong",
	     how, c->path, (unsigned long long)off, (unsigned long long)n,
	     (unsigned long long)(off + first), got[first], c->want[off + first],
	     (unsigned long long)wrong);
}

static void same_size(struct fsx *x, const struct copy *c)
{
	struct stat sb, by_name;
	must(x, fstat(c->fd, &sb), "fstat");
	must(x, stat(c->path, &by_name), "stat");
	if ((uint64_t)sb.st_size != c->size || sb.st_size != by_name.st_size)
		fail(x, "%s has %lld bytes, by its name %lld, not %llu", c->path,
		     (long long)sb.st_size, (long long)by_name.st_size,
		     (unsigned long long)c->size);
}

static void look_at_all(struct fsx *x)
{
	for (size_t i = 0; i < FILES; i++) {
		struct copy *c = &x->file[i];
		same_size(x, c);
		for (uint64_t off = 0; off < c->size; off += LONGEST) {
			uint64_t n = c->size - off < LONGEST ? c->size - off : LONGEST;
			ssize_t r = pread(c->fd, x->buf, n, (off_t)off);
			must(x, r, "pread");
			if ((uint64_t)r != n)
				fail(x, "%s ends at %llu", c->path,
				     (unsigned long long)(off + (uint64_t)r));
			same(x, c, x->buf, off, n, "reading all");
		}
	}
}

/* ---- choosing ---- */

/* The border of a page, or of a block. */
static uint64_t a_border(struct fsx *x)
{
	uint64_t k = model_below(&x->rng, x->max / PAGE);
	return model_below(&x->rng, 2) ? k * PAGE : k * BLOCK + BLOCK - HEADER;
}

/* A place in the file or, if 'beyond', maybe behind its end. */
static uint64_t a_place(struct fsx *x, const struct copy *c, bool beyond)
{
	uint64_t at;
	switch (model_below(&x->rng, 4)) {
	case 0:
		at = a_border(x) + model_below(&x->rng, 3) - 1;
		break;
	case 1:
		at = c->size + model_below(&x->rng, 3 * PAGE);
		break;
	case 2:
		at = model_below(&x->rng, x->max);
		break;
	default:
		at = model_below(&x->rng, c->size + 1);
		break;
	}
	uint64_t limit = beyond ? x->max : c->size;
	return at > limit ? model_below(&x->rng, limit + 1) : at;
}

/* So many bytes, not beyond 'end'. */
static uint64_t a_length(struct fsx *x, uint64_t at, uint64_t end)
{
	uint64_t n;
	switch (model_below(&x->rng, 5)) {
	case 0:
		n = 1 + model_below(&x->rng, 100);
		break;
	case 1:
		n = BLOCK - 1 + model_below(&x->rng, 3);
		break;
	case 2:
		n = PAGE - 1 + model_below(&x->rng, 3);
		break;
	case 3:
		n = 1 + model_below(&x->rng, 4 * PAGE);
		break;
	default:
		n = 1 + model_below(&x->rng, LONGEST);
		break;
	}
	return n < end - at ? n : end - at;
}

/* ---- the model ---- */

static void set_size(struct copy *c, uint64_t size)
{
	if (size > c->size)
		memset(c->want + c->size, 0, size - c->size);
	c->size = size;
}

static void set(struct copy *c, uint64_t off, const uint8_t *p, uint64_t n)
{
	if (n > 0 && off + n > c->size)
		set_size(c, off + n);
	memcpy(c->want + off, p, n);
}

/* ---- operations: each changes file and model alike ---- */

static void wrote(struct fsx *x, struct copy *c, ssize_t r, uint64_t off, uint64_t n)
{
	must(x, r, "write");
	if ((uint64_t)r != n)
		fail(x, "%llu of %llu bytes written", (unsigned long long)r, (unsigned long long)n);
	set(c, off, x->buf, n);
}

static void do_write(struct fsx *x, struct copy *c)
{
	uint64_t off = a_place(x, c, true), n = a_length(x, off, x->max);
	model_note(&x->log, "write %c %llu +%llu", c->name, (unsigned long long)off,
		   (unsigned long long)n);
	model_fill(&x->rng, x->buf, n);
	wrote(x, c, pwrite(c->fd, x->buf, n, (off_t)off), off, n);
}

static void do_writev(struct fsx *x, struct copy *c)
{
	uint64_t off = a_place(x, c, true), n = a_length(x, off, x->max),
		 a = model_below(&x->rng, n + 1);
	uint64_t b = a + model_below(&x->rng, n - a + 1);
	struct iovec v[3] = { { x->buf, a }, { x->buf + a, b - a }, { x->buf + b, n - b } };
	model_note(&x->log, "writev %c %llu +%llu", c->name, (unsigned long long)off,
		   (unsigned long long)n);
	model_fill(&x->rng, x->buf, n);
	wrote(x, c, pwritev(c->fd, v, 3, (off_t)off), off, n);
}

static void do_append(struct fsx *x, struct copy *c)
{
	uint64_t n = a_length(x, c->size, x->max);
	model_note(&x->log, "append %c +%llu", c->name, (unsigned long long)n);
	int fd = open(c->path, O_WRONLY | O_APPEND | O_CLOEXEC);
	must(x, fd, "open");
	model_fill(&x->rng, x->buf, n);
	wrote(x, c, write(fd, x->buf, n), c->size, n);
	must(x, close(fd), "close");
}

static void do_read(struct fsx *x, struct copy *c)
{
	uint64_t off = a_place(x, c, true), n = 1 + model_below(&x->rng, LONGEST);
	uint64_t left = off < c->size ? c->size - off : 0, want = n < left ? n : left;
	model_note(&x->log, "read %c %llu +%llu", c->name, (unsigned long long)off,
		   (unsigned long long)n);
	ssize_t r = pread(c->fd, x->buf, n, (off_t)off);
	must(x, r, "read");
	if ((uint64_t)r != want)
		fail(x, "%lld bytes read, not %llu", (long long)r, (unsigned long long)want);
	same(x, c, x->buf, off, want, "read");
}

/* ---- past the kernel's cache ---- */

/* What is read or written directly, and the memory for it: one piece, or two. */
struct direct {
	uint64_t off, n;
	bool append;
	struct iovec v[2];
};

/* Places, lengths and memory that every disk takes. */
static void choose_aligned(struct fsx *x, const struct copy *c, bool reading, struct direct *d)
{
	d->off = a_place(x, c, !reading) / PAGE * PAGE;
	d->n = (1 + model_below(&x->rng, LONGEST / PAGE)) * PAGE;
	d->v[0] = (struct iovec){ x->direct, d->n };
}

/* Less than a page; half of the time whole sectors. */
static uint64_t a_shift(struct fsx *x)
{
	return model_below(&x->rng, 2) ? model_below(&x->rng, PAGE) : model_below(&x->rng, PAGE / 512) * 512;
}

static void choose_unaligned(struct fsx *x, const struct copy *c, bool reading, struct direct *d)
{
	d->append = !reading && model_below(&x->rng, 8) == 0;
	d->off = d->append ? c->size : a_place(x, c, true);
	d->n = a_length(x, d->off, reading ? x->max + LONGEST : x->max);
	uint64_t first = model_below(&x->rng, 2) ? d->n : model_below(&x->rng, d->n + 1);
	d->v[0] = (struct iovec){ x->direct + a_shift(x), first };
	d->v[1] = (struct iovec){ x->direct + PAGE + first + a_shift(x), d->n - first };
}

static void direct_read(struct fsx *x, const struct copy *c, int fd, const struct direct *d)
{
	uint64_t left = d->off < c->size ? c->size - d->off : 0, want = d->n < left ? d->n : left;
	ssize_t r = preadv(fd, d->v, 2, (off_t)d->off);
	must(x, r, "direct read");
	if ((uint64_t)r != want)
		fail(x, "%lld bytes read, not %llu", (long long)r, (unsigned long long)want);
	memcpy(x->buf, d->v[0].iov_base, d->v[0].iov_len);
	memcpy(x->buf + d->v[0].iov_len, d->v[1].iov_base, d->v[1].iov_len);
	same(x, c, x->buf, d->off, want, "direct read");
}

static void direct_write(struct fsx *x, struct copy *c, int fd, const struct direct *d)
{
	model_fill(&x->rng, x->buf, d->n);
	memcpy(d->v[0].iov_base, x->buf, d->v[0].iov_len);
	memcpy(d->v[1].iov_base, x->buf + d->v[0].iov_len, d->v[1].iov_len);
	wrote(x, c, pwritev(fd, d->v, 2, (off_t)d->off), d->off, d->n);
}

static void do_direct(struct fsx *x, struct copy *c)
{
	struct direct d = { .v[1].iov_base = x->direct };
	bool reading = model_below(&x->rng, 2);
	(x->unaligned ? choose_unaligned : choose_aligned)(x, c, reading, &d);
	if (!reading && d.off + d.n > x->max)
		return;
	model_note(&x->log, "direct %s %c %llu +%llu, memory +%td %zu +%td",
		   reading  ? "read" :
		   d.append ? "append" :
			      "write",
		   c->name, (unsigned long long)d.off, (unsigned long long)d.n,
		   (uint8_t *)d.v[0].iov_base - x->direct, d.v[0].iov_len, (uint8_t *)d.v[1].iov_base - x->direct);
	int fd = open(c->path, O_RDWR | O_DIRECT | O_CLOEXEC | (d.append ? O_APPEND : 0));
	if (fd < 0 && errno == EINVAL && !x->unaligned) /* a filesystem that knows none, as tmpfs */
		return;
	must(x, fd, "open O_DIRECT");
	if (reading)
		direct_read(x, c, fd, &d);
	else
		direct_write(x, c, fd, &d);
	must(x, close(fd), "close");
}

/* ---- by a mapping, and the rest ---- */

static void do_map_read(struct fsx *x, struct copy *c)
{
	uint64_t off = a_place(x, c, false), n = a_length(x, off, c->size);
	model_note(&x->log, "map read %c %llu +%llu", c->name, (unsigned long long)off,
		   (unsigned long long)n);
	same(x, c, c->map + off, off, n, "reading a mapping");
}

static void do_map_write(struct fsx *x, struct copy *c)
{
	uint64_t off = a_place(x, c, false), n = a_length(x, off, c->size);
	bool sync = model_below(&x->rng, 2);
	model_note(&x->log, "map write %c %llu +%llu%s", c->name, (unsigned long long)off,
		   (unsigned long long)n, sync ? " msync" : "");
	model_fill(&x->rng, x->buf, n);
	memcpy(c->map + off, x->buf, n);
	memcpy(c->want + off, x->buf, n);
	if (sync)
		must(x, msync(c->map + off / PAGE * PAGE, off % PAGE + n, MS_SYNC), "msync");
}

static void do_truncate(struct fsx *x, struct copy *c)
{
	uint64_t size = a_place(x, c, true);
	bool by_name = model_below(&x->rng, 2);
	model_note(&x->log, "%s %c %llu", by_name ? "truncate" : "ftruncate", c->name,
		   (unsigned long long)size);
	must(x, by_name ? truncate(c->path, (off_t)size) : ftruncate(c->fd, (off_t)size),
	     "truncate");
	set_size(c, size);
}

static void do_allocate(struct fsx *x, struct copy *c)
{
	static const int modes[] = {
		0,
		FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
	};
	int mode = modes[model_below(&x->rng, 5)];
	uint64_t off = a_place(x, c, true), n = off < x->max ? a_length(x, off, x->max) : 0;
	if (n == 0)
		return;
	model_note(&x->log, "fallocate %#x %c %llu +%llu", (unsigned int)mode, c->name,
		   (unsigned long long)off, (unsigned long long)n);
	if (fallocate(c->fd, mode, (off_t)off, (off_t)n) < 0) {
		if (errno == EOPNOTSUPP)
			return;
		fail(x, "fallocate: %s", strerror(errno));
	}
	if (!(mode & FALLOC_FL_KEEP_SIZE) && off + n > c->size)
		set_size(c, off + n);
	if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) && off < c->size)
		memset(c->want + off, 0, n < c->size - off ? n : c->size - off);
}

/* From one of the files into one of them; not from a place to itself. */
static void do_copy(struct fsx *x, struct copy *c)
{
	struct copy *to = &x->file[model_below(&x->rng, FILES)];
	uint64_t off = a_place(x, c, false), at = a_place(x, to, true),
		 n = a_length(x, off, c->size);
	if (n > x->max - at)
		n = x->max - at;
	if (n == 0 || (to == c && off < at + n && at < off + n))
		return;
	model_note(&x->log, "copy %c %llu +%llu to %c %llu", c->name, (unsigned long long)off,
		   (unsigned long long)n, to->name, (unsigned long long)at);
	memcpy(x->buf, c->want + off, n);
	for (uint64_t done = 0; done < n;) {
		off_t from = (off_t)(off + done), into = (off_t)(at + done);
		ssize_t r = copy_file_range(c->fd, &from, to->fd, &into, n - done, 0);
		must(x, r, "copy_file_range");
		if (r == 0)
			fail(x, "copy_file_range sees the end after %llu bytes",
			     (unsigned long long)done);
		done += (uint64_t)r;
	}
	set(to, at, x->buf, n);
}

static void do_sync(struct fsx *x, struct copy *c)
{
	uint64_t how = model_below(&x->rng, 3);
	model_note(&x->log, "sync %llu %c", (unsigned long long)how, c->name);
	must(x,
	     how == 0 ? fsync(c->fd) :
	     how == 1 ? fdatasync(c->fd) :
			sync_file_range(c->fd, 0, 0, 7),
	     "fsync");
}

/* What the kernel knows of the content goes. */
static void do_drop(struct fsx *x, struct copy *c)
{
	model_note(&x->log, "drop %c", c->name);
	must(x, fdatasync(c->fd), "fdatasync");
	must(x, -posix_fadvise(c->fd, 0, 0, POSIX_FADV_DONTNEED), "posix_fadvise");
}

static bool all_zero(const struct copy *c, uint64_t from, uint64_t to)
{
	for (; from < to; from++)
		if (c->want[from] != 0)
			return false;
	return true;
}

/* What is said to be a hole reads as zeros. */
static void do_seek(struct fsx *x, struct copy *c)
{
	uint64_t off = a_place(x, c, false);
	model_note(&x->log, "seek %c %llu", c->name, (unsigned long long)off);
	off_t hole = lseek(c->fd, (off_t)off, SEEK_HOLE),
	      data = lseek(c->fd, (off_t)off, SEEK_DATA);
	if (off >= c->size) {
		if (hole >= 0 || data >= 0)
			fail(x, "SEEK_HOLE says %lld, SEEK_DATA %lld, behind the end",
			     (long long)hole, (long long)data);
		return;
	}
	must(x, hole, "SEEK_HOLE");
	if (data < 0 && errno != ENXIO)
		fail(x, "SEEK_DATA: %s", strerror(errno));
	uint64_t next = data < 0 ? c->size : (uint64_t)data;
	if ((uint64_t)hole < off || (uint64_t)hole > c->size || next < off || next > c->size)
		fail(x, "SEEK_HOLE says %lld, SEEK_DATA %lld", (long long)hole, (long long)data);
	if (!all_zero(c, off, next))
		fail(x, "there is data before %lld, where SEEK_DATA says it begins",
		     (long long)data);
	if ((uint64_t)hole == c->size)
		return;
	data = lseek(c->fd, hole, SEEK_DATA);
	next = data < 0 ? c->size : (uint64_t)data;
	if (next <= (uint64_t)hole || !all_zero(c, (uint64_t)hole, next))
		fail(x, "from %lld on there is no hole as SEEK_HOLE says", (long long)hole);
}

static void open_copy(struct fsx *x, struct copy *c)
{
	c->fd = open(c->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	must(x, c->fd, "open");
	c->map = mmap(NULL, x->max, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
	if (c->map == MAP_FAILED)
		fail(x, "mmap: %s", strerror(errno));
}

static void close_copy(struct fsx *x, struct copy *c)
{
	must(x, munmap(c->map, x->max), "munmap");
	must(x, close(c->fd), "close");
}

static void do_reopen(struct fsx *x, struct copy *c)
{
	model_note(&x->log, "reopen %c", c->name);
	close_copy(x, c);
	open_copy(x, c);
}

/* Under another name for a moment, and seen by it. */
static void do_rename(struct fsx *x, struct copy *c)
{
	char other[sizeof(c->path) + 8];
	struct stat sb;
	bool alias = model_below(&x->rng, 2);
	(void)snprintf(other, sizeof(other), "%s.other", c->path);
	model_note(&x->log, "%s %c", alias ? "link" : "rename", c->name);
	must(x, alias ? link(c->path, other) : rename(c->path, other), "rename");
	must(x, stat(other, &sb), "stat");
	if ((uint64_t)sb.st_size != c->size)
		fail(x, "under its other name it has %lld bytes, not %llu", (long long)sb.st_size,
		     (unsigned long long)c->size);
	must(x, rename(other, c->path), "rename"); /* does nothing to two names of one file */
	if (alias)
		must(x, unlink(other), "unlink");
}

static const struct {
	void (*run)(struct fsx *x, struct copy *c);
	unsigned int weight;
} operations[] = {
	{ do_write, 14 },    { do_writev, 4 },   { do_append, 5 },    { do_read, 14 },
	{ do_direct, 5 },    { do_map_read, 8 }, { do_map_write, 8 }, { do_truncate, 8 },
	{ do_allocate, 10 }, { do_copy, 8 },     { do_sync, 3 },      { do_drop, 2 },
	{ do_seek, 6 },      { do_reopen, 3 },   { do_rename, 2 },
};

static void do_one(struct fsx *x)
{
	uint64_t total = 0, i = 0;
	for (size_t k = 0; k < sizeof(operations) / sizeof(operations[0]); k++)
		total += operations[k].weight;
	uint64_t at = model_below(&x->rng, total);
	while (at >= operations[i].weight)
		at -= operations[i++].weight;
	struct copy *c = &x->file[model_below(&x->rng, FILES)];
	operations[i].run(x, c);
	if (model_below(&x->rng, 4) == 0)
		same_size(x, c);
}

/* ---- the run ---- */

static void run_command(struct fsx *x, const char *command)
{
	model_note(&x->log, "%s", command);
	for (size_t i = 0; i < FILES; i++)
		close_copy(x, &x->file[i]);
	int r = system(command); /* NOLINT: it is the caller's */
	if (r != 0)
		fail(x, "'%s' failed", command);
	for (size_t i = 0; i < FILES; i++)
		open_copy(x, &x->file[i]);
	look_at_all(x);
}

static void begin(struct fsx *x, const char *dir)
{
	x->buf = malloc(LONGEST);
	x->direct = aligned_alloc(PAGE, (LONGEST / PAGE + 3) * (size_t)PAGE);
	for (size_t i = 0; i < FILES; i++) {
		struct copy *c = &x->file[i];
		c->want = calloc(1, x->max + LONGEST);
		if (!x->buf || !x->direct || !c->want)
			fail(x, "out of memory");
		c->name = (char)('a' + i);
		(void)snprintf(c->path, sizeof(c->path) - 8, "%s/%c", dir, c->name);
		open_copy(x, c);
		must(x, ftruncate(c->fd, 0), "ftruncate");
	}
}

int main(int argc, char **argv)
{
	static struct fsx x = { .max = 262144, .seed = 1 };
	uint64_t n = 10000, every = 0, spoil = 0;
	const char *command = NULL;
	int o;
	while ((o = getopt(argc, argv, "s:n:l:ue:r:x:")) != -1) {
		switch (o) {
		case 's':
			x.seed = model_number(optarg);
			break;
		case 'n':
			n = model_number(optarg);
			break;
		case 'l':
			x.max = model_number(optarg);
			break;
		case 'u':
			x.unaligned = true;
			break;
		case 'e':
			every = model_number(optarg);
			break;
		case 'r':
			command = optarg;
			break;
		case 'x':
			spoil = model_number(optarg);
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 1 || x.max < 2 * LONGEST || !every != !command) {
		fprintf(stderr, "fsx: see the head of its source\n");
		return 2;
	}
	x.rng.state = x.seed;
	setvbuf(stdout, NULL, _IOLBF, 0);
	begin(&x, argv[optind]);
	for (uint64_t i = 1; i <= n; i++) {
		do_one(&x);
		if (i == spoil)
			x.file[0].want[x.file[0].size / 2] ^= 1;
		if (i % LOOK_EVERY == 0 || i == spoil)
			look_at_all(&x);
		if (every > 0 && i % every == 0)
			run_command(&x, command);
	}
	look_at_all(&x);
	printf("# %llu operations, seed %llu\n", (unsigned long long)n, (unsigned long long)x.seed);
	return 0;
}
