/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loop of fs/loop.h over a session of our own: its requests are packets, and what threads and buffers cost is
 * refused at will. Nothing here waits for a time to pass, but an alarm for what never comes.
 */
#include "fs/loop.h"

#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/log.h"

/* src/store has a struct scratch of its own. */
#define scratch unit_dir
#include "unit.h"
#undef scratch

#include "store/scratch.h"

#define BUFFER 4096
#define ROOM 2048 /* what the loop looks for, before it serves what must not be refused */
#define NEVER (1 << 30)
#define MOST 8
#define LONG 20000 /* requests that are row enough to show who is not needed */

/* What a request is for. */
enum kind {
	PLAIN,
	HELD, /* until the hall is opened */
	PAIR, /* until another one comes */
	READ, /* from a pipe, which a signal would interrupt */
};

struct packet {
	struct fuse_in_header head;
	enum kind kind;
};

/* What may be refused: from the n-th on, for so many times. */
struct refusal {
	atomic_int calls;
	atomic_int from;
	atomic_int times;
};

static struct session {
	int fd, kernel; /* the two ends */
	atomic_bool exited;
	atomic_int read_error; /* of the next read, once there is a buffer */
	struct refusal buffers, scratches, threads, rooms;
	bool spliced;
	pthread_mutex_t lock;
	pthread_cond_t change;
	int held, done, single, interrupted, at_first, buffers_at_first;
	bool open, stuck; /* stuck: who leaves does not get away */
	int pipe[2];
	atomic_int joined;
} fake;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
struct scratch *__wrap_scratch_get(void);
void __wrap_scratch_drop(void);
int __real_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);
int __real_pthread_join(pthread_t t, void **out);
int __wrap_pthread_join(pthread_t t, void **out);

static bool refused(struct refusal *r)
{
	int n = atomic_fetch_add(&r->calls, 1) + 1, from = atomic_load(&r->from);
	return from > 0 && n >= from && n - from < atomic_load(&r->times);
}

static void refuse(struct refusal *r, int from, int times)
{
	atomic_store(&r->times, times);
	atomic_store(&r->from, from);
}

void *__wrap_malloc(size_t n)
{
	return n == ROOM && refused(&fake.rooms) ? NULL : __real_malloc(n);
}

struct scratch *__wrap_scratch_get(void)
{
	static struct scratch any;
	return refused(&fake.scratches) ? NULL : &any;
}

void __wrap_scratch_drop(void)
{
	pthread_mutex_lock(&fake.lock);
	while (fake.stuck)
		pthread_cond_wait(&fake.change, &fake.lock);
	pthread_mutex_unlock(&fake.lock);
}

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	return refused(&fake.threads) ? EAGAIN : __real_pthread_create(t, attr, fn, arg);
}

int __wrap_pthread_join(pthread_t t, void **out)
{
	atomic_fetch_add(&fake.joined, 1);
	return __real_pthread_join(t, out);
}

/* ---- what libfuse does ---- */

int fuse_session_fd(struct fuse_session *se)
{
	(void)se;
	return fake.fd;
}

void fuse_session_exit(struct fuse_session *se)
{
	(void)se;
	atomic_store(&fake.exited, true);
}

int fuse_session_exited(struct fuse_session *se)
{
	(void)se;
	return atomic_load(&fake.exited);
}

int fuse_session_receive_buf(struct fuse_session *se, struct fuse_buf *buf)
{
	(void)se;
	if (!buf->mem) {
		buf->mem = refused(&fake.buffers) ? NULL : malloc(BUFFER);
		if (!buf->mem)
			return -ENOMEM;
	}
	int error = atomic_exchange(&fake.read_error, 0);
	if (error != 0)
		return error;
	ssize_t n = read(fake.fd, buf->mem, BUFFER);
	int r = n < 0 ? -errno : (int)n;
	if (atomic_load(&fake.exited))
		return 0;
	if (r == 0)
		fuse_session_exit(se); /* the kernel has hung up */
	assert_int_equal(buf->flags, 0);
	if (r > 0 && fake.spliced)
		buf->flags = FUSE_BUF_IS_FD;
	return r;
}

static void changed(void)
{
	pthread_cond_broadcast(&fake.change);
}

static void wait_in_hall(void)
{
	fake.held++;
	changed();
	while (!fake.open)
		pthread_cond_wait(&fake.change, &fake.lock);
	fake.held--;
}

static void wait_for_another(void)
{
	int before = fake.single++;
	changed();
	while (before % 2 == 0 && fake.single == before + 1)
		pthread_cond_wait(&fake.change, &fake.lock);
}

