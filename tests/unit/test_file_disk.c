/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file's pages as they lie on disk: sealed, damaged, without their first, and with a size hint. */
#include "disk.h"

static struct model model;
static bool time_stands; /* as for changes between two ticks of the kernel's clock */

static unsigned int waits;

int __wrap_nanosleep(const struct timespec *t, struct timespec *left);
int __wrap_nanosleep(const struct timespec *t, struct timespec *left)
{
	(void)t;
	(void)left;
	waits++;
	return 0;
}

int __real_fstat(int fd, struct stat *sb);
int __wrap_fstat(int fd, struct stat *sb);
int __wrap_fstat(int fd, struct stat *sb)
{
	int r = __real_fstat(fd, sb);
	if (r == 0 && time_stands)
		sb->st_ctim = (struct timespec){ 1000, 0 };
	return r;
}

/* No page shares its nonce with another or with what it was before, and nothing lies there in the clear. */
static void test_sealed(void **state)
{
	struct fixture *x = *state;
	uint8_t pages[12][PAGE];
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 6 * PAYLOAD - HEADER);
	memset(model.bytes, 'A', sizeof(model.bytes));
	for (int round = 0; round < 2; round++) {
		assert_int_equal(file_write(f, model.bytes, (size_t)model.size, 0), 0);
		for (uint64_t k = 0; k < 6; k++) {
			uint8_t *page = pages[6 * (uint64_t)round + k];
			assert_true(disk_page(file_fd(f), k, page));
			assert_null(memmem(page, PAGE, "AAAAAA", 6));
		}
	}
	for (int i = 0; i < 12; i++)
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(pages[i], pages[j], CONTENT_NONCE_LEN);
}

/* A file that begins anew has a new nonce, so that pages of before do not open in it. */
static void test_file_nonce(void **state)
{
	struct fixture *x = *state;
	uint8_t before[PAGE], page[PAGE], byte;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 9000);
	assert_true(disk_page(file_fd(f), 1, before));
	assert_int_equal(file_truncate(f, 0), 0);
	assert_int_equal(file_write(f, model.bytes, 9000, 0), 0);
	disk_put_page(file_fd(f), 1, before);
	assert_int_equal(file_read(f, &byte, 1, 5000), -EBADMSG);
	assert_true(disk_page(file_fd(f), 0, page));
	assert_int_equal(file_write(f, model.bytes, 9000, 0), 0);
	assert_true(disk_page(file_fd(f), 0, before));
	assert_memory_equal(page + 64, before + 64, HEADER);
}

static void test_damage(void **state)
{
	struct fixture *x = *state;
	uint8_t page[PAGE], other[PAGE], got[64];
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 5 * PAYLOAD);
	int fd = file_fd(f);
	const off_t at[] = { 0, 23, 24, 39, 40, 41, 63, 64, 4095 };
	for (size_t i = 0; i < N_OF(at); i++) {
		disk_flip(fd, 2 * PAGE + at[i]);
		assert_int_equal(file_read(f, got, 64, BLOCK_OFF(2)), -EBADMSG);
		assert_int_equal(file_write(f, got, 64, BLOCK_OFF(2)), -EBADMSG);
		assert_int_equal(file_read(f, got, 64, BLOCK_OFF(3)), 64);
		disk_flip(fd, 2 * PAGE + at[i]);
	}
	assert_true(disk_page(fd, 2, page) && disk_page(fd, 3, other));
	disk_put_page(fd, 2, other);
	assert_int_equal(file_read(f, got, 64, BLOCK_OFF(2)), -EBADMSG);
	disk_put_page(fd, 2, page);
	model_check(&model, f);
}

/* Written over whole, a damaged block is sound again. */
static void test_damage_written_over(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 5 * PAYLOAD);
	disk_flip(file_fd(f), 2 * PAGE + 100);
	assert_int_equal(file_write(f, model.bytes + BLOCK_OFF(2), PAYLOAD, BLOCK_OFF(2)), 0);
	model_check_disk(&model, x, "f");
}

