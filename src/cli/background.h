/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A child that does the work and a parent that waits until it has told how it went: the terminal gets
 * its prompt back only when the mount answers, and keys exist only in the process that stays.
 */
#ifndef CRYPTFS_CLI_BACKGROUND_H
#define CRYPTFS_CLI_BACKGROUND_H

struct background {
	int report_fd; /* the child's; -1 in the foreground and once reported */
	int null_fd;   /* -1, or what will take the terminal's place */
};

#define BACKGROUND_CHILD (-1)

/* Fork. In the child returns BACKGROUND_CHILD at once. In the parent waits for the report, passing on signals
 * and stopping when the child stops, and returns the exit code reported, or -errno. If the child
 * was killed the parent ends in the same way or returns -ECHILD. */
int background_start(struct background *b);

/* Tell the parent an exit code. Only the first time counts. */
void background_report(struct background *b, int code);

/* Open what background_detach needs: later the process may not. */
void background_prepare(struct background *b);

/* Leave terminal, session and current directory. */
void background_detach(struct background *b);

/* Close what the caller left open above stderr (a script's lock, say): all of our own is close-on-exec, what came
 * through exec is not. */
void background_close_inherited(void);

#endif
