/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * torn: which way of writing over a page keeps every image of it on disk whole, and what does it cost?
 * The answer is in doc/decisions/0001-writing-over-a-page.md.
 *
 * A child process is the disk: it serves one file in memory over FUSE, a loop device with direct I/O
 * lies on that file, and a filesystem on the loop device. So every page that goes to the disk passes
 * through disk_judge(). A page of the test file is filled with one 8-byte number; one that arrives
 * with two numbers is torn. The disk is slow on purpose, as a real one is that reads a page by DMA: the
 * page boundary of its buffer is in the middle of each page of data, and userfaultfd takes up to
 * 100 us to bring in the second half.
 *
 * The load: one thread overwrites pages in one of the ways below, one calls fdatasync, one does what
 * syncfs and the flusher do. The cost is measured without that disk, in a file in a directory.
 *
 * usage: torn [-t FS,...] [-o OPTIONS] [-s SECONDS] [-d DIR] [-p]
 *   -t  filesystems: ext4, xfs, btrfs, overlay (one on ext4); default ext4, "" for none
 *   -o  mount options
 *   -s  seconds for each way, default 3
 *   -d  measure the cost in DIR
 *   -p  make the file for the cost page by page: the page cache then has no large folios
 *
 * Root only. It has a mount namespace of its own, and the loop device goes with its last user, so nothing
 * stays behind even if it is killed. Exit: 0 fine, 1 a way that should be safe is not (or the
 * control is), 2 usage or trouble, 77 cannot run here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/powercut/memdisk.h"

enum {
	PAGE = MEMDISK_PAGE,
	DISK_BYTES = 512 << 20, /* xfs wants 300 MiB */
	DISK_THREADS = 3,
	TEST_PAGES = 256,
	COST_PAGES = 65536,
	NOTES = 32768, /* bits: 4 KiB a file */
	MAX_SECONDS = 60,
};

#define MAGIC UINT64_C(0x746f726e00000000) /* "torn", then a counter */
#define MAGIC_MASK UINT64_C(0xffffffff00000000)

/* What is done about a page besides the pwrite. */
enum {
	ALONE = 1, /* our own fsync of the file is kept out meanwhile */
	WAIT = 2, /* before: sync_file_range(WAIT_BEFORE) */
	QUIESCE = 4, /* before: sync_file_range(WAIT_BEFORE | WRITE | WAIT_AFTER) */
	FDATASYNC = 8, /* before: fdatasync */
	NOTED = 16, /* those two for the whole file, and only if we wrote the page since the last time */
	DSYNC = 32, /* pwritev2(RWF_DSYNC) */
	DIRECT = 64, /* O_DIRECT */
	SAFE = 128, /* should never tear a page */
};

static const struct way {
	const char *name;
	unsigned int how;
} ways[] = {
	{ "plain", 0 },
	{ "fsync kept out", ALONE },
	{ "wait before", WAIT },
	{ "both", ALONE | WAIT },
	{ "quiesce", QUIESCE | SAFE },
	{ "quiesce, noted", QUIESCE | NOTED | SAFE },
	{ "fdatasync", FDATASYNC | SAFE },
	{ "fdatasync, noted", FDATASYNC | NOTED | SAFE },
	{ "O_DSYNC", DSYNC | SAFE },
	{ "O_DIRECT", DIRECT | SAFE },
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

/* What the disk and the load share. */
struct count {
	atomic_ulong pages, torn;
};
static struct count *count; /* one for each way, and one for what arrives between them */
static atomic_int *now_way;

static volatile sig_atomic_t stopped;
static pid_t main_pid, disk_pid;

static void on_signal(int sig)
{
	/* The second alarm finds us stuck: without its disk every call comes back. */
	if (sig == SIGALRM && stopped && disk_pid > 0)
		kill(disk_pid, SIGKILL);
	stopped = 1;
	if (sig == SIGALRM)
		alarm(20);
}

static uint64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 11;
}

