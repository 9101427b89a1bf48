/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "offline/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/io.h"

#define INSPECT_BATCH 64u /* pages a read */
#define INSPECT_SECTOR 512u

/* ---- runs of pages ---- */

static const char *const state_names[] = { "sealed", "zero", "hole", "unreadable" };

const char *inspect_state_name(enum inspect_state state)
{
	return state_names[state];
}

struct pages {
	int fd;
	uint64_t n;
	uint8_t *buf;
	int (*tell)(void *arg, const struct inspect_run *r);
	void *arg;
	struct inspect_run run; /* not told yet, if to > 0 */
};

static int tell(struct pages *p)
{
	int r = p->run.to > p->run.from ? p->tell(p->arg, &p->run) : 0;
	p->run = (struct inspect_run){ .from = 0 };
	return r;
}

/* Pages [from, to) that are no sealed ones. */
static int add(struct pages *p, enum inspect_state state, uint64_t from, uint64_t to)
{
	if (from >= to)
		return 0;
	if (p->run.to == from && p->run.to > 0 && p->run.state == state) {
		p->run.to = to;
		return 0;
	}
	int r = tell(p);
	p->run = (struct inspect_run){ .from = from, .to = to, .state = state };
	return r;
}

static int add_page(struct pages *p, uint64_t k, const uint8_t *page)
{
	if (bytes_are_zero(page, CONTENT_PAGE))
		return add(p, INSPECT_ZERO, k, k + 1);
	int r = tell(p);
	p->run = (struct inspect_run){ .from = k, .to = k + 1, .state = INSPECT_SEALED };
	memcpy(p->run.nonce, page + CONTENT_NONCE_OFF, CONTENT_NONCE_LEN);
	p->run.meta_is_right = content_meta_decode(&p->run.meta, page + CONTENT_META_OFF, k) == 0;
	return r < 0 ? r : tell(p);
}

/* Pages [k, k + n), which may have been cut off meanwhile. After a read error each for itself. */
static int read_pages(struct pages *p, uint64_t k, uint64_t n)
{
	ssize_t got = io_pread_full(p->fd, p->buf, n * CONTENT_PAGE, (off_t)(k * CONTENT_PAGE));
	int r = 0;
	if (got == -EIO && n > 1) {
		for (uint64_t i = 0; r == 0 && i < n; i++)
			r = read_pages(p, k + i, 1);
		return r;
	}
	if (got < 0)
		return got == -EIO ? add(p, INSPECT_UNREADABLE, k, k + 1) : (int)got;
	for (uint64_t i = 0; r == 0 && i < (uint64_t)got / CONTENT_PAGE; i++)
		r = add_page(p, k + i, p->buf + i * CONTENT_PAGE);
	return r;
}

/* Where the next data or hole begins, as lseek says; all is data where it does not know. */
static uint64_t seek(int fd, uint64_t at, int whence, uint64_t end)
{
	off_t off = lseek(fd, (off_t)at, whence);
	if (off >= 0)
		return min_u64((uint64_t)off, end);
	return whence == SEEK_DATA && errno != ENXIO ? at : end;
}

int inspect_pages(int fd, uint64_t n, int (*tell_run)(void *arg, const struct inspect_run *r), void *arg)
{
	_cleanup_free_ uint8_t *buf = malloc(INSPECT_BATCH * CONTENT_PAGE);
	struct pages p = { .fd = fd, .n = n, .buf = buf, .tell = tell_run, .arg = arg };
	const uint64_t end = n * CONTENT_PAGE;
	if (!buf)
		return -ENOMEM;
	int r = 0;
	for (uint64_t k = 0; r == 0 && k < n;) {
		uint64_t data = seek(fd, k * CONTENT_PAGE, SEEK_DATA, end) / CONTENT_PAGE;
		r = add(&p, INSPECT_HOLE, k, data);
		k = max_u64(k, data);
		uint64_t hole = (seek(fd, k * CONTENT_PAGE, SEEK_HOLE, end) + CONTENT_PAGE - 1) / CONTENT_PAGE;
		for (hole = max_u64(hole, k + 1); r == 0 && k < min_u64(hole, n); k += INSPECT_BATCH)
			r = read_pages(&p, k, min_u64(INSPECT_BATCH, min_u64(hole, n) - k));
		k = max_u64(data, min_u64(hole, n));
	}
	return r < 0 ? r : tell(&p);
}

/* ---- the file as a whole ---- */

/* Pages that are holes, as far as the filesystem tells. */
static uint64_t count_holes(int fd, uint64_t pages)
{
	const uint64_t end = pages * CONTENT_PAGE;
	uint64_t n = 0;
	for (uint64_t at = 0; at < end;) {
		uint64_t data = seek(fd, at, SEEK_DATA, end);
		n += data / CONTENT_PAGE - min_u64((at + CONTENT_PAGE - 1) / CONTENT_PAGE, data / CONTENT_PAGE);
		at = max_u64(seek(fd, data, SEEK_HOLE, end), data + 1);
	}
	return n;
}

static enum inspect_first first_page(struct inspect_content *c, const uint8_t *page)
{
	int r = content_header_decode(&c->header, page + CONTENT_PAYLOAD_OFF);
	if (bytes_are_zero(page, CONTENT_PAGE))
		return INSPECT_UNWRITTEN;
	if (r < 0)
		return r == -EPROTONOSUPPORT ? INSPECT_NEWER : INSPECT_STRANGE;
	memcpy(c->nonce, page + CONTENT_NONCE_OFF, CONTENT_NONCE_LEN);
	c->meta_is_right = content_meta_decode(&c->meta, page + CONTENT_META_OFF, 0) == 0;
	return INSPECT_HEADER;
}

