/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/badblock.h"

static _Thread_local struct badblock badblock_last;

int badblock_note(uint64_t block, bool missing, int r)
{
	badblock_last = (struct badblock){ .known = true, .missing = missing, .block = block };
	return r;
}

struct badblock badblock_take(void)
{
	struct badblock last = badblock_last;
	badblock_last.known = false;
	return last;
}
