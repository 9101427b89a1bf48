/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Content of files, without the key and with it.
 */
#include "cli/inspect_file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/offline.h"
#include "cli/progress.h"
#include "offline/check_file.h"

/* So many blocks are verified between two looks at the clock. */
#define SLICE 8192u

typedef unsigned long long ull;

/* ---- without a key ---- */

static void say_sizes(struct inspect_report *r, const struct inspect_content *c)
{
	inspect_fact(r, "size", json_integer((json_int_t)c->size), "size",
		     "%llu bytes: %llu page%s, and %u bytes behind",
		     (ull)c->size, (ull)c->pages, c->pages == 1 ? "" : "s", (unsigned int)c->hint);
	inspect_fact(r, "pages", json_integer((json_int_t)c->pages), NULL, "%s", "");
	inspect_fact(r, "allocated", json_integer((json_int_t)c->allocated), "on disk",
		     "%llu bytes, %llu pages are holes",
		     (ull)c->allocated, (ull)c->holes);
	inspect_fact(r, "holes", json_integer((json_int_t)c->holes), NULL, "%s", "");
	if (c->hinted)
		inspect_fact(r, "hint", json_integer((json_int_t)c->plain), "size hint",
			     "%llu bytes of plaintext (which nothing authenticates)",
			     (ull)c->plain);
	else
		inspect_fact(r, "hint", json_null(), "size hint", "%s",
			     "none: how much plaintext it is only its last page says");
}

static void say_header(struct inspect_report *r, const struct inspect_content *c, bool key)
{
	const struct content_header *h = &c->header;
	bool sparse = h->flags & CONTENT_FLAG_SPARSE;
	inspect_fact(r, "header", json_pack("{s:i, s:i, s:b}", "version", h->version, "epoch", h->epoch, "sparse",
					    sparse),
		     "header", "version %u, epoch %u%s", h->version, h->epoch, sparse ? ", sparse" : "");
	inspect_fact_hex(r, "file_nonce", "file nonce", h->file_nonce, sizeof(h->file_nonce));
	inspect_fact_hex(r, "first_nonce", "first page", c->nonce, sizeof(c->nonce));
	if (!c->meta_is_right) {
		if (!key)
			inspect_finding(r, CHECK_DAMAGE, check_kind_name(CHECK_HEADER),
					"the first page has no valid meta", 0, 0);
		return;
	}
	uint64_t durable = c->meta.durable > CONTENT_HEADER_LEN ? c->meta.durable - CONTENT_HEADER_LEN : 0;
	inspect_fact(r, "durable", json_integer((json_int_t)durable), "known on disk",
		     "%llu bytes of plaintext (the durable length)", (ull)durable);
}

/* What is no header; with the key that is judged by it. */
static void judge_first(struct inspect_report *r, const struct inspect_content *c)
{
	switch (c->first) {
	case INSPECT_STUB:
		inspect_finding(r, c->zeros ? CHECK_LEFTOVER : CHECK_DAMAGE,
				check_kind_name(c->zeros ? CHECK_UNFINISHED : CHECK_HEADER),
				c->zeros ? "less than a page, of zeros" : "less than a page: its header is lost", 0, 0);
		break;
	case INSPECT_UNREAD:
		inspect_finding(r, CHECK_DAMAGE, check_kind_name(CHECK_DISK), check_kind_text(CHECK_DISK), 0, 0);
		break;
	case INSPECT_STRANGE:
		inspect_finding(r, CHECK_DAMAGE, check_kind_name(CHECK_HEADER),
				"no header: it is no content of a vault, or its first page is damaged", 0, 0);
		break;
	case INSPECT_NEWER:
		inspect_finding(r, CHECK_DAMAGE, check_kind_name(CHECK_NEWER), check_kind_text(CHECK_NEWER), 0, 0);
		break;
	default: break;
	}
}

static void say_first(struct inspect_report *r, const struct inspect_content *c, bool key)
{
	if (c->first == INSPECT_HEADER)
		say_header(r, c, key);
	else if (c->first == INSPECT_EMPTY)
		inspect_fact(r, "header", json_null(), "header", "%s", "none: the file is empty");
	else if (c->first == INSPECT_UNWRITTEN)
		inspect_fact(r, "header", json_null(), "header", "%s",
			     "none: the first page is zeros (its writing did not reach the disk, or was lost)");
	else if (!key)
		judge_first(r, c);
}

/* ---- with it ---- */

struct verifying {
	struct inspection *x;
	struct check_file file;
	struct progress progress;
	/* The last finding: those beside each other that are alike are one. */
	enum check_kind kind;
	uint64_t offset, length;
	enum check_kind last; /* of the pages that were just verified */
};