/* Sealed by one who may, and wrong. */
static void test_meta_damaged(void **state)
{
	struct fixture *x = *state;
	uint8_t got[8];
	struct disk_block b;
	const uint16_t bad[] = { 0, PAYLOAD + 1, UINT16_MAX };
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 3 * PAYLOAD);
	assert_int_equal(disk_open(x, file_fd(f), 1, &b), 0);
	for (size_t i = 0; i < N_OF(bad); i++) {
		b.used = bad[i];
		disk_seal(x, file_fd(f), 1, &b);
		assert_int_equal(file_read(f, got, 8, BLOCK_OFF(1)), -EUCLEAN);
	}
	b.used = PAYLOAD;
	b.durable = 1;
	disk_seal(x, file_fd(f), 1, &b);
	assert_int_equal(file_read(f, got, 8, BLOCK_OFF(1)), -EUCLEAN);
	b.durable = 0;
	disk_seal(x, file_fd(f), 1, &b);
	model_check_disk(&model, x, "f");
}

/* What stands behind 'used' never comes back, in the last block or one that a power cut left short. */
static void test_behind_used(void **state)
{
	struct fixture *x = *state;
	struct disk_block b;
	const uint16_t used = 1000;
	file_free(model_file(&model, x, "f", 2 * PAYLOAD + used - HEADER));
	_cleanup_fd_ int fd = disk_fd(x, "f");
	assert_int_equal(disk_open(x, fd, 2, &b), 0);
	memset(b.payload + used, 'X', PAYLOAD - used);
	disk_seal(x, fd, 2, &b);
	assert_int_equal(disk_open(x, fd, 1, &b), 0);
	memset(b.payload + used, 'X', PAYLOAD - used);
	b.used = used;
	disk_seal(x, fd, 1, &b);
	model_write(&model, NULL, PAYLOAD - used, BLOCK_OFF(1) + used);
	struct file *f _cleanup_file_ = file_at(x, "f");
	model_check(&model, f);
	assert_int_equal(file_truncate(f, 3 * PAYLOAD), 0);
	model_truncate(&model, 3 * PAYLOAD);
	model_check(&model, f);
}

/* Page 0, whatever is wrong with it. */
static const struct {
	const char *what;
	off_t at;
	int want;
} first_pages[] = {
	{ "nonce", 0, -EBADMSG },
	{ "tag", 24, -EBADMSG },
	{ "used", 40, -EBADMSG },
	{ "durable length", 48, -EBADMSG },
	{ "magic", 64, -EUCLEAN },
	{ "version", 72, -EUCLEAN },
	{ "epoch", 74, -EBADMSG },
	{ "SPARSE", 76, -EBADMSG },
	{ "unknown flag", 77, -EPROTONOSUPPORT },
	{ "file nonce", 80, -EBADMSG },
	{ "header's padding", 104, -EUCLEAN },
	{ "payload", 128, -EBADMSG },
	{ "padding", 4095, -EBADMSG },
};

static void test_first_page_damaged(void **state)
{
	struct fixture *x = *state;
	for (size_t i = 0; i < N_OF(first_pages); i++) {
		struct file *before _cleanup_file_ = model_file(&model, x, "f", 9000);
		disk_flip(file_fd(before), first_pages[i].at);
		int r;
		uint8_t got[8];
		struct file *f _cleanup_file_ = file_found(x, "f", true, &r);
		CHECK_CASE(r == first_pages[i].want, first_pages[i].what);
		CHECK_CASE(file_read(f, got, 8, 5000) == -EBADMSG, first_pages[i].what);
		CHECK_CASE(file_write(f, got, 8, 5000) == -EBADMSG, first_pages[i].what);
		CHECK_CASE(file_truncate(f, 5000) == -EBADMSG, first_pages[i].what);
		CHECK_CASE(file_allocate(f, 0, 0, 10) == -EBADMSG, first_pages[i].what);
		CHECK_CASE(file_seek(f, 0, SEEK_DATA) == -EBADMSG, first_pages[i].what);
		CHECK_CASE(file_settle(f) == 0 && file_raise(f) == 0, first_pages[i].what);
		CHECK_CASE(!file_is_open(f, false), first_pages[i].what);
		disk_flip(file_fd(f), first_pages[i].at);
	}
}

/* A file whose first page does not open. */
static struct file *first_page_damaged(struct fixture *x)
{
	int r;
	struct file *before _cleanup_file_ = model_file(&model, x, "f", 9000);
	disk_flip(file_fd(before), 200);
	struct file *f = file_found(x, "f", true, &r);
	assert_int_equal(r, -EBADMSG);
	return f;
}

/* The way out: empty it. */
static void test_first_page_damaged_emptied(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = first_page_damaged(x);
	assert_int_equal(file_truncate(f, 0), 0);
	assert_int_equal(disk_size(file_fd(f)), 0);
	assert_true(file_is_open(f, true));
	model_fill(&model, 5000);
	assert_int_equal(file_write(f, model.bytes, 5000, 0), 0);
	model_check(&model, f);
	model_check_disk(&model, x, "f");
}

