/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How easily a new passphrase is guessed. Advice, never a reason to refuse.
 */
#ifndef CRYPTFS_CLI_QUALITY_H
#define CRYPTFS_CLI_QUALITY_H

#include "cli/prompt.h"

/* One line on standard error, if that is a terminal (a log is not to know) and if built with libzxcvbn; else nothing.
 * Takes it that a guess costs what is the default, a second. */
void quality_show(const struct prompt_secret *s);

#endif
