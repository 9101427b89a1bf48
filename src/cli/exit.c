/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From -errno to a sentence with advice and a documented exit code: here and nowhere else.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/cli.h"
#include "cli/colour.h"
#include "vault/recovery.h"
#include "vault/vault.h"

static void note(enum colour c, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

static void note(enum colour c, const char *fmt, va_list ap)
{
	_cleanup_free_ char *raw = NULL;
	if (vasprintf(&raw, fmt, ap) < 0) {
		raw = NULL;
		return;
	}
	_cleanup_free_ char *text = text_escape(raw);
	(void)fflush(stdout);
	(void)fprintf(stderr, "%scryptfs:%s %s\n", colour(stderr, c), colour(stderr, COLOUR_NONE),
		      text ? text : "out of memory");
}

void exit_note(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	note(COLOUR_HEAD, fmt, ap);
	va_end(ap);
}

int exit_fail(int code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	note(COLOUR_BAD, fmt, ap);
	va_end(ap);
	return code;
}

int exit_usage(const char *verb, const char *fmt, ...)
{
	if (fmt) {
		va_list ap;
		va_start(ap, fmt);
		note(COLOUR_BAD, fmt, ap);
		va_end(ap);
	}
	return exit_fail(EXIT_USAGE, "try 'cryptfs %s --help'", verb);
}

const char *exit_reason(int err)
{
	switch (-err) {
	case EACCES:
	case EPERM:
		return "you are not permitted to (look at its owner and mode, and those above it)";
	case ENOSPC:
	case EDQUOT:
		return "no space is left there (free some and try again)";
	case EROFS:
		return "that filesystem is read-only";
	case EMFILE:
	case ENFILE:
		return "too many files are open (raise 'ulimit -n')";
	case ENOTCONN:
		return "it lies on a mount whose process is gone (unmount that first)";
	case EIO:
		return "the storage below reports an error (look at the kernel's log)";
	default:
		return strerror(-err);
	}
}

int exit_vault_dir(int err, const char *vault)
{
	_cleanup_free_ char *word = text_quote(vault);
	switch (-err) {
	case ENOENT:
		return exit_fail(EXIT_NO_VAULT, "there is no vault '%s' (to make it: cryptfs init %s)", vault,
				 word ? word : "VAULT");
	case ENOTDIR:
		return exit_fail(EXIT_NO_VAULT, "'%s' is not a vault: it is not a directory", vault);
	default:
		return exit_fail(EXIT_FAILED, "cannot open the vault '%s': %s", vault, exit_reason(err));
	}
}

static int no_settings(const char *vault)
{
	_cleanup_free_ char *backup = NULL;
	if (asprintf(&backup, "%s/" NAME_SETTINGS_BACKUP, vault) < 0)
		backup = NULL;
	_cleanup_free_ char *word = text_quote(vault), *word_of_copy = backup ? text_quote(backup) : NULL;
	if (backup && access(backup, F_OK) == 0)
		return exit_fail(EXIT_NO_VAULT,
				 "'%s' has lost its " NAME_SETTINGS_FILE "; to put back the copy beside it: cryptfs "
				 "settings restore %s %s",
				 vault, word ? word : "VAULT", word_of_copy ? word_of_copy : "COPY");
	return exit_fail(EXIT_NO_VAULT,
			 "'%s' is not a vault: it has no " NAME_SETTINGS_FILE " (if it has lost it: cryptfs settings "
			 "restore, or cryptfs master restore)",
			 vault);
}

int exit_vault(int err, const char *vault, const char *why)
{
	const char *detail = why ? why : exit_reason(err);
	switch (-err) {
	case ENOENT:
		return no_settings(vault);
	case EKEYREJECTED:
		return exit_wrong_secret(VAULTFILE_PASSPHRASE, vault);
	case EUCLEAN:
		return exit_fail(EXIT_DAMAGED,
				 "the settings of '%s' are damaged (%s); put back " NAME_SETTINGS_BACKUP
				 ", or a backup: cryptfs settings restore",
				 vault, detail);
	case EBADMSG:
		return exit_fail(EXIT_DAMAGED,
				 "the settings of '%s' have been tampered with (%s); put back those of a backup that "
				 "you trust: cryptfs settings restore",
				 vault, detail);
	case EPROTONOSUPPORT:
		return exit_fail(EXIT_DAMAGED, "'%s' was made by a newer cryptfs (%s); update this one", vault,
				 detail);
	case EBUSY:
		return exit_fail(EXIT_IN_USE,
				 "the vault '%s' is in use by another process (another mount asking for its "
				 "passphrase, or one that was unmounted lazily?); try again when it has ended",
				 vault);
	case ENOMEM:
		return exit_fail(EXIT_FAILED,
				 "not enough memory to unlock '%s' ('cryptfs info' shows what its slots need)",
				 vault);
	default:
		return exit_fail(EXIT_FAILED, "cannot use the vault '%s': %s", vault, detail);
	}
}

int exit_crypto(int err, const char *doing)
{
	switch (-err) {
	case ENOMEM:
		return exit_fail(EXIT_FAILED,
				 "%s: memory cannot be had or locked (raise 'ulimit -l', or use less: --kdf-memory)",
				 doing);
	case EINVAL:
		return exit_fail(EXIT_FAILED, "%s: the values asked for are out of the format's limits", doing);
	default:
		return exit_fail(EXIT_FAILED, "%s: %s", doing, exit_reason(err));
	}
}

int exit_command(const char *from, int err, int status)
{
	if (err == -ENOENT)
		return exit_fail(EXIT_FAILED, "cannot run %s, which was to tell the passphrase: it is not found", from);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot run %s, which was to tell the passphrase: %s", from,
				 strerror(-err));
	if (WIFSIGNALED(status))
		return exit_fail(EXIT_FAILED, "%s, which was to tell the passphrase, was ended by signal %d (%s)", from,
				 WTERMSIG(status), strsignal(WTERMSIG(status)));
	return exit_fail(EXIT_FAILED, "%s, which was to tell the passphrase, failed with exit code %d", from,
			 WEXITSTATUS(status));
}

