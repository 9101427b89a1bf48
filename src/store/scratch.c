/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/scratch.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "crypto/keymem.h"

#define SCRATCH_CIPHER ((size_t)SCRATCH_PAGES * CONTENT_PAGE)
#define SCRATCH_MAP (SCRATCH_CIPHER + SCRATCH_BYTES + 2 * CONTENT_PAGE)

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;

static void scratch_free(void *p)
{
	struct scratch *s = p;
	if (!s)
		return;
	aead_free(s->aead);
	aead_free(s->past);
	keymem_free(s->key);
	if (s->pages) {
		keymem_wipe(s->block, 2 * CONTENT_PAGE);
		munmap(s->pages, SCRATCH_MAP);
	}
	free(s);
}

static void scratch_make_key(void)
{
	pthread_key_create(&scratch_key, scratch_free);
}

struct scratch *scratch_get(void)
{
	pthread_once(&scratch_once, scratch_make_key);
	struct scratch *s = pthread_getspecific(scratch_key);
	if (s)
		return s;

	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->aead = aead_new();
	s->past = aead_new();
	s->key = keymem_alloc(sizeof(*s->key));
	void *pages = mmap(NULL, SCRATCH_MAP, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages != MAP_FAILED) {
		(void)madvise(pages, SCRATCH_MAP, MADV_DONTDUMP);
		s->pages = pages;
		s->one = s->pages + SCRATCH_CIPHER - CONTENT_PAGE;
		s->out = s->pages + SCRATCH_CIPHER;
		s->block = s->out + SCRATCH_BYTES;
		s->saved = s->block + CONTENT_PAGE;
	}
	if (!s->aead || !s->past || !s->key || !s->pages || pthread_setspecific(scratch_key, s) != 0) {
		scratch_free(s);
		return NULL;
	}
	return s;
}

void scratch_drop(void)
{
	pthread_once(&scratch_once, scratch_make_key);
	scratch_free(pthread_getspecific(scratch_key));
	pthread_setspecific(scratch_key, NULL);
}
