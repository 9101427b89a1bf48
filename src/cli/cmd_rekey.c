/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cryptfs rekey: a new master key, and everything sealed anew under it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/change.h"
#include "cli/cli.h"
#include "cli/offline.h"
#include "cli/progress.h"
#include "cli/slot_text.h"
#include "cli/stop.h"
#include "cli/undisturbed.h"
#include "offline/check.h"
#include "offline/rekey.h"
#include "sandbox/sandbox.h"
#include "vault/epoch.h"
#include "vault/slots.h"

_Static_assert(ARGS_JOBS_MAX <= REKEY_JOBS_MAX, "threads");

struct rekey_args {
	const char *vault;
	struct credential_args credential;
	unsigned int jobs;
	bool yes, quiet, no_sandbox;
};

struct job {
	struct rekey_args args;
	struct change c;
	struct tree tree;
	struct progress progress;
	bool again; /* one before has begun */
	uint64_t damaged, left;
};

/* ---- the beginning ---- */

/* Returns 0, an exit code, or -1 when help was printed. */
static int parse(int argc, char **argv, struct rekey_args *a)
{
	enum { YES = 256, NO_SANDBOX };
	static const struct option options[] = {
		CREDENTIAL_OPTIONS,
		{ "jobs", required_argument, NULL, 'j' },
		{ "yes", no_argument, NULL, YES },
		{ "no-sandbox", no_argument, NULL, NO_SANDBOX },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	/* The secret that is given is the only one that stays: it is not to be one that nobody has chosen. */
	*a = (struct rekey_args){ .jobs = args_default_jobs(), .credential.said = true };
	int c, code = 0;
	while (code == 0 && (c = getopt_long(argc, argv, "j:qh", options, NULL)) != -1) {
		if (credential_take(&a->credential, c) == 0)
			continue;
		switch (c) {
		case 'j': code = args_jobs("rekey", optarg, &a->jobs); break;
		case YES: a->yes = true; break;
		case NO_SANDBOX: a->no_sandbox = true; break;
		case 'q': a->quiet = args_quiet(); break;
		case 'h': (void)main_help("rekey"); return -1;
		default: code = exit_usage("rekey", NULL);
		}
	}
	if (code == 0)
		code = credential_check("rekey", &a->credential);
	if (code == 0 && argc - optind != 1)
		code = exit_usage("rekey", "rekey takes one operand: the vault");
	a->vault = argv[optind];
	return code;
}

/* What repairs have moved away is not interpreted, and stays sealed as it is. */
static bool has_lost(const struct job *j)
{
	_cleanup_fd_ int fd = openat(j->c.u.fd, NAME_LOST_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && paths_is_empty(fd) == 0;
}

/* A new master key cannot be wrapped for a secret that we do not have. */
static int confirm(const struct job *j)
{
	const struct vaultfile *vf = &j->c.u.vault->settings;
	const bool lost = has_lost(j);
	if (vf->previous.there || (vf->n_slots == 1 && !lost))
		return 0;
	if (lost)
		exit_note("what lies in '%s/" NAME_LOST_DIR "' stays under the old key, and will open no more",
			  j->c.u.path);
	for (uint32_t i = 0; i < vf->n_slots; i++) {
		const struct vaultfile_slot *s = &vf->slots[i];
		_cleanup_free_ char *name = slot_text_name(s);
		if (s->slot != j->c.u.credential.slot)
			exit_note("%s will be gone: its secret is not known here", name ? name : "a slot");
	}
	if (j->args.yes)
		return 0;
	if (isatty(STDIN_FILENO) != 1)
		return exit_fail(EXIT_FAILED,
				 "nothing has been changed: there is no terminal to ask at (--yes does without)");
	if (args_ask("Give the vault a new master key, which only the secret opens that you have just given?"))
		return 0;
	return exit_fail(EXIT_FAILED, "nothing has been changed");
}

/* The settings of both epochs, durably, before anything is sealed under the new key. */
static int begin(struct job *j)
{
	SCOPED_UNDISTURBED;
	struct change *c = &j->c;
	int code = change_begin(c);
	if (code != 0)
		return code;
	j->again = c->vault->settings.previous.there;
	if (j->again) {
		int err = epoch_keep(c->vault, c->u.fd);
		return err < 0 ? exit_save(err, c->u.path, false) : 0;
	}
	/* Nobody has been asked about what others have added meanwhile. */
	if (memcmp(c->vault->settings.mac, c->u.vault->settings.mac, VAULTFILE_MAC_LEN) != 0)
		return exit_fail(EXIT_IN_USE,
				 "the settings of '%s' have been changed meanwhile; nothing has been done, try again",
				 c->u.path);
	_cleanup_key_ struct key32 *fresh = keymem_alloc(sizeof(*fresh));
	if (!fresh)
		return exit_crypto(-ENOMEM, "cannot keep a new master key");
	int err = epoch_begin(c->vault, c->master, &c->u.credential.secret, c->u.credential.slot, fresh);
	if (err == 0)
		err = epoch_save(c->vault, c->u.fd, fresh);
	if (err == -EOVERFLOW)
		return exit_fail(EXIT_FAILED, "'%s' has been given 65535 master keys, and the format counts no further",
				 c->u.path);
	if (err < 0)
		return exit_save(err, c->u.path, change_is_in_place(c));
	memcpy(c->master->b, fresh->b, sizeof(fresh->b));
	return 0;
}

/* Secrets of slots that have gone open nothing any more. In a process of its own: before the sandbox. */
static void forget_items(const struct job *j)
{
	const struct vaultfile *before = &j->c.u.vault->settings;
	for (uint32_t i = 0; !j->again && i < before->n_slots; i++) {
		const struct vaultfile_slot *s = &before->slots[i];
		if (s->kind == VAULTFILE_KEYRING && !slots_find(&j->c.vault->settings, s->slot))
			change_forget_item(&j->c, s->slot);
	}
}

/* Open the vault with both keys. From here on there is no way to anything outside of it. */
static int open_tree(struct job *j)
{
	struct change *c = &j->c;
	struct sandbox_state state;
	int err = vault_unlock_with(c->vault, c->master);
	if (err == 0)
		err = store_open(c->vault, c->u.fd, false, &j->tree.st);
	if (err == 0)
		err = dir_open_root(j->tree.st, &j->tree.root);
	if (err < 0)
		return exit_vault(err, c->u.path, NULL);
	if (!j->args.no_sandbox)
		sandbox_enter(&(struct sandbox_options){ .use = SANDBOX_REKEY, .vault_fd = c->u.fd }, &state);
	return 0;
}

/* ---- the work ---- */

static bool must_stop(void *arg)
{
	(void)arg;
	return stop_asked() != 0;
}

static void on_done(void *arg, uint64_t entries, uint64_t bytes)
{
	struct job *j = arg;
	progress_add(&j->progress, entries, bytes);
}

static const char *reason(int err)
{
	switch (-err) {
	case E2BIG:
		return "one of its extended attributes is too large to be there twice for a moment (remove it, and set "
		       "it again afterwards)";
	case EEXIST:
		return "there is something else under its new name already ('cryptfs check' tells more)";
	case EUCLEAN:
	case EBADMSG:
		return "it has been tampered with, or a disk has failed ('cryptfs check' tells what is lost)";
	default:
		return offline_reason(err);
	}
}

static void on_trouble(void *arg, enum rekey_trouble what, const char *path, const char *cipher, int err)
{
	struct job *j = arg;
	bool damaged = what == REKEY_DAMAGED;
	*(damaged ? &j->damaged : &j->left) += 1;
	progress_hide(&j->progress);
	exit_note("%s '/%s': %s: '%s/%s'", damaged ? "damaged, in whole or in part:" : "cannot seal anew", path,
		  reason(err), j->c.u.path, cipher);
}

static void ignore_finding(void *arg, const struct check_finding *f)
{
	(void)arg;
	(void)f;
}

static void measure(struct job *j)
{
	struct check_counts counts;
	const struct check_options opt = { .jobs = j->args.jobs, .measure = true, .found = ignore_finding };
	if (!j->args.quiet && check_run(j->tree.st, &opt, &counts) == 0)
		progress_totals(&j->progress, counts.files + counts.directories + counts.links + counts.specials,
				counts.bytes);
}

static int run(struct job *j)
{
	const struct rekey_options opt = {
		.jobs = j->args.jobs,
		.again = j->again,
		.trouble = on_trouble,
		.done = on_done,
		.stop = must_stop,
		.arg = j,
	};
	stop_watch();
	progress_begin(&j->progress, "sealing anew", j->args.quiet);
	measure(j);
	int r = rekey_run(&j->tree, &opt);
	progress_end(&j->progress);
	return r;
}

/* ---- the end ---- */

/* Others may have changed slots meanwhile. */
static int finish(struct job *j)
{
	SCOPED_UNDISTURBED;
	struct change *c = &j->c;
	_cleanup_key_ struct key32 *ours = keymem_alloc(sizeof(*ours));
	const uint32_t epoch = c->vault->settings.epoch;
	tree_close(&j->tree);
	if (!ours)
		return exit_crypto(-ENOMEM, "cannot keep the master key");
	memcpy(ours->b, c->master->b, sizeof(ours->b));
	int code = change_begin(c);
	if (code != 0)
		return code;
	if (c->vault->settings.epoch != epoch || !c->vault->settings.previous.there ||
	    !keymem_equal(ours->b, c->master->b, sizeof(ours->b)))
		return exit_fail(EXIT_FAILED,
				 "the settings of '%s' are no longer those of this rekey: somebody has put others "
				 "there. Put back those of before (" NAME_SETTINGS_BACKUP ") and run it again",
				 c->u.path);
	c->vault->settings.previous.there = false;
	int err = epoch_save(c->vault, c->u.fd, c->master);
	return err < 0 ? exit_save(err, c->u.path, change_is_in_place(c)) : 0;
}

static int not_done(const struct job *j, int r)
{
	_cleanup_free_ char *word = text_quote(j->c.u.path);
	const char *vault = word ? word : "VAULT";
	if (r == -EINTR)
		return exit_fail(EXIT_FAILED,
				 "stopped before the end; nothing is lost, and the vault can be used as it is. Until "
				 "it has come to its end no copy of its settings and no master key from before opens "
				 "all of it (to go on: cryptfs rekey %s)",
				 vault);
	if (r > 0)
		return exit_fail(EXIT_FAILED,
				 "what the lines above name still needs the old master key, so the vault keeps both; "
				 "see to it ('cryptfs check' tells more) and go on: cryptfs rekey %s",
				 vault);
	return exit_fail(offline_code(r),
			 "cannot seal all of the vault anew: %s; nothing is lost (to go on: cryptfs rekey %s)",
			 offline_reason(r), vault);
}

static void print_end(const struct job *j)
{
	if (j->args.quiet)
		return;
	exit_note("everything is sealed under a new master key; no older secret or copy of the settings opens it");
	exit_note("of no use any more: copies of the settings, codes and master keys on paper from before. Make new "
		  "ones (cryptfs settings backup, key add, master export)");
}

static int rekey(struct job *j)
{
	int code = change_open(&j->c, "rekey", j->args.vault, &j->args.credential);
	if (code == 0)
		code = unlock_lock(&j->c.u, UNLOCK_CHANGE, j->args.quiet);
	if (code != 0 || (code = secrets_prepare(false)) != 0 || (code = change_authorise(&j->c)) != 0 ||
	    (code = confirm(j)) != 0 || (code = begin(j)) != 0)
		return code;
	change_end(&j->c); /* others may go on changing slots */
	forget_items(j);
	unlock_descriptors();
	log_set_level(LOG_LEVEL_NONE); /* what is damaged is said here, by names that a log may not see */
	if ((code = open_tree(j)) != 0)
		return code;
	int r = run(j);
	if (r != 0)
		return not_done(j, r);
	if ((code = finish(j)) != 0)
		return code;
	print_end(j);
	return j->damaged > 0 ? EXIT_DAMAGED : EXIT_DONE;
}

static void job_free(struct job *j)
{
	tree_close(&j->tree);
	change_free(&j->c);
}

int cmd_rekey(int argc, char **argv)
{
	_cleanup_(job_free) struct job j = { .c = CHANGE_NONE };
	int code = parse(argc, argv, &j.args);
	if (code != 0)
		return code < 0 ? EXIT_DONE : code;
	return rekey(&j);
}
