/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/choke.h"

static struct choke_thing *choke_find(struct choke *c, uint64_t key)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->things[i].key == key)
			return &c->things[i];
	return NULL;
}

/* In the place of the one that came first, if there is none left. */
static void choke_remember(struct choke *c, uint64_t key, uint64_t now)
{
	struct choke_thing *t = choke_find(c, key);
	if (!t) {
		t = &c->things[c->n < CHOKE_THINGS ? c->n++ : c->next++ % CHOKE_THINGS];
		t->key = key;
	}
	t->said = now;
}

static bool choke_spend(struct choke *c, uint64_t now)
{
	uint64_t more = (now - c->refilled) / CHOKE_REFILL;
	c->refilled += more * CHOKE_REFILL;
	c->spent -= more < c->spent ? more : c->spent;
	if (c->spent == 0)
		c->refilled = now;
	if (c->spent == CHOKE_BURST)
		return false;
	c->spent++;
	return true;
}

bool choke_may(struct choke *c, uint64_t key, uint64_t now, uint64_t *unsaid)
{
	const struct choke_thing *t = choke_find(c, key);
	if ((t && now - t->said < CHOKE_AGAIN) || !choke_spend(c, now)) {
		c->unsaid++;
		return false;
	}
	choke_remember(c, key, now);
	*unsaid = c->unsaid;
	c->unsaid = 0;
	return true;
}
