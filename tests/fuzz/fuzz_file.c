/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The content of a file through src/store, on a ciphertext file that the recipe makes: pages sealed as they should
 * be or with odd lengths, headers and places, and others. Then it is read, written, cut and changed below by
 * turns. Promises:
 *
 *   - a byte that is not zero is one that was sealed at that place of that file, whatever was done to it;
 *   - a file just opened says exactly what doc/format.md says of it (fuzz_file_ref.c is a second reader);
 *   - an operation that succeeds changes what it should and nothing else; one that fails changes nothing; damage does
 *     not heal unless all of the block is written anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "fuzz_file.h"

#define WRITE_MAX 20000

static struct run the_run;
static bool trace;

static void say(const char *what, long long a, long long b)
{
	if (trace)
		fprintf(stderr, "%s: %#llx %#llx\n", what, (unsigned long long)a, (unsigned long long)b);
}

static uint8_t buffer[1 << 17];

/* ---- looking ---- */

static bool page_is_zero(const struct run *r, uint64_t k)
{
	uint8_t page[CONTENT_PAGE];
	return fuzz_page_get(r, k, page) && bytes_are_zero(page, sizeof(page));
}

static void look_block(struct run *r, uint64_t k)
{
	struct snap *s = &r->now;
	uint64_t len = s->size + CONTENT_HEADER_LEN;
	uint64_t from = k * CONTENT_PAYLOAD + content_sealed_off(k), to = (k + 1) * CONTENT_PAYLOAD;
	size_t n = (size_t)((to < len ? to : len) - from);
	uint8_t *data = s->data + from;
	ssize_t got = file_read(r->f, data, n, from - CONTENT_HEADER_LEN);
	if (got < 0) {
		FUZZ_PROMISE(fuzz_is_damage((int)got));
		s->bad[k] = true;
		s->zero[k] = page_is_zero(r, k);
		memset(data, 0, n);
		return;
	}
	FUZZ_PROMISE((size_t)got == n);
	if (memcmp(data, r->model.data + from, n) != 0) /* else it was looked at before */
		fuzz_bytes_check(r, data, from, n);
}

/* All blocks one by one, into r->now. */
static void look(struct run *r)
{
	struct snap *s = &r->now;
	memset(s, 0, sizeof(*s));
	(void)file_revalidate(r->f); /* as whoever reads does, in shared mode */
	s->damaged = !file_is_open(r->f, false);
	if (s->damaged) {
		FUZZ_PROMISE(file_read(r->f, buffer, 1, 0) < 0);
		return;
	}
	s->size = file_size(r->f);
	FUZZ_PROMISE(file_read(r->f, buffer, 1, s->size) == 0);
	for (uint64_t k = 0; k < SNAP_BLOCKS && s->size > 0 && k * CONTENT_PAYLOAD < s->size + CONTENT_HEADER_LEN; k++)
		look_block(r, k);
}

/* What is seen must be what the model says. A zero page that was damage may have become a hole: the file is SPARSE
 * now, and nobody can tell. */
static void compare(struct run *r)
{
	struct snap *m = &r->model;
	look(r);
	say("size of model, now", (long long)m->size, (long long)r->now.size);
	FUZZ_PROMISE(r->stale || (r->now.damaged == m->damaged && r->now.size == m->size));
	for (uint64_t k = 0; k < SNAP_BLOCKS && !r->stale; k++) {
		const uint8_t *is = r->now.data + k * CONTENT_PAYLOAD, *was = m->data + k * CONTENT_PAYLOAD;
		if (m->bad[k] && m->zero[k] && !r->now.bad[k]) {
			FUZZ_PROMISE(bytes_are_zero(is, CONTENT_PAYLOAD));
			continue;
		}
		if (m->bad[k] != r->now.bad[k])
			say("block is bad", (long long)k, r->now.bad[k]);
		FUZZ_PROMISE(m->bad[k] == r->now.bad[k]);
		FUZZ_PROMISE(m->bad[k] || memcmp(was, is, CONTENT_PAYLOAD) == 0);
	}
	*m = r->now;
}

/* ---- opening ---- */

