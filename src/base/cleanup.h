/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Release by scope: resources declared with one of these are released on every path out of the
 * block, and leave it only through TAKE_FD or TAKE_PTR. Never mix with goto: jumping past a
 * declaration would run its cleanup on garbage.
 */
#ifndef CRYPTFS_BASE_CLEANUP_H
#define CRYPTFS_BASE_CLEANUP_H

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

#define _cleanup_fd_ _cleanup_(cleanup_fd)
#define _cleanup_free_ _cleanup_(cleanup_free)

/* Move a resource out of a scoped variable. */
#define TAKE_FD(fd)                      \
	__extension__({                  \
		int *take_ = &(fd);      \
		int value_ = *take_;     \
		*take_ = -1;             \
		value_;                  \
	})

#define TAKE_PTR(p)                              \
	__extension__({                          \
		__typeof__(p) *take_ = &(p);     \
		__typeof__(p) value_ = *take_;   \
		*take_ = NULL;                   \
		value_;                          \
	})

static inline pthread_mutex_t *cleanup_mutex_enter(pthread_mutex_t *m)
{
	pthread_mutex_lock(m);
	return m;
}

static inline void cleanup_mutex(pthread_mutex_t **m)
{
	if (*m)
		pthread_mutex_unlock(*m);
}

static inline pthread_rwlock_t *cleanup_read_enter(pthread_rwlock_t *l)
{
	pthread_rwlock_rdlock(l);
	return l;
}

static inline pthread_rwlock_t *cleanup_write_enter(pthread_rwlock_t *l)
{
	pthread_rwlock_wrlock(l);
	return l;
}

static inline void cleanup_rwlock(pthread_rwlock_t **l)
{
	if (*l)
		pthread_rwlock_unlock(*l);
}

#define CLEANUP_PASTE_(a, b) a##b
#define CLEANUP_PASTE(a, b) CLEANUP_PASTE_(a, b)

/* Hold a lock to the end of the enclosing block. */
#define SCOPED_LOCK(m)                                                             \
	pthread_mutex_t *CLEANUP_PASTE(scoped_lock_, __LINE__) _cleanup_(cleanup_mutex) \
		__attribute__((unused)) = cleanup_mutex_enter(m)
#define SCOPED_READ(l)                                                               \
	pthread_rwlock_t *CLEANUP_PASTE(scoped_lock_, __LINE__) _cleanup_(cleanup_rwlock) \
		__attribute__((unused)) = cleanup_read_enter(l)
#define SCOPED_WRITE(l)                                                              \
	pthread_rwlock_t *CLEANUP_PASTE(scoped_lock_, __LINE__) _cleanup_(cleanup_rwlock) \
		__attribute__((unused)) = cleanup_write_enter(l)

#endif
