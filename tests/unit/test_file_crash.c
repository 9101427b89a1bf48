/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a power cut leaves of a file: how it reads, and how file_raise heals it. */
#include "disk.h"
#include "wrap.h"

#define SHORT 500 /* what a short block uses */
#define LAST 1000 /* and the last one */

static struct model model;

/*
 * A file that was written in order, its length durable up to a stream position, and what has become of
 * each of its blocks: '.' as written; 's' as it was when it was the last one, using SHORT; 'z' a page of
 * zeros; 'h' a hole; 'x' a page that does not open; '-' cut off, with all behind it.
 */
struct crash {
	const char *what;
	const char *blocks;
	uint64_t durable;
	int options;
	int want; /* reading it all: 0 or -errno */
	int heal; /* file_raise once it has been synced */
};

enum { HINT = 1, SPARSE = 2 };

static const struct crash crashes[] = {
	{ "whole", "......", 0, 0, 0, 0 },
	{ "whole, hint", "......", 0, HINT, 0, 0 },
	{ "zero page", "...z..", 2 * PAYLOAD, 0, 0, 0 },
	{ "hole, hint", "...h..", 2 * PAYLOAD, HINT, 0, 0 },
	{ "short block", "..s...", 2 * PAYLOAD, 0, 0, 0 },
	{ "all sorts", "..shz.ss.h.", 2 * PAYLOAD, HINT, 0, 0 },
	{ "all sorts, SPARSE", "..shz.ss.h.", 2 * PAYLOAD, HINT | SPARSE, 0, 0 },
	{ "nothing durable", ".s.z.h..", 0, 0, 0, 0 },
	{ "nothing durable, block 0 short", "s....", 0, 0, 0, 0 },
	{ "last page zeros", ".....z", 2 * PAYLOAD, 0, 0, 0 },
	{ "last page a hole, hint", ".....h", 2 * PAYLOAD, HINT, 0, 0 },
	{ "last page a hole, none", ".....h", 2 * PAYLOAD, 0, 0, 0 },
	{ "last page short", ".....s", 2 * PAYLOAD, 0, 0, 0 },
	{ "last page short, hint", ".....s", 2 * PAYLOAD, HINT, 0, 0 },
	{ "all but the first", ".zhzhh", 100, HINT, 0, 0 },
	{ "cut off", "...---", 2 * PAYLOAD, 0, 0, 0 },
	{ "cut off at the durable length", "..----", 2 * PAYLOAD, 0, 0, 0 },

	{ "short behind the durable length", "..s...", 2 * PAYLOAD + SHORT, 0, 0, 0 },
	{ "short before it", "..s...", 2 * PAYLOAD + SHORT + 1, 0, -EBADMSG, -EBADMSG },
	{ "zeros partly below it", "..z...", 2 * PAYLOAD + 1, 0, -EBADMSG, -EBADMSG },
	{ "hole partly below it", "..h...", 2 * PAYLOAD + 1, HINT, -EBADMSG, -EBADMSG },
	{ "hole partly below it, SPARSE", "..h...", 2 * PAYLOAD + 1, SPARSE, 0, 0 },
	{ "last hole partly below it", "..h", 2 * PAYLOAD + 1, HINT, -EBADMSG, -EBADMSG },
	{ "last hole partly below it, SPARSE", "..h", 2 * PAYLOAD + 1, HINT | SPARSE, 0, 0 },
	{ "damaged behind it", "....x.", 2 * PAYLOAD, 0, -EBADMSG, -EBADMSG },
	{ "damaged behind it, SPARSE", "....x.", 2 * PAYLOAD, SPARSE, -EBADMSG, -EBADMSG },
	{ "last damaged", ".....x", 2 * PAYLOAD, HINT, -EBADMSG, -EBADMSG },

	/* Wholly below it nothing is healed and nothing is excused. */
	{ "zeros below", ".z....", 3 * PAYLOAD, 0, -EBADMSG, 0 },
	{ "hole below", ".h....", 3 * PAYLOAD, HINT, -EBADMSG, 0 },
	{ "hole below, SPARSE", ".h....", 3 * PAYLOAD, SPARSE, 0, 0 },
	{ "short below", ".s....", 3 * PAYLOAD, 0, -EBADMSG, 0 },
	{ "short below, SPARSE", ".s....", 3 * PAYLOAD, SPARSE, -EBADMSG, 0 },
	{ "damaged below", ".x....", 3 * PAYLOAD, 0, -EBADMSG, 0 },
	{ "cut off below", "..----", 3 * PAYLOAD, 0, -EBADMSG, 0 },
	{ "cut off below, SPARSE", "..----", 3 * PAYLOAD, SPARSE, -EBADMSG, 0 },
	{ "cut off just below", "..----", 2 * PAYLOAD + 1, 0, -EBADMSG, 0 },
};