static void open_again(struct run *r)
{
	struct snap before = r->model;
	bool sure = r->f && !r->stale && !r->whole, vague;
	file_free(r->f);
	r->f = file_new(r->v->st, r->whole);
	FUZZ_PROMISE(r->f);
	int a = file_attach(r->f, dup(r->fd), r->writable);
	FUZZ_PROMISE(a == 0 || fuzz_is_damage(a));

	fuzz_file_ref(r->fd, &r->v->vault.keys->content, &r->model, &vague);
	r->stale = r->whole || vague; /* it was told more than the disk says */
	r->whole = false;
	compare(r);
	if (sure) {
		r->model = before;
		compare(r);
	}
}

/* ---- operations ---- */

struct op {
	uint8_t kind;
	uint8_t a;
	uint32_t x;
	uint16_t n;
};

/* An offset in the plaintext. */
static uint64_t place(const struct run *r, const struct op *o)
{
	uint64_t at;
	switch (o->a % 4) {
	case 0:
		return o->x % ((SNAP_BLOCKS - 3) * CONTENT_PAYLOAD);
	case 1: /* around a border */
		at = (o->x >> 8) % (SNAP_BLOCKS - 3) * CONTENT_PAYLOAD + o->x % 256;
		return at > 192 ? at - 192 : 0;
	case 2: /* around the end */
		at = r->model.size + o->x % 256;
		return at > 128 ? at - 128 : 0;
	default: /* far away */
		return (uint64_t)o->x << (o->a / 4 % 33);
	}
}

/* The model becomes this long; new bytes are zeros. */
static void model_resize(struct snap *m, uint64_t size)
{
	uint64_t len = size == 0 ? 0 : size + CONTENT_HEADER_LEN;
	m->size = size;
	for (uint64_t k = 0; k < SNAP_BLOCKS; k++)
		if (k * CONTENT_PAYLOAD >= len)
			m->bad[k] = false;
	if (len < sizeof(m->data))
		memset(m->data + len, 0, sizeof(m->data) - len);
}

/* [from, to) of the plaintext comes from p, or is zeros. A damaged block is whole again if all of it is new. */
static void model_put(struct snap *m, const uint8_t *p, uint64_t from, uint64_t to)
{
	uint64_t old = m->size + CONTENT_HEADER_LEN;
	if (to > m->size)
		m->size = to;
	from += CONTENT_HEADER_LEN;
	to += CONTENT_HEADER_LEN;
	for (uint64_t k = 0; k < SNAP_BLOCKS; k++) {
		uint64_t start = k * CONTENT_PAYLOAD + content_sealed_off(k), end = (k + 1) * CONTENT_PAYLOAD;
		uint64_t a = from > start ? from : start, b = to < end ? to : end;
		if (a >= b)
			continue;
		if (a == start && b >= (end < old ? end : old))
			m->bad[k] = false;
		if (p)
			memcpy(m->data + a, p + (a - from), (size_t)(b - a));
		else
			memset(m->data + a, 0, (size_t)(b - a));
	}
}

static void op_read(struct run *r, const struct op *o)
{
	uint64_t off = place(r, o), size = r->model.size;
	size_t n = (size_t)o->n * (o->a & 64 ? 2 : 1);
	ssize_t got = file_read(r->f, buffer, n, off);
	if (got > 0)
		fuzz_bytes_check(r, buffer, off + CONTENT_HEADER_LEN, (size_t)got);
	if (r->stale || r->model.damaged)
		return;
	uint64_t want = off >= size ? 0 : n < size - off ? n : size - off, end = off + want + CONTENT_HEADER_LEN;
	bool bad = false;
	for (uint64_t k = (off + CONTENT_HEADER_LEN) / CONTENT_PAYLOAD;
	     want > 0 && k < SNAP_BLOCKS && k * CONTENT_PAYLOAD < end; k++)
		bad = bad || r->model.bad[k];
	if (end > sizeof(r->model.data))
		FUZZ_PROMISE(got < 0 || (uint64_t)got == want);
	else if (bad)
		FUZZ_PROMISE(got < 0 && fuzz_is_damage((int)got));
	else
		FUZZ_PROMISE((uint64_t)got == want &&
			     memcmp(buffer, r->model.data + off + CONTENT_HEADER_LEN, (size_t)want) == 0);
}

