/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Arrays that grow by one element at a time.
 */
#ifndef CRYPTFS_BASE_ARRAY_H
#define CRYPTFS_BASE_ARRAY_H

#include <stddef.h>
#include <stdlib.h>

/* Room for one element more in an array from malloc (or NULL) that n of *cap elements are taken of, each of 'size'
 * bytes. Returns where the array is from now on; without memory NULL, and it stays where and as it is. */
static inline void *array_more(void *v, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return v;
	size_t more = *cap ? 2 * *cap : 16;
	void *w = reallocarray(v, more, size);
	if (w)
		*cap = more;
	return w;
}

#endif
