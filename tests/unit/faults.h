/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Everything that a function calls made to fail, one call at a time and from one call on, each time in a new
 * vault: what is there afterwards is the old or the new, an error is said, nothing leaks, and the same again
 * works. Programs that use it are linked with tests/faults/inject.c and --wrap of the memory's functions.
 */
#ifndef CRYPTFS_TESTS_FAULTS_H
#define CRYPTFS_TESTS_FAULTS_H

#include "config.h"

#include "../faults/inject.h"
#include "dirs.h"

#ifdef HAVE_LIBCRYPTO
#include <openssl/crypto.h>
#endif

/* ---- memory ---- */

static long faults_live; /* pieces allocated and not freed */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
void *__real_keymem_alloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);
void *__wrap_keymem_alloc(size_t n);

static inline bool faults_no_memory(void)
{
	if (inject_hit(INJECT_MEMORY) == 0)
		return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t n)
{
	void *p = faults_no_memory() ? NULL : __real_malloc(n);
	faults_live += p != NULL;
	return p;
}

void *__wrap_calloc(size_t n, size_t size)
{
	void *p = faults_no_memory() ? NULL : __real_calloc(n, size);
	faults_live += p != NULL;
	return p;
}

void *__wrap_realloc(void *p, size_t n)
{
	void *q = faults_no_memory() ? NULL : __real_realloc(p, n);
	faults_live += q && !p;
	return q;
}

void __wrap_free(void *p)
{
	faults_live -= p != NULL;
	__real_free(p);
}

void *__wrap_keymem_alloc(size_t n)
{
	return faults_no_memory() ? NULL : __real_keymem_alloc(n);
}

/* libcrypto's, which it does not ask for from here, and keeps as it likes. */
#ifdef HAVE_LIBCRYPTO
static void *faults_crypto_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return faults_no_memory() ? NULL : __real_malloc(n);
}

static void *faults_crypto_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return faults_no_memory() ? NULL : __real_realloc(p, n);
}

static void faults_crypto_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	__real_free(p);
}
#endif

/* ---- what is to fail ---- */

struct fault {
	int kind; /* -1: nothing */
	int error;
	uint32_t nth;
	bool rest;
};

static const char *const fault_names[] = {
#define FAULT_NAME(kind, name) name,
	INJECT_KINDS(FAULT_NAME)
#undef FAULT_NAME
};

static const int fault_errors[] = { EIO, ENOSPC, EDQUOT, EINTR, ENOMEM, EMFILE };
static const int fault_errors_of_data[] = {
	EIO, ENOSPC, EDQUOT, EINTR, INJECT_SHORT, INJECT_PART + ENOSPC, INJECT_PART + EIO,
};
static const int fault_errors_of_memory[] = { ENOMEM };

static inline size_t fault_errors_for(int kind, const int **errors)
{
	if (kind == INJECT_MEMORY || kind == INJECT_BUFFER) {
		*errors = fault_errors_of_memory;
		return N_OF(fault_errors_of_memory);
	}
	if (kind == INJECT_WRITE || kind == INJECT_READ) {
		*errors = fault_errors_of_data;
		return N_OF(fault_errors_of_data) - (kind == INJECT_READ ? 2 : 0);
	}
	*errors = fault_errors;
	return N_OF(fault_errors);
}

static inline void fault_arm(const struct fault *f)
{
	for (int i = 0; i < INJECT_N; i++)
		inject->calls[i] = 0;
	inject->kind = f->kind;
	inject->error = f->error;
	inject->nth = f->nth;
	inject->rest = f->rest;
	inject->hits = 0;
	inject->armed = 1;
}

static inline void fault_disarm(void)
{
	inject->armed = 0;
}

/* Was it one that the call in question gets over by itself? */
static inline bool fault_is_harmless(const struct fault *f)
{
	bool data = f->kind == INJECT_READ || f->kind == INJECT_WRITE;
	bool retried = data || f->kind == INJECT_SYNC || f->kind == INJECT_SYNCFS || f->kind == INJECT_RANGE ||
		       f->kind == INJECT_TRUNCATE || f->kind == INJECT_ALLOCATE;
	return f->error == INJECT_SHORT ? data : f->error == EINTR && retried && !f->rest;
}

/* The plain errno that the caller should see. */
static inline int fault_errno(const struct fault *f)
{
	return f->error > INJECT_PART ? f->error - INJECT_PART : f->error;
}

