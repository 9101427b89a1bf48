/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every call that src/store/file*.c makes fails once: the file is the old or the new, block by block. */
#include "disk.h"
#include "faults.h"
#include "store/file_impl.h"

#define NAME "f"

/* The file before, and what is done to it. */
struct deed {
	const char *name;
	uint64_t size;	 /* before */
	bool sparse;	 /* with a hole from block 1 to 4 */
	bool durable;	 /* all of it is recorded as durable */
	int (*run)(struct faults *z, const struct deed *d);
	void (*model)(struct model *m, const struct deed *d);
	uint64_t off, n;
	int mode;
	bool beside; /* another mount has written since it was opened */
};

static struct model before, after;
static uint8_t bytes[MODEL_MAX], found[MODEL_MAX];

static struct file *file_of(struct faults *z)
{
	return z->own;
}

/* ---- deeds ---- */

static int deed_write(struct faults *z, const struct deed *d)
{
	return file_write(file_of(z), bytes, (size_t)d->n, d->off);
}

static void model_of_write(struct model *m, const struct deed *d)
{
	model_write(m, bytes, d->n, d->off);
}

static int deed_truncate(struct faults *z, const struct deed *d)
{
	return file_truncate(file_of(z), d->n);
}

static void model_of_truncate(struct model *m, const struct deed *d)
{
	model_truncate(m, d->n);
}

static int deed_allocate(struct faults *z, const struct deed *d)
{
	return file_allocate(file_of(z), d->mode, d->off, d->n);
}

static void model_of_allocate(struct model *m, const struct deed *d)
{
	uint64_t end = d->off + d->n;
	if ((d->mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) && d->off < m->size)
		model_write(m, NULL, min_u64(end, m->size) - d->off, d->off);
	if (!(d->mode & FALLOC_FL_KEEP_SIZE) && end > m->size)
		model_truncate(m, end);
}

/* What changes nothing that can be seen. */
static void model_of_nothing(struct model *m, const struct deed *d)
{
	(void)m;
	(void)d;
}

static int deed_sync(struct faults *z, const struct deed *d)
{
	return file_sync(file_of(z), d->mode);
}

static int deed_settle(struct faults *z, const struct deed *d)
{
	(void)d;
	return file_settle(file_of(z));
}

/* As an fsync and the last close do. */
static int deed_raise(struct faults *z, const struct deed *d)
{
	(void)d;
	int r = file_sync(file_of(z), false);
	if (r == 0)
		r = file_settle(file_of(z));
	return r < 0 ? r : file_raise(file_of(z));
}

/* As the background does. */
static int deed_mark(struct faults *z, const struct deed *d)
{
	(void)d;
	file_mark(file_of(z));
	int r = store_sync(z->x->st);
	if (r < 0)
		return r;
	file_marked(file_of(z));
	return file_raise(file_of(z));
}

static int deed_times(struct faults *z, const struct deed *d)
{
	const struct timespec t[2] = { { .tv_sec = 1000 }, { .tv_sec = 2000 } };
	(void)d;
	return file_set_times(file_of(z), t);
}

static int deed_read(struct faults *z, const struct deed *d)
{
	ssize_t n = file_read(file_of(z), found, (size_t)d->n, d->off);
	if (n < 0)
		return (int)n;
	FAULTS_EQUAL(n, d->n);
	FAULTS_CHECK(memcmp(found, before.bytes + d->off, (size_t)n) == 0);
	return 0;
}

