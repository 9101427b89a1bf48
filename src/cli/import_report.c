/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/import_report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/offline.h"

/* Of each kind; all go to --report and --json. */
#define SHOWN 10u

/* Notes are no reason for another exit code than 0. */
static const struct {
	const char *name;
	bool note;
	const char *sum; /* for people, after "12 more that" */
} kinds[TRANSFER_TROUBLES] = {
	[TRANSFER_UNREAD] = { "unreadable", false, "could not be read" },
	[TRANSFER_UNWRITTEN] = { "unwritable", false, "could not be made" },
	[TRANSFER_CHANGED] = { "changed", false, "changed meanwhile" },
	[TRANSFER_MISREAD] = { "misread", false, "did not come back as written" },
	[TRANSFER_ATTRS] = { "attributes", false, "lack attributes" },
	[TRANSFER_RESERVED] = { "reserved", false, "have a reserved name" },
	[TRANSFER_CONFLICT] = { "conflict", false, "are there already, and different" },
	[TRANSFER_MISSING] = { "missing", false, "are missing" },
	[TRANSFER_EXTRA] = { "extra", false, "are not in the source" },
	[TRANSFER_DIFFERS] = { "different", false, "differ" },
	[TRANSFER_UNCHECKED] = { "unchecked", false, "could not be compared" },
	[TRANSFER_MOUNTED] = { "mount", true, "are left out: something is mounted there" },
	[TRANSFER_AVOIDED] = { "vault", true, "are left out" },
};

static const char *const differences[TRANSFER_DIFFERENCES] = {
	"kind", "size", "time", "mode", "owner", "device", "target", "content", "attributes", "hard links",
};

int import_report_begin(struct import_report *r, const char *file)
{
	if (r->json && !(r->list = json_array()))
		return exit_fail(EXIT_FAILED, "out of memory");
	if (!file)
		return 0;
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return exit_fail(EXIT_FAILED, "'%s' exists already: name a new file for the report", file);
	r->file = fd < 0 ? NULL : fdopen(fd, "w");
	return r->file ? 0 : exit_fail(EXIT_FAILED, "cannot write the report '%s': %s", file, exit_reason(-errno));
}

/* ---- words ---- */

#define WORDS_SIZE 128
static void say_differences(char out[static WORDS_SIZE], unsigned int d)
{
	char *p = out;
	*p = '\0';
	for (size_t i = 0; i < TRANSFER_DIFFERENCES; i++)
		if (d & 1u << i)
			p += snprintf(p, (size_t)(out + WORDS_SIZE - p), "%s%s", p > out ? ", " : "", differences[i]);
}

static const char *why_unread(int err)
{
	switch (-err) {
	case EIO:
		return "its filesystem reports an error; it may be damaged (look at the old vault with its own "
		       "program, restore the file from a backup, and import again)";
	case ENODATA:
		return "it ends before its size; it may be damaged";
	case ENOTCONN:
		return "its mount is gone; mount it and import again, which goes on";
	default:
		return exit_reason(err);
	}
}

static const char *why_unwritten(int err)
{
	switch (-err) {
	case ENAMETOOLONG:
		return "its name is too long there (rename it, and import again)";
	case EINVAL:
	case EILSEQ:
		return "the target cannot hold such a name or kind (rename it, or leave it out)";
	case EXDEV:
		return "something else is mounted there, and nothing would be encrypted (unmount that, and import "
		       "again)";
	case EEXIST:
		return "something of that name has come to be there, or was changed there, meanwhile (import again)";
	case EPERM:
		return "you are not permitted to (devices can be made by root only)";
	case ENOTCONN:
		return "the mount is gone; mount it and import again, which goes on";
	default:
		return exit_reason(err);
	}
}