static void nap(uint64_t ns)
{
	struct timespec ts = { 0, (long)ns };
	nanosleep(&ts, NULL);
}

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *fmt, ...)
{
	int e = errno;
	va_list ap;
	fprintf(stderr, "torn: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(e));
	exit(2);
}

static void *map(size_t n, int flags)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/* ---- the disk: a FUSE file in memory ---- */

static void disk_write(uint64_t off, const uint8_t *data, uint32_t size);

static struct memdisk disk = { .fd = -1, .size = DISK_BYTES, .on_write = disk_write };
static int outer_ns;

/* One page that was written: ours if it begins or ends with a number of ours. */
static void disk_judge(const uint8_t *page)
{
	uint64_t w[PAGE / 8];
	memcpy(w, page, PAGE);
	if ((w[0] & MAGIC_MASK) != MAGIC && (w[PAGE / 8 - 1] & MAGIC_MASK) != MAGIC)
		return;
	bool same = true;
	for (size_t i = 1; i < PAGE / 8; i++)
		same = same && w[i] == w[0];
	struct count *c = &count[atomic_load(now_way)];
	atomic_fetch_add(&c->pages, 1);
	if (!same)
		atomic_fetch_add(&c->torn, 1);
}

static void disk_write(uint64_t off, const uint8_t *data, uint32_t size)
{
	for (uint32_t at = 0; off % PAGE == 0 && at + PAGE <= size; at += PAGE)
		disk_judge(data + at);
}

static void *disk_thread(void *arg)
{
	int r = memdisk_run(&disk);
	if (r < 0) {
		errno = -r;
		die("disk");
	}
	return arg;
}

static void disk_main(void)
{
	pthread_t t[DISK_THREADS];
	/* Were it in the namespace when it dies, its last thread would unmount the filesystem above before
	 * the descriptor of the disk is closed, and wait for itself. */
	if (setns(outer_ns, CLONE_NEWNS) != 0)
		die("setns");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (memdisk_alloc(&disk) < 0)
		die("no memory for the disk");
	for (int i = 0; i < DISK_THREADS; i++)
		pthread_create(&t[i], NULL, disk_thread, NULL);
	for (int i = 0; i < DISK_THREADS; i++)
		pthread_join(t[i], NULL);
	_exit(0);
}

/* ---- setting up and taking down ---- */

/* On a tmpfs over /tmp, which goes with our namespace. */
#define PATH_DISK "/tmp/disk"
#define PATH_FS "/tmp/fs"
#define PATH_OVL "/tmp/overlay"

static char loop_path[32];

static void unmount(const char *path)
{
	for (int i = 0; i < 100 && umount2(path, 0) != 0 && errno == EBUSY; i++)
		nap(20000000);
	umount2(path, MNT_DETACH);
}

static void disk_stop(void)
{
	for (int i = 0; i < 100; i++) {
		if (waitpid(disk_pid, NULL, WNOHANG) != 0)
			return;
		nap(20000000);
	}
	kill(disk_pid, SIGKILL);
	waitpid(disk_pid, NULL, 0);
}

static void take_down(void)
{
	if (getpid() != main_pid || disk_pid <= 0)
		return;
	unmount(PATH_OVL);
	unmount(PATH_FS);
	unmount(PATH_DISK);
	disk_stop();
	disk_pid = 0;
}

static void disk_start(void)
{
	int r = memdisk_mount(&disk, PATH_DISK);
	if (r < 0) {
		errno = -r;
		die("mount the disk");
	}
	fflush(stdout);
	disk_pid = fork();
	if (disk_pid < 0)
		die("fork");
	if (disk_pid == 0)
		disk_main();
	close(disk.fd);
}

/* A loop device on the disk; it goes when it is no longer open or mounted. Returns a descriptor of it. */
static int loop_start(void)
{
	int ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int back = open(PATH_DISK, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (ctl < 0 || back < 0)
		die("loop device");
	struct loop_config c = { .fd = (uint32_t)back, .block_size = PAGE };
	c.info.lo_flags = LO_FLAGS_DIRECT_IO | LO_FLAGS_AUTOCLEAR;
	for (int i = 0; i < 50; i++) {
		int n = ioctl(ctl, LOOP_CTL_GET_FREE);
		snprintf(loop_path, sizeof(loop_path), "/dev/loop%d", n);
		int fd = n < 0 ? -1 : open(loop_path, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &c) == 0) {
			struct loop_info64 info;
			if (ioctl(fd, LOOP_GET_STATUS64, &info) != 0 || !(info.lo_flags & LO_FLAGS_DIRECT_IO))
				die("no direct I/O on the loop device");
			close(back);
			close(ctl);
			return fd;
		}
		if (fd >= 0)
			close(fd);
		nap(20000000); /* somebody else took it */
	}
	die("loop device");
}

static bool run(char *const argv[])
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(null, 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void mount_it(const char *what, const char *path, const char *fs, const char *opts)
{
	if (mount(what, path, fs, 0, opts) != 0)
		die("mount %s", fs);
}

static void overlay_start(void)
{
	mkdir(PATH_FS "/lower", 0700);
	mkdir(PATH_FS "/upper", 0700);
	mkdir(PATH_FS "/work", 0700);
	mount_it("overlay", PATH_OVL, "overlay",
		 "lowerdir=" PATH_FS "/lower,upperdir=" PATH_FS "/upper,workdir=" PATH_FS "/work");
}

/* Everything up to a mounted filesystem. */
static void set_up(const char *fs, const char *opts)
{
	const char *below = strcmp(fs, "overlay") == 0 ? "ext4" : fs;
	char *ext4[] = { "mkfs.ext4", "-qF", "-b4096", "-Enodiscard,lazy_itable_init=0", loop_path, NULL };
	char *xfs[] = { "mkfs.xfs", "-qfK", loop_path, NULL };
	char *btrfs[] = { "mkfs.btrfs", "-qfK", loop_path, NULL };
	mkdir(PATH_FS, 0700);
	mkdir(PATH_OVL, 0700);
	close(open(PATH_DISK, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	disk_start();
	int loop = loop_start();
	if (!run(strcmp(below, "xfs") == 0 ? xfs : strcmp(below, "btrfs") == 0 ? btrfs : ext4))
		die("mkfs for %s", fs);
	mount_it(loop_path, PATH_FS, below, opts);
	close(loop);
	if (below != fs)
		overlay_start();
}

/* ---- the ways to overwrite ---- */

#define RANGE_QUIESCE (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)

/* Which pages were written since the whole file was last clean. Two pages may share a bit. */
static uint64_t notes[NOTES / 64];

static bool note(uint64_t first, size_t n, bool set)
{
	bool found = false;
	for (uint64_t p = first; p < first + n; p++) {
		uint64_t bit = UINT64_C(1) << (p % 64);
		found = found || (notes[p % NOTES / 64] & bit);
		if (set)
			notes[p % NOTES / 64] |= bit;
	}
	return found;
}

/* Pages [first, first + n) clean and not on their way to the disk. */
static void make_clean(unsigned int how, int fd, uint64_t first, size_t n)
{
	int r = 0;
	if (how & NOTED) {
		if (!note(first, n, false))
			return;
		memset(notes, 0, sizeof(notes));
		first = n = 0; /* the whole file */
	}
	if (how & QUIESCE)
		r = sync_file_range(fd, (off_t)(first * PAGE), (off_t)(n * PAGE), RANGE_QUIESCE);
	if (how & FDATASYNC)
		r = fdatasync(fd);
	if (r != 0)
		die("cannot sync");
}

static pthread_mutex_t alone = PTHREAD_MUTEX_INITIALIZER;

static void overwrite(unsigned int how, int fd, void *buf, uint64_t first, size_t n)
{
	struct iovec v = { buf, n * PAGE };
	if (how & ALONE)
		pthread_mutex_lock(&alone);
	if (how & WAIT)
		sync_file_range(fd, (off_t)(first * PAGE), (off_t)(n * PAGE), SYNC_FILE_RANGE_WAIT_BEFORE);
	make_clean(how, fd, first, n);
	if (pwritev2(fd, &v, 1, (off_t)(first * PAGE), how & DSYNC ? RWF_DSYNC : 0) != (ssize_t)v.iov_len)
		die("cannot write");
	if (how & NOTED)
		note(first, n, true);
	if (how & ALONE)
		pthread_mutex_unlock(&alone);
}

static void fill(uint8_t *buf, size_t pages)
{
	static uint64_t counter;
	for (size_t p = 0; p < pages; p++) {
		uint64_t v = MAGIC | (uint32_t)++counter;
		for (size_t i = 0; i < PAGE; i += 8)
			memcpy(buf + p * PAGE + i, &v, 8);
	}
}

/* The whole file anew and clean. Large steps make large folios in the page cache. */
static void prepare(int fd, size_t pages, size_t step, uint8_t *buf)
{
	fdatasync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	for (size_t p = 0; p < pages; p += step) {
		fill(buf, step);
		if (pwrite(fd, buf, step * PAGE, (off_t)(p * PAGE)) != (ssize_t)(step * PAGE))
			die("cannot write the file");
	}
	memset(notes, 0, sizeof(notes));
	if (syncfs(fd) != 0)
		die("syncfs");
}

static void set_direct(int fd, unsigned int how)
{
	if ((how & DIRECT) && fcntl(fd, F_SETFL, O_DIRECT) != 0)
		die("O_DIRECT");
}

/* ---- tearing ---- */

struct load {
	int fd;
	unsigned int how;
	atomic_bool done;
};

static void *load_fdatasync(void *arg)
{
	struct load *l = arg;
	uint64_t seed = now_ns() | 1;
	while (!atomic_load(&l->done)) {
		if (l->how & ALONE)
			pthread_mutex_lock(&alone);
		fdatasync(l->fd);
		if (l->how & ALONE)
			pthread_mutex_unlock(&alone);
		nap(draw(&seed) % 100000);
	}
	return NULL;
}

/* The others who write back: syncfs, and what the flusher does. */
static void *load_syncfs(void *arg)
{
	struct load *l = arg;
	uint64_t seed = now_ns() | 1;
	while (!atomic_load(&l->done)) {
		if (draw(&seed) & 1)
			syncfs(l->fd);
		else
			sync_file_range(l->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
		nap(draw(&seed) % 100000);
	}
	return NULL;
}

/* One page over and over, 8 pages, runs of 1 to 8 pages. Returns how many overwrites there were. */
static unsigned long load_write(const struct load *l, int pattern, uint64_t ns, uint8_t *buf)
{
	uint64_t seed = now_ns() | 1, end = now_ns() + ns;
	unsigned long writes = 0;
	while (now_ns() < end && !stopped) {
		size_t n = pattern == 2 ? 1 + draw(&seed) % 8 : 1;
		uint64_t page = pattern == 0 ? 40 : draw(&seed) % (pattern == 1 ? 8 : 64);
		fill(buf, n);
		overwrite(l->how, l->fd, buf, page, n);
		writes++;
	}
	return writes;
}

static unsigned long load_slot(const char *file, int way, int pattern, bool large, uint64_t ns, uint8_t *buf)
{
	pthread_t t[2];
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die("%s", file);
	prepare(fd, TEST_PAGES, large ? TEST_PAGES : 1, buf);
	set_direct(fd, ways[way].how);
	struct load l = { .fd = fd, .how = ways[way].how };
	atomic_store(now_way, way);
	pthread_create(&t[0], NULL, load_fdatasync, &l);
	pthread_create(&t[1], NULL, load_syncfs, &l);
	unsigned long writes = load_write(&l, pattern, ns, buf);
	atomic_store(&l.done, true);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	syncfs(fd);
	atomic_store(now_way, WAYS);
	close(fd);
	return writes;
}

/* Print the table. Returns whether the safe ways were safe and the control was not. */
static bool judge(const char *fs, const unsigned long *writes, unsigned long seconds)
{
	bool good = true, stable = strcmp(fs, "btrfs") == 0; /* with checksums it cannot tear */
	printf("\n%-18s %13s %13s %10s   (%s)\n", "way", "overwrites/s", "pages written", "torn", fs);
	for (int w = 0; w < WAYS; w++) {
		unsigned long pages = atomic_load(&count[w].pages), torn = atomic_load(&count[w].torn);
		bool wrong = ways[w].how & SAFE ? torn > 0 || pages == 0 : w == 0 && !torn && !stable;
		printf("%-18s %13lu %13lu %10lu%s\n", ways[w].name, writes[w] / seconds, pages, torn,
		       wrong ? "   <- unexpected" : "");
		good = good && !wrong;
	}
	if (atomic_load(&count[WAYS].torn) > 0) {
		printf("Pages that nobody overwrote were torn: this program is wrong.\n");
		good = false;
	}
	fflush(stdout);
	return good;
}

static bool torn_on(const char *fs, const char *opts, unsigned int seconds, uint8_t *buf)
{
	enum { SLOTS = 6 };
	const uint64_t ns = UINT64_C(1000000000) * seconds / SLOTS;
	unsigned long writes[WAYS] = { 0 };
	for (int i = 0; i <= WAYS; i++) {
		atomic_store(&count[i].pages, 0);
		atomic_store(&count[i].torn, 0);
	}
	atomic_store(now_way, WAYS);
	alarm(60 + 2 * WAYS * seconds);
	set_up(fs, opts);
	const char *file = strcmp(fs, "overlay") == 0 ? PATH_OVL "/test" : PATH_FS "/test";
	for (int slot = 0; slot < SLOTS; slot++)
		for (int w = 0; w < WAYS && !stopped; w++)
			writes[w] += load_slot(file, w, slot / 2, slot % 2 == 0, ns, buf);
	take_down();
	return !stopped && judge(fs, writes, seconds);
}

/* ---- the cost ---- */

enum { COSTS = 4 };

/*
 * Overwrites a second: of random pages, of 16 hot ones, of random ones with an fdatasync after each 16,
 * and in a row, where each begins with the page that the one before ended with, as requests do that
 * end within a block.
 */
static double cost_slot(int fd, unsigned int how, int cost, uint64_t ns, uint8_t *buf)
{
	size_t n = cost == 3 ? 33 : 1;
	memset(notes, 0, sizeof(notes));
	fdatasync(fd);
	uint64_t seed = now_ns() | 1, start = now_ns(), t = start;
	unsigned long writes = 0;
	for (; t < start + ns && !stopped; t = now_ns()) {
		uint64_t page = cost == 3 ? writes * 32 % (COST_PAGES - 32) :
					    draw(&seed) % (cost == 1 ? 16 : COST_PAGES);
		fill(buf, n);
		overwrite(how, fd, buf, page, n);
		if (++writes % 16 == 0 && cost == 2)
			fdatasync(fd);
	}
	return (double)writes * 1e9 / (double)(t - start);
}

static void cost_in(int dir, unsigned int seconds, size_t step, uint8_t *buf)
{
	const uint64_t ns = UINT64_C(1000000000) * seconds / COSTS;
	printf("\n%-18s %12s %12s %12s %12s   (overwrites/s; file made by writes of %zu KiB)\n", "way",
	       "random", "hot", "fdatasync/16", "in a row", step * 4);
	for (int w = 0; w < WAYS && !stopped; w++) {
		if (w > 0 && !(ways[w].how & SAFE))
			continue;
		int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		if (fd < 0)
			die("no temporary file");
		prepare(fd, COST_PAGES, step, buf);
		set_direct(fd, ways[w].how);
		printf("%-18s", ways[w].name);
		for (int c = 0; c < COSTS; c++)
			printf(" %12.0f", cost_slot(fd, ways[w].how, c, ns, buf));
		printf("\n");
		fflush(stdout);
		close(fd);
	}
}

/* ---- */

static void isolate(void)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP, SIGALRM };
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		signal(sigs[i], on_signal);
	outer_ns = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (outer_ns < 0 || unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		die("mount namespace");
	mount_it("torn", "/tmp", "tmpfs", "size=1m");
	now_way = map(PAGE, MAP_SHARED);
	count = map(PAGE, MAP_SHARED);
	main_pid = getpid();
	atexit(take_down);
}

int main(int argc, char **argv)
{
	char ext4[] = "ext4", *fs = ext4, *save = NULL;
	const char *opts = NULL;
	int seconds = 3, cost_fd = -1, o;
	size_t step = TEST_PAGES;
	bool good = true;
	while ((o = getopt(argc, argv, "t:o:s:d:p")) != -1) {
		switch (o) {
		case 't':
			fs = optarg;
			break;
		case 'o':
			opts = optarg;
			break;
		case 's':
			seconds = atoi(optarg);
			break;
		case 'd':
			cost_fd = open(optarg, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (cost_fd < 0)
				die("%s", optarg);
			break;
		case 'p':
			step = 1;
			break;
		default:
			return 2;
		}
	}
	if (seconds < 1 || seconds > MAX_SECONDS) {
		fprintf(stderr, "torn: 1 to %d seconds\n", MAX_SECONDS);
		return 2;
	}
	if (geteuid() != 0 || access("/dev/fuse", R_OK) != 0 || access("/dev/loop-control", R_OK) != 0) {
		fprintf(stderr, "torn: needs root, /dev/fuse and loop devices\n");
		return 77;
	}
	isolate();
	uint8_t *buf = map(TEST_PAGES * PAGE, MAP_PRIVATE | MAP_POPULATE);
	if (cost_fd >= 0)
		cost_in(cost_fd, (unsigned int)seconds, step, buf);
	for (char *f = strtok_r(fs, ",", &save); f && !stopped; f = strtok_r(NULL, ",", &save))
		good = torn_on(f, opts, (unsigned int)seconds, buf) && good;
	return stopped ? 2 : good ? 0 : 1;
}
