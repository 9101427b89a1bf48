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
#include "vault/vault.h"

static void note(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

static void note(const char *fmt, va_list ap)
{
	_cleanup_free_ char *raw = NULL;
	if (vasprintf(&raw, fmt, ap) < 0) {
		raw = NULL;
		return;
	}
	_cleanup_free_ char *text = text_escape(raw);
	(void)fflush(stdout);
	(void)fprintf(stderr, "cryptfs: %s\n", text ? text : "out of memory");
}

void exit_note(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	note(fmt, ap);
	va_end(ap);
}

int exit_fail(int code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	note(fmt, ap);
	va_end(ap);
	return code;
}

int exit_usage(const char *verb, const char *fmt, ...)
{
	if (fmt) {
		va_list ap;
		va_start(ap, fmt);
		note(fmt, ap);
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
	switch (-err) {
	case ENOENT:
		return exit_fail(EXIT_NO_VAULT, "there is no vault '%s' (to make one: cryptfs init)", vault);
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
	if (backup && access(backup, F_OK) == 0)
		return exit_fail(EXIT_NO_VAULT,
				 "'%s' has lost its " NAME_SETTINGS_FILE "; copy " NAME_SETTINGS_BACKUP
				 " there to its place, or get it from a backup",
				 vault);
	return exit_fail(EXIT_NO_VAULT, "'%s' is not a vault: it has no " NAME_SETTINGS_FILE, vault);
}

int exit_vault(int err, const char *vault, const char *why)
{
	const char *detail = why ? why : exit_reason(err);
	switch (-err) {
	case ENOENT:
		return no_settings(vault);
	case EKEYREJECTED:
		return exit_fail(EXIT_WRONG_SECRET, "wrong passphrase: it opens no slot of '%s'", vault);
	case EUCLEAN:
		return exit_fail(EXIT_DAMAGED,
				 "the settings of '%s' are damaged (%s); put back " NAME_SETTINGS_FILE
				 " from " NAME_SETTINGS_BACKUP " or from a backup",
				 vault, detail);
	case EBADMSG:
		return exit_fail(EXIT_DAMAGED,
				 "the settings of '%s' have been tampered with (%s); put back " NAME_SETTINGS_FILE
				 " from a backup that you trust",
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
