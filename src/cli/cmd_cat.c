/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs cat: the content of files, whole or what can be salvaged of them, without a mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/offline.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/unlock.h"
#include "offline/pour.h"
#include "offline/salvage.h"
#include "sandbox/errand.h"

#define RANGES_SHOWN 20

struct cat_args {
	struct offline_args on;
	const char *output;
	bool salvage;
};

static int unwritable(const struct cat_args *a, int err)
{
	if (a->output)
		return exit_fail(EXIT_FAILED, "cannot write '%s': %s", a->output, exit_reason(err));
	return exit_fail(EXIT_FAILED, "cannot write to standard output: %s", exit_reason(err));
}

static int unreadable(const char *path, int err)
{
	return exit_fail(offline_code(err), "cannot read '%s': %s", path, offline_reason(err));
}

/* ---- whole ---- */

static int cat_whole(const struct cat_args *a, const char *path, const struct tree_entry *e, struct output *out)
{
	struct file _cleanup_file_ *f = NULL;
	struct pour_range bad;
	bool sunk = false;
	int err = tree_open_file(e->dir, e->name.disk, &f);
	if (store_is_damage(err))
		return exit_fail(EXIT_DAMAGED,
				 "the first block of '%s' is damaged or has been tampered with; for what else is "
				 "intact: cryptfs cat --salvage",
				 path);
	if (err < 0)
		return unreadable(path, err);
	err = pour_file(f, output_sink, out, &bad, &sunk);
	if (sunk)
		return unwritable(a, err);
	if (store_is_damage(err))
		return exit_fail(EXIT_DAMAGED,
				 "'%s' is damaged or has been tampered with, from byte %llu to %llu at least; for what "
				 "else is intact: cryptfs cat --salvage",
				 path, (unsigned long long)bad.from, (unsigned long long)bad.to - 1);
	return err < 0 ? unreadable(path, err) : 0;
}

/* ---- salvaged ---- */

static const char *why_text(enum salvage_why why)
{
	switch (why) {
	case SALVAGE_DAMAGED: return "damaged or tampered with";
	case SALVAGE_ZEROED: return "blanked: there are zeros in the vault";
	case SALVAGE_UNREAD: return "the storage below cannot read them";
	case SALVAGE_SHORT: return "an older or shorter piece lies in their place";
	default: return "cut off: they are not in the vault, and not in what was written";
	}
}

static void tell_ranges(const char *path, const struct salvage *s)
{
	for (size_t i = 0; i < s->n && i < RANGES_SHOWN; i++) {
		const struct salvage_range *r = &s->lost[i];
		char size[PROGRESS_SIZE];
		progress_size(size, r->to - r->from);
		exit_note("'%s': bytes %llu to %llu (%s) are lost: %s", path, (unsigned long long)r->from,
			  (unsigned long long)r->to - 1, size, why_text(r->why));
	}
	if (s->n > RANGES_SHOWN)
		exit_note("'%s': and %zu more such places", path, s->n - RANGES_SHOWN);
}

/* Returns an exit code. */
static int tell(const char *path, const struct salvage *s)
{
	char intact[PROGRESS_SIZE], size[PROGRESS_SIZE];
	if (s->n == 0)
		return 0;
	tell_ranges(path, s);
	progress_size(intact, s->intact);
	progress_size(size, s->size);
	if (s->header_lost)
		exit_note("'%s': its first block, which knows how long it was, is lost: more may be missing at its end",
			  path);
	if (s->end_unsure)
		exit_note("'%s': its last block is lost: some of the zeros at its end may be too many", path);
	if (s->intact == s->size)
		return exit_fail(EXIT_DAMAGED, "'%s': the %s that are in the vault are intact", path, size);
	return exit_fail(EXIT_DAMAGED, "'%s': %s of %s are intact, zeros stand in the place of the rest", path, intact,
			 size);
}

static int cat_salvage(const struct cat_args *a, const struct tree *t, const char *path, const struct tree_entry *e,
		       struct output *out)
{
	_cleanup_(salvage_free) struct salvage s = { .lost = NULL };
	_cleanup_fd_ int fd = -1;
	int err = tree_open_fd(e->dir, e->name.disk, &fd);
	if (err < 0)
		return unreadable(path, err);
	err = salvage_file(t->st, fd, output_sink, out, &s);
	if (err == -EBADMSG)
		return exit_fail(EXIT_DAMAGED,
				 "nothing of '%s' can be salvaged: no block of it opens (without the head of its first "
				 "block none does)",
				 path);
	return err < 0 ? unwritable(a, err) : tell(path, &s);
}

/* ---- all of them ---- */

static int cat_path(const struct cat_args *a, const struct tree *t, const char *path, struct output *out)
{
	_cleanup_tree_entry_ struct tree_entry e = { .dir = NULL };
	int code = offline_find(t, a->on.vault, path, TREE_FOLLOW_WAY | TREE_FOLLOW_LAST, &e);
	if (code != 0)
		return code;
	if (S_ISDIR(e.sb.st_mode))
		return exit_fail(EXIT_FAILED, "'%s' is a directory (to have all of it: cryptfs export)", path);
	if (!S_ISREG(e.sb.st_mode))
		return exit_fail(EXIT_FAILED, "'%s' is no file that holds anything", path);
	return a->salvage ? cat_salvage(a, t, path, &e, out) : cat_whole(a, path, &e, out);
}