static void op_write(struct run *r, const struct op *o)
{
	uint64_t off = place(r, o), pos = off + CONTENT_HEADER_LEN;
	size_t n = o->n % WRITE_MAX;
	unsigned int v = fuzz_version_new(r, pos, pos + n);
	if (v == VERSIONS || !r->writable)
		return;
	fuzz_bytes_fill(buffer, pos, n, v);
	int done = file_write(r->f, buffer, n, off);
	say("write", done, 0);
	FUZZ_PROMISE(done == 0 || fuzz_is_damage(done) || done == -EFBIG);
	if (done == 0 && n > 0)
		model_put(&r->model, buffer, off, off + n);
	compare(r);
}

static void op_truncate(struct run *r, const struct op *o)
{
	uint64_t size = o->n % 8 == 0 ? 0 : place(r, o);
	if (!r->writable)
		return;
	int done = file_truncate(r->f, size);
	say("truncate", done, 0);
	FUZZ_PROMISE(done == 0 || fuzz_is_damage(done) || done == -EFBIG);
	if (done == 0 && size == 0) {
		r->stale = false;
		memset(&r->model, 0, sizeof(r->model));
	} else if (done == 0) {
		model_resize(&r->model, size);
	}
	FUZZ_PROMISE(size > 0 || done == 0);
	compare(r);
}

/* Where it failed half-way, part of the range may be zeros. */
static void op_allocate(struct run *r, const struct op *o)
{
	static const int modes[] = { 0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				     FALLOC_FL_ZERO_RANGE, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
				     FALLOC_FL_PUNCH_HOLE, FALLOC_FL_COLLAPSE_RANGE };
	uint64_t off = place(r, o) % ((SNAP_BLOCKS - 3) * CONTENT_PAYLOAD);
	int mode = modes[o->a / 4 % 7];
	bool zero = mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE);
	if (!r->writable)
		return;
	int done = file_allocate(r->f, mode, off, o->n);
	say("allocate", done, 0);
	FUZZ_PROMISE(done == 0 || fuzz_is_damage(done) || done == -EOPNOTSUPP || done == -EINVAL);
	uint64_t size = r->model.size, end = off + o->n;
	if (done == 0 && zero && off < size)
		model_put(&r->model, NULL, off, end < size ? end : size);
	if (done == 0 && !(mode & FALLOC_FL_KEEP_SIZE) && end > size)
		r->model.size = end;
	if (fuzz_is_damage(done) && zero)
		r->stale = true;
	compare(r);
}

static void op_seek(struct run *r, const struct op *o)
{
	uint64_t off = place(r, o), size = r->model.size;
	int whence = o->n % 2 ? SEEK_DATA : SEEK_HOLE;
	int64_t at = file_seek(r->f, off, whence);
	if (at < 0) {
		FUZZ_PROMISE(at == -ENXIO || at == -EINVAL || fuzz_is_damage((int)at));
		return;
	}
	if (r->stale)
		return;
	FUZZ_PROMISE((uint64_t)at >= off && (uint64_t)at <= size && off < size);
	uint64_t end = sizeof(r->model.data) - CONTENT_HEADER_LEN;
	for (uint64_t i = off; whence == SEEK_DATA && i < (uint64_t)at && i < end; i++)
		FUZZ_PROMISE(r->model.data[i + CONTENT_HEADER_LEN] == 0);
}

/* What belongs to the disk and must not be seen. */
static void op_disk(struct run *r, const struct op *o)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = o->x } };
	struct stat sb;
	int done = 0;
	switch (o->a % 8) {
	case 0:
		done = file_sync(r->f, o->a & 8);
		break;
	case 1:
		done = file_raise(r->f);
		break;
	case 2:
		done = file_settle(r->f);
		break;
	case 3:
		file_mark(r->f);
		break;
	case 4:
		file_marked(r->f);
		break;
	case 5:
		done = file_stat(r->f, &sb);
		FUZZ_PROMISE(done < 0 || (uint64_t)sb.st_size == file_size(r->f));
		break;
	case 6:
		done = file_set_times(r->f, times);
		break;
	default:
		done = file_revalidate(r->f);
		if (done > 0)
			r->stale = true; /* the clock has moved on */
		break;
	}
	say("disk", done, 0);
	FUZZ_PROMISE(done >= 0 || fuzz_is_damage(done));
	compare(r);
}

/* ---- the adversary ---- */

