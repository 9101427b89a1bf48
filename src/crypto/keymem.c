/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * First fit over cells of 64 bytes. Pieces are few and small (keys, expanded keys, cipher
 * contexts), so what matters is that one mmap, one mlock and one pair of guard pages serve all.
 */
#include "crypto/keymem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/log.h"

#define CELL 64u
#define ARENA_MAX (1024u * 1024u)

/* RLIMIT_MEMLOCK was 64 KiB for long, and libsodium's canary takes a page of it; multiples of any
 * page size up to 16 KiB. */
static const size_t sizes[] = { ARENA_MAX, 256 * 1024, 128 * 1024, 64 * 1024, 48 * 1024 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint8_t *arena; /* NULL before init and after exit */
static bool is_secret; /* of memfd_secret(2), else of sodium_malloc */
static size_t n_cells;
static size_t first_free; /* no cell before this one is free */
static size_t cells_used;
static uint16_t runs[ARENA_MAX / CELL]; /* at a piece's first cell: its cells; 0 at a free cell */

/* Memory that the kernel itself has no mapping of (Linux 5.14): neither /proc/PID/mem nor a fault of the kernel's gets
 * at it, nor a hibernation image, which is not made while there is any. It is locked, and between guard pages. */
static uint8_t *secret_arena(size_t size)
{
#ifdef SYS_memfd_secret
	const size_t guard = (size_t)sysconf(_SC_PAGESIZE);
	_cleanup_fd_ int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return NULL;
	uint8_t *around = mmap(NULL, size + 2 * guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (around == MAP_FAILED)
		return NULL;
	if (mmap(around + guard, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ||
	    madvise(around + guard, size, MADV_DONTFORK) < 0) {
		(void)munmap(around, size + 2 * guard);
		return NULL;
	}
	return around + guard;
#else
	(void)size;
	return NULL;
#endif
}

static void free_arena(uint8_t *p, size_t size)
{
	sodium_memzero(p, size);
	if (!is_secret) {
		sodium_free(p);
		return;
	}
	const size_t guard = (size_t)sysconf(_SC_PAGESIZE);
	(void)munmap(p - guard, size + 2 * guard);
}

/* sodium_malloc doesn't mind when mlock fails; we do. Locking twice does no harm. A forked child is to have none of it:
 * it would hold keys in memory that is not locked, and some children load what we do not know. */
static uint8_t *locked_arena(size_t size)
{
	uint8_t *p = sodium_malloc(size);
	if (p && (mlock(p, size) < 0 || madvise(p, size, MADV_DONTFORK) < 0)) {
		sodium_free(p);
		return NULL;
	}
	return p;
}

/* What the arena's owner forked has no arena (its pages are not there), and may make one of its own. */
static void forget(void)
{
	arena = NULL;
	n_cells = 0;
	cells_used = 0;
	sodium_memzero(runs, sizeof(runs));
}

static void forget_at_fork(void)
{
	(void)pthread_atfork(NULL, NULL, forget);
}

int keymem_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	SCOPED_LOCK(&mutex);
	if (arena)
		return 0;
	if (sodium_init() < 0)
		return -EIO;
	(void)pthread_once(&once, forget_at_fork);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !arena; i++) {
		arena = secret_arena(sizes[i]);
		is_secret = arena != NULL;
		if (!arena)
			arena = locked_arena(sizes[i]);
		n_cells = sizes[i] / CELL;
	}
	if (!arena)
		return -ENOMEM;
	sodium_memzero(arena, n_cells * CELL);
	first_free = 0;
	cells_used = 0;
	return 0;
}

/* The first of 'want' free cells in a row, or n_cells. */
static size_t find_cells(size_t want)
{
	size_t start = first_free;
	size_t i = first_free;
	while (i < n_cells && i - start < want) {
		if (runs[i] > 0) {
			i += runs[i];
			start = i;
		} else {
			i++;
		}
	}
	return i - start >= want ? start : n_cells;
}

void *keymem_alloc(size_t n)
{
	size_t want = n / CELL + (n % CELL != 0 || n == 0);
	SCOPED_LOCK(&mutex);
	if (!arena || want > n_cells)
		return NULL;
	size_t at = find_cells(want);
	if (at == n_cells)
		return NULL;
	runs[at] = (uint16_t)want;
	if (at == first_free)
		first_free = at + want;
	cells_used += want;
	return arena + at * CELL;
}

void keymem_free(void *p)
{
	if (!p)
		return;
	SCOPED_LOCK(&mutex);
	size_t off = (size_t)((uint8_t *)p - arena);
	size_t at = off / CELL;
	if (!arena || off % CELL != 0 || at >= n_cells || runs[at] == 0) {
		log_error("keymem: freeing what was not allocated");
		abort();
	}
	sodium_memzero(p, (size_t)runs[at] * CELL);
	cells_used -= runs[at];
	runs[at] = 0;
	if (at < first_free)
		first_free = at;
}

size_t keymem_in_use(void)
{
	SCOPED_LOCK(&mutex);
	return cells_used * CELL;
}

const char *keymem_kind(void)
{
	SCOPED_LOCK(&mutex);
	return !arena ? "none" : is_secret ? "locked, and hidden from the kernel (memfd_secret)" : "locked";
}

void keymem_wipe(void *p, size_t n)
{
	sodium_memzero(p, n);
}

bool keymem_equal(const void *a, const void *b, size_t n)
{
	return sodium_memcmp(a, b, n) == 0;
}

void keymem_exit(void)
{
	SCOPED_LOCK(&mutex);
	if (!arena)
		return;
	free_arena(arena, n_cells * CELL);
	forget();
}
