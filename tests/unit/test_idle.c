/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What counts as a use of a mount, and when it has not been used for so long. The clocks are the test's. */
#include "unit.h"

#include <linux/fuse.h>
#include <time.h>

#include "fs/idle.h"
#include "fs/session.h"

#define SECOND 1000000000L
#define LIMIT 160 /* seconds: a look every ten */
#define STEP 10

static int64_t awake, asleep; /* so long, since the machine was started */

int __wrap_clock_gettime(clockid_t id, struct timespec *t);
int __wrap_clock_gettime(clockid_t id, struct timespec *t)
{
	assert_true(id == CLOCK_BOOTTIME || id == CLOCK_MONOTONIC);
	int64_t now = awake++ + (id == CLOCK_BOOTTIME ? asleep : 0); /* never the same twice */
	*t = (struct timespec){ .tv_sec = now / SECOND, .tv_nsec = now % SECOND };
	return 0;
}

static void begin(struct idle *i)
{
	awake = 1000 * SECOND;
	asleep = 500 * SECOND;
	idle_init(i, LIMIT);
}

static enum idle_verdict look_after(struct idle *i, int64_t seconds)
{
	awake += seconds * SECOND;
	return idle_look(i);
}

struct request {
	struct fuse_in_header h;
	union {
		struct fuse_write_in write;
		struct fuse_setattr_in setattr;
		struct {
			struct fuse_getxattr_in in;
			char name[64];
		} getxattr;
	} body;
};

static void note(struct idle *i, uint32_t opcode, uint64_t node, uint32_t pid)
{
	const struct request r = { .h = { .opcode = opcode, .nodeid = node, .pid = pid } };
	idle_note(i, &r, sizeof(r));
}

static bool counts(const struct request *r, size_t n)
{
	struct idle i;
	begin(&i);
	idle_note(&i, r, n);
	return look_after(&i, STEP) == IDLE_USED;
}

static void test_requests(void **state)
{
	static const uint32_t kernel[] = { FUSE_INIT,	   FUSE_DESTROY,   FUSE_FORGET, FUSE_BATCH_FORGET,
					   FUSE_INTERRUPT, FUSE_NOTIFY_REPLY, 50,	 FUSE_STATFS };
	(void)state;
	for (uint32_t opcode = 1; opcode < 60; opcode++) {
		struct request r = { .h = { .opcode = opcode, .nodeid = 7 } };
		bool is_kernel = false;
		r.body.setattr.valid = opcode == FUSE_SETATTR ? FATTR_MODE : 0;
		for (size_t k = 0; k < N_OF(kernel); k++)
			is_kernel = is_kernel || opcode == kernel[k];
		assert_int_equal(counts(&r, sizeof(r)), !is_kernel);
	}
}

static void test_writing_back(void **state)
{
	struct request r = { .h = { .opcode = FUSE_WRITE, .nodeid = 7 } };
	(void)state;
	assert_true(counts(&r, sizeof(r)));
	r.body.write.write_flags = FUSE_WRITE_CACHE;
	assert_false(counts(&r, sizeof(r)));
	assert_true(counts(&r, sizeof(r.h) + sizeof(r.body.write) - 1)); /* cut short: not believed */

	r = (struct request){ .h = { .opcode = FUSE_SETATTR, .nodeid = 7 } };
	r.body.setattr.valid = FATTR_MTIME | FATTR_CTIME | FATTR_FH;
	assert_false(counts(&r, sizeof(r)));
	r.body.setattr.valid |= FATTR_SIZE;
	assert_true(counts(&r, sizeof(r)));
	assert_true(counts(&r, sizeof(r.h)));
}

static void test_status(void **state)
{
	struct request r = { .h = { .opcode = FUSE_GETXATTR, .nodeid = FUSE_ROOT_ID } };
	const size_t least = sizeof(r.h) + sizeof(r.body.getxattr.in) + sizeof(SESSION_STATUS_XATTR);
	(void)state;
	strcpy(r.body.getxattr.name, SESSION_STATUS_XATTR);
	assert_false(counts(&r, sizeof(r)));
	assert_false(counts(&r, least));
	assert_true(counts(&r, least - 1));
	r.h.nodeid = 7;
	assert_true(counts(&r, sizeof(r)));
	r.h.nodeid = FUSE_ROOT_ID;
	strcpy(r.body.getxattr.name, SESSION_STATUS_XATTR "x");
	assert_true(counts(&r, sizeof(r)));
}

static void test_off(void **state)
{
	struct idle i;
	(void)state;
	begin(&i);
	idle_init(&i, 0);
	const int64_t before = awake;
	note(&i, FUSE_READ, 7, 1);
	note(&i, FUSE_GETATTR, FUSE_ROOT_ID, 1);
	assert_int_equal(awake, before); /* no clock is read */
	assert_int_equal(atomic_load(&i.used), 0);
}

