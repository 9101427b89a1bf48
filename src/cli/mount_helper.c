/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/mount_helper.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/* Exit codes of mount(8). */
enum { HELPER_USAGE = 1, HELPER_FAILED = 32 };

/* Options of ours, as those of cryptfs mount. */
static const struct own_option {
	const char *name;
	bool has_value;
} own_options[] = {
	{ "passfile", true },	   { "extpass", true }, { "keyfile", true }, { "recovery", false },
	{ "recovery-file", true }, { "keyring", false }, { "shared", false },	{ "idle", true },
	{ "lock-on", true },	   { "notify", false },
};

/* What is meant for mount(8) and others who read fstab, or says what is so anyway. */
static const char *const not_ours[] = {
	"defaults", "auto",	"noauto",	"user",	      "nouser",	     "users",	  "nousers",   "owner",
	"noowner",  "group",	"nogroup",	"nofail",     "_netdev",     "relatime",  "norelatime", "diratime",
	"nodiratime", "strictatime", "nostrictatime", "lazytime", "nolazytime", "silent", "loud",  "mand",
	"nomand",   "iversion", "noiversion",
};
static const char *const not_ours_with[] = { "x-", "X-", "comment=", "user=", "uhelper=", "helper=" };

/* Those of FUSE that mount(8) knows as well; with -s all others are left out. */
static const char *const of_fuse[] = {
	"ro", "rw", "suid", "nosuid", "dev", "nodev", "exec", "noexec", "sync", "async", "dirsync", "atime", "noatime",
	"allow_other", "default_permissions",
};

/* Words for cryptfs mount. */
struct words {
	char **argv;
	int argc;
};

static void words_free(struct words *w)
{
	for (int i = 0; i < w->argc; i++)
		free(w->argv[i]);
	free(w->argv);
}

/* Takes the word, which may be NULL: without memory. */
static int words_add(struct words *w, char *word)
{
	char **more = word ? reallocarray(w->argv, (size_t)w->argc + 2, sizeof(*more)) : NULL;
	if (!more) {
		free(word);
		return exit_fail(EXIT_FAILED, "out of memory");
	}
	w->argv = more;
	w->argv[w->argc++] = word;
	w->argv[w->argc] = NULL;
	return 0;
}

/* Take off the option that comes first: s[0] to s[*n - 1]; "\," is no separator. Returns what is behind it, or NULL at
 * the end. */
static const char *next_option(const char *s, size_t *n)
{
	size_t len = 0;
	while (s[len] && s[len] != ',')
		len += s[len] == '\\' && s[len + 1] ? 2 : 1;
	*n = len;
	return s[len] ? s + len + 1 : NULL;
}

static bool is_one_of(const char *const *list, size_t n_list, const char *s, size_t n)
{
	for (size_t i = 0; i < n_list; i++)
		if (strlen(list[i]) == n && memcmp(list[i], s, n) == 0)
			return true;
	return false;
}

static bool begins_with_one_of(const char *const *list, size_t n_list, const char *s, size_t n)
{
	for (size_t i = 0; i < n_list; i++)
		if (strlen(list[i]) <= n && memcmp(list[i], s, strlen(list[i])) == 0)
			return true;
	return false;
}

#define N(list) (sizeof(list) / sizeof((list)[0]))

static const struct own_option *find_own(const char *s, size_t n)
{
	const char *sign = memchr(s, '=', n);
	size_t name = sign ? (size_t)(sign - s) : n;
	for (size_t i = 0; i < N(own_options); i++)
		if (strlen(own_options[i].name) == name && memcmp(own_options[i].name, s, name) == 0)
			return &own_options[i];
	return NULL;
}

/* "--", then the option without the backslashes that kept its commas. To be freed. */
static char *long_option(const char *s, size_t n)
{
	char *out = malloc(n + 3), *at = out;
	if (!out)
		return NULL;
	*at++ = '-';
	*at++ = '-';
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\' && i + 1 < n && (s[i + 1] == ',' || s[i + 1] == '\\'))
			i++;
		*at++ = s[i];
	}
	*at = '\0';
	return out;
}

static int take_option(struct words *w, const char *s, size_t n, bool sloppy)
{
	const struct own_option *own = find_own(s, n);
	if (n == 0 || is_one_of(not_ours, N(not_ours), s, n) ||
	    begins_with_one_of(not_ours_with, N(not_ours_with), s, n))
		return 0;
	if (own && own->has_value != (memchr(s, '=', n) != NULL))
		return exit_fail(EXIT_USAGE, "the option '%s' takes %s value", own->name, own->has_value ? "a" : "no");
	if (own)
		return words_add(w, long_option(s, n));
	if (sloppy && !is_one_of(of_fuse, N(of_fuse), s, n))
		return 0;
	int code = words_add(w, strdup("-o"));
	return code == 0 ? words_add(w, strndup(s, n)) : code;
}