/* A new object for the file, and what it says. */
static int deed_open(struct faults *z, const struct deed *d)
{
	int fd = openat(z->x->dir->fd, NAME, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	struct file *f = file_new(z->x->st, false);
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	struct file *own _cleanup_file_ = f;
	int r = file_attach(own, fd, true);
	if (r < 0)
		return r;
	FAULTS_EQUAL(file_size(own), before.size);
	ssize_t n = file_read(own, found, (size_t)d->n, d->off);
	if (n < 0)
		return (int)n;
	FAULTS_EQUAL(n, d->n);
	FAULTS_CHECK(memcmp(found, before.bytes + d->off, (size_t)n) == 0);
	return 0;
}

/* ---- a run ---- */

static const struct deed *deed_of(const struct faults *z)
{
	return z->op->arg;
}

static void deed_begin(struct faults *z)
{
	const struct deed *d = deed_of(z);
	model_fill(&before, d->size);
	struct file *f _cleanup_file_ = file_at(z->x, NAME);
	if (d->sparse) {
		uint64_t end = BLOCK_OFF(5);
		for (uint64_t i = BLOCK_OFF(1); i < end; i++)
			before.bytes[i] = 0;
		assert_int_equal(file_write(f, before.bytes, BLOCK_OFF(1), 0), 0);
		assert_int_equal(file_write(f, before.bytes + end, (size_t)(d->size - end), end), 0);
	} else {
		assert_int_equal(file_write(f, before.bytes, (size_t)d->size, 0), 0);
	}
	if (d->durable) {
		assert_int_equal(file_sync(f, false), 0);
		assert_int_equal(file_settle(f), 0);
		assert_int_equal(file_raise(f), 0);
	}
	after = before;
	d->model(&after, d);
	z->own = file_at(z->x, NAME);
	if (d->beside) {
		struct file *other _cleanup_file_ = file_at(z->x, NAME);
		assert_int_equal(file_write(other, before.bytes, (size_t)d->size, 0), 0);
	}
	/* Something to sync, to settle and to raise. */
	if (d->run == deed_sync || d->run == deed_settle || d->run == deed_raise || d->run == deed_mark)
		assert_int_equal(file_write(z->own, before.bytes, 100, 0), 0);
}

static int deed_run(struct faults *z)
{
	return deed_of(z)->run(z, deed_of(z));
}

/* Is each block that of the one or the other? */
static void deed_mixed(const uint8_t *got, uint64_t size)
{
	for (uint64_t k = 0; BLOCK_OFF(k) < size; k++) {
		uint64_t from = BLOCK_OFF(k), to = min_u64(BLOCK_OFF(k + 1), size);
		FAULTS_CHECK(memcmp(got + from, before.bytes + from, (size_t)(to - from)) == 0 ||
			     memcmp(got + from, after.bytes + from, (size_t)(to - from)) == 0);
	}
}

/* What f holds: the new if it is said to have worked, else old or new by the block. */
static void deed_look(const struct faults *z, struct file *f, bool worked)
{
	uint64_t size = file_size(f);
	ssize_t n = file_read(f, found, MODEL_MAX, 0);
	FAULTS_EQUAL(n, size);
	if (worked) {
		FAULTS_EQUAL(size, after.size);
		FAULTS_CHECK(memcmp(found, after.bytes, (size_t)size) == 0);
		return;
	}
	/* Where what would put things back fails as well, some of a growth may stay. */
	if (z->fault.rest || z->fault.error > INJECT_PART)
		FAULTS_CHECK(size >= min_u64(before.size, after.size) &&
			     size <= (before.size > after.size ? before.size : after.size));
	else
		FAULTS_CHECK(size == before.size || size == after.size);
	deed_mixed(found, size);
}

/* By a reader of its own, which knows nothing but the format. */
static void deed_look_raw(const struct faults *z, uint64_t size)
{
	_cleanup_fd_ int fd = disk_fd(z->x, NAME);
	FAULTS_EQUAL(disk_read(z->x, fd, found, MODEL_MAX), size);
}

/* As somebody finds it who mounts the vault now. */
static void deed_look_anew(const struct faults *z, bool worked)
{
	int r;
	struct file *f _cleanup_file_ = file_found(z->x, NAME, true, &r);
	FAULTS_EQUAL(r, 0);
	deed_look(z, f, worked);
	deed_look_raw(z, file_size(f));
}

/* That something may be lost stays said until the file is opened anew. */
static void deed_open_anew(struct faults *z)
{
	FAULTS_CHECK(file_sync(file_of(z), false) < 0);
	FAULTS_CHECK(file_settle(file_of(z)) < 0);
	file_free(z->own);
	z->own = file_at(z->x, NAME);
}

static void deed_judge(struct faults *z)
{
	const struct deed *d = deed_of(z);
	if (z->fault.kind < 0 || fault_is_harmless(&z->fault))
		FAULTS_EQUAL(z->result, 0);
	if (z->result < 0)
		FAULTS_EQUAL(-z->result, fault_errno(&z->fault));
	deed_look_anew(z, z->result == 0);
	bool lost = z->hit && (z->fault.kind == INJECT_SYNC || z->fault.kind == INJECT_RANGE);
	FAULTS_EQUAL(file_of(z)->error < 0, lost && !fault_is_harmless(&z->fault));
	if (file_of(z)->loaded)
		deed_look(z, z->own, z->result == 0);
	if (file_of(z)->error < 0)
		deed_open_anew(z);
	FAULTS_EQUAL(d->run(z, d), 0);
	deed_look(z, z->own, true);
	deed_look_anew(z, true);
	FAULTS_EQUAL(file_sync(z->own, false), 0);
	FAULTS_EQUAL(file_settle(z->own), 0);
	FAULTS_EQUAL(file_raise(z->own), 0);
	deed_look_anew(z, true);
}

static void deed_end(struct faults *z)
{
	file_free(z->own);
}

/* ---- all of them ---- */

#define P5 (5 * PAYLOAD + 1000)

static const struct deed deeds[] = {
	{ .name = "first write", .run = deed_write, .model = model_of_write, .n = 9000 },
	{ .name = "first write behind a gap", .run = deed_write, .model = model_of_write, .n = 100, .off = 30000 },
	{ .name = "a few bytes over", .size = 9000, .durable = true, .run = deed_write, .model = model_of_write,
	  .off = 3900, .n = 200 },
	{ .name = "blocks over", .size = P5, .durable = true, .run = deed_write, .model = model_of_write,
	  .off = BLOCK_OFF(1), .n = 3 * PAYLOAD },
	{ .name = "the end over", .size = 9000, .durable = true, .run = deed_write, .model = model_of_write,
	  .off = 5000, .n = 4000 },
	{ .name = "over and on", .size = 9000, .durable = true, .run = deed_write, .model = model_of_write,
	  .off = 5000, .n = 20000 },
	{ .name = "into a hole", .size = P5, .sparse = true, .durable = true, .run = deed_write,
	  .model = model_of_write, .off = 5000, .n = 9000 },
	{ .name = "append little", .size = 9000, .durable = true, .run = deed_write, .model = model_of_write,
	  .off = 9000, .n = 100 },
	{ .name = "append to a first block", .size = 10, .run = deed_write, .model = model_of_write, .off = 10,
	  .n = 100 },
	{ .name = "append much", .size = 9000, .run = deed_write, .model = model_of_write, .off = 9000, .n = 20000 },
	{ .name = "append to full blocks", .size = 2 * PAYLOAD - HEADER, .durable = true, .run = deed_write,
	  .model = model_of_write, .off = 2 * PAYLOAD - HEADER, .n = 9000 },
	{ .name = "a little behind the end", .size = 9000, .durable = true, .run = deed_write,
	  .model = model_of_write, .off = 13000, .n = 100 },
	{ .name = "far behind the end", .size = 9000, .durable = true, .run = deed_write, .model = model_of_write,
	  .off = 40000, .n = 9000 },
	{ .name = "cut", .size = P5, .durable = true, .run = deed_truncate, .model = model_of_truncate, .n = 9000 },
	{ .name = "cut what is not durable", .size = P5, .run = deed_truncate, .model = model_of_truncate, .n = 9000 },
	{ .name = "cut to one block", .size = P5, .durable = true, .run = deed_truncate, .model = model_of_truncate,
	  .n = 10 },
	{ .name = "cut within the end", .size = 9000, .durable = true, .run = deed_truncate,
	  .model = model_of_truncate, .n = 8999 },
	{ .name = "empty", .size = 9000, .durable = true, .run = deed_truncate, .model = model_of_truncate },
	{ .name = "grow", .size = 9000, .durable = true, .run = deed_truncate, .model = model_of_truncate,
	  .n = 30000 },
	{ .name = "grow from nothing", .run = deed_truncate, .model = model_of_truncate, .n = 30000 },
	{ .name = "allocate", .size = 9000, .durable = true, .run = deed_allocate, .model = model_of_allocate,
	  .off = 5000, .n = 20000 },
	{ .name = "allocate without growth", .size = 9000, .run = deed_allocate, .model = model_of_allocate,
	  .off = 5000, .n = 20000, .mode = FALLOC_FL_KEEP_SIZE },
	{ .name = "punch", .size = P5, .durable = true, .run = deed_allocate, .model = model_of_allocate, .off = 100,
	  .n = 4 * PAYLOAD, .mode = PUNCH },
	{ .name = "zeros", .size = P5, .durable = true, .run = deed_allocate, .model = model_of_allocate, .off = 5000,
	  .n = 20000, .mode = ZERO },
	{ .name = "sync", .size = 9000, .durable = true, .run = deed_sync, .model = model_of_nothing },
	{ .name = "datasync", .size = 9000, .run = deed_sync, .model = model_of_nothing, .mode = 1 },
	{ .name = "settle", .size = 9000, .run = deed_settle, .model = model_of_nothing },
	{ .name = "raise", .size = 9000, .run = deed_raise, .model = model_of_nothing },
	{ .name = "mark", .size = 9000, .run = deed_mark, .model = model_of_nothing },
	{ .name = "times", .size = 9000, .run = deed_times, .model = model_of_nothing },
	{ .name = "read", .size = P5, .durable = true, .run = deed_read, .model = model_of_nothing, .off = 3000,
	  .n = 12000 },
	{ .name = "read a hole", .size = P5, .sparse = true, .durable = true, .run = deed_read,
	  .model = model_of_nothing, .off = 3000, .n = 12000 },
	{ .name = "over what another has written", .size = 9000, .durable = true, .beside = true, .run = deed_write,
	  .model = model_of_write, .off = 3900, .n = 200 },
	{ .name = "open", .size = P5, .durable = true, .run = deed_open, .model = model_of_nothing, .off = 3000,
	  .n = 12000 },
};

static bool alone, hide_sizes;

static void deed_begin_in_mode(struct faults *z)
{
	z->x->st->alone = alone;
	z->x->st->hide_sizes = hide_sizes;
	deed_begin(z);
}

static void faults_all_deeds(void)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(255 - i % 253);
	for (size_t i = 0; i < N_OF(deeds); i++) {
		struct faults_op op = { .name = deeds[i].name, .begin = deed_begin_in_mode, .run = deed_run,
					.judge = deed_judge, .end = deed_end, .arg = &deeds[i] };
		faults_all(&op);
	}
	faults_end();
}

static void test_private(void **state)
{
	(void)state;
	alone = true;
	faults_all_deeds();
}

static void test_shared(void **state)
{
	(void)state;
	alone = false;
	faults_all_deeds();
}

static void test_hidden_sizes(void **state)
{
	(void)state;
	alone = hide_sizes = true;
	faults_all_deeds();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_hidden_sizes),
	};
	return RUN_TAP(tests, faults_group_setup, faults_group_teardown);
}