static void flush_finding(struct verifying *v)
{
	if (v->kind == CHECK_NOTHING)
		return;
	progress_hide(&v->progress);
	inspect_finding(&v->x->report, check_class_of(v->kind), check_kind_name(v->kind), check_kind_text(v->kind),
			v->offset, v->length);
	v->kind = CHECK_NOTHING;
}

static void on_found(void *arg, enum check_kind kind, uint64_t offset, uint64_t length)
{
	struct verifying *v = arg;
	v->last = kind;
	if (v->kind == kind && length > 0 && v->offset + v->length == offset) {
		v->length += length;
		return;
	}
	flush_finding(v);
	v->kind = kind;
	v->offset = offset;
	v->length = length;
}

static int verify(struct verifying *v, uint64_t from, uint64_t to)
{
	struct check_sink sink = { on_found, v };
	_Atomic uint64_t bytes = 0;
	int err = check_file_verify(&v->file, from, to, &sink, &bytes);
	progress_add(&v->progress, 0, bytes);
	return err;
}

/* Pages for a list, each (or each run of zeros) with what the key says of it. Holes are judged whole: there is no end
 * of them. */
static int on_page(void *arg, const struct inspect_run *run)
{
	struct verifying *v = arg;
	int err = 0;
	v->last = CHECK_NOTHING;
	bool tried = v->x->tree && v->file.len > 0;
	if (tried)
		err = verify(v, run->from, run->to);
	progress_hide(&v->progress);
	inspect_page(&v->x->report, run, tried, v->last == CHECK_NOTHING ? NULL : check_kind_name(v->last));
	return err;
}

static void say_length(struct verifying *v)
{
	const struct check_file *f = &v->file;
	uint64_t size = f->len > CONTENT_HEADER_LEN ? f->len - CONTENT_HEADER_LEN : 0;
	inspect_fact(&v->x->report, "plaintext_size", json_integer((json_int_t)size), "length",
		     "%llu bytes of plaintext",
		     (ull)size);
}

/* How far a slice from block k on goes. A hole, or what is missing at the end, is one, however long it is. */
static uint64_t slice_end(const struct verifying *v, uint64_t k, uint64_t n)
{
	off_t data = lseek(v->x->fd, (off_t)(k * CONTENT_PAGE), SEEK_DATA);
	uint64_t end = data < 0 ? n : (uint64_t)data / CONTENT_PAGE;
	if (k >= v->file.pages || (data < 0 && errno == ENXIO))
		return n;
	if (data < 0 || end <= k)
		end = k + SLICE;
	return end < n ? end : n;
}

static int verify_all(struct verifying *v)
{
	uint64_t n = check_file_blocks(&v->file), end;
	int err = 0;
	for (uint64_t k = 0; err == 0 && k < n; k = end) {
		end = slice_end(v, k, n);
		err = verify(v, k, end);
	}
	return err;
}

static int failed(int err)
{
	return exit_fail(EXIT_FAILED, "cannot read it: %s", exit_reason(err));
}

static int look_with_key(struct verifying *v)
{
	struct inspection *x = v->x;
	struct check_sink sink = { on_found, v };
	int err = check_file_load(x->tree->st, x->fd, &v->file, &sink);
	flush_finding(v);
	if (err < 0)
		return failed(err);
	if (v->file.len > 0)
		say_length(v);
	if (v->file.len > 0 && !x->blocks)
		err = verify_all(v);
	flush_finding(v);
	return err < 0 ? failed(err) : 0;
}

static int look_at_pages(struct verifying *v, uint64_t pages)
{
	uint64_t n = v->file.len > 0 ? check_file_blocks(&v->file) : 0;
	int err = inspect_pages(v->x->fd, pages, on_page, v);
	if (err == 0 && n > pages)
		err = verify(v, pages, n);
	flush_finding(v);
	return err < 0 ? failed(err) : 0;
}

int inspect_file_content(struct inspection *x)
{
	struct verifying v = { .x = x };
	struct inspect_content c;
	int err = inspect_content(x->fd, &c), code = 0;
	if (err < 0)
		return failed(err);
	say_sizes(&x->report, &c);
	say_first(&x->report, &c, x->tree != NULL);
	progress_begin(&v.progress, "verifying", x->report.quiet);
	progress_totals(&v.progress, 1, c.allocated);
	if (x->tree)
		code = look_with_key(&v);
	if (code == 0 && x->blocks)
		code = look_at_pages(&v, c.pages);
	progress_end(&v.progress);
	if (code == 0 && x->tree && !x->report.damaged)
		inspect_fact(&x->report, "sound", json_true(), "sound", "%s",
			     "all that was written and synced is there, and opens");
	return code;
}
