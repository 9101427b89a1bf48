/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A word to a person who waits for something of which nobody knows how far it has got.
 */
#ifndef CRYPTFS_CLI_PATIENCE_H
#define CRYPTFS_CLI_PATIENCE_H

#include <stdbool.h>

/* Say text, which is static, if patience_end has not been called two seconds from now; on a terminal only. One at a
 * time: the clock is alarm(2). */
void patience_begin(const char *text);
void patience_end(void);

/* From now on say nothing (--quiet). */
void patience_off(void);
bool patience_is_off(void);

#endif
