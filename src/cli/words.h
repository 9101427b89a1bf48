/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A command in one argument, as its words: quoted as for a shell, but nothing is ever expanded and no shell runs.
 */
#ifndef CRYPTFS_CLI_WORDS_H
#define CRYPTFS_CLI_WORDS_H

/* Blanks (space, tab, newline) separate words. '...' is taken as it is; in "..." a backslash quotes only $ ` " and
 * another; elsewhere it quotes whatever follows. The words end with NULL, and are one allocation, to be freed. Returns
 * 0, -EINVAL (a quote is not closed, or nothing follows a backslash), -ENODATA (there is no word) or -ENOMEM. */
int words_split(const char *text, char ***words);

#endif