static void read_pipe(void)
{
	char c;
	fake.held++;
	changed();
	pthread_mutex_unlock(&fake.lock);
	ssize_t n = read(fake.pipe[0], &c, 1);
	pthread_mutex_lock(&fake.lock);
	fake.interrupted += n != 1;
	fake.held--;
}

void fuse_session_process_buf(struct fuse_session *se, const struct fuse_buf *buf)
{
	const struct packet *p = buf->mem;
	(void)se;
	pthread_mutex_lock(&fake.lock);
	if (fake.done == 0 && fake.at_first < 0) {
		fake.at_first = atomic_load(&fake.threads.calls);
		fake.buffers_at_first = atomic_load(&fake.buffers.calls);
	}
	switch (p->kind) {
	case HELD: wait_in_hall(); break;
	case PAIR: wait_for_another(); break;
	case READ: read_pipe(); break;
	default: break;
	}
	fake.done++;
	changed();
	pthread_mutex_unlock(&fake.lock);
}

/* ---- running it ---- */

struct run {
	struct loop *loop;
	pthread_t thread;
	int result;
};

static void *run_main(void *arg)
{
	struct run *r = arg;
	r->result = loop_run(r->loop);
	return NULL;
}

static int setup(void **state)
{
	struct run *r = calloc(1, sizeof(*r));
	int ends[2];
	memset(&fake, 0, sizeof(fake));
	fake.at_first = -1;
	if (!r || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0 || pipe(fake.pipe) != 0)
		return -1;
	fake.fd = ends[0];
	fake.kernel = ends[1];
	pthread_mutex_init(&fake.lock, NULL);
	pthread_cond_init(&fake.change, NULL);
	log_set_level(LOG_LEVEL_NONE);
	alarm(300);
	*state = r;
	return loop_new(NULL, &r->loop);
}

static int teardown(void **state)
{
	struct run *r = *state;
	loop_free(r->loop);
	close(fake.fd);
	if (fake.kernel >= 0)
		close(fake.kernel);
	close(fake.pipe[0]);
	close(fake.pipe[1]);
	pthread_cond_destroy(&fake.change);
	pthread_mutex_destroy(&fake.lock);
	free(r);
	alarm(0);
	return 0;
}

/* Not counted among the loop's. */
static void start(struct run *r)
{
	assert_int_equal(__real_pthread_create(&r->thread, NULL, run_main, r), 0);
}

static int finish(struct run *r)
{
	assert_int_equal(__real_pthread_join(r->thread, NULL), 0);
	return r->result;
}

static void hang_up(void)
{
	close(fake.kernel);
	fake.kernel = -1;
}

static void ask_for(enum kind kind, uint32_t opcode, int n)
{
	const struct packet p = { .head = { .opcode = opcode }, .kind = kind };
	for (int i = 0; i < n; i++)
		assert_int_equal(send(fake.kernel, &p, sizeof(p), MSG_NOSIGNAL), sizeof(p));
}

static void ask(enum kind kind, int n)
{
	ask_for(kind, FUSE_GETATTR, n);
}

static void wait_until(const int *count, int at_least)
{
	pthread_mutex_lock(&fake.lock);
	while (*count < at_least)
		pthread_cond_wait(&fake.change, &fake.lock);
	pthread_mutex_unlock(&fake.lock);
}

static void open_hall(bool open)
{
	pthread_mutex_lock(&fake.lock);
	fake.open = open;
	changed();
	pthread_mutex_unlock(&fake.lock);
}

static int made(void)
{
	return atomic_load(&fake.threads.calls);
}

/* Requests two by two, each pair in need of a third thread, until 'calls' has grown. */
static void ask_until(atomic_int *calls, int more_than)
{
	for (int i = 0; i < 2000 && atomic_load(calls) <= more_than; i++) {
		int done = fake.done;
		ask(PAIR, 2);
		wait_until(&fake.done, done + 2);
	}
	assert_true(atomic_load(calls) > more_than);
}

/* ---- tests ---- */

static void serves_until_the_kernel_hangs_up(void **state)
{
	struct run *r = *state;
	start(r);
	ask(PLAIN, 500);
	wait_until(&fake.done, 500);
	hang_up();
	assert_int_equal(finish(r), 0);
	assert_int_equal(fake.joined, made());
}

static void two_are_ready_before_the_first_request(void **state)
{
	struct run *r = *state;
	ask(PLAIN, 1);
	start(r);
	wait_until(&fake.done, 1);
	assert_int_equal(fake.at_first, 2);
	assert_int_equal(fake.buffers_at_first, 2);
	assert_int_equal(fake.scratches.calls, 2);
	hang_up();
	assert_int_equal(finish(r), 0);
}