int exit_passphrase(int err, const char *from)
{
	switch (-err) {
	case ENODATA:
		return exit_fail(EXIT_FAILED, "no passphrase was given by %s; an empty one is not accepted",
				 from);
	case E2BIG:
		return exit_fail(EXIT_FAILED, "the passphrase from %s is too long (1023 bytes at most)", from);
	case EILSEQ:
		return exit_fail(EXIT_FAILED, "the passphrase from %s holds a NUL byte (is it a text file?)",
				 from);
	case EKEYREJECTED:
		return exit_fail(EXIT_FAILED, "the passphrases differ; nothing was made");
	case ECANCELED:
		return exit_fail(EXIT_FAILED, "no passphrase was given: %s was cancelled", from);
	case ECHILD:
		return EXIT_FAILED; /* exit_command has said it */
	default:
		return exit_fail(EXIT_FAILED, "cannot read the passphrase from %s: %s", from, exit_reason(err));
	}
}

int exit_wrong_secret(uint8_t kind, const char *vault)
{
	switch (kind) {
	case VAULTFILE_RECOVERY:
		return exit_fail(EXIT_WRONG_SECRET,
				 "wrong recovery code: it has no mistake in it, but opens no slot of '%s' (is it "
				 "another vault's, or has its slot been removed?)",
				 vault);
	case VAULTFILE_KEYFILE:
		return exit_fail(EXIT_WRONG_SECRET, "wrong key file: it opens no slot of '%s' (has it been changed?)",
				 vault);
	case VAULTFILE_KEYFILE_PASSPHRASE:
		return exit_fail(EXIT_WRONG_SECRET,
				 "wrong key file or wrong passphrase: together they open no slot of '%s'", vault);
	case VAULTFILE_KEYRING:
		return exit_fail(EXIT_WRONG_SECRET, "the login keyring does not open '%s': %s", vault,
				 exit_keyring_reason(-EKEYREJECTED));
	default:
		return exit_fail(EXIT_WRONG_SECRET, "wrong passphrase: it opens no slot of '%s'", vault);
	}
}

