/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * torn: can the disk be given a mixture of two versions of a page that is overwritten?
 *
 * A child process is the disk: it serves one file in memory over the kernel's FUSE protocol, a loop device with
 * direct I/O lies on that file, and a filesystem on the loop device. So each byte that goes to the disk passes
 * through disk_write(). Every page of the test file is filled with one 8-byte number; a page that arrives with two
 * different ones is a mixture. The disk is slow on purpose: its buffer has a page boundary in the middle of each page
 * of data, and the second half is faulted in through userfaultfd, which takes up to 100 us. For so long the kernel has
 * read half of a page, as a real device has during DMA.
 *
 * The load: one thread overwrites pages in one of the ways below, others call fdatasync, syncfs and the flusher.
 *
 * usage: torn [-t ext4,xfs,overlay] [-o mount options] [-r rounds] [-s ms] [-d dir] [-c | -C] [-S]
 *   -t  filesystems, default ext4 and (with mkfs.xfs) xfs; overlay is one over ext4, shown but not judged
 *   -o  options for mounting the filesystem
 *   -r  least number of rounds, default 4; goes on until there is enough to judge by
 *   -s  milliseconds per way and round, default 700
 *   -d  where the files for the cost are, default the current directory
 *   -c  only the cost; -C without the cost
 *   -S  make the files for the cost page by page, which keeps the folios of the page cache small
 * Root only. It lives in its own mount namespace and its loop device clears itself, so nothing stays behind even
 * when it is killed. TAP on stdout; 0 fine, 1 failed, 77 can't be run here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/loop.h>
#include <linux/userfaultfd.h>
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
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	DISK_BYTES = 512 << 20, /* xfs wants 300 MiB */
	DISK_THREADS = 3,
	MAX_IO = 32 * PAGE, /* of one FUSE request */
	TEST_PAGES = 256,
	RUN = 8, /* most pages in one overwrite */
	COST_PAGES = 65536,
	MAX_ROUNDS = 60,
	WANT_SEEN = 20000, /* page writes seen of the way we use */
	WANT_MIXED = 50,   /* mixtures of the control */
	WATCHDOG_S = 900,
};

#define MAGIC UINT64_C(0x746f726e00000000) /* "torn", then a counter */
#define MAGIC_MASK UINT64_C(0xffffffff00000000)

enum way {
	PLAIN,
	OWN_FSYNC,
	WAIT_BEFORE,
	QUIESCE,
	QUIESCE_STAT,
	NOTED_PAGE,
	NOTED_FILE,
	FDATASYNC,
	DIRECT,
	WAYS
};
static const char *const way_name[WAYS] = {
	"plain (control)",   "own fsync excluded", "WAIT_BEFORE only",
	"quiesce",	     "quiesce+cachestat",
	"noted, one page",   "noted, whole file",  "fdatasync before",
	"O_DIRECT",
};

enum pattern { ONE, FEW, RUNS, PATTERNS };
static const char *const pattern_name[PATTERNS] = { "one page", "8 pages", "runs of 1-8" };

struct cell {
	atomic_ulong seen, mixed; /* counted by the disk */
	unsigned long writes;	  /* overwrites */
	uint64_t ns;
};

/* What the disk and the load share. */
static struct shared {
	struct cell cells[WAYS][PATTERNS];
	struct cell setup;
	atomic_int way, pattern; /* whose writes arrive; way WAYS: nobody's */
} *sh;

static volatile sig_atomic_t stopped;
static pid_t disk_pid;

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
	printf("Bail out! ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(": %s\n", strerror(e));
	exit(1);
}

/* ---- the disk: a FUSE file in memory ---- */

static uint8_t *disk_image;
static int disk_fd, outer_ns;

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
	int way = atomic_load(&sh->way);
	struct cell *c = way < WAYS ? &sh->cells[way][atomic_load(&sh->pattern)] : &sh->setup;
	atomic_fetch_add(&c->seen, 1);
	if (!same)
		atomic_fetch_add(&c->mixed, 1);
}