static void without_two_nothing_begins(void **state)
{
	struct run *r = *state;
	struct refusal *all[] = { &fake.buffers, &fake.scratches, &fake.threads };
	for (size_t i = 0; i < 2 * N_OF(all); i++) {
		atomic_store(&fake.exited, false);
		atomic_store(&all[i / 2]->calls, 0);
		refuse(all[i / 2], i % 2 ? 2 : 1, NEVER);
		ask(PLAIN, 1);
		start(r);
		assert_int_equal(finish(r), all[i / 2] == &fake.threads ? -EAGAIN : -ENOMEM);
		refuse(all[i / 2], 0, 0);
		assert_int_equal(fake.done, 0);
		loop_free(r->loop);
		assert_int_equal(loop_new(NULL, &r->loop), 0);
	}
}

static void hung_up_before_the_beginning(void **state)
{
	struct run *r = *state;
	hang_up();
	start(r);
	assert_int_equal(finish(r), 0);
	assert_int_equal(made(), 0);
}

static void grows_to_a_maximum(void **state)
{
	struct run *r = *state;
	start(r);
	ask(HELD, MOST + 5);
	wait_until(&fake.held, MOST);
	assert_int_equal(made(), MOST);
	open_hall(true);
	wait_until(&fake.done, MOST + 5);
	assert_int_equal(made(), MOST);
	hang_up();
	assert_int_equal(finish(r), 0);
	assert_int_equal(fake.joined, made());
}

/* Two serve all there is, and when there is enough again others come. */
static void serves_with_two(struct run *r, struct refusal *refusal)
{
	start(r);
	ask(PLAIN, 1);
	wait_until(&fake.done, 1);
	refuse(refusal, 3, NEVER);
	ask(HELD, 8);
	wait_until(&fake.held, 2);
	while (atomic_load(&refusal->calls) < 3)
		sched_yield();
	open_hall(true);
	wait_until(&fake.done, 9);
	ask_until(&refusal->calls, 5);
	refuse(refusal, 0, 0);
	open_hall(false);
	ask_until(&refusal->calls, atomic_load(&refusal->calls));
	ask(HELD, 3);
	wait_until(&fake.held, 3);
	open_hall(true);
	hang_up();
	assert_int_equal(finish(r), 0);
}

static void a_shortage_of_threads(void **state)
{
	serves_with_two(*state, &fake.threads);
}

static void a_shortage_of_buffers(void **state)
{
	serves_with_two(*state, &fake.buffers);
	assert_int_equal(fake.joined, made());
}

static void a_shortage_of_scratch(void **state)
{
	serves_with_two(*state, &fake.scratches);
	assert_int_equal(fake.joined, made());
}

static void what_is_not_needed_leaves(void **state)
{
	struct run *r = *state;
	start(r);
	ask(HELD, MOST);
	wait_until(&fake.held, MOST);
	open_hall(true);
	wait_until(&fake.done, MOST);
	/* One at a time, and the one before may be about to end. */
	for (int n = MOST + 1; made() - fake.joined > 6; n++) {
		ask(PLAIN, 1);
		wait_until(&fake.done, n);
	}
	for (int i = 0, n = fake.done; i < LONG; i++) {
		ask(PLAIN, 1);
		wait_until(&fake.done, ++n);
	}
	assert_true(made() - fake.joined >= 2);
	hang_up();
	assert_int_equal(finish(r), 0);
	assert_int_equal(fake.joined, made());
}

static void never_do_all_leave(void **state)
{
	struct run *r = *state;
	start(r);
	ask(HELD, MOST);
	wait_until(&fake.held, MOST);
	pthread_mutex_lock(&fake.lock);
	fake.open = fake.stuck = true;
	changed();
	pthread_mutex_unlock(&fake.lock);
	/* Those that have decided to go are still on their way. */
	for (int i = 0; i < LONG; i++) {
		ask(PLAIN, 1);
		wait_until(&fake.done, MOST + 1 + i);
	}
	ask(PAIR, 2);
	wait_until(&fake.done, MOST + LONG + 2);
	pthread_mutex_lock(&fake.lock);
	fake.stuck = false;
	changed();
	pthread_mutex_unlock(&fake.lock);
	hang_up();
	assert_int_equal(finish(r), 0);
}

static void forgetting_makes_no_threads(void **state)
{
	struct run *r = *state;
	start(r);
	ask_for(HELD, FUSE_FORGET, 1);
	ask_for(HELD, FUSE_BATCH_FORGET, 1);
	wait_until(&fake.held, 2);
	open_hall(true);
	ask_for(PLAIN, FUSE_FORGET, 1000);
	wait_until(&fake.done, 1002);
	assert_int_equal(made(), 2);
	hang_up();
	assert_int_equal(finish(r), 0);
}