int exit_recovery(int err, const char *what, unsigned int n, unsigned int group)
{
	switch (-err) {
	case EINVAL:
		return exit_fail(EXIT_WRONG_SECRET,
				 "that is no %s: group %u is mistyped or missing; it has %u groups of %u "
				 "characters", what,
				 group, RECOVERY_GROUPS(n), RECOVERY_GROUP);
	case EILSEQ:
		return exit_fail(EXIT_WRONG_SECRET,
				 "that is no %s: group %u is mistyped, it has a character that none has", what, group);
	case E2BIG:
		return exit_fail(EXIT_WRONG_SECRET,
				 "that is no %s: it is too long; one has %u groups of %u characters", what,
				 RECOVERY_GROUPS(n), RECOVERY_GROUP);
	default:
		return exit_fail(EXIT_WRONG_SECRET, "that is no %s: it is empty", what);
	}
}

const char *exit_keyring_reason(int err)
{
	switch (-err) {
	case EOPNOTSUPP:
		return "this cryptfs was built without it, or libsecret is missing here";
	case EHOSTUNREACH:
		return "there is none here (no session of a desktop, or no program that keeps one)";
	case EACCES:
		return "it is locked, and was not unlocked";
	case ETIMEDOUT:
		return "it has not answered in time";
	case ENOKEY:
		return "it keeps no secret for this vault (was it added on another machine?)";
	case EBADMSG:
		return "what it keeps for this vault is not from cryptfs";
	case EKEYREJECTED:
		return "what it keeps opens no slot (has the slot been changed elsewhere?)";
	default:
		return exit_reason(err);
	}
}

int exit_keyfile(int err, const char *file)
{
	switch (-err) {
	case ENODATA:
		return exit_fail(EXIT_FAILED, "the key file '%s' is empty", file);
	case EFBIG:
		return exit_fail(EXIT_FAILED, "the key file '%s' has more than 16 MiB", file);
	case EEXIST:
		return exit_fail(EXIT_FAILED, "'%s' has come to be there meanwhile; nothing was changed", file);
	default:
		return exit_fail(EXIT_FAILED, "cannot use the key file '%s': %s", file, exit_reason(err));
	}
}

int exit_slot(int err, unsigned int slot, const char *vault)
{
	switch (-err) {
	case ENOENT:
		return exit_fail(EXIT_FAILED, "'%s' has no slot %u (cryptfs key list shows those it has)", vault,
				 slot);
	case ENOSPC:
		return exit_fail(EXIT_FAILED,
				 "all %u slots of '%s' are taken; remove one that is not needed any more: cryptfs key "
				 "remove",
				 VAULTFILE_SLOTS, vault);
	case E2BIG:
		return exit_fail(EXIT_FAILED,
				 "all slots of '%s' together would take too long to try; choose less for this one "
				 "(--kdf-time, --kdf-memory), or remove others",
				 vault);
	default:
		return exit_crypto(err, "cannot make the slot");
	}
}

int exit_no_price(const char *verb)
{
	return exit_usage(verb, "that secret is random, which nobody can guess: --kdf-time and --kdf-memory do "
				"nothing for it");
}

int exit_settings_busy(const char *vault)
{
	return exit_fail(EXIT_IN_USE,
			 "the settings of '%s' are being changed by another process; try again when it has "
			 "ended", vault);
}

int exit_save(int err, const char *vault, bool in_place)
{
	if (in_place)
		return exit_fail(EXIT_FAILED,
				 "the settings of '%s' are changed, but a power cut may undo that: their directory "
				 "cannot be synced: %s",
				 vault, exit_reason(err));
	return exit_fail(EXIT_FAILED, "cannot save the settings of '%s': %s; nothing was changed", vault,
			 exit_reason(err));
}

void exit_old_copies(bool same_secret)
{
	if (same_secret)
		exit_note("copies of the settings made before (" NAME_SETTINGS_BACKUP ", backups) are as cheap to "
			  "guess at as before");
	else
		exit_note("copies of the settings made before (" NAME_SETTINGS_BACKUP ", backups) still open with "
			  "the old secret; if it has leaked, 'cryptfs rekey' makes it worthless");
}
