/* SPDX-License-Identifier: GPL-3.0-or-later */
/* src/offline/pour.c: whole contents, holes as holes, and where damage begins. */
#include "disk.h"
#include "offline/pour.h"

static struct model model;

/* What came out, zeros counted apart. */
struct got {
	uint64_t n, zeros;
	unsigned int calls;
	unsigned int fail; /* the call that fails, from 1 */
	uint8_t bytes[MODEL_MAX];
};
static struct got got;

static int take(void *arg, const uint8_t *buf, uint64_t n)
{
	struct got *g = arg;
	if (++g->calls == g->fail)
		return -ENOSPC;
	assert_true(n > 0);
	assert_true(g->calls < 1000); /* who reads holes is at it for hours */
	if (buf || g->n + n <= sizeof(g->bytes)) {
		assert_true(g->n + n <= sizeof(g->bytes));
		if (buf)
			memcpy(g->bytes + g->n, buf, n);
		else
			memset(g->bytes + g->n, 0, n);
	}
	g->zeros += buf ? 0 : n;
	g->n += n;
	return 0;
}

/* Pour the file as who opens it now. */
static int pour(const struct fixture *x, struct pour_range *bad)
{
	int r;
	bool sunk;
	struct file *f _cleanup_file_ = file_found(x, "f", false, &r);
	assert_int_equal(r, 0);
	got.n = got.zeros = got.calls = 0;
	r = pour_file(f, take, &got, bad, &sunk);
	assert_int_equal(sunk, got.fail > 0);
	return r;
}

static void intact(const struct fixture *x)
{
	struct pour_range bad;
	assert_int_equal(pour(x, &bad), 0);
	assert_int_equal(got.n, model.size);
	assert_memory_equal(got.bytes, model.bytes, model.size);
}

/* All before 'from' comes, then damage. */
static void damaged(const struct fixture *x, uint64_t from, uint64_t to)
{
	struct pour_range bad = { 0, 0 };
	assert_int_equal(pour(x, &bad), -EBADMSG);
	assert_int_equal(bad.from, from);
	assert_int_equal(bad.to, to);
	assert_int_equal(got.n, from);
	assert_memory_equal(got.bytes, model.bytes, from);
}

static void durable(struct file *f)
{
	assert_int_equal(file_sync(f, false), 0);
	assert_int_equal(file_raise(f), 0);
	assert_int_equal(file_settle(f), 0);
}

static void files_of_all_sizes(void **state)
{
	struct fixture *x = *state;
	for (size_t i = 0; i < N_OF(border_sizes); i++) {
		file_free(model_file(&model, x, "f", border_sizes[i]));
		intact(x);
	}
	file_free(model_file(&model, x, "f", MODEL_MAX));
	intact(x);
	assert_int_equal(got.calls, 2); /* a block-aligned piece and the rest */
}

static void damage_is_named_by_its_block(void **state)
{
	struct fixture *x = *state;
	struct file *f _cleanup_file_ = model_file(&model, x, "f", MODEL_MAX);
	durable(f);
	_cleanup_fd_ int fd = disk_fd(x, "f");
	disk_flip(fd, 259 * PAGE + 5);
	damaged(x, BLOCK_OFF(259), BLOCK_OFF(260));
	disk_flip(fd, 17 * PAGE + 5);
	disk_flip(fd, 18 * PAGE + 5);
	damaged(x, BLOCK_OFF(17), BLOCK_OFF(18));
	disk_flip(fd, PAGE);
	damaged(x, BLOCK_OFF(1), BLOCK_OFF(2));
}

/* Two blocks at the beginning, 100 of nothing, two at the end. */
static void sparse_file(struct fixture *x)
{
	struct file *f _cleanup_file_ = model_file(&model, x, "f", BLOCK_OFF(2));
	struct dice d = { 7 };
	model_put(&model, f, &d, 2 * PAYLOAD, BLOCK_OFF(102));
	durable(f);
}

static void holes_are_not_read(void **state)
{
	struct fixture *x = *state;
	sparse_file(x);
	intact(x);
	assert_int_equal(got.zeros, 100 * PAYLOAD);
}

static void a_sparse_file_cut_off_is_damaged(void **state)
{
	struct fixture *x = *state;
	sparse_file(x);
	_cleanup_fd_ int fd = disk_fd(x, "f");
	disk_cut(fd, 103 * PAGE);
	damaged(x, BLOCK_OFF(103), BLOCK_OFF(104));
	disk_cut(fd, 50 * PAGE); /* in its hole: what is missing is no hole */
	damaged(x, BLOCK_OFF(50), BLOCK_OFF(51));
	disk_cut(fd, 2 * PAGE);
	damaged(x, BLOCK_OFF(2), BLOCK_OFF(3));
}

static void a_terabyte_of_nothing(void **state)
{
	struct fixture *x = *state;
	struct pour_range bad;
	sparse_file(x);
	_cleanup_fd_ int fd = disk_fd(x, "f");
	disk_cut(fd, (uint64_t)1 << 40);
	assert_int_equal(pour(x, &bad), 0);
	assert_int_equal(got.n, ((uint64_t)1 << 28) * PAYLOAD - HEADER);
	assert_true(got.calls < 10);
}

/* The same behind the end of a file that has no holes, be that end durable or not. */
static void a_terabyte_behind_the_end(void **state)
{
	struct fixture *x = *state;
	static const uint64_t sizes[] = { 3, BLOCK_OFF(2) + 5 };
	for (unsigned int i = 0; i < 4; i++) {
		struct pour_range bad;
		struct file *f _cleanup_file_ = model_file(&model, x, "f", sizes[i / 2]);
		if (i % 2)
			durable(f);
		_cleanup_fd_ int fd = disk_fd(x, "f");
		disk_cut(fd, (uint64_t)1 << 40);
		assert_int_equal(pour(x, &bad), 0);
		assert_int_equal(got.n, ((uint64_t)1 << 28) * PAYLOAD - HEADER);
		assert_memory_equal(got.bytes, model.bytes, sizes[i / 2]);
		assert_true(got.calls < 10);
	}
}

static void the_sink_ends_it(void **state)
{
	struct fixture *x = *state;
	struct pour_range bad;
	sparse_file(x);
	for (got.fail = 1; got.fail <= 3; got.fail++) {
		assert_int_equal(pour(x, &bad), -ENOSPC);
		assert_int_equal(got.calls, got.fail);
	}
	got.fail = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(files_of_all_sizes),
		FIXTURE_TEST(damage_is_named_by_its_block),
		FIXTURE_TEST(holes_are_not_read),
		FIXTURE_TEST(a_sparse_file_cut_off_is_damaged),
		FIXTURE_TEST(a_terabyte_of_nothing),
		FIXTURE_TEST(a_terabyte_behind_the_end),
		FIXTURE_TEST(the_sink_ends_it),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