static int disk_write(uint64_t off, const uint8_t *data, uint32_t size)
{
	if (off > DISK_BYTES || size > DISK_BYTES - off)
		return -EIO;
	for (uint32_t at = 0; off % PAGE == 0 && at + PAGE <= size; at += PAGE)
		disk_judge(data + at);
	memcpy(disk_image + off, data, size);
	return 0;
}

static void disk_reply(uint64_t unique, int error, const void *data, size_t n)
{
	struct fuse_out_header h = { .len = (uint32_t)(sizeof(h) + n), .error = error, .unique = unique };
	struct iovec v[2] = { { &h, sizeof(h) }, { (void *)(uintptr_t)data, n } };
	if (writev(disk_fd, v, n ? 2 : 1) < 0 && errno != ENOENT && errno != ENODEV)
		die("disk: reply");
}

static struct fuse_attr disk_attr(void)
{
	return (struct fuse_attr){ .ino = 1, .size = DISK_BYTES, .blocks = DISK_BYTES / 512, .mode = S_IFREG | 0600,
				   .nlink = 1, .blksize = PAGE };
}

static void disk_init(uint64_t unique, const struct fuse_init_in *in)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = in->minor < FUSE_KERNEL_MINOR_VERSION ? in->minor : FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = MAX_IO,
		.flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_ASYNC_DIO,
		.max_background = 64,
		.congestion_threshold = 48,
		.max_write = MAX_IO,
		.max_pages = MAX_IO / PAGE,
		.time_gran = 1,
	};
	disk_reply(unique, 0, &out, sizeof(out));
}

static void disk_serve(const struct fuse_in_header *h, const uint8_t *arg)
{
	switch (h->opcode) {
	case FUSE_INIT:
		disk_init(h->unique, (const struct fuse_init_in *)(const void *)arg);
		return;
	case FUSE_GETATTR: {
		struct fuse_attr_out out = { .attr_valid = 3600, .attr = disk_attr() };
		disk_reply(h->unique, 0, &out, sizeof(out));
		return;
	}
	case FUSE_OPEN: {
		struct fuse_open_out out = { .open_flags = FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES };
		disk_reply(h->unique, 0, &out, sizeof(out));
		return;
	}
	case FUSE_READ: {
		struct fuse_read_in in;
		memcpy(&in, arg, sizeof(in));
		bool fits = in.offset <= DISK_BYTES && in.size <= DISK_BYTES - in.offset;
		disk_reply(h->unique, fits ? 0 : -EIO, disk_image + in.offset, fits ? in.size : 0);
		return;
	}
	case FUSE_WRITE: {
		struct fuse_write_in in;
		memcpy(&in, arg, sizeof(in));
		int r = disk_write(in.offset, arg + sizeof(in), in.size);
		struct fuse_write_out out = { .size = in.size };
		disk_reply(h->unique, r, &out, r == 0 ? sizeof(out) : 0);
		return;
	}
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return;
	case FUSE_FLUSH:
	case FUSE_FSYNC:
	case FUSE_RELEASE:
	case FUSE_DESTROY:
		disk_reply(h->unique, 0, NULL, 0);
		return;
	default:
		disk_reply(h->unique, -ENOSYS, NULL, 0);
	}
}

/* Fill in the buffer's pages when they are touched, at leisure every other time. */
static void *disk_fault_thread(void *arg)
{
	int uffd = *(int *)arg;
	uint64_t seed = now_ns() | 1;
	struct uffd_msg msg;
	prctl(PR_SET_TIMERSLACK, 1);
	while (read(uffd, &msg, sizeof(msg)) == (ssize_t)sizeof(msg)) {
		uint64_t r = draw(&seed);
		if (r & 1)
			nap(10000 + r / 2 % 90000);
		struct uffdio_zeropage z = {
			.range = { msg.arg.pagefault.address & ~(uint64_t)(PAGE - 1), PAGE },
		};
		ioctl(uffd, UFFDIO_ZEROPAGE, &z);
	}
	return NULL;
}

/* A slow second half for each page of data in [base, base + len). Does without where the kernel has none:
 * an ordinary page fault then makes a shorter gap. */
