/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines of help that several verbs share.
 */
#ifndef CRYPTFS_CLI_USAGE_H
#define CRYPTFS_CLI_USAGE_H

#define USAGE_CREDENTIAL                                                                     \
	"      --passfile FILE     the passphrase is the first line of FILE (-: standard input)\n" \
	"      --extpass COMMAND   the passphrase is the first line that COMMAND prints\n"         \
	"      --keyfile FILE      open it with the key file FILE (-: standard input)\n"           \
	"      --recovery          open it with a recovery code, which is asked for\n"             \
	"      --recovery-file FILE\n"                                                            \
	"                          open it with the recovery code in FILE (-: standard input)\n"   \
	"      --keyring           open it with what the login keyring keeps, or not at all\n"

#define USAGE_KDF                                                                          \
	"      --kdf-time SECONDS  how long unlocking shall take on this machine (1)\n"         \
	"      --kdf-memory MIB    memory that unlocking shall take, 8 to 4096 (to 1024, at\n"  \
	"                          most a quarter of what this machine has)\n"

#define USAGE_NEW_PASSFILE                                                                    \
	"      --new-passfile FILE the new passphrase is the first line of FILE (-: standard\n"    \
	"                          input)\n"

#define USAGE_NEW_SECRET                                                                      \
	USAGE_NEW_PASSFILE                                                                    \
	"      --new-keyfile FILE  the key file; if it does not exist it is made, and random\n"   \
	"      --with-passphrase   the key file is to open it together with a passphrase only\n" \
	"      --new-recovery-file FILE\n"                                                        \
	"                          write the recovery code to the new file FILE (-: standard\n"   \
	"                          output) instead of the terminal\n"

#define USAGE_QUIET "  -q, --quiet             print nothing but that, and errors\n"

#define USAGE_QUIET_HELP                                   \
	"  -q, --quiet             print errors only\n"    \
	"  -h, --help              print this\n"

#endif