/* Each for itself: what is wrong with one keeps nobody from the next. */
static int cat_all(const struct cat_args *a, const struct tree *t, struct output *out)
{
	int code = 0;
	for (int i = 0; i < a->on.n; i++)
		code = offline_worse(code, cat_path(a, t, a->on.operands[i], out));
	int err = output_end(out);
	return err < 0 ? unwritable(a, err) : code;
}

/* ---- into a file ---- */

/* A new file, kept only if it is whole, or all that could be salvaged. Who writes it may not remove it: that is the
 * errand of another process, also if this one is killed. */
enum order { ORDER_MADE, ORDER_KEEP, ORDER_REMOVE };

struct order_message {
	enum order order;
	dev_t dev; /* of what was made */
	ino_t ino;
};

/* In the other process. */
struct remover {
	const char *path;
	bool made;
	dev_t dev;
	ino_t ino;
};

static void remove_made(struct remover *r)
{
	struct stat sb;
	if (r->made && lstat(r->path, &sb) == 0 && sb.st_dev == r->dev && sb.st_ino == r->ino)
		(void)unlink(r->path);
	r->made = false;
}

static size_t remover_obey(void *arg, const void *question, size_t n, char answer[static ERRAND_MAX])
{
	struct remover *r = arg;
	struct order_message m = { .order = ORDER_REMOVE };
	if (n == sizeof(m))
		memcpy(&m, question, sizeof(m));
	if (m.order == ORDER_MADE)
		*r = (struct remover){ .path = r->path, .made = true, .dev = m.dev, .ino = m.ino };
	else if (m.order == ORDER_KEEP)
		r->made = false;
	else
		remove_made(r);
	answer[0] = '\0';
	return 1;
}

static int order(struct errand *remover, enum order what, int fd)
{
	char answer[ERRAND_MAX];
	struct order_message m;
	struct stat sb;
	if (fstat(fd, &sb) != 0)
		return -errno;
	memset(&m, 0, sizeof(m)); /* the gaps, too */
	m.order = what;
	m.dev = sb.st_dev;
	m.ino = sb.st_ino;
	ssize_t r = errand_ask(remover, &m, sizeof(m), answer);
	return r < 0 ? (int)r : 0;
}

static int make_output(const struct cat_args *a, struct errand *remover, int *fd)
{
	*fd = open(a->output, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd < 0 && errno == EEXIST)
		return exit_fail(EXIT_FAILED, "'%s' exists already; nothing was written to it", a->output);
	if (*fd < 0)
		return unwritable(a, -errno);
	int err = order(remover, ORDER_MADE, *fd);
	if (err < 0) {
		(void)unlink(a->output);
		return unwritable(a, err);
	}
	return 0;
}

static int cat_to_file(const struct cat_args *a, const struct tree *t, struct errand *remover, int fd)
{
	struct output out = { .fd = fd, .holes = true };
	int code = cat_all(a, t, &out);
	bool keep = code == 0 || (code == EXIT_DAMAGED && a->salvage && out.at > 0);
	if (keep && fsync(fd) != 0) {
		code = unwritable(a, -errno);
		keep = false;
	}
	(void)order(remover, keep ? ORDER_KEEP : ORDER_REMOVE, fd);
	return code;
}

/* ---- the verb ---- */

enum { SALVAGE = OFFLINE_OWN };

static void take(void *arg, int option)
{
	struct cat_args *a = arg;
	switch (option) {
	case SALVAGE: a->salvage = true; break;
	case 'o': a->output = optarg; break;
	}
}

/* Returns 0, an exit code, or -1 when help was printed. */
static int parse(int argc, char **argv, struct cat_args *a)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "salvage", no_argument, NULL, SALVAGE },
		OFFLINE_OPTIONS,
	};
	static const struct offline_verb verb = {
		.name = "cat",
		.letters = "o:qh",
		.options = options,
		.take = take,
		.min = 1,
		.max = INT_MAX,
		.operands = "cat takes the vault and one or more paths in it",
	};
	*a = (struct cat_args){ .on = { .vault = NULL } };
	return offline_parse(&verb, argc, argv, &a->on, a);
}

int cmd_cat(int argc, char **argv)
{
	struct cat_args a;
	int code = parse(argc, argv, &a);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;

	_cleanup_(errand_end) struct errand remover = ERRAND_NONE;
	_cleanup_(unlock_free) struct unlock u = UNLOCK_NONE;
	_cleanup_tree_ struct tree t = { NULL, NULL };
	_cleanup_fd_ int fd = -1;
	int err = a.output ? errand_start(&remover, remover_obey, &(struct remover){ .path = a.output }) : 0;
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot start a process: %s", exit_reason(err));
	code = unlock_tree(&u, a.on.vault, &a.on.source, UNLOCK_READ, a.on.quiet, &t);
	if (code == 0 && a.output)
		code = make_output(&a, &remover, &fd);
	if (code != 0)
		return code;
	offline_confine(&a.on, &u);
	if (a.output)
		return cat_to_file(&a, &t, &remover, fd);
	struct output out = { .fd = STDOUT_FILENO };
	return cat_all(&a, &t, &out);
}