/* What is said of an entry after its path. To be freed. */
static char *message(const struct transfer_event *e)
{
	char words[WORDS_SIZE], *out = NULL;
	_cleanup_free_ char *detail = text_escape(e->detail ? e->detail : ""); /* names of attributes have any bytes */
	int n = 0;
	say_differences(words, e->differences);
	switch (e->what) {
	case TRANSFER_UNREAD: n = asprintf(&out, "cannot be read: %s", why_unread(e->err)); break;
	case TRANSFER_UNWRITTEN: n = asprintf(&out, "cannot be made: %s", why_unwritten(e->err)); break;
	case TRANSFER_CHANGED:
		n = asprintf(&out, e->err == -ENOENT ? "is gone by now"
						     : "kept changing while it was copied (end what changes it, and "
						       "import again)");
		break;
	case TRANSFER_MISREAD:
		n = e->err < 0 ? asprintf(&out, "cannot be read back from the vault: %s", exit_reason(e->err))
			       : asprintf(&out, "reads back different from what was written; it was not kept");
		break;
	case TRANSFER_ATTRS:
		n = asprintf(&out, "is there, but not all that it carries (%s): %s", detail ? detail : "",
			     e->err == -ENOTSUP ? "the target does not keep it" : exit_reason(e->err));
		break;
	case TRANSFER_RESERVED: n = asprintf(&out, "has a name that import uses itself (rename it)"); break;
	case TRANSFER_CONFLICT:
		n = asprintf(&out, "is there already, and differs: %s (left as it is; --update and --overwrite replace "
				   "files)",
			     words);
		break;
	case TRANSFER_MISSING: n = asprintf(&out, "is missing"); break;
	case TRANSFER_EXTRA: n = asprintf(&out, "is not in the source"); break;
	case TRANSFER_DIFFERS: n = asprintf(&out, "differs: %s", words); break;
	case TRANSFER_UNCHECKED: n = asprintf(&out, "cannot be compared: %s", exit_reason(e->err)); break;
	case TRANSFER_MOUNTED:
		n = asprintf(&out, "is left out: something else is mounted there (--cross-mounts takes it along)");
		break;
	case TRANSFER_AVOIDED: n = asprintf(&out, "is left out: it is the vault that is copied into"); break;
	}
	return n < 0 ? NULL : out;
}

/* ---- one event ---- */

static void add_json(struct import_report *r, const struct transfer_event *e, const char *text)
{
	json_t *list = json_array();
	for (size_t i = 0; i < TRANSFER_DIFFERENCES; i++)
		if (e->differences & 1u << i)
			(void)json_array_append_new(list, json_string(differences[i]));
	json_t *j = json_pack("{s:s, s:o, s:s, s:o}", "kind", kinds[e->what].name, "path",
			      text_json(e->path[0] ? e->path : "."), "message", text, "differences", list);
	if (!j || json_array_append_new(r->list, j) != 0)
		r->no_memory = true;
}

static bool is_of_source(enum transfer_trouble what)
{
	return what == TRANSFER_UNREAD || what == TRANSFER_CHANGED || what == TRANSFER_RESERVED ||
	       what == TRANSFER_MOUNTED || what == TRANSFER_AVOIDED;
}

void import_report_event(struct import_report *r, const struct transfer_event *e)
{
	_cleanup_free_ char *text = message(e), *escaped = text_escape(e->path[0] ? e->path : ".");
	r->no_memory = r->no_memory || !text || !escaped;
	uint64_t n = ++r->n[e->what];
	if (!text || !escaped)
		return;
	if (r->file)
		(void)fprintf(r->file, "%s: %s: %s\n", kinds[e->what].name, escaped, text);
	if (r->json)
		add_json(r, e, text);
	if (n > SHOWN || (r->quiet && kinds[e->what].note))
		return;
	_cleanup_free_ char *path = offline_join(is_of_source(e->what) ? r->src : r->dst, e->path);
	progress_hide(r->progress);
	exit_note("'%s' %s", path ? path : e->path, text);
}

/* ---- the end ---- */

static uint64_t problems(const struct import_report *r)
{
	uint64_t n = 0;
	for (size_t i = 0; i < TRANSFER_TROUBLES; i++)
		n += kinds[i].note ? 0 : r->n[i];
	return n;
}

