/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by fuzz_file*.c. */
#ifndef CRYPTFS_TESTS_FUZZ_FILE_H
#define CRYPTFS_TESTS_FUZZ_FILE_H

#include "format/content.h"
#include "fuzz_vault.h"
#include "store/file.h"

/*
 * A recipe of fuzz_file: flags u8, number of pages u8, tail u16 (bytes behind the last page: the size hint), far u8
 * (the size in MiB beyond that), then for each page of FUZZ_PAGE_LEN bytes
 *	kind u8, odd u8, used u16, durable u64
 * and to the end operations of FUZZ_OP_LEN bytes
 *	kind u8, a u8, x u32, n u16
 */
#define FUZZ_HEAD_LEN 5
#define FUZZ_PAGE_LEN 12
#define FUZZ_OP_LEN 8
#define FUZZ_PAGES 8
#define FUZZ_OPS 16

/* What can be read of a file: its size, and of the first blocks which are damaged and what is in the others. The
 * place of a byte is its stream position; the header's 64 bytes are zeros. */
#define SNAP_BLOCKS 12
struct snap {
	bool damaged; /* all of it */
	uint64_t size;
	bool bad[SNAP_BLOCKS];
	bool zero[SNAP_BLOCKS]; /* bad, and a zero page */
	uint8_t data[SNAP_BLOCKS * CONTENT_PAYLOAD];
};

#define VERSIONS 64
#define OLD_PAGES 4

struct old_page {
	bool set;
	uint64_t k;
	uint8_t page[CONTENT_PAGE];
};

struct run {
	struct fuzz_vault *v;
	int fd;		/* the ciphertext, a memfd */
	struct file *f;
	bool writable;
	bool stale;	/* changed below since it was opened: what the model says is not certain */
	bool whole;	/* for the next file_new */
	/* Where the bytes of each version were sealed, as stream positions; nothing is ever taken back, as an old
	 * page put back is not noticed. */
	unsigned int versions;
	uint64_t from[VERSIONS], to[VERSIONS];
	struct content_header header; /* of the image's pages */
	unsigned int old_next;
	struct old_page old[OLD_PAGES];
	struct snap model, now;
};

/* ---- fuzz_file_make.c: bytes that tell where they belong, and pages of them ---- */

/* A new version of the bytes at stream positions [from, to); VERSIONS if there are too many. */
unsigned int fuzz_version_new(struct run *r, uint64_t from, uint64_t to);

/* The bytes of version v at a stream position; and the promise that bytes which were read there are zeros or of some
 * version that was sealed there. */
void fuzz_bytes_fill(uint8_t *p, uint64_t pos, size_t n, unsigned int v);
void fuzz_bytes_check(const struct run *r, const uint8_t *p, uint64_t pos, size_t n);

/* A page record. */
struct spec {
	uint8_t kind;
	uint8_t odd;
	uint16_t used;
	uint64_t durable;
};

void fuzz_page_put(const struct run *r, uint64_t k, const uint8_t page[static CONTENT_PAGE]);
bool fuzz_page_get(const struct run *r, uint64_t k, uint8_t page[static CONTENT_PAGE]);
void fuzz_page_make(struct run *r, const struct spec *s, uint64_t k);
void fuzz_image_make(struct run *r, struct recipe *in, unsigned int n, uint16_t tail, uint8_t far);

/* ---- fuzz_file_ref.c ---- */

/* What doc/format.md section 3 says of the ciphertext file fd. Shares no code with src/store and src/format. 'vague' is
 * set if a reader may take an all-zero file for a damaged one, as it is too long to be looked at. */
void fuzz_file_ref(int fd, const struct key32 *content, struct snap *out, bool *vague);

#endif