static int take_options(struct words *w, const char *options, bool sloppy)
{
	int code = 0;
	while (code == 0 && options) {
		const char *word = options;
		size_t n;
		options = next_option(word, &n);
		code = take_option(w, word, n, sloppy);
	}
	return code;
}

/* As mount(8) has it. */
static int usage(FILE *f, const char *text, int code)
{
	(void)fputs(text, f);
	return code;
}

static const char mount_usage[] =
	"usage: mount.cryptfs VAULT MOUNTPOINT [-sfnvrw] [-t TYPE] [-o OPTION[,OPTION]...]\n"
	"\n"
	"Run by mount(8) for the type cryptfs, in /etc/fstab too. Options besides those of FUSE and\n"
	"the kernel: passfile=FILE, extpass=COMMAND, keyfile=FILE, recovery, recovery-file=FILE,\n"
	"keyring, shared, idle=DURATION, lock-on=EVENT and notify, as of cryptfs mount. See\n"
	"mount.cryptfs(8).\n";

static const char umount_usage[] =
	"usage: umount.fuse.cryptfs MOUNTPOINT [-flnrv] [-t TYPE]\n"
	"\n"
	"Run by umount(8): unmounts, and waits until all is written. See mount.cryptfs(8).\n";

static int exit_code(int code)
{
	return code == EXIT_DONE ? 0 : code == EXIT_USAGE ? HELPER_USAGE : HELPER_FAILED;
}

struct helper {
	const char *options[16];
	size_t n_options;
	bool sloppy, fake, read_only;
};

static int build(const struct helper *h, char **operands, struct words *w)
{
	int code = words_add(w, strdup("cryptfs"));
	for (size_t i = 0; code == 0 && i < h->n_options; i++)
		code = take_options(w, h->options[i], h->sloppy);
	if (code == 0 && h->read_only)
		code = words_add(w, strdup("--read-only"));
	if (code == 0)
		code = words_add(w, strdup("--"));
	for (int i = 0; code == 0 && i < 2; i++)
		code = words_add(w, strdup(operands[i]));
	return code;
}

static int run_mount(const struct helper *h, char **operands)
{
	_cleanup_(words_free) struct words w = { NULL, 0 };
	int code = build(h, operands, &w);
	if (code != 0 || h->fake)
		return exit_code(code);
	/* getopt moves words about. */
	_cleanup_free_ char **argv = calloc((size_t)w.argc + 1, sizeof(*argv));
	if (!argv)
		return HELPER_FAILED;
	memcpy(argv, w.argv, (size_t)w.argc * sizeof(*argv));
	optind = 0;
	return exit_code(cmd_mount(w.argc, argv));
}

static int helper_mount(int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	struct helper h = { .n_options = 0 };
	int c;
	while ((c = getopt_long(argc, argv, "sfnvrwo:t:h", options, NULL)) != -1) {
		switch (c) {
		case 's': h.sloppy = true; break;
		case 'f': h.fake = true; break;
		case 'r': h.read_only = true; break;
		case 'n': case 'v': case 'w': case 't': break;
		case 'h': return usage(stdout, mount_usage, 0);
		case 'o':
			if (h.n_options == N(h.options))
				return usage(stderr, mount_usage, HELPER_USAGE);
			h.options[h.n_options++] = optarg;
			break;
		default: return usage(stderr, mount_usage, HELPER_USAGE);
		}
	}
	if (argc - optind != 2)
		return usage(stderr, mount_usage, HELPER_USAGE);
	return run_mount(&h, argv + optind);
}

static int helper_umount(int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	char program[] = "cryptfs", detach[] = "-z", end[] = "--";
	bool lazy = false;
	int c;
	while ((c = getopt_long(argc, argv, "flnrvt:h", options, NULL)) != -1) {
		switch (c) {
		case 'l': lazy = true; break;
		case 'f': case 'n': case 'r': case 'v': case 't': break;
		case 'h': return usage(stdout, umount_usage, 0);
		default: return usage(stderr, umount_usage, HELPER_USAGE);
		}
	}
	if (argc - optind != 1)
		return usage(stderr, umount_usage, HELPER_USAGE);
	char *words[] = { program, lazy ? detach : end, lazy ? end : argv[optind], lazy ? argv[optind] : NULL, NULL };
	optind = 0;
	return exit_code(cmd_umount(lazy ? 4 : 3, words));
}

mount_helper_fn *mount_helper_of(int argc, char **argv)
{
	const char *path = argc > 0 ? argv[0] : "", *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	if (strcmp(name, "mount.cryptfs") == 0 || strcmp(name, "mount.fuse.cryptfs") == 0)
		return helper_mount;
	if (strcmp(name, "umount.cryptfs") == 0 || strcmp(name, "umount.fuse.cryptfs") == 0)
		return helper_umount;
	return argc > 2 && argv[1][0] == '/' ? helper_mount : NULL; /* mount.fuse3 runs "cryptfs VAULT ..." */
}
