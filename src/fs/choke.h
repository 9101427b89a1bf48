/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which of many messages are said: of one thing the first, and another when some time has gone by; of all of them a
 * few at once, and then one now and then. What is left unsaid is counted. Knows no clock: times are seconds of one that
 * never goes back. The caller locks.
 */
#ifndef CRYPTFS_FS_CHOKE_H
#define CRYPTFS_FS_CHOKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHOKE_THINGS 64	    /* so many are remembered */
#define CHOKE_AGAIN 3600    /* seconds until one thing is worth another message */
#define CHOKE_BURST 20	    /* so many messages at once */
#define CHOKE_REFILL 10	    /* seconds until one more may be said */

struct choke_thing {
	uint64_t key;
	uint64_t said; /* when */
};

struct choke {
	struct choke_thing things[CHOKE_THINGS];
	size_t n;
	size_t next;	   /* whose place the next one takes when all are taken */
	uint64_t spent;	   /* of the burst */
	uint64_t refilled; /* up to when */
	uint64_t unsaid;   /* since choke_may last returned true */
};

/* Is a message about the thing 'key' to be said at this time? If so, *unsaid is how many have not been before it. All
 * zero is how a struct choke begins. */
bool choke_may(struct choke *c, uint64_t key, uint64_t now, uint64_t *unsaid);

#endif
