/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ciphertext files as they lie on disk, for the tests of src/store/file*.c: a reader that follows
 * doc/format.md section 3 word by word and shares nothing with the one under test but the AEAD, and
 * what a power cut does to pages.
 */
#ifndef CRYPTFS_TESTS_DISK_H
#define CRYPTFS_TESTS_DISK_H

#include <linux/falloc.h>

#include "base/bytes.h"
#include "store.h"
#include "store/file.h"

#define PAGE CONTENT_PAGE
#define PAYLOAD CONTENT_PAYLOAD
#define HEADER CONTENT_HEADER_LEN

/* Modes of fallocate. */
#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define ZERO FALLOC_FL_ZERO_RANGE
#define ZERO_KEEP (FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE)

/* Plaintext offset where block k's payload begins; block 0's with the header before it. */
#define BLOCK_OFF(k) ((k) == 0 ? 0 : (uint64_t)(k)*PAYLOAD - HEADER)

struct disk_block {
	uint16_t used;
	uint64_t durable; /* block 0 */
	uint32_t flags; /* block 0 */
	uint8_t payload[PAYLOAD];
};

static inline int disk_fd(const struct fixture *x, const char *name)
{
	int fd = openat(x->dir->fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

static inline uint64_t disk_size(int fd)
{
	struct stat sb;
	assert_int_equal(fstat(fd, &sb), 0);
	return (uint64_t)sb.st_size;
}

static inline bool disk_page(int fd, uint64_t k, uint8_t page[static PAGE])
{
	return pread(fd, page, PAGE, (off_t)(k * PAGE)) == (ssize_t)PAGE;
}

static inline void disk_put_page(int fd, uint64_t k, const uint8_t page[static PAGE])
{
	assert_int_equal(pwrite(fd, page, PAGE, (off_t)(k * PAGE)), PAGE);
}

static inline void disk_zero_page(int fd, uint64_t k)
{
	const uint8_t zeros[PAGE] = { 0 };
	disk_put_page(fd, k, zeros);
}

static inline void disk_punch(int fd, uint64_t k, uint64_t n)
{
	assert_int_equal(fallocate(fd, PUNCH, (off_t)(k * PAGE), (off_t)(n * PAGE)), 0);
}

static inline void disk_flip(int fd, off_t at)
{
	uint8_t c;
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= 1;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
}

static inline void disk_cut(int fd, uint64_t size)
{
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
}

/* Take the key of the file whose page 0 lies there. Returns its flags. */
static inline uint32_t disk_key(const struct fixture *x, int fd)
{
	uint8_t header[HEADER];
	assert_int_equal(pread(fd, header, HEADER, 64), HEADER);
	kdf_hash(x->key->b, 32, x->vault.keys->content.b, 32, header + 16, 24, NULL, 0);
	aead_set_key(x->aead, x->key);
	return get_le32(header + 12);
}

/* Open one page. Returns 0, -ENODATA (missing), -ENOENT (a zero page) or -EBADMSG. */
static inline int disk_open(const struct fixture *x, int fd, uint64_t k, struct disk_block *b)
{
	uint8_t page[PAGE], ad[24 + 8 + 64];
	size_t skip = k == 0 ? HEADER : 0;
	if (!disk_page(fd, k, page))
		return -ENODATA;
	if (bytes_are_zero(page, PAGE))
		return -ENOENT;
	b->flags = disk_key(x, fd);
	memcpy(ad, page + 40, 24);
	put_le64(ad + 24, k);
	memcpy(ad + 32, page + 64, skip);
	memcpy(b->payload, page + 64, skip);
	if (aead_open(x->aead, page, ad, 32 + skip, page + 64 + skip, PAYLOAD - skip,
		      b->payload + skip, page + 24) < 0)
		return -EBADMSG;
	b->used = get_le16(page + 40);
	assert_in_range(b->used, skip + 1, PAYLOAD);
	assert_true(bytes_are_zero(b->payload + b->used, PAYLOAD - b->used));
	b->durable = get_le64(page + 48);
	return 0;
}

/* Seal b as page k, whatever it says: what stands behind 'used' as well. */
static inline void disk_seal(const struct fixture *x, int fd, uint64_t k,
			     const struct disk_block *b)
{
	static uint8_t nonce;
	uint8_t page[PAGE] = { ++nonce }, ad[24 + 8 + 64];
	size_t skip = k == 0 ? HEADER : 0;
	put_le16(page + 40, b->used);
	put_le64(page + 48, b->durable);
	memcpy(page + 64, b->payload, skip);
	memcpy(ad, page + 40, 24);
	put_le64(ad + 24, k);
	memcpy(ad + 32, page + 64, skip);
	disk_key(x, fd);
	assert_int_equal(aead_seal(x->aead, page, ad, 32 + skip, b->payload + skip, PAYLOAD - skip,
				   page + 64 + skip, page + 24),
			 0);
	disk_put_page(fd, k, page);
}

/* The durable length as it stands in the file (of the stream), and is it SPARSE? */
static inline uint64_t disk_durable(const struct fixture *x, int fd)
{
	struct disk_block b;
	assert_int_equal(disk_open(x, fd, 0, &b), 0);
	return b.durable;
}

static inline bool disk_sparse(const struct fixture *x, int fd)
{
	struct disk_block b;
	assert_int_equal(disk_open(x, fd, 0, &b), 0);
	return b.flags & CONTENT_FLAG_SPARSE;
}

/* The length of the stream, page 0 being sound. */
static inline uint64_t disk_len(const struct fixture *x, int fd)
{
	struct disk_block b;
	uint64_t size = disk_size(fd), n = size / PAGE, h = size % PAGE;
	if (size == 0)
		return 0;
	uint64_t durable = disk_durable(x, fd), len;
	if (disk_open(x, fd, n - 1, &b) == 0)
		len = (n - 1) * PAYLOAD + b.used;
	else
		len = (n - 1) * PAYLOAD + (h == 0 || h > PAYLOAD ? PAYLOAD : h);
	return len < durable ? durable : len;
}

/* The whole plaintext. Returns its length or -EBADMSG. */
static inline ssize_t disk_read(const struct fixture *x, int fd, uint8_t *out, size_t cap)
{
	uint64_t len = disk_len(x, fd), durable = len > 0 ? disk_durable(x, fd) : 0;
	bool sparse = len > 0 && disk_sparse(x, fd);
	assert_true(len <= cap + HEADER);
	for (uint64_t k = 0; k * PAYLOAD < len; k++) {
		struct disk_block b;
		uint64_t start = k * PAYLOAD, n = len - start < PAYLOAD ? len - start : PAYLOAD;
		uint64_t skip = k == 0 ? HEADER : 0;
		int r = disk_open(x, fd, k, &b);
		if (r == -EBADMSG || (r < 0 && start < durable && !(r == -ENOENT && sparse)))
			return -EBADMSG;
		uint64_t used = r < 0 ? 0 : b.used < n ? b.used : n;
		if (r == 0 && start + used < durable && used < n)
			return -EBADMSG;
		memset(b.payload + used, 0, (size_t)(n - used));
		memcpy(out + BLOCK_OFF(k), b.payload + skip, (size_t)(n - skip));
	}
	return (ssize_t)(len > 0 ? len - HEADER : 0);
}

/* ---- struct file ---- */

/* The file called so, as somebody finds it who opens it now; *r is what file_attach says. */
static inline struct file *file_found(const struct fixture *x, const char *name, bool writable,
				      int *r)
{
	struct file *f = file_new(x->st, false);
	assert_non_null(f);
	int fd = openat(x->dir->fd, name, (writable ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC,
			0600);
	assert_true(fd >= 0);
	*r = file_attach(f, fd, writable);
	return f;
}

static inline struct file *file_at(const struct fixture *x, const char *name)
{
	int r;
	struct file *f = file_found(x, name, true, &r);
	assert_int_equal(r, 0);
	return f;
}

/* ---- a model: what the plaintext should be ---- */

#define MODEL_MAX (SCRATCH_BYTES)

struct model {
	uint64_t size;
	uint8_t bytes[MODEL_MAX];
};

static inline void model_fill(struct model *m, uint64_t size)
{
	memset(m->bytes, 0, sizeof(m->bytes));
	for (uint64_t i = 0; i < size; i++)
		m->bytes[i] = (uint8_t)(1 + i % 251);
	m->size = size;
}

static inline void model_write(struct model *m, const uint8_t *buf, uint64_t n, uint64_t off)
{
	if (buf)
		memcpy(m->bytes + off, buf, (size_t)n);
	else
		memset(m->bytes + off, 0, (size_t)n);
	if (m->size < off + n)
		m->size = off + n;
}

static inline void model_truncate(struct model *m, uint64_t size)
{
	if (size < m->size)
		memset(m->bytes + size, 0, (size_t)(m->size - size));
	m->size = size;
}

/* Random bytes at off, in the model and the file. */
static inline void model_put(struct model *m, struct file *f, struct dice *d, uint64_t n,
			     uint64_t off)
{
	assert_true(off + n <= MODEL_MAX);
	dice_fill(d, m->bytes + off, (size_t)n);
	if (m->size < off + n)
		m->size = off + n;
	assert_int_equal(file_write(f, m->bytes + off, (size_t)n, off), 0);
}

/* Is this what the file says it holds? */
static inline void model_check(const struct model *m, struct file *f)
{
	static uint8_t got[MODEL_MAX];
	assert_int_equal(file_size(f), m->size);
	assert_int_equal(file_read(f, got, MODEL_MAX, 0), m->size);
	assert_memory_equal(got, m->bytes, m->size);
}

/* And what lies on disk, by both readers? */
static inline void model_check_disk(const struct model *m, const struct fixture *x,
				    const char *name)
{
	static uint8_t got[MODEL_MAX];
	struct file *f _cleanup_file_ = file_at(x, name);
	model_check(m, f);
	assert_int_equal(disk_read(x, file_fd(f), got, MODEL_MAX), m->size);
	assert_memory_equal(got, m->bytes, m->size);
}

/* Around the borders of a page, of its payload, and of block 0's without the header. */
static const uint64_t border_sizes[] = {
	0,    1,    63,   64,   65,   3967, 3968, 3969, 4031,  4032,  4033,
	4095, 4096, 4097, 7999, 8000, 8001, 8063, 8064, 12031, 12032, 12033,
};

/* A file of that size, written at once; it differs from zeros everywhere. */
static inline struct file *model_file(struct model *m, const struct fixture *x, const char *name,
				      uint64_t size)
{
	struct file *f = file_at(x, name);
	model_fill(m, size);
	assert_int_equal(file_truncate(f, 0), 0);
	assert_int_equal(file_write(f, m->bytes, (size_t)size, 0), 0);
	return f;
}

#endif
