/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs bench: how fast this machine is.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/cli.h"

#define SECONDS_MAX 600.0
#define MB 1e6

/* Of the time: each measurement of a cipher, and all with files. */
#define CRYPTO_SHARE 0.03
#define FILES_SHARE 0.75

struct bench_args {
	const char *dir;
	double seconds;
	bool json, no_mount;
};

static const struct {
	const char *key;
	const char *text;
	bool bytes;
} rows[BENCH_N] = {
	[BENCH_WRITE] = { "write", "write, with fsync", true },
	[BENCH_COLD] = { "read_cold", "read, not in memory", true },
	[BENCH_WARM] = { "read_warm", "read, in memory", true },
	[BENCH_CREATE] = { "create", "make small files", false },
	[BENCH_STAT] = { "stat", "look at them (stat)", false },
	[BENCH_DELETE] = { "delete", "delete them", false },
};

/* ---- what is printed ---- */

static void print_crypto(const struct bench_crypto *c)
{
	(void)puts("ciphers, in one thread (MB: 10^6 bytes)");
	for (size_t i = 0; i < c->n; i++)
		(void)printf("  blocks of files, by %-10s %8.0f MB/s sealed %8.0f MB/s opened%s\n", c->cipher[i].name,
			     c->cipher[i].seal / MB, c->cipher[i].open / MB, c->cipher[i].used ? "   (used here)" : "");
	(void)printf("  names of 32 bytes             %8.0f /s sealed    %8.0f /s opened\n", c->names_sealed,
		     c->names_opened);
	(void)printf("unlocking with a passphrase      %6.2f s  (Argon2id, %u MiB, %u pass%s, %u lanes: what init "
		     "chooses here)\n",
		     c->unlock, (unsigned int)(c->cost.memory_kib / 1024), (unsigned int)c->cost.passes,
		     c->cost.passes == 1 ? "" : "es", (unsigned int)c->cost.lanes);
}

static void print_rate(double rate, bool bytes)
{
	if (rate > 0)
		(void)printf(" %9.0f %-4s", bytes ? rate / MB : rate, bytes ? "MB/s" : "/s");
	else
		(void)printf(" %9s %-4s", "-", "");
}

static void print_files(const struct bench_mount *m, const char *dir)
{
	_cleanup_free_ char *text = text_escape(dir);
	(void)printf("files in %s%s\n", text ? text : "",
		     m->in_memory ? ", which is in memory: no disk was measured" : "");
	(void)printf("  %-22s %14s %14s   %s\n", "", "without vault", "in a vault", "ratio");
	for (int i = 0; i < BENCH_N; i++) {
		double plain = m->plain.rate[i], vault = m->vault.rate[i];
		(void)printf("  %-22s", rows[i].text);
		print_rate(plain, rows[i].bytes);
		print_rate(vault, rows[i].bytes);
		if (plain > 0 && vault > 0)
			(void)printf("   %5.2f\n", vault / plain);
		else
			(void)puts("       -");
	}
}

static json_t *crypto_json(const struct bench_crypto *c)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < c->n; i++)
		(void)json_array_append_new(list, json_pack("{s:s, s:b, s:f, s:f}", "backend", c->cipher[i].name,
							    "used",
							    c->cipher[i].used, "seal_mb_s", c->cipher[i].seal / MB,
							    "open_mb_s", c->cipher[i].open / MB));
	return json_pack("{s:o, s:f, s:f, s:{s:f, s:I, s:I, s:I}}", "ciphers", list, "names_sealed_s", c->names_sealed,
			 "names_opened_s", c->names_opened, "unlock", "seconds", c->unlock, "memory_kib",
			 (json_int_t)c->cost.memory_kib, "passes", (json_int_t)c->cost.passes, "lanes",
			 (json_int_t)c->cost.lanes);
}

static json_t *rate_json(double rate)
{
	return rate > 0 && isfinite(rate) ? json_real(rate) : json_null();
}