/* Attached again after a failure, it loads again. */
static void test_attach_again(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = first_page_damaged(x);
	disk_flip(file_fd(f), 200);
	assert_int_equal(file_attach(f, disk_fd(x, "f"), true), 0);
	model_check(&model, f);
}

/* Zeros where the first write should be: an empty file, if there is nothing else. */
static void test_first_page_lost(void **state)
{
	struct fixture *x = *state;
	const uint64_t lost[] = {
		1, 100, 4095, 4096, 4196, 3 * PAGE, 3 * PAGE + 70, (uint64_t)1 << 40,
	};
	for (size_t i = 0; i < N_OF(lost); i++) {
		_cleanup_fd_ int fd = disk_fd(x, "f");
		disk_cut(fd, 0);
		disk_cut(fd, lost[i]);
		struct file *f _cleanup_file_ = file_at(x, "f");
		assert_int_equal(file_size(f), 0);
		model_fill(&model, 3);
		assert_int_equal(file_write(f, model.bytes, 3, 0), 0);
		model_check_disk(&model, x, "f");
		assert_int_equal(disk_size(fd), PAGE);
	}
}

static void test_first_page_lost_not_all(void **state)
{
	struct fixture *x = *state;
	const struct {
		uint64_t size;
		off_t byte;
	} lost[] = { { 1, 0 }, { 4095, 4094 }, { 8192, 4096 }, { 12288, 12287 }, { 4100, 4099 } };
	for (size_t i = 0; i < N_OF(lost); i++) {
		int r;
		_cleanup_fd_ int fd = disk_fd(x, "f");
		disk_cut(fd, 0);
		disk_cut(fd, lost[i].size);
		disk_flip(fd, lost[i].byte);
		struct file *f _cleanup_file_ = file_found(x, "f", true, &r);
		assert_int_equal(r, -EUCLEAN);
		assert_int_equal(file_truncate(f, 0), 0);
		assert_int_equal(disk_size(fd), 0);
	}
}

/* So many bytes of zeros that are no hole. */
static void write_zeros(int fd, size_t n, off_t at)
{
	static const uint8_t zeros[SCRATCH_BYTES];
	for (; n > 0; n -= SCRATCH_BYTES, at += SCRATCH_BYTES)
		assert_int_equal(pwrite(fd, zeros, SCRATCH_BYTES, at), SCRATCH_BYTES);
}

/* The same where a filesystem has written the zeros: all of them are looked at, holes are not. */
static void test_first_page_lost_zeros(void **state)
{
	struct fixture *x = *state;
	_cleanup_fd_ int fd = disk_fd(x, "f");
	write_zeros(fd, 3 * SCRATCH_BYTES, 0);
	write_zeros(fd, SCRATCH_BYTES, (off_t)1 << 35);
	disk_cut(fd, (uint64_t)1 << 40);
	struct file *f _cleanup_file_ = file_at(x, "f");
	assert_int_equal(file_size(f), 0);

	const off_t bytes[] = { 2 * SCRATCH_BYTES + 77, 3 * SCRATCH_BYTES - 1, ((off_t)1 << 35) + 5, (off_t)1 << 39 };
	for (size_t i = 0; i < N_OF(bytes); i++) {
		int r;
		disk_flip(fd, bytes[i]);
		file_free(file_found(x, "f", true, &r));
		assert_int_equal(r, -EUCLEAN);
		disk_flip(fd, bytes[i]);
	}
	model_fill(&model, 3);
	assert_int_equal(file_write(f, model.bytes, 3, 0), 0);
	model_check_disk(&model, x, "f");
	assert_int_equal(disk_size(fd), PAGE);
}

/* Up to a limit, behind which it is damage, whatever there is. */
static void test_first_page_lost_many_zeros(void **state)
{
	struct fixture *x = *state;
	const size_t most = 64 * (size_t)SCRATCH_BYTES;
	int r;
	_cleanup_fd_ int fd = disk_fd(x, "f");
	write_zeros(fd, most, 0);
	{
		struct file *f _cleanup_file_ = file_at(x, "f");
		assert_int_equal(file_size(f), 0);
	}
	write_zeros(fd, SCRATCH_BYTES, (off_t)most);
	struct file *f _cleanup_file_ = file_found(x, "f", true, &r);
	assert_int_equal(r, -EUCLEAN);
	assert_int_equal(file_truncate(f, 0), 0);
}