/* Grow to that stream position. */
static void grow(struct file *f, struct dice *d, uint64_t len)
{
	uint64_t size = len - HEADER;
	assert_true(size <= MODEL_MAX);
	if (size > model.size)
		model_put(&model, f, d, size - model.size, model.size);
}

static void make_durable(struct file *f)
{
	assert_int_equal(file_sync(f, false), 0);
	assert_int_equal(file_raise(f), 0);
}

/* Set SPARSE and leave no hole. */
static void make_sparse(struct file *f)
{
	assert_int_equal(file_allocate(f, PUNCH, BLOCK_OFF(1), PAYLOAD), 0);
	assert_int_equal(file_write(f, model.bytes + BLOCK_OFF(1), PAYLOAD, BLOCK_OFF(1)), 0);
}

/* Write the file; 'pages' gets those that are to be short. */
static void write_whole(const struct fixture *x, const struct crash *c, uint8_t (*pages)[PAGE])
{
	struct dice d = { 0x5eed };
	uint64_t n = strlen(c->blocks);
	struct file *f _cleanup_file_ = file_at(x, "f");
	memset(&model, 0, sizeof(model));
	assert_int_equal(file_truncate(f, 0), 0);
	for (uint64_t k = 0; k < n; k++) {
		uint64_t start = k * PAYLOAD, used = k == n - 1 ? LAST : PAYLOAD;
		bool here = c->durable > start && c->durable <= start + used;
		if (here && c->durable < start + SHORT) {
			grow(f, &d, c->durable);
			make_durable(f);
		}
		if (c->blocks[k] == 's') {
			grow(f, &d, start + SHORT);
			assert_true(disk_page(file_fd(f), k, pages[k]));
		}
		if (here && c->durable >= start + SHORT) {
			grow(f, &d, c->durable);
			make_durable(f);
		}
		grow(f, &d, start + used);
	}
	if (c->options & SPARSE)
		make_sparse(f);
	if (c->options & HINT)
		assert_int_equal(file_settle(f), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), c->durable);
}

/* What becomes of block k, on disk and in the model. */
static void damage(const struct crash *c, int fd, uint64_t k, const uint8_t *page)
{
	uint64_t last = strlen(c->blocks) - 1, off = BLOCK_OFF(k);
	uint64_t size = (k == last ? LAST : PAYLOAD) - (k == 0 ? HEADER : 0);
	uint64_t at_short = SHORT - (k == 0 ? HEADER : 0);
	switch (c->blocks[k]) {
	case 's':
		disk_put_page(fd, k, page);
		if (k == last)
			model_truncate(&model, off + at_short);
		else
			model_write(&model, NULL, size - at_short, off + at_short);
		break;
	case 'z':
	case 'h':
		if (c->blocks[k] == 'z')
			disk_zero_page(fd, k);
		else
			disk_punch(fd, k, 1);
		model_write(&model, NULL, size, off);
		if (k == last && !(c->options & HINT))
			model_truncate(&model, off + PAYLOAD);
		break;
	case 'x':
		disk_flip(fd, (off_t)(k * PAGE + 2000));
		break;
	case '-':
		if (disk_size(fd) > k * PAGE) {
			disk_cut(fd, k * PAGE);
			model_truncate(&model, off);
		}
		break;
	}
}

