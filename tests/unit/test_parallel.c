/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who does not wait for whom. Two threads meet within the calls to the disk that their operations come to: each waits
 * there for the other. If one operation kept the other out meanwhile, they would never meet.
 */
#include "dirs.h"
#include "disk.h"

#include <pthread.h>
#include <time.h>

/* ---- the place to meet ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t come;
	int expected, here;
	int patience; /* seconds */
	bool missed;
} meeting = { .lock = PTHREAD_MUTEX_INITIALIZER, .come = PTHREAD_COND_INITIALIZER };

/* Only those that are to meet come here. */
static _Thread_local bool invited;

static void meet(void)
{
	struct timespec until;
	if (!invited)
		return;
	invited = false; /* at its first call */
	(void)clock_gettime(CLOCK_REALTIME, &until);
	SCOPED_LOCK(&meeting.lock);
	until.tv_sec += meeting.patience;
	if (++meeting.here == meeting.expected)
		pthread_cond_broadcast(&meeting.come);
	while (meeting.here < meeting.expected && !meeting.missed)
		if (pthread_cond_timedwait(&meeting.come, &meeting.lock, &until) != 0)
			meeting.missed = true;
}

ssize_t __real_io_pread_full(int fd, void *buf, size_t n, off_t off);
ssize_t __wrap_io_pread_full(int fd, void *buf, size_t n, off_t off);
int __real_io_pwrite_full(int fd, const void *buf, size_t n, off_t off);
int __wrap_io_pwrite_full(int fd, const void *buf, size_t n, off_t off);
int __real_mkdirat(int dirfd, const char *path, mode_t mode);
int __wrap_mkdirat(int dirfd, const char *path, mode_t mode);

ssize_t __wrap_io_pread_full(int fd, void *buf, size_t n, off_t off)
{
	meet();
	return __real_io_pread_full(fd, buf, n, off);
}

int __wrap_io_pwrite_full(int fd, const void *buf, size_t n, off_t off)
{
	meet();
	return __real_io_pwrite_full(fd, buf, n, off);
}

int __wrap_mkdirat(int dirfd, const char *path, mode_t mode)
{
	meet();
	return __real_mkdirat(dirfd, path, mode);
}

/* ---- what they do ---- */

struct job {
	int (*run)(const struct job *j); /* returns 0 if it went well */
	struct file *file;
	uint64_t at;
	struct dir *dir;
	const char *name;
	int result;
	pthread_t thread;
};

static int read_some(const struct job *j)
{
	uint8_t got[100];
	return file_read(j->file, got, sizeof(got), j->at) == sizeof(got) ? 0 : -1;
}

static int write_some(const struct job *j)
{
	return file_write(j->file, "some", 4, j->at);
}

static int make_one(const struct job *j)
{
	struct sealed_name s;
	int r = dir_seal_name(j->dir, j->name, strlen(j->name), &s);
	return r < 0 ? r : dirops_mkdir(j->dir, &s, 0700, &nobody);
}

static void *job_main(void *arg)
{
	struct job *j = arg;
	invited = true;
	j->result = j->run(j);
	scratch_drop();
	return NULL;
}

/* They come together; returns whether they met within so many seconds. */
static bool together_within(int patience, struct job *a, struct job *b)
{
	meeting.expected = 2;
	meeting.patience = patience;
	meeting.here = 0;
	meeting.missed = false;
	assert_int_equal(pthread_create(&a->thread, NULL, job_main, a), 0);
	assert_int_equal(pthread_create(&b->thread, NULL, job_main, b), 0);
	assert_int_equal(pthread_join(a->thread, NULL), 0);
	assert_int_equal(pthread_join(b->thread, NULL), 0);
	assert_int_equal(a->result, 0);
	assert_int_equal(b->result, 0);
	return !meeting.missed;
}

static bool together(struct job *a, struct job *b)
{
	return together_within(60, a, b);
}

/* ---- the tests ---- */

static struct model model;

static void test_readers_of_one_file(void **state)
{
	struct file *f _cleanup_file_ = model_file(&model, *state, "f", 50000);
	struct job a = { .run = read_some, .file = f, .at = 0 }, b = { .run = read_some, .file = f, .at = 0 };
	assert_true(together(&a, &b));
	b.at = 40000;
	assert_true(together(&a, &b));
}

static void test_a_reader_and_a_writer_of_two_files(void **state)
{
	struct file *f _cleanup_file_ = model_file(&model, *state, "f", 50000);
	struct file *g _cleanup_file_ = model_file(&model, *state, "g", 50000);
	struct job a = { .run = read_some, .file = f, .at = 10000 }, b = { .run = write_some, .file = g, .at = 10000 };
	assert_true(together(&a, &b));
}

static void test_writers_of_two_files(void **state)
{
	struct file *f _cleanup_file_ = model_file(&model, *state, "f", 50000);
	struct file *g _cleanup_file_ = model_file(&model, *state, "g", 50000);
	struct job a = { .run = write_some, .file = f, .at = 50000 }, b = { .run = write_some, .file = g, .at = 50000 };
	assert_true(together(&a, &b));
}

static void test_changes_of_two_directories(void **state)
{
	struct dir *root = root_of(*state), *d = make_dir(root, "d"), *e = make_dir(root, "e");
	struct job a = { .run = make_one, .dir = d, .name = "x" }, b = { .run = make_one, .dir = e, .name = "x" };
	bool met = together(&a, &b);
	struct job c = { .run = make_one, .dir = d, .name = "y" };
	a.name = "z";
	bool met_in_one = together(&a, &c);
	dir_free(d);
	dir_free(e);
	dir_free(root);
	assert_true(met);
	assert_true(met_in_one);
}

/* The other way round: who changes a file is alone in it, however long the other one waits. It also shows that a
 * meeting can fail. */
static void test_a_writer_is_alone(void **state)
{
	struct file *f _cleanup_file_ = model_file(&model, *state, "f", 50000);
	struct job a = { .run = write_some, .file = f, .at = 0 }, b = { .run = read_some, .file = f, .at = 40000 };
	assert_false(together_within(1, &a, &b));
	b.run = write_some;
	assert_false(together_within(1, &a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WRAP_TEST(test_readers_of_one_file),
		WRAP_TEST(test_a_reader_and_a_writer_of_two_files),
		WRAP_TEST(test_writers_of_two_files),
		WRAP_TEST(test_changes_of_two_directories),
		WRAP_TEST(test_a_writer_is_alone),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
