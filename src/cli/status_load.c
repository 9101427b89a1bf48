/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/status_show.h"

static double rate(int64_t now, int64_t before, double seconds)
{
	return now >= 0 && before >= 0 && now >= before && seconds > 0 ? (double)(now - before) / seconds : -1;
}

static const struct status_mount *find_before(const struct status_list *before, const struct status_mount *m)
{
	for (size_t i = 0; i < before->n; i++) {
		const struct status_mount *b = &before->mounts[i];
		if (b->st.pid == m->st.pid && b->st.since == m->st.since && strcmp(b->mountpoint, m->mountpoint) == 0)
			return b;
	}
	return NULL;
}

static void find_rates(const struct status_list *before, double at, struct status_mount *m)
{
	const struct status_mount *b = find_before(before, m);
	const struct mounts_counts *x = &m->st.counts, *y = b ? &b->st.counts : NULL;
	double seconds = at - before->at;
	m->rates = (struct status_rates){ -1, -1, -1, -1 };
	if (!y)
		return;
	m->rates.read_bytes = rate(x->read_bytes, y->read_bytes, seconds);
	m->rates.written_bytes = rate(x->written_bytes, y->written_bytes, seconds);
	m->rates.requests = rate(x->requests, y->requests, seconds);
	m->rates.damaged = rate(x->damaged, y->damaged, seconds);
}

static bool is_same_directory(const char *a, const char *b)
{
	struct stat x, y;
	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* All if 'only' is NULL. A vault may be known to the kernel by another path. */
static bool is_wanted(const struct mountinfo *e, const char *only)
{
	return e->ours && (!only || strcmp(e->mountpoint, only) == 0 || strcmp(e->source, only) == 0 ||
			   (paths_is_vault(only) && is_same_directory(e->source, only)));
}

static int add_mount(const struct mountinfo *e, const struct status_list *before, struct status_list *out)
{
	struct status_mount *more = reallocarray(out->mounts, out->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	out->mounts = more;
	struct status_mount *m = &more[out->n];
	m->mountpoint = strdup(e->mountpoint);
	m->vault = strdup(e->source);
	m->read_only = e->read_only;
	out->n++;
	if (!m->mountpoint || !m->vault)
		return -ENOMEM;
	mounts_ask(m->mountpoint, &m->st);
	find_rates(before, out->at, m);
	return 0;
}

int status_load(const char *only, const struct status_list *before, struct status_list *out)
{
	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	*out = (struct status_list){ .at = (double)t.tv_sec + (double)t.tv_nsec / 1e9 };
	int err = mounts_load(&m);
	for (size_t i = 0; err == 0 && i < m.n; i++)
		if (is_wanted(&m.entries[i], only))
			err = add_mount(&m.entries[i], before, out);
	if (err < 0)
		status_free(out);
	return err;
}

void status_free(struct status_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->mounts[i].mountpoint);
		free(list->mounts[i].vault);
	}
	free(list->mounts);
	*list = (struct status_list){ NULL, 0, 0 };
}

int status_not_mounted(const char *operand)
{
	return exit_fail(EXIT_NO_VAULT, "'%s' is not mounted ('cryptfs status' lists what is)", operand);
}