/* Returns the file as somebody finds it after the power cut. */
static struct file *crash(const struct fixture *x, const struct crash *c)
{
	static uint8_t pages[MODEL_MAX / PAYLOAD + 1][PAGE];
	write_whole(x, c, pages);
	_cleanup_fd_ int fd = disk_fd(x, "f");
	for (uint64_t k = 0; k < strlen(c->blocks); k++)
		damage(c, fd, k, pages[k]);
	return file_at(x, "f");
}

/* Reading all of it; the other reader must say the same. */
static int read_result(const struct fixture *x, struct file *f)
{
	static uint8_t got[MODEL_MAX], other[MODEL_MAX];
	ssize_t n = file_read(f, got, MODEL_MAX, 0);
	ssize_t m = disk_read(x, file_fd(f), other, MODEL_MAX);
	assert_int_equal(n, m);
	if (n < 0)
		return (int)n;
	assert_memory_equal(got, other, (size_t)n);
	return 0;
}

static void test_reading(void **state)
{
	struct fixture *x = *state;
	for (size_t i = 0; i < N_OF(crashes); i++) {
		print_message("# %s\n", crashes[i].what);
		struct file *f _cleanup_file_ = crash(x, &crashes[i]);
		CHECK_CASE(read_result(x, f) == crashes[i].want, crashes[i].what);
		if (crashes[i].want == 0)
			model_check(&model, f);
	}
}

/* Is everything below the end as it must be below the durable length? */
static void assert_strict(const struct fixture *x, int fd)
{
	struct disk_block b;
	uint64_t len = disk_len(x, fd), pages = content_pages(len);
	bool sparse = disk_sparse(x, fd);
	assert_int_equal(disk_durable(x, fd), len);
	assert_int_equal(disk_size(fd) / PAGE, pages);
	for (uint64_t k = 0; k < pages; k++) {
		int r = disk_open(x, fd, k, &b);
		if (r == -ENOENT && sparse && k < pages - 1)
			continue;
		assert_int_equal(r, 0);
		assert_int_equal(b.used, k == pages - 1 ? content_last_used(len) : PAYLOAD);
	}
}

static bool has_hole(const struct crash *c)
{
	const char *hole = strpbrk(c->blocks, "zh");
	return hole && hole[1] != '\0';
}

static void test_healing(void **state)
{
	struct fixture *x = *state;
	for (size_t i = 0; i < N_OF(crashes); i++) {
		const struct crash *c = &crashes[i];
		print_message("# %s\n", c->what);
		struct file *f _cleanup_file_ = crash(x, c);
		assert_int_equal(file_sync(f, false), 0);
		CHECK_CASE(file_raise(f) == c->heal, c->what);
		if (c->heal < 0)
			assert_int_equal(disk_durable(x, file_fd(f)), c->durable);
		if (c->want < 0)
			continue;
		model_check(&model, f);
		assert_true(file_is_whole(f));
		assert_strict(x, file_fd(f));
		assert_int_equal(disk_sparse(x, file_fd(f)), (c->options & SPARSE) || has_hole(c));
		model_check_disk(&model, x, "f");
	}
}

/* Healing the same files while they are being written, cut and closed again. */
static void test_healing_changed(void **state)
{
	struct fixture *x = *state;
	struct dice d = { 0x5eed0002 };
	print_message("# seed %#llx\n", (unsigned long long)d.s);
	for (size_t i = 0; i < 3 * N_OF(crashes); i++) {
		const struct crash *c = &crashes[i % N_OF(crashes)];
		if (c->want < 0)
			continue;
		struct file *f _cleanup_file_ = crash(x, c);
		uint64_t off = dice_below(&d, model.size);
		model_put(&model, f, &d, 1 + dice_below(&d, 9000), off);
		model_check(&model, f);
		off = 1 + dice_below(&d, model.size + 5000);
		model_truncate(&model, off);
		assert_int_equal(file_truncate(f, off), 0);
		model_check(&model, f);
		model_check_disk(&model, x, "f");
		assert_int_equal(file_settle(f), 0);
		make_durable(f);
		model_check(&model, f);
		assert_strict(x, file_fd(f));
		model_check_disk(&model, x, "f");
	}
}