static void test_limit(void **state)
{
	struct idle i;
	(void)state;
	begin(&i);
	for (int n = 1; n < LIMIT / STEP; n++)
		assert_int_equal(look_after(&i, STEP), IDLE_QUIET);
	assert_int_equal(look_after(&i, STEP), IDLE_OVER);
	assert_int_equal(look_after(&i, STEP), IDLE_OVER);
	idle_restart(&i);
	assert_int_equal(look_after(&i, LIMIT - 1), IDLE_QUIET);
	assert_int_equal(look_after(&i, 1), IDLE_OVER);
}

/* A use counts to the next look, as further ones may not have been seen; also if that is late. */
static void test_use(void **state)
{
	struct idle i;
	(void)state;
	begin(&i);
	assert_int_equal(look_after(&i, LIMIT - 1), IDLE_QUIET);
	note(&i, FUSE_LOOKUP, 7, 1);
	assert_int_equal(look_after(&i, 10L * LIMIT), IDLE_USED);
	assert_int_equal(look_after(&i, LIMIT - 1), IDLE_QUIET);
	assert_int_equal(look_after(&i, 1), IDLE_OVER);
}

static void test_sleep(void **state)
{
	struct idle i;
	(void)state;
	begin(&i);
	asleep += LIMIT * SECOND;
	assert_int_equal(look_after(&i, 1), IDLE_OVER);

	/* used shortly before */
	begin(&i);
	note(&i, FUSE_READ, 7, 1);
	asleep += LIMIT * SECOND;
	assert_int_equal(look_after(&i, STEP), IDLE_OVER);

	/* and shortly after */
	begin(&i);
	asleep += LIMIT * SECOND;
	awake += STEP * SECOND;
	note(&i, FUSE_READ, 7, 1);
	assert_int_equal(look_after(&i, STEP), IDLE_USED);

	/* not for so long */
	begin(&i);
	note(&i, FUSE_READ, 7, 1);
	asleep += LIMIT / 2 * SECOND;
	assert_int_equal(look_after(&i, STEP), IDLE_USED);
	assert_int_equal(look_after(&i, LIMIT / 2 - STEP), IDLE_OVER);
}

static void test_root(void **state)
{
	struct idle i;
	(void)state;
	/* by itself: somebody goes through it */
	begin(&i);
	note(&i, FUSE_GETATTR, FUSE_ROOT_ID, 5);
	assert_int_equal(look_after(&i, STEP), IDLE_USED);

	/* df */
	begin(&i);
	note(&i, FUSE_GETATTR, FUSE_ROOT_ID, 5);
	note(&i, FUSE_STATFS, FUSE_ROOT_ID, 5);
	assert_int_equal(look_after(&i, STEP), IDLE_QUIET);

	/* another than who went through */
	begin(&i);
	note(&i, FUSE_GETATTR, FUSE_ROOT_ID, 5);
	note(&i, FUSE_STATFS, FUSE_ROOT_ID, 6);
	assert_int_equal(look_after(&i, STEP), IDLE_USED);

	/* who cannot be told apart */
	begin(&i);
	note(&i, FUSE_GETATTR, FUSE_ROOT_ID, 0);
	note(&i, FUSE_STATFS, FUSE_ROOT_ID, 0);
	assert_int_equal(look_after(&i, STEP), IDLE_USED);

	/* with a use in between, or before */
	begin(&i);
	note(&i, FUSE_GETATTR, FUSE_ROOT_ID, 5);
	note(&i, FUSE_OPEN, 7, 6);
	note(&i, FUSE_STATFS, FUSE_ROOT_ID, 5);
	assert_int_equal(look_after(&i, STEP), IDLE_USED);
	begin(&i);
	note(&i, FUSE_OPEN, 7, 6);
	note(&i, FUSE_GETATTR, FUSE_ROOT_ID, 5);
	note(&i, FUSE_STATFS, FUSE_ROOT_ID, 5);
	assert_int_equal(look_after(&i, STEP), IDLE_USED);

	/* once only */
	begin(&i);
	note(&i, FUSE_GETATTR, FUSE_ROOT_ID, 5);
	note(&i, FUSE_STATFS, FUSE_ROOT_ID, 5);
	note(&i, FUSE_OPEN, 7, 5);
	note(&i, FUSE_STATFS, FUSE_ROOT_ID, 5);
	assert_int_equal(look_after(&i, STEP), IDLE_USED);
}

static void test_pause(void **state)
{
	static const struct {
		unsigned int limit;
		int64_t ns;
	} pauses[] = { { 1, SECOND / 16 }, { 160, 10 * SECOND }, { 900, 56250000000 }, { 960, 60 * SECOND },
		       { 31536000, 60 * SECOND } };
	(void)state;
	for (size_t n = 0; n < N_OF(pauses); n++) {
		struct idle i;
		idle_init(&i, pauses[n].limit);
		struct timespec t = idle_pause(&i);
		assert_true(t.tv_sec * SECOND + t.tv_nsec == pauses[n].ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests), cmocka_unit_test(test_writing_back), cmocka_unit_test(test_status),
		cmocka_unit_test(test_off),	 cmocka_unit_test(test_limit),	      cmocka_unit_test(test_use),
		cmocka_unit_test(test_sleep),	 cmocka_unit_test(test_root),	      cmocka_unit_test(test_pause),
	};
	return RUN_TAP(tests, NULL, NULL);
}
