/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/bytes.h"
#include "crypto/keymem.h"
#include "crypto/rng.h"

static int setup(void **state)
{
	(void)state;
	return keymem_init();
}

static int teardown(void **state)
{
	(void)state;
	size_t left = keymem_in_use();
	keymem_exit();
	return left == 0 ? 0 : -1;
}

static void test_init_twice(void **state)
{
	(void)state;
	void *p = keymem_alloc(1);
	assert_int_equal(keymem_init(), 0);
	assert_int_equal(keymem_in_use(), 64); /* nothing was lost */
	keymem_free(p);
}

static void test_alloc_aligned_zeroed(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 32, 63, 64, 65, 128, 600, 4096 };
	uint8_t *p[N_OF(sizes)];
	for (size_t i = 0; i < N_OF(sizes); i++) {
		p[i] = keymem_alloc(sizes[i]);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % 64, 0);
		assert_true(bytes_are_zero(p[i], sizes[i]));
		memset(p[i], 0xa5, sizes[i]);
	}
	for (size_t i = 0; i < N_OF(sizes); i++) {
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(p[i][k], 0xa5); /* no two overlap */
		memset(p[i], (int)i, sizes[i]);
		keymem_free(p[i]);
	}
	assert_int_equal(keymem_in_use(), 0);
}

static void test_free_wipes(void **state)
{
	(void)state;
	uint8_t *keep = keymem_alloc(64);
	uint8_t *p = keymem_alloc(200);
	memset(p, 0xff, 200);
	memset(keep, 0xff, 64);
	keymem_free(p);
	uint8_t *again = keymem_alloc(200);
	assert_ptr_equal(again, p);
	assert_true(bytes_are_zero(again, 200));
	assert_int_equal(keep[63], 0xff);
	keymem_free(again);
	keymem_free(keep);
	keymem_free(NULL);
}

static void test_scoped_key(void **state)
{
	(void)state;
	{
		_cleanup_key_ struct key32 *k = keymem_alloc(sizeof(*k));
		assert_non_null(k);
		assert_int_equal(keymem_in_use(), 64);
	}
	assert_int_equal(keymem_in_use(), 0);
}

/* Holes are found again, whatever their order. */
static void test_reuses_holes(void **state)
{
	(void)state;
	uint8_t *a = keymem_alloc(64), *b = keymem_alloc(128), *c = keymem_alloc(64);
	keymem_free(b);
	uint8_t *big = keymem_alloc(192);
	assert_ptr_not_equal(big, b);
	assert_ptr_equal(keymem_alloc(128), b);
	keymem_free(a);
	assert_ptr_equal(keymem_alloc(1), a);
	keymem_free(a);
	keymem_free(b);
	assert_ptr_equal(keymem_alloc(192), a); /* two holes have become one */
	keymem_free(a);
	keymem_free(big);
	keymem_free(c);
}

static void test_full(void **state)
{
	(void)state;
	static void *p[65536];
	size_t n = 0;
	while (n < N_OF(p) && (p[n] = keymem_alloc(1024)))
		n++;
	assert_in_range(n, 47, 1024);
	assert_null(keymem_alloc(1024));
	assert_null(keymem_alloc(SIZE_MAX));
	assert_null(keymem_alloc((size_t)1 << 30));
	keymem_free(p[n / 2]);
	assert_ptr_equal(keymem_alloc(1024), p[n / 2]);
	for (size_t i = 0; i < n; i++)
		keymem_free(p[i]);
}

static void test_whole_arena(void **state)
{
	(void)state;
	size_t n = 2 * 1024 * 1024;
	void *p = NULL;
	while (n > 0 && !(p = keymem_alloc(n)))
		n /= 2;
	assert_true(n >= 32768);
	keymem_free(p);
}

static void *worker(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;
	for (int i = 0; i < 5000; i++) {
		seed = seed * 1103515245 + 12345;
		size_t n = 1 + (seed >> 16) % 300;
		uint8_t *p = keymem_alloc(n);
		if (!p)
			return (void *)1;
		if (!bytes_are_zero(p, n))
			return (void *)2;
		memset(p, 0x77, n);
		keymem_free(p);
	}
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	pthread_t t[4];
	for (uintptr_t i = 0; i < N_OF(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, worker, (void *)i), 0);
	for (size_t i = 0; i < N_OF(t); i++) {
		void *r;
		assert_int_equal(pthread_join(t[i], &r), 0);
		assert_null(r);
	}
}