/* More blocks than are healed in one step. */
static void test_healing_in_steps(void **state)
{
	struct fixture *x = *state;
	char blocks[SCRATCH_BYTES / PAYLOAD + 1] = { 0 };
	memset(blocks, '.', sizeof(blocks) - 1);
	for (size_t k = 3; k < sizeof(blocks) - 1; k += 5)
		blocks[k] = "shz"[k % 3];
	const struct crash c = { "in steps", blocks, PAYLOAD, HINT, 0, 0 };
	struct file *f _cleanup_file_ = crash(x, &c);
	make_durable(f);
	model_check(&model, f);
	assert_strict(x, file_fd(f));
	model_check_disk(&model, x, "f");
}

static const struct crash some = { "some", "..s.h.", 2 * PAYLOAD, HINT, 0, 0 };

/* Who only reads changes nothing on disk. */
static void test_not_raised_not_healed(void **state)
{
	struct fixture *x = *state;
	struct disk_block b;
	struct file *f _cleanup_file_ = crash(x, &some);
	assert_int_equal(file_raise(f), 0);
	assert_false(file_is_whole(f));
	assert_int_equal(disk_durable(x, file_fd(f)), some.durable);
	assert_int_equal(disk_open(x, file_fd(f), 2, &b), 0);
	assert_int_equal(b.used, SHORT);
}

/* Its maker knows that nothing is missing: what is, is damage. */
static void test_told_whole(void **state)
{
	struct fixture *x = *state;
	uint8_t got[16];
	file_free(crash(x, &some));
	struct file *f _cleanup_file_ = file_new(x->st, true);
	assert_int_equal(file_attach(f, disk_fd(x, "f"), true), 0);
	assert_true(file_is_whole(f));
	assert_int_equal(file_read(f, got, 16, BLOCK_OFF(4)), -EBADMSG);
	assert_int_equal(file_read(f, got, 16, BLOCK_OFF(2)), -EBADMSG);
	assert_int_equal(file_read(f, got, 16, BLOCK_OFF(3)), 16);
}

/* Who wrote it knows that too. */
static void test_written_here(void **state)
{
	struct fixture *x = *state;
	uint8_t got[16];
	x->st->alone = true; /* in shared mode it would look again, and know less */
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 20000);
	disk_zero_page(file_fd(f), 2);
	assert_int_equal(file_read(f, got, 16, BLOCK_OFF(2)), -EBADMSG);
	assert_int_equal(file_read(f, got, 16, BLOCK_OFF(1)), 16);
}

/* The healed blocks are on disk before the durable length passes them. */
static struct fixture *in_fixture;
static uint64_t seen_durable;
static bool seen_healed;

static void look_in_sync(int fd)
{
	struct disk_block b;
	seen_durable = disk_durable(in_fixture, fd);
	seen_healed = disk_open(in_fixture, fd, 2, &b) == 0 && b.used == PAYLOAD;
}

static void test_healed_before_raised(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = crash(x, &some);
	assert_int_equal(file_sync(f, false), 0);
	in_fixture = x;
	wrap.before = look_in_sync;
	wrap.sync.calls = 0;
	assert_int_equal(file_raise(f), 0);
	assert_true(wrap.sync.calls > 0);
	assert_int_equal(seen_durable, some.durable);
	assert_true(seen_healed);
	assert_strict(x, file_fd(f));
}

/* If they do not get there it does not, then or later: the kernel will not tell again. */
static void test_healing_fails(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = crash(x, &some);
	assert_int_equal(file_sync(f, false), 0);
	wrap.sync.fail = 1;
	assert_int_equal(file_raise(f), -EIO);
	assert_int_equal(disk_durable(x, file_fd(f)), some.durable);
	model_check(&model, f);
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), some.durable);
	assert_int_equal(file_sync(f, false), -EIO);
}

static void test_healing_keeps_mtime(void **state)
{
	struct fixture *x = *state;
	const struct timespec old[2] = { { 1000, 5 }, { 2000, 7 } };
	struct stat sb;
	struct file *f _cleanup_file_ = crash(x, &some);
	assert_int_equal(file_set_times(f, old), 0);
	make_durable(f);
	assert_int_equal(file_stat(f, &sb), 0);
	assert_int_equal(sb.st_mtim.tv_sec, 2000);
	assert_int_equal(sb.st_mtim.tv_nsec, 7);
}