int inspect_content(int fd, struct inspect_content *out)
{
	uint8_t page[CONTENT_PAGE];
	struct stat sb;
	struct inspect_content c = { .size = 0 };
	if (fstat(fd, &sb) != 0)
		return -errno;
	c.size = (uint64_t)sb.st_size;
	c.allocated = (uint64_t)sb.st_blocks * INSPECT_SECTOR;
	c.pages = c.size / CONTENT_PAGE;
	c.hint = c.size % CONTENT_PAGE;
	c.holes = count_holes(fd, c.pages);
	c.hinted = content_hint(c.size, &c.plain);
	ssize_t n = io_pread_full(fd, page, sizeof(page), 0);
	if (n < 0 && n != -EIO)
		return (int)n;
	if (n < 0)
		c.first = INSPECT_UNREAD;
	else if (n < (ssize_t)sizeof(page))
		c.first = n == 0 ? INSPECT_EMPTY : INSPECT_STUB;
	else
		c.first = first_page(&c, page);
	c.zeros = c.first == INSPECT_STUB && bytes_are_zero(page, (size_t)n);
	*out = c;
	return 0;
}

/* ---- names, links, directories ---- */

int inspect_link(int dirfd, const char *disk, struct inspect_link *out)
{
	char target[NAME_LINK_TARGET_MAX + 1];
	struct stat sb;
	ssize_t n = readlinkat(dirfd, disk, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	ssize_t plain = name_link_len((size_t)n);
	*out = (struct inspect_link){ .length = (uint32_t)n, .side = plain == -ENAMETOOLONG };
	if (out->side && strchr(target, '/') == NULL && fstatat(dirfd, target, &sb, AT_SYMLINK_NOFOLLOW) == 0) {
		out->side_there = S_ISREG(sb.st_mode);
		plain = sb.st_size > (off_t)NAME_LINK_OVERHEAD ? (ssize_t)sb.st_size - (ssize_t)NAME_LINK_OVERHEAD : -1;
	}
	out->plain = plain > 0 && plain <= (ssize_t)NAME_LINK_TARGET_MAX ? plain : -1;
	return 0;
}

int inspect_name(int dirfd, const char *disk, struct inspect_name *out)
{
	uint8_t sealed[NAME_SEALED_MAX];
	const struct dir d = { .fd = dirfd }; /* it is all that the names on disk need */
	ssize_t n = dir_read_name(&d, disk, sealed);
	*out = (struct inspect_name){ .is_long = name_classify(disk) == NAME_LONG, .right = n >= 0 };
	if (n < 0)
		return n == -EUCLEAN ? 0 : (int)n;
	out->most = (uint32_t)n - NAME_SIV_TAG;
	out->least = out->most - NAME_PAD + 1;
	out->most = out->most > NAME_MAX_LEN ? NAME_MAX_LEN : out->most;
	return 0;
}

struct dir_look {
	int fd;
	const struct dir *d;
	bool root;
	void (*bad)(void *arg, const char *disk);
	void *arg;
	struct inspect_dir *out;
};

static int look_at_entry(const struct dir_look *l, const char *disk)
{
	char name[NAME_PADDED_MAX];
	struct inspect_name n = { .right = true };
	bool is_long = name_classify(disk) == NAME_LONG;
	l->out->entries++;
	l->out->long_names += is_long;
	int r = is_long ? inspect_name(l->fd, disk, &n) : 0;
	if (r == 0 && n.right && l->d) {
		ssize_t len = dir_open_name(l->d, disk, name);
		n.right = len >= 0;
		r = len < 0 && len != -EUCLEAN ? (int)len : 0;
	}
	if (r == 0 && !n.right) {
		l->out->bad++;
		l->bad(l->arg, disk);
	}
	return r;
}

static int look_at(const struct dir_look *l, const char *disk)
{
	struct inspect_dir *o = l->out;
	char entry[NAME_DISK_SIZE];
	switch (name_classify(disk)) {
	case NAME_SEALED:
	case NAME_LONG: return look_at_entry(l, disk);
	case NAME_FOREIGN:
		*(name_is_outside(disk, l->root) ? &o->outside : &o->foreign) += 1;
		return 0;
	default: break;
	}
	if (strncmp(disk, NAME_TMP_PREFIX, strlen(NAME_TMP_PREFIX)) == 0)
		o->temporaries++;
	else if (name_long_entry(disk, entry) || strncmp(disk, NAME_SLINK_PREFIX, strlen(NAME_SLINK_PREFIX)) == 0)
		o->sides++;
	return 0;
}

int inspect_dir(int fd, const struct dir *d, bool root, void (*bad)(void *arg, const char *disk), void *arg,
		struct inspect_dir *out)
{
	uint8_t id[NAME_DIR_FILE_LEN];
	DIR _cleanup_dir_stream_ *stream = NULL;
	const struct dirent *e;
	*out = (struct inspect_dir){ .entries = 0 };
	const struct dir_look l = { fd, d, root, bad, arg, out };
	int r = io_opendir(fd, ".", &stream);
	while (r == 0 && (errno = 0, (e = readdir(stream))))
		r = io_is_dot(e->d_name) ? 0 : look_at(&l, e->d_name);
	if (r == 0 && errno)
		r = -errno;
	out->id = !root && io_read_file(fd, NAME_DIR_FILE, id, sizeof(id)) == (ssize_t)sizeof(id);
	if (out->id)
		memcpy(out->id_bytes, id, sizeof(out->id_bytes));
	return r;
}
