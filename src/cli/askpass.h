/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asking in a window, as ssh does: $CRYPTFS_ASKPASS or $SSH_ASKPASS is a program that shows its argument, and tells
 * what was typed on standard output.
 */
#ifndef CRYPTFS_CLI_ASKPASS_H
#define CRYPTFS_CLI_ASKPASS_H

#include "cli/prompt.h"

/* Let p's passphrase come from there if standard input is /dev/null (which stands for one that was closed as well) and
 * $DISPLAY or $WAYLAND_DISPLAY is set. $SSH_ASKPASS_REQUIRE changes that: "never"; "prefer", at a terminal too;
 * "force", without a display too. Standard input that is a file or a pipe always comes first. Returns 1 if so, 0, or
 * -ENOMEM. */
int askpass_open(struct prompt *p);

#endif