static void what_must_not_be_refused_waits(void **state)
{
	static const uint32_t final[] = { FUSE_WRITE, FUSE_RELEASE, FUSE_RELEASEDIR, FUSE_FORGET, FUSE_BATCH_FORGET };
	struct run *r = *state;
	start(r);
	refuse(&fake.rooms, 1, NEVER);
	ask(PLAIN, 20);
	wait_until(&fake.done, 20);
	assert_int_equal(fake.rooms.calls, 0);
	for (int i = 0; i < (int)N_OF(final); i++) {
		atomic_store(&fake.rooms.calls, 0);
		refuse(&fake.rooms, 1, 3);
		ask_for(PLAIN, final[i], 1);
		wait_until(&fake.done, 21 + i);
		assert_int_equal(fake.rooms.calls, 4);
	}
	refuse(&fake.rooms, 1, NEVER); /* not for ever */
	ask_for(PLAIN, FUSE_WRITE, 1);
	wait_until(&fake.done, 21 + (int)N_OF(final));
	hang_up();
	assert_int_equal(finish(r), 0);
}

static void a_pipe_is_no_memory(void **state)
{
	struct run *r = *state;
	fake.spliced = true;
	start(r);
	ask_for(PLAIN, FUSE_FORGET, 100);
	wait_until(&fake.done, 100);
	hang_up();
	assert_int_equal(finish(r), 0);
}

static void errors_of_reading(void **state)
{
	static const struct {
		int error;
		int result;
		bool ends;
	} cases[] = { { -ENOMEM, 0, false },	     { -EAGAIN, 0, false }, { -EINTR, 0, false },
		      { -ECONNABORTED, 0, true },    { -ENODEV, 0, true },  { -EIO, -EIO, true } };
	struct run *r = *state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		int done = fake.done;
		atomic_store(&fake.exited, false);
		start(r);
		ask(PLAIN, 1);
		wait_until(&fake.done, done + 1);
		atomic_store(&fake.read_error, cases[i].error);
		ask(PLAIN, cases[i].ends ? 1 : 9); /* one of which comes upon it */
		if (!cases[i].ends) {
			wait_until(&fake.done, done + 10);
			assert_int_equal(fake.read_error, 0);
			loop_end(r->loop);
		}
		assert_int_equal(finish(r), cases[i].result);
		loop_free(r->loop);
		assert_int_equal(loop_new(NULL, &r->loop), 0);
	}
}

static void ends_though_nobody_asks(void **state)
{
	struct run *r = *state;
	sigset_t set;
	for (int i = 0; i < 20; i++) {
		loop_free(r->loop);
		atomic_store(&fake.exited, false);
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
		assert_int_equal(loop_new(NULL, &r->loop), 0);
		int done = fake.done;
		start(r);
		ask(PLAIN, i);
		wait_until(&fake.done, done + i);
		loop_end(r->loop);
		assert_int_equal(finish(r), 0);
	}
}

static void a_request_is_finished_at_the_end(void **state)
{
	struct run *r = *state;
	start(r);
	ask(READ, 3);
	wait_until(&fake.held, 3);
	loop_end(r->loop);
	/* Whoever waits is woken meanwhile, again and again. */
	while (made() - 3 > atomic_load(&fake.joined))
		sched_yield();
	assert_int_equal(write(fake.pipe[1], "123", 3), 3);
	assert_int_equal(finish(r), 0);
	assert_int_equal(fake.done, 3);
	assert_int_equal(fake.interrupted, 0);
	assert_int_equal(fake.joined, made());
}

#define LOOP_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(serves_until_the_kernel_hangs_up),
		LOOP_TEST(two_are_ready_before_the_first_request),
		LOOP_TEST(without_two_nothing_begins),
		LOOP_TEST(hung_up_before_the_beginning),
		LOOP_TEST(grows_to_a_maximum),
		LOOP_TEST(a_shortage_of_threads),
		LOOP_TEST(a_shortage_of_buffers),
		LOOP_TEST(a_shortage_of_scratch),
		LOOP_TEST(what_is_not_needed_leaves),
		LOOP_TEST(never_do_all_leave),
		LOOP_TEST(forgetting_makes_no_threads),
		LOOP_TEST(what_must_not_be_refused_waits),
		LOOP_TEST(a_pipe_is_no_memory),
		LOOP_TEST(errors_of_reading),
		LOOP_TEST(ends_though_nobody_asks),
		LOOP_TEST(a_request_is_finished_at_the_end),
	};
	return RUN_TAP(tests, NULL, NULL);
}