static json_t *files_json(const struct bench_mount *m, const char *dir)
{
	json_t *o = json_pack("{s:o, s:b}", "directory", text_json(dir), "in_memory", m->in_memory);
	for (int i = 0; o && i < BENCH_N; i++) {
		double unit = rows[i].bytes ? MB : 1, plain = m->plain.rate[i], vault = m->vault.rate[i];
		(void)json_object_set_new(o, rows[i].key,
					  json_pack("{s:s, s:o, s:o, s:o}", "unit",
						    rows[i].bytes ? "MB/s" : "files/s", "plain",
						    rate_json(plain / unit), "vault", rate_json(vault / unit), "ratio",
						    rate_json(plain > 0 ? vault / plain : 0)));
	}
	return o;
}

/* ---- the verb ---- */

static int take_seconds(const char *text, double *seconds)
{
	char *end;
	*seconds = strtod(text, &end);
	if (end == text || *end || !isfinite(*seconds) || *seconds <= 0 || *seconds > SECONDS_MAX)
		return exit_usage("bench", "--seconds takes a number of seconds up to 600, not '%s'", text);
	return 0;
}

/* Returns 0, an exit code, or -1 when help was printed. */
static int parse(int argc, char **argv, struct bench_args *a)
{
	enum { JSON = 256, SECONDS, NO_MOUNT };
	static const struct option options[] = {
		{ "json", no_argument, NULL, JSON },
		{ "seconds", required_argument, NULL, SECONDS },
		{ "no-mount", no_argument, NULL, NO_MOUNT },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *tmp = getenv("TMPDIR");
	*a = (struct bench_args){ .dir = tmp && *tmp ? tmp : "/tmp", .seconds = BENCH_SECONDS };
	int c, code = 0;
	while (code == 0 && (c = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		switch (c) {
		case JSON: a->json = true; break;
		case SECONDS: code = take_seconds(optarg, &a->seconds); break;
		case NO_MOUNT: a->no_mount = true; break;
		case 'q': (void)args_quiet(); break;
		case 'h': (void)main_help("bench"); return -1;
		default: code = exit_usage("bench", NULL);
		}
	}
	if (code == 0 && argc - optind > 1)
		code = exit_usage("bench", "bench takes one operand at most: a directory to measure in");
	if (code == 0 && argc - optind == 1)
		a->dir = argv[optind];
	return code;
}

/* Before anything has been measured. */
static int check_dir(struct bench_args *a)
{
	_cleanup_fd_ int dir = a->no_mount ? -1 : open(a->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->no_mount)
		return 0;
	if (dir < 0)
		return exit_fail(EXIT_FAILED, "cannot measure in '%s': %s", a->dir, exit_reason(-errno));
	if (paths_is_vault(a->dir))
		return exit_fail(EXIT_FAILED, "'%s' is a vault: name a directory in which something else may be made",
				 a->dir);
	_cleanup_fd_ int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fuse < 0) {
		exit_note("nothing can be mounted here (/dev/fuse: %s): only ciphers are measured",
			  exit_reason(-errno));
		a->no_mount = true;
	}
	return 0;
}

int cmd_bench(int argc, char **argv)
{
	struct bench_args a;
	struct bench_crypto crypto;
	struct bench_mount files;
	int code = parse(argc, argv, &a);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	if ((code = check_dir(&a)) != 0 || (code = secrets_prepare(false)) != 0)
		return code;
	int err = bench_crypto(a.seconds * CRYPTO_SHARE, &crypto);
	bench_tell(NULL);
	if (err < 0)
		return exit_crypto(err, "cannot measure the ciphers");
	if (!a.json)
		print_crypto(&crypto);
	if (!a.no_mount)
		code = bench_mount(a.dir, a.seconds * FILES_SHARE, &files);
	bool measured = !a.no_mount && code == 0;
	if (!a.json && measured)
		print_files(&files, a.dir);
	if (a.json) {
		int printed = text_print_json(json_pack("{s:o, s:o}", "crypto", crypto_json(&crypto), "files",
							measured ? files_json(&files, a.dir) : json_null()));
		code = code != 0 ? code : printed;
	}
	return code;
}