static void disk_slow(uint8_t *base, size_t len)
{
	int *uffd = malloc(sizeof(*uffd));
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .range = { (uintptr_t)base, len }, .mode = UFFDIO_REGISTER_MODE_MISSING };
	pthread_t t;
	if (!uffd)
		return;
	*uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (*uffd < 0 || ioctl(*uffd, UFFDIO_API, &api) != 0 || ioctl(*uffd, UFFDIO_REGISTER, &reg) != 0) {
		printf("# no userfaultfd (%s): the disk is a fast one\n", strerror(errno));
		return;
	}
	pthread_create(&t, NULL, disk_fault_thread, uffd);
}

static void *disk_thread(void *arg)
{
	/* Header and write arguments end in the middle of the first page. */
	const size_t head = sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in);
	const size_t len = MAX_IO + 2 * PAGE;
	uint8_t *base = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED)
		die("disk: buffer");
	uint8_t *buf = base + PAGE / 2 - head;
	base[0] = 1;
	disk_slow(base + PAGE, len - PAGE);
	for (;;) {
		ssize_t n = read(disk_fd, buf, MAX_IO + head);
		if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT))
			continue;
		if (n < 0)
			return arg; /* unmounted */
		struct fuse_in_header h;
		memcpy(&h, buf, sizeof(h));
		disk_serve(&h, buf + sizeof(h));
		madvise(base + PAGE, len - PAGE, MADV_DONTNEED);
	}
}

static void disk_main(void)
{
	pthread_t t[DISK_THREADS];
	/* Were it in the namespace when it dies, its last thread would unmount the filesystem above before the
	 * descriptor of the disk is closed, and wait for itself. */
	if (setns(outer_ns, CLONE_NEWNS) != 0)
		die("setns");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	disk_image = mmap(NULL, DISK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			  0);
	if (disk_image == MAP_FAILED)
		die("disk: image");
	for (int i = 0; i < DISK_THREADS; i++)
		pthread_create(&t[i], NULL, disk_thread, NULL);
	for (int i = 0; i < DISK_THREADS; i++)
		pthread_join(t[i], NULL);
	fflush(stdout);
	_exit(0);
}

/* ---- setting up and taking down ---- */

static char dir[64], path_disk[96], path_fs[96], path_ovl[96], loop_path[32];
static pid_t main_pid;

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
	if (getpid() != main_pid || !dir[0])
		return;
	unmount(path_ovl);
	unmount(path_fs);
	unmount(path_disk);
	if (disk_pid > 0)
		disk_stop();
	disk_pid = 0;
	unlink(path_disk);
	rmdir(path_fs);
	rmdir(path_ovl);
	rmdir(dir);
	dir[0] = 0;
}

static void disk_start(void)
{
	char opts[96];
	disk_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (disk_fd < 0)
		die("/dev/fuse");
	snprintf(opts, sizeof(opts), "fd=%d,rootmode=100600,user_id=0,group_id=0,max_read=%d", disk_fd, MAX_IO);
	if (mount("torn", path_disk, "fuse", MS_NOSUID | MS_NODEV, opts) != 0)
		die("mount the disk");
	fflush(stdout);
	disk_pid = fork();
	if (disk_pid < 0)
		die("fork");
	if (disk_pid == 0)
		disk_main();
	close(disk_fd);
}