/* ---- a run ---- */

struct faults;

struct faults_op {
	const char *name;
	void (*begin)(struct faults *z); /* nothing fails */
	int (*run)(struct faults *z);	 /* what is looked at; again after it has failed, or has not */
	void (*judge)(struct faults *z); /* z->result */
	void (*end)(struct faults *z);	 /* everything that was opened is closed */
	const void *arg;
	bool foreign; /* it frees what a library has allocated */
};

struct faults {
	const struct faults_op *op;
	struct fixture *x;
	struct fault fault;
	int result;
	bool hit;
	void *own; /* the program's */
};

static char faults_at[256]; /* for whoever reads of a failure */
static unsigned int faults_runs;

static inline size_t faults_fds(void)
{
	size_t n = 0;
	DIR *d = opendir("/proc/self/fd");
	if (!d)
		return 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static inline void faults_say(const struct faults *z)
{
	const struct fault *f = &z->fault;
	if (f->kind < 0)
		snprintf(faults_at, sizeof(faults_at), "%s", z->op->name);
	else
		snprintf(faults_at, sizeof(faults_at), "%s: %s number %u%s: %d", z->op->name, fault_names[f->kind],
			 f->nth, f->rest ? " and all after it" : "", f->error);
}

/* Every case is gone through, however many fail; the first ones are told. */
#define FAULTS_TOLD 40
static unsigned int faults_bad;

static inline void faults_fail(const char *what, long got, long want)
{
	if (++faults_bad <= FAULTS_TOLD)
		print_message("# %s: %s: %ld, not %ld\n", faults_at, what, got, want);
}

#define FAULTS_EQUAL(a, b)                                      \
	do {                                                    \
		long a_ = (long)(a), b_ = (long)(b);            \
		if (a_ != b_)                                   \
			faults_fail(#a " == " #b, a_, b_);      \
	} while (0)
#define FAULTS_CHECK(ok) FAULTS_EQUAL(!(ok), 0)

/* One vault, one fault. Leaves the counts of calls in inject. */
static inline void faults_once(const struct faults_op *op, const struct fault *f)
{
	struct faults z = { .op = op, .fault = *f };
	void *state = NULL;
	size_t fds = faults_fds();
	long live = faults_live;
	faults_say(&z);
	faults_runs++;
	FAULTS_EQUAL(fixture_setup(&state), 0);
	z.x = state;
	op->begin(&z);

	fault_arm(f);
	z.result = op->run(&z);
	fault_disarm();
	z.hit = inject->hits > 0;
	op->judge(&z);

	op->end(&z);
	FAULTS_EQUAL(fixture_teardown(&state), 0); /* else something is left in the arena, or in the directory */
	FAULTS_EQUAL(faults_fds(), fds);
	FAULTS_EQUAL(op->foreign ? live : faults_live, live);
}

/* All faults of one operation. Call faults_end when all of them are through. */
static inline void faults_all(const struct faults_op *op)
{
	uint32_t calls[INJECT_N];
	const int *errors;
	faults_once(op, &(struct fault){ .kind = -1 });
	for (int k = 0; k < INJECT_N; k++)
		calls[k] = inject->calls[k];
	for (int k = 0; k < INJECT_N; k++) {
		size_t n = fault_errors_for(k, &errors);
		for (uint32_t nth = 1; nth <= calls[k]; nth++) {
			for (size_t e = 0; e < n; e++) {
				faults_once(op, &(struct fault){ k, errors[e], nth, false });
				if (errors[e] == EIO || errors[e] == ENOSPC || errors[e] == ENOMEM)
					faults_once(op, &(struct fault){ k, errors[e], nth, true });
			}
		}
	}
}

static inline void faults_end(void)
{
	unsigned int bad = faults_bad;
	faults_bad = 0;
	if (bad > 0)
		fail_msg("%u checks failed", bad);
}

static inline int faults_group_setup(void **state)
{
	inject->dry = 1;
#ifdef HAVE_LIBCRYPTO
	if (CRYPTO_set_mem_functions(faults_crypto_malloc, faults_crypto_realloc, faults_crypto_free) != 1)
		return -1;
#endif
	umask(0);
	return fixture_group_setup(state);
}

static inline int faults_group_teardown(void **state)
{
	print_message("# %u runs\n", faults_runs);
	return fixture_group_teardown(state);
}

#endif