/* Pages missing below the durable length do not become holes of a SPARSE file because it is written to. */
static void test_missing_stays_missing(void **state)
{
	struct fixture *x = *state;
	uint8_t got[16];
	const uint64_t size = 5 * PAYLOAD - HEADER;
	for (int full = 0; full < 2; full++) {
		struct file *before _cleanup_file_ =
			model_file(&model, x, "f", full ? size : size - 1);
		make_sparse(before);
		make_durable(before);
		disk_cut(file_fd(before), 3 * PAGE);
		struct file *f _cleanup_file_ = file_at(x, "f");
		assert_int_equal(file_read(f, got, 16, BLOCK_OFF(3)), -EBADMSG);
		(void)file_write(f, "more", 4, file_size(f));
		(void)file_settle(f);
		struct file *again _cleanup_file_ = file_at(x, "f");
		assert_int_equal(file_read(again, got, 16, BLOCK_OFF(3)), -EBADMSG);
	}
}

/* A write that lies within the missing part does not make a hole of the rest. */
static void test_missing_not_filled(void **state)
{
	struct fixture *x = *state;
	static const uint8_t block[PAYLOAD];
	uint8_t got[16];
	struct file *before _cleanup_file_ = model_file(&model, x, "f", 9 * PAYLOAD - HEADER);
	make_sparse(before);
	make_durable(before);
	disk_cut(file_fd(before), 3 * PAGE);
	struct file *f _cleanup_file_ = file_at(x, "f");
	assert_int_equal(file_write(f, block, PAYLOAD, BLOCK_OFF(6)), -EBADMSG);
	assert_int_equal(file_write(f, "here", 4, BLOCK_OFF(2)), 0);
	struct file *again _cleanup_file_ = file_at(x, "f");
	assert_int_equal(file_read(again, got, 16, BLOCK_OFF(4)), -EBADMSG);
	assert_int_equal(file_read(again, got, 4, BLOCK_OFF(2)), 4);
	assert_memory_equal(got, "here", 4);
}

/* A hostile file: nearly all of it is a hole. Healing looks at what is there, not at every page. */
static unsigned int reads;

ssize_t __real_io_pread_full(int fd, void *buf, size_t n, off_t off);
ssize_t __wrap_io_pread_full(int fd, void *buf, size_t n, off_t off);

ssize_t __wrap_io_pread_full(int fd, void *buf, size_t n, off_t off)
{
	reads++;
	assert_true(reads < 1000000);
	return __real_io_pread_full(fd, buf, n, off);
}

static void test_huge_hole(void **state)
{
	struct fixture *x = *state;
	struct disk_block b;
	const uint64_t pages = (uint64_t)1 << 28;
	struct file *before _cleanup_file_ = model_file(&model, x, "f", 2 * PAYLOAD);
	make_durable(before);
	disk_cut(file_fd(before), pages * PAGE + 77);
	struct file *f _cleanup_file_ = file_at(x, "f");
	uint64_t len = (pages - 1) * PAYLOAD + 77;
	assert_int_equal(file_size(f), len - HEADER);
	reads = 0;
	make_durable(f);
	assert_true(reads < 1000);
	assert_int_equal(disk_durable(x, file_fd(f)), len);
	assert_true(disk_sparse(x, file_fd(f)));
	assert_int_equal(disk_open(x, file_fd(f), pages - 1, &b), 0);
	assert_int_equal(b.used, 77);
}

static int setup(void **state)
{
	reads = 0;
	return wrap_setup(state);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_reading),
		T(test_healing),
		T(test_healing_changed),
		T(test_healing_in_steps),
		T(test_not_raised_not_healed),
		T(test_told_whole),
		T(test_written_here),
		T(test_healed_before_raised),
		T(test_healing_fails),
		T(test_healing_keeps_mtime),
		T(test_missing_stays_missing),
		T(test_missing_not_filled),
		T(test_huge_hole),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