/* A loop device on the disk; it goes when it is no longer open or mounted. Returns a descriptor of it. */
static int loop_start(void)
{
	int ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int back = open(path_disk, O_RDWR | O_DIRECT | O_CLOEXEC);
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

static void overlay_start(void)
{
	static const char *const sub[] = { "lower", "upper", "work" };
	char path[128], opts[400];
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", path_fs, sub[i]);
		mkdir(path, 0700);
	}
	snprintf(opts, sizeof(opts), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", path_fs, path_fs, path_fs);
	if (mount("overlay", path_ovl, "overlay", 0, opts) != 0)
		die("mount overlay");
}

/* Everything up to a mounted filesystem. */
static void set_up(const char *fs, const char *opts)
{
	bool overlay = strcmp(fs, "overlay") == 0, xfs = strcmp(fs, "xfs") == 0;
	snprintf(dir, sizeof(dir), "/tmp/torn.XXXXXX");
	if (!mkdtemp(dir))
		die("mkdtemp");
	snprintf(path_disk, sizeof(path_disk), "%s/disk", dir);
	snprintf(path_fs, sizeof(path_fs), "%s/fs", dir);
	snprintf(path_ovl, sizeof(path_ovl), "%s/ovl", dir);
	mkdir(path_fs, 0700);
	mkdir(path_ovl, 0700);
	close(open(path_disk, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	disk_start();
	int loop = loop_start();
	char *ext4[] = { "mkfs.ext4", "-qF", "-b4096", "-Enodiscard,lazy_itable_init=0", loop_path, NULL };
	char *mkxfs[] = { "mkfs.xfs", "-qfK", loop_path, NULL };
	if (!run(xfs ? mkxfs : ext4))
		die("mkfs for %s", fs);
	if (mount(loop_path, path_fs, xfs ? "xfs" : "ext4", 0, opts) != 0)
		die("mount %s", fs);
	close(loop);
	if (overlay)
		overlay_start();
}

/* ---- the ways to overwrite ---- */

static void way_sync_range(int fd, off_t off, size_t n, unsigned int flags)
{
	if (sync_file_range(fd, off, (off_t)n, flags) != 0)
		die("sync_file_range");
}

#define RANGE_QUIESCE (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)

/* Are pages of the range dirty or being written back, as far as cachestat(2) can tell? */
static bool way_is_busy(int fd, off_t off, size_t n)
{
	struct {
		uint64_t off, len;
	} range = { (uint64_t)off, n };
	struct {
		uint64_t cache, dirty, writeback, evicted, recently_evicted;
	} st;
	enum { SYS_CACHESTAT = 451 };
	return syscall(SYS_CACHESTAT, fd, &range, &st, 0) != 0 || st.dirty || st.writeback;
}

/*
 * The noted ways: we know ourselves which pages we have overwritten since a sync of ours, and only those need care.
 * Syncs are numbered as they begin; a page's note is the number of the first that covers it. It is taken after the
 * pwrite: a sync that has begun by then does not count.
 */
static struct {
	atomic_ulong begun, done;
	unsigned long page[COST_PAGES];
} noted;

static unsigned long noted_begin(void)
{
	return atomic_fetch_add(&noted.begun, 1) + 1;
}

static void noted_done(unsigned long id)
{
	unsigned long was = atomic_load(&noted.done);
	while (was < id && !atomic_compare_exchange_weak(&noted.done, &was, id))
		;
}

static bool noted_is_dirty(off_t off, size_t n)
{
	unsigned long done = atomic_load(&noted.done);
	for (size_t p = (size_t)off / PAGE; p < ((size_t)off + n) / PAGE; p++)
		if (noted.page[p] > done)
			return true;
	return false;
}

static void noted_write(off_t off, size_t n)
{
	unsigned long next = atomic_load(&noted.begun) + 1;
	for (size_t p = (size_t)off / PAGE; p < ((size_t)off + n) / PAGE; p++)
		noted.page[p] = next;
}

static int synced(int fd)
{
	unsigned long id = noted_begin();
	int r = fdatasync(fd);
	if (r == 0)
		noted_done(id);
	return r;
}

static void way_noted_file(int fd)
{
	unsigned long id = noted_begin();
	way_sync_range(fd, 0, 0, RANGE_QUIESCE);
	noted_done(id);
}

static pthread_mutex_t own_fsync = PTHREAD_MUTEX_INITIALIZER;

static void overwrite(enum way way, int fd, const void *buf, size_t n, off_t off)
{
	if (way == OWN_FSYNC)
		pthread_mutex_lock(&own_fsync);
	if (way == WAIT_BEFORE)
		way_sync_range(fd, off, n, SYNC_FILE_RANGE_WAIT_BEFORE);
	if (way == QUIESCE || (way == QUIESCE_STAT && way_is_busy(fd, off, n)))
		way_sync_range(fd, off, n, RANGE_QUIESCE);
	if (way == FDATASYNC && fdatasync(fd) != 0)
		die("fdatasync");
	if (way == NOTED_PAGE && noted_is_dirty(off, n))
		way_sync_range(fd, off, n, RANGE_QUIESCE);
	if (way == NOTED_FILE && noted_is_dirty(off, n))
		way_noted_file(fd);
	if (pwrite(fd, buf, n, off) != (ssize_t)n)
		die("pwrite (%s)", way_name[way]);
	noted_write(off, n);
	if (way == OWN_FSYNC)
		pthread_mutex_unlock(&own_fsync);
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

static void *page_alloc(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/* ---- the load ---- */

struct load {
	int fd;
	enum way way;
	atomic_bool done;
};

static void *load_fdatasync(void *arg)
{
	struct load *l = arg;
	uint64_t seed = now_ns() | 1;
	while (!atomic_load(&l->done)) {
		if (l->way == OWN_FSYNC)
			pthread_mutex_lock(&own_fsync);
		synced(l->fd);
		if (l->way == OWN_FSYNC)
			pthread_mutex_unlock(&own_fsync);
		nap(draw(&seed) % 100000);
	}
	return NULL;
}

/* The others who write back: syncfs, and what the background flusher does. */
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

static void load_write(const struct load *l, enum pattern pat, uint64_t ns, struct cell *c, uint8_t *buf)
{
	uint64_t seed = now_ns() | 1, start = now_ns(), end = start + ns;
	while (now_ns() < end && !stopped) {
		size_t n = pat == RUNS ? 1 + draw(&seed) % RUN : 1;
		size_t page = pat == ONE ? 40 : pat == FEW ? 40 + draw(&seed) % 8 : draw(&seed) % 64;
		fill(buf, n);
		overwrite(l->way, l->fd, buf, n * PAGE, (off_t)(page * PAGE));
		c->writes++;
	}
	c->ns += now_ns() - start;
}

/* All pages anew, by one large write (which makes large folios in the page cache) or page by page. */
static void load_prepare(int fd, bool large, uint8_t *buf)
{
	fdatasync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	size_t step = large ? TEST_PAGES : 1;
	for (size_t p = 0; p < TEST_PAGES; p += step) {
		fill(buf, step);
		if (pwrite(fd, buf, step * PAGE, (off_t)(p * PAGE)) != (ssize_t)(step * PAGE))
			die("prepare");
	}
	memset(noted.page, 0, sizeof(noted.page));
	if (syncfs(fd) != 0)
		die("syncfs");
}

static void load_slot(const char *file, enum way way, enum pattern pat, bool large, uint64_t ns, uint8_t *buf)
{
	pthread_t t[2];
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die("test file");
	load_prepare(fd, large, buf);
	if (way == DIRECT && fcntl(fd, F_SETFL, O_DIRECT) != 0)
		die("O_DIRECT");
	struct load l = { .fd = fd, .way = way };
	atomic_store(&sh->pattern, (int)pat);
	atomic_store(&sh->way, (int)way);
	pthread_create(&t[0], NULL, load_fdatasync, &l);
	pthread_create(&t[1], NULL, load_syncfs, &l);
	load_write(&l, pat, ns, &sh->cells[way][pat], buf);
	atomic_store(&l.done, true);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	syncfs(fd);
	atomic_store(&sh->way, WAYS);
	close(fd);
}

struct sum {
	unsigned long seen, mixed;
};

static struct sum sum_of(enum way way)
{
	struct sum s = { 0 };
	for (int p = 0; p < PATTERNS; p++) {
		s.seen += sh->cells[way][p].seen;
		s.mixed += sh->cells[way][p].mixed;
	}
	return s;
}

static bool load_enough(void)
{
	return sum_of(PLAIN).mixed > WANT_MIXED && sum_of(QUIESCE).seen > WANT_SEEN;
}

static void load_print(const char *fs, int rounds)
{
	printf("# %s, %d rounds: page writes the disk was given, mixtures of two versions, overwrites a second\n", fs,
	       rounds);
	printf("# %-20s %-12s %10s %9s %10s\n", "way", "pattern", "seen", "mixtures", "writes/s");
	for (int w = 0; w < WAYS; w++)
		for (int p = 0; p < PATTERNS; p++) {
			struct cell *c = &sh->cells[w][p];
			printf("# %-20s %-12s %10lu %9lu %10.0f\n", way_name[w], pattern_name[p], c->seen, c->mixed,
			       c->ns ? (double)c->writes * 1e9 / (double)c->ns : 0.0);
		}
	for (int w = 0; w < WAYS; w++)
		printf("# sum: %-20s %9lu of %lu\n", way_name[w], sum_of(w).mixed, sum_of(w).seen);
}

/* ---- verdicts ---- */

static int tests, failures;

__attribute__((format(printf, 2, 3))) static void tap(bool good, const char *fmt, ...)
{
	va_list ap;
	printf("%sok %d - ", good ? "" : "not ", ++tests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	failures += !good;
}

static void judge(const char *fs)
{
	struct sum control = sum_of(PLAIN);
	tap(control.mixed > 0, "%s: the control gives mixtures (%lu of %lu)", fs, control.mixed, control.seen);
	static const enum way safe[] = { QUIESCE, QUIESCE_STAT, NOTED_PAGE, NOTED_FILE, FDATASYNC, DIRECT };
	for (size_t i = 0; i < sizeof(safe) / sizeof(safe[0]); i++) {
		struct sum s = sum_of(safe[i]);
		tap(s.mixed == 0 && s.seen > 0, "%s: %s gives none (%lu of %lu)", fs, way_name[safe[i]], s.mixed,
		    s.seen);
	}
	tap(sh->setup.mixed == 0, "%s: none among %lu pages that nobody overwrote", fs, sh->setup.seen);
}

static void torn_on(const char *fs, const char *opts, int rounds, uint64_t ns)
{
	char file[128];
	bool overlay = strcmp(fs, "overlay") == 0;
	uint8_t *buf = page_alloc((size_t)TEST_PAGES * PAGE);
	memset(sh, 0, sizeof(*sh));
	atomic_store(&sh->way, WAYS);
	set_up(fs, opts);
	snprintf(file, sizeof(file), "%s/test", overlay ? path_ovl : path_fs);
	int n = 0;
	while (!stopped && n < MAX_ROUNDS && (n < rounds || (!overlay && !load_enough()))) {
		for (int p = 0; p < PATTERNS; p++)
			for (int w = 0; w < WAYS && !stopped; w++)
				load_slot(file, (enum way)w, (enum pattern)p, n % 2 == 0, ns, buf);
		n++;
	}
	take_down();
	munmap(buf, (size_t)TEST_PAGES * PAGE);
	load_print(fs, n);
	if (!overlay && !stopped)
		judge(fs);
	fflush(stdout);
}

/* ---- the cost, on a real disk ---- */

enum cost { COST_RANDOM, COST_HOT, COST_SYNCED, COST_ROW, COSTS };
static const char *const cost_name[COSTS] = { "random, no fsync", "16 hot pages", "fdatasync every 16",
						"in a row, 33 pages" };
static const enum way cost_ways[] = { PLAIN, QUIESCE, QUIESCE_STAT, NOTED_PAGE, NOTED_FILE, DIRECT };
enum { COST_WAYS = sizeof(cost_ways) / sizeof(cost_ways[0]) };

static int cost_file(const char *where, bool direct, size_t step, uint8_t *buf)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/torn.XXXXXX", where);
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		die("%s", path);
	unlink(path);
	for (size_t p = 0; p < COST_PAGES; p += step) {
		fill(buf, step);
		if (pwrite(fd, buf, step * PAGE, (off_t)(p * PAGE)) != (ssize_t)(step * PAGE))
			die("cost: file");
	}
	if (fdatasync(fd) != 0 || (direct && fcntl(fd, F_SETFL, O_DIRECT) != 0))
		die("cost: file");
	return fd;
}

/* What to overwrite n-th. In a row, each overwrite begins with the page that the one before ended with, as requests
 * do whose ends are not on block boundaries. */
static size_t cost_page(enum cost cost, unsigned long n, uint64_t *seed)
{
	if (cost == COST_ROW)
		return n * 32 % (COST_PAGES - 32);
	return draw(seed) % (cost == COST_HOT ? 16 : COST_PAGES);
}

/* Overwrites a second, beginning with a clean file. */
static double cost_slot(int fd, enum way way, enum cost cost, uint64_t ns, uint8_t *buf)
{
	size_t pages = cost == COST_ROW ? 33 : 1;
	memset(noted.page, 0, sizeof(noted.page));
	fdatasync(fd);
	uint64_t seed = now_ns() | 1, start = now_ns(), t = start;
	unsigned long n = 0;
	for (; t < start + ns && !stopped; t = now_ns()) {
		size_t page = cost_page(cost, n, &seed);
		fill(buf, pages);
		overwrite(way, fd, buf, pages * PAGE, (off_t)(page * PAGE));
		if (++n % 16 == 0 && cost == COST_SYNCED && synced(fd) != 0)
			die("fdatasync");
	}
	return (double)n * 1e9 / (double)(t - start);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void cost_main(const char *where, int rounds, uint64_t ns, size_t step)
{
	static double rate[COSTS][COST_WAYS][MAX_ROUNDS];
	int fd[COST_WAYS];
	uint8_t *buf = page_alloc((size_t)TEST_PAGES * PAGE);
	for (int i = 0; i < COST_WAYS; i++)
		fd[i] = cost_file(where, cost_ways[i] == DIRECT, step, buf);
	for (int r = 0; r < rounds; r++)
		for (int c = 0; c < COSTS; c++)
			for (int i = 0; i < COST_WAYS; i++)
				rate[c][i][r] = cost_slot(fd[i], cost_ways[i], (enum cost)c, ns, buf);
	printf("# cost: overwrites a second in a file of %d MiB made by writes of %zu KiB, %d rounds of %.1f s:"
	       " median (least to most)\n",
	       COST_PAGES / 256, step * 4, rounds, (double)ns / 1e9);
	for (int c = 0; c < COSTS; c++)
		for (int i = 0; i < COST_WAYS; i++) {
			double *v = rate[c][i];
			qsort(v, (size_t)rounds, sizeof(*v), by_value);
			printf("# %-20s %-20s %10.0f (%.0f to %.0f)\n", way_name[cost_ways[i]], cost_name[c],
			       v[rounds / 2], v[0], v[rounds - 1]);
		}
	for (int i = 0; i < COST_WAYS; i++)
		close(fd[i]);
	fflush(stdout);
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
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		die("mmap");
	main_pid = getpid();
	atexit(take_down);
	alarm(WATCHDOG_S);
}

int main(int argc, char **argv)
{
	char all[] = "ext4,xfs", *fs = NULL, *save = NULL;
	const char *opts = NULL, *where = ".";
	int rounds = 4, ms = 700, o;
	bool cost = true, torn = true, small = false;
	while ((o = getopt(argc, argv, "t:o:r:s:d:cCS")) != -1) {
		switch (o) {
		case 't': fs = optarg; break;
		case 'o': opts = optarg; break;
		case 'r': rounds = atoi(optarg); break;
		case 's': ms = atoi(optarg); break;
		case 'd': where = optarg; break;
		case 'c': torn = false; break;
		case 'C': cost = false; break;
		case 'S': small = true; break;
		default: return 2;
		}
	}
	if (rounds < 1 || rounds > MAX_ROUNDS || ms < 1)
		return 2;
	if (geteuid() != 0 || access("/dev/fuse", R_OK) != 0 || access("/dev/loop-control", R_OK) != 0) {
		printf("1..0 # SKIP needs root, /dev/fuse and loop devices\n");
		return 77;
	}
	isolate();
	if (!fs) {
		fs = all;
		if (access("/usr/sbin/mkfs.xfs", X_OK) != 0 && access("/sbin/mkfs.xfs", X_OK) != 0)
			all[4] = 0;
	}
	for (char *f = strtok_r(fs, ",", &save); torn && f && !stopped; f = strtok_r(NULL, ",", &save))
		torn_on(f, opts, rounds, (uint64_t)ms * 1000000);
	if (cost && !stopped)
		cost_main(where, rounds, 2 * (uint64_t)ms * 1000000, small ? 1 : TEST_PAGES);
	if (stopped)
		tap(false, "interrupted");
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}
