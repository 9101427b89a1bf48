/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/linger.h"

#include <poll.h>
#include <sched.h>
#include <time.h>

#define LINGER_NS 60000		     /* as long as waking costs, thrice over */
#define LINGER_GAP_MAX (8 * LINGER_NS) /* a long pause counts as no more */
#define LINGER_WEIGHT 8		     /* of the average against the latest */

static int64_t linger_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void linger_init(struct linger *l)
{
	cpu_set_t cpus;
	*l = (struct linger){ .gap = LINGER_GAP_MAX };
	l->use = sched_getaffinity(0, sizeof(cpus), &cpus) != 0 || CPU_COUNT(&cpus) > 1;
}

void linger_wait(struct linger *l, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	if (!l->use)
		return;
	int64_t begin = linger_now();
	atomic_store_explicit(&l->since, begin, memory_order_relaxed);
	if (atomic_load_explicit(&l->gap, memory_order_relaxed) > LINGER_NS || atomic_exchange(&l->taken, true))
		return;
	while (poll(&p, 1, 0) == 0 && linger_now() - begin < LINGER_NS)
		;
	atomic_store(&l->taken, false);
}

void linger_note(struct linger *l)
{
	if (!l->use)
		return;
	int64_t gap = linger_now() - atomic_load_explicit(&l->since, memory_order_relaxed);
	int64_t before = atomic_load_explicit(&l->gap, memory_order_relaxed);
	gap = gap < 0 ? 0 : gap > LINGER_GAP_MAX ? LINGER_GAP_MAX : gap;
	atomic_store_explicit(&l->gap, before + (gap - before) / LINGER_WEIGHT, memory_order_relaxed);
}