/* ---- the size hint ---- */

static void test_hint_wrong(void **state)
{
	struct fixture *x = *state;
	for (size_t i = 0; i < N_OF(border_sizes); i++) {
		struct file *f _cleanup_file_ = model_file(&model, x, "f", border_sizes[i]);
		uint64_t pages = disk_size(file_fd(f)) / PAGE;
		for (uint64_t h = 0; pages > 0 && h < PAGE; h += h == 4032 ? 1 : 63) {
			uint64_t told;
			disk_cut(file_fd(f), pages * PAGE + h);
			struct file *again _cleanup_file_ = file_at(x, "f");
			model_check(&model, again);
			bool misled =
				content_hint(pages * PAGE + h, &told) && told != border_sizes[i];
			assert_int_equal(file_hint_was_wrong(again), misled);
		}
	}
}

/* Which a writer then puts right, and one who changes the length takes off first: also what is no hint at all. */
static void test_hint_mended(void **state)
{
	struct fixture *x = *state;
	const uint64_t wrong[] = { 0, 5, 1072, 4031, 4032, 4033, 4095 };
	for (size_t i = 0; i < N_OF(wrong); i++) {
		struct file *before _cleanup_file_ = model_file(&model, x, "f", 9000);
		disk_cut(file_fd(before), 3 * PAGE + wrong[i]);
		struct file *f _cleanup_file_ = file_at(x, "f");
		assert_int_equal(file_settle(f), 0);
		assert_int_equal(disk_size(file_fd(f)), content_cipher_size(9000 + HEADER, true));
		assert_int_equal(file_write(f, "x", 1, 9000), 0);
		assert_int_equal(disk_size(file_fd(f)), 3 * PAGE);
		assert_int_equal(file_settle(f), 0);
		assert_int_equal(disk_size(file_fd(f)), content_cipher_size(9001 + HEADER, true));
		assert_int_equal(file_write(f, "x", 1, 3), 0);
		assert_int_equal(disk_size(file_fd(f)), content_cipher_size(9001 + HEADER, true));
		assert_int_equal(file_truncate(f, 8999), 0);
		assert_int_equal(disk_size(file_fd(f)), 3 * PAGE);
	}
}

/* In a file of one page no hint is less than 65. */
static void test_hint_of_one_page(void **state)
{
	struct fixture *x = *state;
	const uint64_t wrong[] = { 1, 64, 65, 4033, 4095 };
	for (size_t i = 0; i < N_OF(wrong); i++) {
		struct file *before _cleanup_file_ = model_file(&model, x, "f", 100);
		disk_cut(file_fd(before), PAGE + wrong[i]);
		struct file *f _cleanup_file_ = file_at(x, "f");
		model_check(&model, f);
		assert_int_equal(file_settle(f), 0);
		assert_int_equal(disk_size(file_fd(f)), content_cipher_size(100 + HEADER, true));
	}
}

/* What lies in the place of a wrong hint, or of one that is none, does not come to lie in the file when it grows. */
static void test_hint_wrong_grows(void **state)
{
	struct fixture *x = *state;
	uint8_t got[PAYLOAD], zeros[PAYLOAD] = { 0 };
	const uint64_t wrong[] = { 5, 4032, 4033, 4095 };
	for (size_t i = 0; i < N_OF(wrong); i++) {
		struct file *before _cleanup_file_ = model_file(&model, x, "f", BLOCK_OFF(3));
		disk_cut(file_fd(before), 3 * PAGE + wrong[i]);
		assert_int_equal(pwrite(file_fd(before), "x", 1, 3 * PAGE + 3), 1);
		struct file *f _cleanup_file_ = file_at(x, "f");
		assert_int_equal(file_write(f, "y", 1, BLOCK_OFF(6)), 0);
		assert_int_equal(file_read(f, got, PAYLOAD, BLOCK_OFF(3)), PAYLOAD);
		assert_memory_equal(got, zeros, PAYLOAD);
		assert_int_equal(disk_size(file_fd(f)), 7 * PAGE);
	}
}

