/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How far a long job has got, on stderr: a line that keeps changing on a terminal, a line now and then
 * elsewhere. Nothing for a job that is done in a moment.
 */
#ifndef CRYPTFS_CLI_PROGRESS_H
#define CRYPTFS_CLI_PROGRESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum progress_style { PROGRESS_OFF, PROGRESS_BAR, PROGRESS_LINES };

/* Counts, at one moment. */
struct progress_state {
	const char *doing;	/* "exporting"; static text */
	uint64_t files, bytes;
	uint64_t files_total;	/* 0, as the next: not known (yet) */
	uint64_t bytes_total;
	double seconds;		/* since the beginning */
};

struct progress {
	const char *doing;
	enum progress_style style;
	_Atomic uint64_t files, bytes, files_total, bytes_total;
	double began;
	pthread_mutex_t lock; /* guards what follows and the terminal; a leaf */
	double drawn;	      /* when the last line was put out */
	bool shown;	      /* a line is on the terminal */
};

/* Begin. A terminal gets a changing line unless it is a dumb one; quiet gets nothing. */
void progress_begin(struct progress *p, const char *doing, bool quiet);

/* So much is to be done in all, as soon as that is known. From any thread, as the next two. */
void progress_totals(struct progress *p, uint64_t files, uint64_t bytes);

/* So much more is done. Cheap; draws when it is time. */
void progress_add(struct progress *p, uint64_t files, uint64_t bytes);

/* Take the line off the terminal, for something else is about to be printed. */
void progress_hide(struct progress *p);

/* The end: the line is taken away. */
void progress_end(struct progress *p);

/* The line for a state, in at most 'width' characters and 'size' bytes with the NUL; a width of 0 is any. */
#define PROGRESS_LINE 160
void progress_line(char *out, size_t size, const struct progress_state *s, size_t width);

/* A number of bytes for people: "999 B", "1.5 MiB". Room for PROGRESS_SIZE. */
#define PROGRESS_SIZE 24
void progress_size(char out[static PROGRESS_SIZE], uint64_t bytes);

#endif
