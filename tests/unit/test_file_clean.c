/* SPDX-License-Identifier: GPL-3.0-or-later */
/* No page that the disk may hold is changed while it is dirty, and not more is written back for that than need be. */
#include "disk.h"
#include "wrap.h"

#define PAGES 4096

int __real_io_pwrite_full(int fd, const void *buf, size_t n, off_t off);
int __wrap_io_pwrite_full(int fd, const void *buf, size_t n, off_t off);

/* The page cache of the one file: what is dirty, and what an fsync may have put on the disk. */
static bool dirty[PAGES], old[PAGES];
static unsigned int torn;

static struct file *reopened(const struct fixture *x, struct file *f)
{
	file_free(f);
	f = file_at(x, "f");
	/* What may be on the disk by now is not known. */
	for (size_t k = 0; k < disk_size(file_fd(f)) / PAGE; k++)
		old[k] = true;
	return f;
}

static void cut(struct file *f, uint64_t size)
{
	assert_int_equal(file_truncate(f, size), 0);
	for (size_t k = disk_size(file_fd(f)) / PAGE; k < PAGES; k++)
		old[k] = dirty[k] = false;
}

static void cleaned(off_t off, off_t n)
{
	for (size_t k = (size_t)off / PAGE; k < PAGES && (n == 0 || k < (size_t)(off + n) / PAGE); k++)
		dirty[k] = false;
}

static void synced(int fd)
{
	(void)fd;
	cleaned(0, 0);
}

int __wrap_io_pwrite_full(int fd, const void *buf, size_t n, off_t off)
{
	for (size_t k = (size_t)off / PAGE; k < ((size_t)off + n) / PAGE; k++) {
		torn += k >= PAGES || (old[k] && dirty[k]);
		dirty[k] = true;
	}
	return __real_io_pwrite_full(fd, buf, n, off);
}

/* A sync begins: from now on what is there may be on the disk. */
static void begin_sync(struct file *f)
{
	for (size_t k = 0; k < PAGES; k++)
		old[k] |= dirty[k];
	file_mark(f);
}

static void sync_file(struct file *f)
{
	begin_sync(f);
	assert_int_equal(file_sync(f, true), 0);
}

static int setup(void **state)
{
	int r = wrap_setup(state);
	struct fixture *x = *state;
	wrap.before = synced;
	wrap.written = cleaned;
	memset(dirty, 0, sizeof(dirty));
	memset(old, 0, sizeof(old));
	torn = 0;
	if (r == 0)
		x->st->alone = x->st->by_page = true;
	return r;
}

static void put(struct file *f, uint64_t k, uint64_t n)
{
	static uint8_t bytes[SCRATCH_BYTES];
	assert_int_equal(file_write(f, bytes, (size_t)(n * PAYLOAD), BLOCK_OFF(k)), 0);
}

static struct file *filled(const struct fixture *x, uint64_t n)
{
	struct file *f = file_at(x, "f");
	for (uint64_t k = 0; k < n; k += 16)
		put(f, k, 16);
	return f;
}

/* Everything that there is, for a long time, with somebody who writes back unasked. */
static void test_any(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 7 };
	struct file *f = filled(x, 1024);
	for (int i = 0; i < 60000; i++) {
		uint64_t dice = dice_below(&d, 1000);
		uint64_t k = dice_below(&d, dice_below(&d, 2) ? 64 : 2048);
		if (dice < 960)
			put(f, k, 1 + (dice_below(&d, 20) == 0) * dice_below(&d, 16));
		else if (dice < 970)
			cleaned((off_t)(k * PAGE), PAGE);
		else if (dice < 975)
			sync_file(f);
		else if (dice < 978)
			begin_sync(f);
		else if (dice < 980)
			assert_int_equal(file_raise(f), 0);
		else if (dice < 985)
			cut(f, dice_below(&d, 2048 * PAYLOAD));
		else if (dice < 990)
			assert_int_equal(file_allocate(f, PUNCH, k * PAYLOAD, 3 * PAYLOAD), 0);
		else if (dice < 992)
			f = reopened(x, f);
		assert_int_equal(torn, 0);
	}
	file_free(f);
}

/* Once it is known what is dirty, a page that is not needs nothing; one that is takes all with it. */
static void test_noted(void **state)
{
	struct fixture *x = *state;
	struct file *f = filled(x, 2048);
	f = reopened(x, f);
	for (uint64_t k = 0; k < 100; k++)
		put(f, 2 * k, 1);
	unsigned int calls = wrap.range.calls;
	assert_in_range(calls, 50, 80);
	for (uint64_t k = 100; k < 600; k++)
		put(f, 2 * k, 1);
	assert_int_equal(wrap.range.calls, calls);
	for (uint64_t k = 100; k < 600; k++)
		put(f, 2 * k, 1);
	assert_int_equal(wrap.range.calls, calls + 1);
	assert_int_equal(torn, 0);
	file_free(f);
}

/* What has been written in large amounts is not waited for in one go. */
static void test_much(void **state)
{
	struct fixture *x = *state;
	struct file *f = filled(x, 3072);
	sync_file(f);
	for (uint64_t k = 0; k < 100; k++)
		put(f, k, 1);
	for (uint64_t k = 0; k < 3072; k += 16)
		put(f, k, 16);
	dirty[3000] = true;
	put(f, 5, 1);
	assert_true(dirty[3000]);
	assert_int_equal(torn, 0);
	file_free(f);
}

/* Another may write as well; or the filesystem below may write out a clean page with its neighbour. */
static void test_not_noted(void **state)
{
	struct fixture *x = *state;
	for (int i = 0; i < 2; i++) {
		x->st->alone = i == 0;
		x->st->by_page = i == 1;
		struct file *f = filled(x, 256);
		sync_file(f);
		unsigned int calls = wrap.range.calls;
		for (uint64_t k = 0; k < 256; k++)
			put(f, k, 1);
		assert_int_equal(wrap.range.calls, calls + 256);
		cut(f, 0);
		file_free(f);
	}
}

/* That writing back fails is told by this write or by the next fsync, whoever noticed. */
static void test_error(void **state)
{
	struct fixture *x = *state;
	for (unsigned int after = 60; after < 70; after++) {
		struct file *f = filled(x, 256);
		sync_file(f);
		for (uint64_t k = 0; k < after; k++)
			put(f, k, 1);
		wrap.range.fail = 1;
		uint8_t c = 1;
		for (uint64_t k = after; k < 256 && wrap.range.fail == 1; k++)
			(void)file_write(f, &c, 1, BLOCK_OFF(k % 8));
		assert_int_equal(wrap.range.fail, 0);
		assert_int_equal(file_sync(f, true), -EIO);
		cut(f, 0);
		file_free(f);
	}
}

#define CLEAN_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLEAN_TEST(test_any),	    CLEAN_TEST(test_noted), CLEAN_TEST(test_much),
		CLEAN_TEST(test_not_noted), CLEAN_TEST(test_error),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