/* A cut that fails leaves the durable length, which tells what is missing. */
static void test_cut_fails(void **state)
{
	struct fixture *x = *state;
	struct file *before _cleanup_file_ = model_file(&model, x, "f", BLOCK_OFF(5));
	assert_int_equal(file_sync(before, false), 0);
	assert_int_equal(file_raise(before), 0);
	uint64_t durable = disk_durable(x, file_fd(before));
	assert_int_equal(durable, BLOCK_OFF(5) + HEADER);
	disk_flip(file_fd(before), 2 * PAGE + 1000);
	struct file *f _cleanup_file_ = file_at(x, "f");
	assert_int_equal(file_truncate(f, BLOCK_OFF(2) + 7), -EBADMSG);
	assert_int_equal(disk_durable(x, file_fd(f)), durable);
	assert_int_equal(file_size(f), BLOCK_OFF(5));
	assert_int_equal(file_truncate(f, BLOCK_OFF(2)), 0);
	assert_int_equal(disk_durable(x, file_fd(f)), BLOCK_OFF(2) + HEADER);
}

/* What is missing can be neither punched nor zeroed: it stays damage, and the file does not become SPARSE. */
static void test_punch_missing(void **state)
{
	struct fixture *x = *state;
	struct disk_block b;
	uint8_t c;
	struct file *before _cleanup_file_ = model_file(&model, x, "f", BLOCK_OFF(6));
	assert_int_equal(file_sync(before, false), 0);
	assert_int_equal(file_raise(before), 0);
	disk_cut(file_fd(before), 3 * PAGE);
	struct file *f _cleanup_file_ = file_at(x, "f");
	assert_int_equal(file_allocate(f, PUNCH, BLOCK_OFF(3), 2 * PAYLOAD), -EBADMSG);
	assert_int_equal(file_allocate(f, ZERO_KEEP, BLOCK_OFF(1), 4 * PAYLOAD), -EBADMSG);
	assert_int_equal(file_allocate(f, PUNCH, BLOCK_OFF(1), 5 * PAYLOAD), -EBADMSG);
	assert_int_equal(disk_open(x, file_fd(f), 0, &b), 0);
	assert_int_equal(b.flags, 0);
	assert_int_equal(file_read(f, &c, 1, BLOCK_OFF(3)), -EBADMSG);
	assert_int_equal(file_allocate(f, PUNCH, BLOCK_OFF(1), PAYLOAD), 0);
}

static void test_hint_keeps_mtime(void **state)
{
	struct fixture *x = *state;
	const struct timespec old[2] = { { 1000, 5 }, { 2000, 7 } };
	struct stat sb;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 9000);
	assert_int_equal(file_set_times(f, old), 0);
	assert_int_equal(file_settle(f), 0);
	assert_int_equal(disk_size(file_fd(f)), content_cipher_size(9000 + HEADER, true));
	assert_int_equal(file_stat(f, &sb), 0);
	assert_int_equal(sb.st_size, 9000);
	assert_int_equal(sb.st_mtim.tv_sec, 2000);
	assert_int_equal(sb.st_mtim.tv_nsec, 7);
	assert_int_equal(sb.st_atim.tv_sec, 1000);
}

/* Another mount writes the same file: nothing that it did is undone by what this one remembers. */
static void test_beside_another(void **state)
{
	struct fixture *x = *state;
	uint8_t got[100];
	int r;
	struct file *one _cleanup_file_ = model_file(&model, x, "f", 100);
	assert_int_equal(file_sync(one, false), 0);
	struct file *two _cleanup_file_ = file_found(x, "f", true, &r);
	assert_int_equal(r, 0);

	model_fill(&model, 20000);
	assert_int_equal(file_write(two, model.bytes, 20000, 0), 0);
	assert_int_equal(file_settle(two), 0);
	assert_int_equal(file_settle(one), 0);
	assert_int_equal(file_raise(one), 0);
	model_check(&model, one);
	model_check_disk(&model, x, "f");

	assert_int_equal(file_truncate(two, 0), 0); /* and a new header */
	model_fill(&model, 90);
	assert_int_equal(file_write(two, model.bytes, 90, 0), 0);
	assert_int_equal(file_write(one, "abc", 3, 90), 0);
	assert_int_equal(file_read(one, got, 100, 0), 93);
	assert_memory_equal(got, model.bytes, 90);
	assert_memory_equal(got + 90, "abc", 3);
}