static int print_json(const struct import_report *r, const struct transfer_counts *c, int err)
{
	static const char *const modes[] = { "import", "dry-run", "check", "count" };
	return text_print_json(json_pack(
		"{s:s, s:o, s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "mode", modes[r->mode],
		"source", text_json(r->src), "target", text_json(r->dst), "finished", (int)(err == 0), "files",
		(json_int_t)c->files, "directories", (json_int_t)c->dirs, "bytes", (json_int_t)c->bytes, "copied",
		(json_int_t)c->copied, "copied_bytes", (json_int_t)c->copied_bytes, "verified",
		(json_int_t)c->verified, "verified_bytes", (json_int_t)c->verified_bytes, "same",
		(json_int_t)c->skipped, "problem_count", (json_int_t)problems(r), "problems", r->list));
}

#define U(n) (unsigned long long)(n), (n) == 1 ? "" : "s"

static void print_text(const struct import_report *r, const struct transfer_counts *c)
{
	char copied[PROGRESS_SIZE], verified[PROGRESS_SIZE];
	progress_size(copied, c->copied_bytes);
	progress_size(verified, c->verified_bytes);
	unsigned long long same = c->skipped;
	switch (r->mode) {
	case TRANSFER_CHECK:
		text_line("compared: %llu file%s, %s of content; %llu the same", U(c->files), verified, same);
		break;
	case TRANSFER_DRY:
		text_line("would import: %llu file%s, %s; %llu are there already", U(c->copied), copied, same);
		break;
	default:
		text_line("imported: %llu file%s, %s; read back and compared: %llu file%s, %s; there already: %llu",
			  U(c->copied), copied, U(c->verified), verified, same);
	}
}

/* Of what there is more than was shown. */
static void say_more(const struct import_report *r)
{
	for (size_t i = 0; i < TRANSFER_TROUBLES; i++)
		if (r->n[i] > SHOWN && !(r->quiet && kinds[i].note))
			exit_note("and %llu more that %s%s", (unsigned long long)r->n[i] - SHOWN, kinds[i].sum,
				  r->file || r->json ? "" : " (all of them: --report FILE)");
}

static int verdict(const struct import_report *r, int err)
{
	unsigned long long n = problems(r);
	if (err == -ECANCELED)
		return exit_fail(EXIT_FAILED,
				 r->mode == TRANSFER_COPY ? "interrupted: what is there by now is whole; the same "
							    "command goes on from there"
							  : "interrupted: not all was looked at");
	if (err < 0)
		return exit_fail(EXIT_FAILED, "given up: %s%s", exit_reason(err),
				 r->mode == TRANSFER_COPY ? "; afterwards the same command goes on from there" : "");
	if (n == 0)
		return EXIT_DONE;
	if (r->mode == TRANSFER_CHECK)
		return exit_fail(EXIT_FAILED, "%llu difference%s: '%s' is not all that '%s' is", n, n == 1 ? "" : "s",
				 r->dst, r->src);
	return exit_fail(EXIT_FAILED, "not all %s imported: %llu problem%s",
			 r->mode == TRANSFER_DRY ? "would be" : "is", n, n == 1 ? "" : "s");
}

int import_report_end(struct import_report *r, const struct transfer_counts *c, int err)
{
	int code = EXIT_DONE;
	say_more(r);
	bool bad = r->file && ferror(r->file);
	bad = r->file && fclose(r->file) != 0 ? true : bad;
	if (bad)
		code = exit_fail(EXIT_FAILED, "the report could not be written as a whole");
	if (r->no_memory)
		code = exit_fail(EXIT_FAILED, "out of memory: not all problems could be listed");
	if (r->json && print_json(r, c, err) != EXIT_DONE)
		code = EXIT_FAILED;
	json_decref(r->list);
	if (!r->json && !r->quiet)
		print_text(r, c);
	if (!r->quiet && c->foreign > 0)
		exit_note("%llu belonged to others, and belong to you there (only root can keep owners)",
			  (unsigned long long)c->foreign);
	(void)fflush(stdout);
	int v = verdict(r, err);
	return v != EXIT_DONE ? v : code;
}
