/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/mount_args.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/duration.h"

static bool is_word(const char *s, size_t n, const char *word)
{
	return n == strlen(word) && memcmp(s, word, n) == 0;
}

static bool sets(const char *s, size_t n, const char *key)
{
	return n > strlen(key) && memcmp(s, key, strlen(key)) == 0 && s[strlen(key)] == '=';
}

static int append_rest(char **rest, const char *s, size_t n)
{
	char *more = NULL;
	if (asprintf(&more, "%s%s%.*s", *rest ? *rest : "", *rest ? "," : "", (int)n, s) < 0)
		return exit_fail(EXIT_FAILED, "out of memory");
	free(*rest);
	*rest = more;
	return 0;
}

/* One of FUSE's options. Those that have a meaning for us as well must not go past us; those by which a
 * mount of ours is known are not the user's. */
static int take_option(struct mount_args *a, const char *s, size_t n)
{
	if (n == 0 || is_word(s, n, "rw"))
		return 0;
	if (is_word(s, n, "ro"))
		a->session.read_only = true;
	else if (is_word(s, n, "allow_other"))
		a->session.allow_other = true;
	else if (sets(s, n, "fsname") || sets(s, n, "subtype"))
		return exit_usage("mount", "cryptfs sets '%.*s' itself", (int)strcspn(s, "="), s);
	else
		return append_rest(&a->rest, s, n);
	return 0;
}

/* Length of the first option; "\," is no separator. */
static size_t option_len(const char *s)
{
	size_t n = 0;
	while (s[n] && s[n] != ',')
		n += s[n] == '\\' && s[n + 1] ? 2 : 1;
	return n;
}

static int take_options(struct mount_args *a, const char *s)
{
	for (;;) {
		size_t n = option_len(s);
		int code = take_option(a, s, n);
		if (code != 0 || !s[n])
			return code;
		s += n + 1;
	}
}

static int take_idle(struct mount_args *a, const char *s)
{
	switch (duration_parse(s, &a->session.idle)) {
	case 0: return 0;
	case -ENODATA:
		return exit_usage("mount", "--idle takes a time with its unit, such as 15m, 900s or 1h; '%s' has none",
				  s);
	case -ERANGE:
		return exit_usage("mount", "--idle takes 1s to 365d, not '%s' (without --idle it stays mounted)", s);
	default: return exit_usage("mount", "--idle takes a time such as 15m, 900s or 1h30m, not '%s'", s);
	}
}

/* Where to lock by itself: words with commas between. */
static int take_lock_on(struct mount_args *a, const char *s)
{
	for (;;) {
		size_t n = strcspn(s, ",");
		if (is_word(s, n, "sleep"))
			a->desktop.on_sleep = true;
		else if (is_word(s, n, "screen"))
			a->desktop.on_screen = true;
		else if (is_word(s, n, "force"))
			a->desktop.force = true;
		else
			return exit_usage("mount",
					  "--lock-on takes sleep, screen and force, with commas between, not '%.*s'",
					  (int)n, s);
		if (!s[n])
			return 0;
		s += n + 1;
	}
}

static int check_lock_on(const struct mount_args *a)
{
	if (!a->desktop.force || a->desktop.on_sleep || a->desktop.on_screen)
		return 0;
	return exit_usage("mount", "--lock-on force says how: say when as well, sleep or screen");
}

static int take_operands(struct mount_args *a, int argc, char **argv)
{
	_cleanup_free_ char *word = argc - optind == 1 ? text_quote(argv[optind]) : NULL;
	if (word && paths_is_vault(argv[optind]))
		return exit_usage("mount",
				  "where to? mount takes the vault and the mount point: cryptfs mount %s DIRECTORY",
				  word);
	if (argc - optind != 2)
		return exit_usage("mount", "mount takes two operands: the vault and the mount point");
	a->vault = argv[optind];
	a->mountpoint = argv[optind + 1];
	return 0;
}

int mount_args_parse(int argc, char **argv, struct mount_args *a)
{
	enum { ALLOW_OTHER = 256, IDLE, LOCK_ON, NOTIFY, SHARED, DEBUG, NO_SANDBOX };
	static const struct option options[] = {
		CREDENTIAL_OPTIONS,
		{ "foreground", no_argument, NULL, 'f' },
		{ "read-only", no_argument, NULL, 'r' },
		{ "allow-other", no_argument, NULL, ALLOW_OTHER },
		{ "idle", required_argument, NULL, IDLE },
		{ "shared", no_argument, NULL, SHARED },
		{ "lock-on", required_argument, NULL, LOCK_ON },
		{ "notify", no_argument, NULL, NOTIFY },
		{ "debug", no_argument, NULL, DEBUG },
		{ "no-sandbox", no_argument, NULL, NO_SANDBOX },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c, code = 0;
	while (code == 0 && (c = getopt_long(argc, argv, "fro:qh", options, NULL)) != -1) {
		switch (c) {
		case ALLOW_OTHER: a->session.allow_other = true; break;
		case IDLE: code = take_idle(a, optarg); break;
		case SHARED: a->session.shared = true; break;
		case DEBUG: a->session.debug = a->foreground = true; break;
		case LOCK_ON: code = take_lock_on(a, optarg); break;
		case NOTIFY: a->desktop.notify = true; break;
		case NO_SANDBOX: a->session.no_sandbox = true; break;
		case 'f': a->foreground = true; break;
		case 'r': a->session.read_only = true; break;
		case 'o': code = take_options(a, optarg); break;
		case 'q': a->quiet = args_quiet(); break;
		case 'h': (void)main_help("mount"); return -1;
		default: code = credential_take(&a->credential, c) == 0 ? 0 : exit_usage("mount", NULL);
		}
	}
	if (code == 0)
		code = check_lock_on(a);
	if (code == 0)
		code = credential_check("mount", &a->credential);
	return code != 0 ? code : take_operands(a, argc, argv);
}