static void test_equal(void **state)
{
	(void)state;
	assert_true(keymem_equal("abcd", "abcd", 4));
	assert_true(keymem_equal("abcd", "abcx", 3));
	assert_false(keymem_equal("abcd", "abcx", 4));
	assert_true(keymem_equal("a", "b", 0));
}

static void test_wipe(void **state)
{
	(void)state;
	uint8_t b[40];
	memset(b, 1, sizeof(b));
	keymem_wipe(b, 32);
	assert_true(bytes_are_zero(b, 32));
	assert_int_equal(b[32], 1);
}

static void test_rng(void **state)
{
	(void)state;
	uint8_t a[32] = { 0 }, b[32] = { 0 };
	rng_bytes(a, sizeof(a));
	rng_bytes(b, sizeof(b));
	assert_false(bytes_are_zero(a, sizeof(a)));
	assert_memory_not_equal(a, b, sizeof(a));
	rng_bytes(a, 0);
}

/* The end of a child that runs fn, as waitpid tells it. */
static int status_of(int (*fn)(const void *arg), const void *arg)
{
	int status;
	(void)fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn(arg));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* Without a handler of a sanitizer's. */
static int peek(const void *p)
{
	(void)signal(SIGSEGV, SIG_DFL);
	return *(volatile const uint8_t *)p;
}

static int has_none(const void *p)
{
	uint8_t in_core;
	if (mincore((void *)(uintptr_t)p, 1, &in_core) == 0 || errno != ENOMEM)
		return 1;
	if (keymem_in_use() != 0 || keymem_alloc(1) != NULL)
		return 2;
	keymem_exit();
	return 0;
}

static int makes_its_own(const void *p)
{
	(void)p;
	if (keymem_init() != 0)
		return 1;
	uint8_t *own = keymem_alloc(4096);
	if (!own || !bytes_are_zero(own, 4096))
		return 2;
	memset(own, 1, 4096);
	keymem_free(own);
	keymem_exit();
	return 0;
}

static void test_not_for_children(void **state)
{
	(void)state;
	uint8_t *key = keymem_alloc(4096); /* has the first byte of a page */
	uint8_t *page = key + (4096 - (uintptr_t)key % 4096) % 4096;
	memset(key, 0x55, 4096);
	int status = status_of(peek, key);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	assert_int_equal(status_of(has_none, page), 0);
	assert_int_equal(status_of(makes_its_own, NULL), 0);
	assert_int_equal(key[0], 0x55);
	assert_int_equal(keymem_in_use(), 4096);
	keymem_free(key);
}

/* Root locks what it likes: give that up, as a user would have it. */
static int as_user_with(const void *arg)
{
	const rlim_t limit = *(const rlim_t *)arg;
	struct rlimit r = { limit, limit };
	if (setrlimit(RLIMIT_MEMLOCK, &r) < 0)
		return 99;
	if (geteuid() == 0 && setuid(65534) < 0)
		return 99;
	return -keymem_init();
}

static int in_child(rlim_t limit)
{
	int status = status_of(as_user_with, &limit);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_memlock_limit(void **state)
{
	(void)state;
	SKIP_IF(UNIT_SANITIZED, "sanitizers make mlock do nothing");
	assert_int_equal(in_child(0), ENOMEM);
	assert_int_equal(in_child(16384), ENOMEM);
	assert_int_equal(in_child(64 * 1024), 0);
	assert_int_equal(in_child(300 * 1024), 0);
}

static void test_exit_and_again(void **state)
{
	(void)state;
	keymem_exit();
	keymem_exit();
	assert_null(keymem_alloc(1));
	assert_int_equal(keymem_in_use(), 0);
	assert_int_equal(keymem_init(), 0);
	void *p = keymem_alloc(1);
	assert_non_null(p);
	keymem_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init_twice),
		cmocka_unit_test(test_alloc_aligned_zeroed),
		cmocka_unit_test(test_free_wipes),
		cmocka_unit_test(test_scoped_key),
		cmocka_unit_test(test_reuses_holes),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_whole_arena),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_rng),
		cmocka_unit_test(test_not_for_children),
		cmocka_unit_test(test_memlock_limit),
		cmocka_unit_test(test_exit_and_again),
	};
	return RUN_TAP(tests, setup, teardown);
}