/* Nor where ctime tells nothing of it: within a tick of the kernel's clock. */
static void test_beside_another_at_once(void **state)
{
	struct fixture *x = *state;
	uint8_t got[200];
	int r;
	time_stands = true;
	struct file *one _cleanup_file_ = model_file(&model, x, "f", 100);
	struct file *two _cleanup_file_ = file_found(x, "f", true, &r);
	assert_int_equal(r, 0);

	assert_int_equal(file_write(one, "one", 3, 10), 0);
	assert_int_equal(file_write(two, "two", 3, 20), 0); /* in the block that 'one' keeps */
	assert_int_equal(file_write(one, "one", 3, 30), 0);
	assert_int_equal(file_write(two, "longer", 6, 100), 0); /* but no page more */
	assert_int_equal(file_write(one, "one", 3, 40), 0);
	assert_int_equal(file_read(one, got, 200, 0), 106);
	for (int i = 1; i <= 4; i++)
		assert_memory_equal(got + 10 * i, i == 2 ? "two" : "one", 3);
	assert_memory_equal(got + 100, "longer", 6);

	assert_int_equal(file_truncate(two, 0), 0); /* and a new header */
	assert_int_equal(file_write(two, "new", 3, 103), 0);
	assert_int_equal(file_read(one, got, 200, 0), 106);
	assert_memory_equal(got + 103, "new", 3);
	time_stands = false;
}

/* A lock that somebody keeps for ever holds one change up, and not each. */
static void test_locked_by_another(void **state)
{
	struct fixture *x = *state;
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 100);
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file_fd(f));
	_cleanup_fd_ int other = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(other >= 0);
	assert_int_equal(fcntl(other, F_OFD_SETLK, &lock), 0);
	waits = 0;
	assert_int_equal(file_write(f, "one", 3, 0), 0);
	assert_true(waits > 1000);
	waits = 0;
	assert_int_equal(file_write(f, "two", 3, 3), 0);
	assert_int_equal(waits, 0);
	lock.l_type = F_UNLCK;
	assert_int_equal(fcntl(other, F_OFD_SETLK, &lock), 0);
	assert_int_equal(file_write(f, "one", 3, 0), 0);
	assert_int_equal(waits, 0);
	lock.l_type = F_RDLCK;
	assert_int_equal(fcntl(other, F_OFD_SETLK, &lock), 0);
	assert_int_equal(file_write(f, "one", 3, 0), 0);
	assert_true(waits > 1000);
}

/* With a writeback cache the kernel's mtime counts, not that of our writing what it hands us. */
static void test_kernel_mtime(void **state)
{
	struct fixture *x = *state;
	const struct timespec old[2] = { { 1000, 5 }, { 2000, 7 } };
	struct stat sb;
	x->st->alone = true;
	for (int hinted = 0; hinted < 2; hinted++) {
		struct file *f _cleanup_file_ = model_file(&model, x, "f", 9000);
		assert_int_equal(hinted ? file_settle(f) : 0, 0);
		assert_int_equal(file_set_times(f, old), 0);
		assert_int_equal(file_write(f, "x", 1, 3), 0);
		assert_int_equal(file_settle(f), 0);
		assert_int_equal(file_stat(f, &sb), 0);
		assert_int_equal(sb.st_mtim.tv_sec, 2000);
		assert_int_equal(sb.st_mtim.tv_nsec, 7);
	}
}

static void test_hint_hidden(void **state)
{
	struct fixture *x = *state;
	x->st->hide_sizes = true;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", 9000);
	assert_int_equal(file_settle(f), 0);
	assert_int_equal(disk_size(file_fd(f)), 3 * PAGE);
	model_check_disk(&model, x, "f");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_sealed),
		FIXTURE_TEST(test_file_nonce),
		FIXTURE_TEST(test_damage),
		FIXTURE_TEST(test_damage_written_over),
		FIXTURE_TEST(test_meta_damaged),
		FIXTURE_TEST(test_behind_used),
		FIXTURE_TEST(test_first_page_damaged),
		FIXTURE_TEST(test_first_page_damaged_emptied),
		FIXTURE_TEST(test_attach_again),
		FIXTURE_TEST(test_first_page_lost),
		FIXTURE_TEST(test_first_page_lost_not_all),
		FIXTURE_TEST(test_first_page_lost_zeros),
		FIXTURE_TEST(test_first_page_lost_many_zeros),
		FIXTURE_TEST(test_hint_wrong),
		FIXTURE_TEST(test_hint_mended),
		FIXTURE_TEST(test_hint_of_one_page),
		FIXTURE_TEST(test_hint_wrong_grows),
		FIXTURE_TEST(test_cut_fails),
		FIXTURE_TEST(test_punch_missing),
		FIXTURE_TEST(test_hint_keeps_mtime),
		FIXTURE_TEST(test_beside_another),
		FIXTURE_TEST(test_beside_another_at_once),
		FIXTURE_TEST(test_locked_by_another),
		FIXTURE_TEST(test_kernel_mtime),
		FIXTURE_TEST(test_hint_hidden),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