static void attack_page(struct run *r, const struct op *o, uint64_t k)
{
	uint8_t page[CONTENT_PAGE] = { 0 };
	struct old_page *old = &r->old[o->x % OLD_PAGES];
	switch (o->a % 8) {
	case 0:
		fuzz_page_put(r, k, page);
		break;
	case 1:
		if (fuzz_page_get(r, o->x % SNAP_BLOCKS, page))
			fuzz_page_put(r, k, page);
		break;
	case 2:
		(void)!fallocate(r->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(k * CONTENT_PAGE),
				 CONTENT_PAGE);
		break;
	case 3:
		if (old->set) /* back to where it was, or elsewhere */
			fuzz_page_put(r, o->x & 64 ? k : old->k, old->page);
		break;
	default: /* sealed by who has the key */
		fuzz_page_make(r, &(struct spec){ .kind = (uint8_t)(o->a / 8 & 7), .odd = (uint8_t)(o->x >> 8),
					     .used = o->n, .durable = o->x >> 16 }, k);
		break;
	}
}

static void attack_bytes(struct run *r, const struct op *o)
{
	struct stat sb;
	uint8_t b = 0;
	FUZZ_PROMISE(fstat(r->fd, &sb) == 0);
	off_t at = (off_t)((uint64_t)o->x % ((uint64_t)sb.st_size + CONTENT_PAGE));
	if (o->n % 2 == 0) {
		FUZZ_PROMISE(ftruncate(r->fd, at) == 0);
		return;
	}
	(void)!pread(r->fd, &b, 1, at);
	b ^= o->a | 1;
	(void)!pwrite(r->fd, &b, 1, at);
}

static void op_attack(struct run *r, const struct op *o)
{
	uint64_t k = (o->x >> 24) % SNAP_BLOCKS;
	r->stale = true;
	if (o->kind % 2)
		attack_bytes(r, o);
	else
		attack_page(r, o, k);
	compare(r);
}

static void op_remember(struct run *r, const struct op *o)
{
	struct old_page *old = &r->old[r->old_next++ % OLD_PAGES];
	old->k = o->x % SNAP_BLOCKS;
	old->set = fuzz_page_get(r, old->k, old->page);
}

static void run_op(struct run *r, const struct op *o)
{
	switch (o->kind % 16) {
	case 0:
	case 1:
		op_read(r, o);
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		op_write(r, o);
		break;
	case 6:
	case 7:
		op_truncate(r, o);
		break;
	case 8:
		op_allocate(r, o);
		break;
	case 9:
		op_seek(r, o);
		break;
	case 10:
	case 11:
		op_disk(r, o);
		break;
	case 12:
		op_remember(r, o);
		break;
	case 13:
		r->whole = o->a == 255;
		open_again(r);
		break;
	default:
		op_attack(r, o);
		break;
	}
}

static void begin(struct run *r, uint8_t flags)
{
	static int fd = -1;
	r->v = fuzz_vault();
	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	FUZZ_PROMISE(fd >= 0 && ftruncate(fd, 0) == 0);
	fuzz_random_restart();
	r->fd = fd;
	r->f = NULL;
	r->stale = r->whole = false;
	r->versions = r->old_next = 0;
	for (size_t i = 0; i < OLD_PAGES; i++)
		r->old[i].set = false;
	r->v->st->alone = flags & 1;
	r->v->st->hide_sizes = flags & 2;
	r->writable = !(flags & 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recipe in = { data, size };
	struct run *r = &the_run;
	trace = getenv("FUZZ_TRACE");
	begin(r, recipe_u8(&in));
	unsigned int n = recipe_u8(&in) % (FUZZ_PAGES + 1);
	uint16_t tail = recipe_u16(&in);
	fuzz_image_make(r, &in, n, tail, recipe_u8(&in));
	open_again(r);
	for (unsigned int i = 0; i < FUZZ_OPS && in.n > 0; i++) {
		struct op o = { .kind = recipe_u8(&in), .a = recipe_u8(&in) };
		o.x = recipe_u32(&in);
		o.n = recipe_u16(&in);
		if (trace)
			fprintf(stderr, "op %u: a %u, x %#x, n %u; place %#llx, size %#llx%s\n", o.kind % 16, o.a, o.x,
				o.n, (unsigned long long)place(r, &o), (unsigned long long)r->model.size,
				r->stale ? ", stale" : "");
		run_op(r, &o);
	}
	open_again(r);
	file_free(r->f);
	return 0;
}
