/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SIGINT, SIGTERM and SIGHUP during a long run: noted, so that it ends where nothing is left half done.
 */
#ifndef CRYPTFS_CLI_STOP_H
#define CRYPTFS_CLI_STOP_H

/* From now on. What the caller was told to ignore stays ignored. */
void stop_watch(void);

/* The last that came, or 0. From any thread. */
int stop_asked(void);

/* At the end: if one came, let it have its effect. */
void stop_obey(void);

#endif
