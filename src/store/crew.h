/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads that help with the blocks of a large request. A program that reads a file from end to end waits for one
 * request at a time, and so for one processor, while the others idle. Whoever has many blocks to seal or open
 * offers them here; he works on them himself and never waits for help that has not come.
 */
#ifndef CRYPTFS_STORE_CREW_H
#define CRYPTFS_STORE_CREW_H

#include <stdbool.h>
#include <stdint.h>

struct crew;

/* As many as there are processors to spare, perhaps none. Returns 0 or -errno. */
int crew_start(struct crew **out);

/* Nobody may be in crew_run any more. crew_stop(NULL) does nothing. */
void crew_stop(struct crew *c);

/* What is left of a job. */
struct crew_parts;

/* The next part of it, numbers [*from, *to); false if there is none left. */
bool crew_next(struct crew_parts *p, uint64_t *from, uint64_t *to);

/* Have 'work' called, in this thread and perhaps in others at the same time, until the numbers [0, n) are all done:
 * it takes parts until there are none. Returns 0, or a negative result of one of the calls. c may be NULL. */
typedef int crew_work(void *arg, struct crew_parts *p);
int crew_run(struct crew *c, crew_work *work, void *arg, uint64_t n);

#endif
