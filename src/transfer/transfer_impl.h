/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to this room. */
#ifndef CRYPTFS_TRANSFER_TRANSFER_IMPL_H
#define CRYPTFS_TRANSFER_TRANSFER_IMPL_H

#include <stddef.h>

#include "transfer/transfer.h"

#define TRANSFER_BUFFER (1u << 20)
#define TRANSFER_NEW "new" /* in TRANSFER_TMP: what is being made */

/* The names in a directory, sorted. */
struct transfer_names {
	char *text;
	const char **name;
	size_t n;
};

/* A directory on the way down, in both trees. */
struct transfer_level {
	int src, dst;	  /* both -1 while it is closed; dst -1 where there is none */
	bool has_dst;
	bool changed;	  /* something was made in dst */
	struct stat src_sb;
	dev_t dst_dev;
	ino_t dst_ino;
	size_t path_len;  /* of its path */
	struct transfer_names names;
	size_t at;	  /* the next of them */
};

struct transfer {
	const struct transfer_options *opt;
	struct transfer_counts *counts;
	struct transfer_level *level;
	size_t n, cap;
	size_t closed;	  /* so many of the upper levels, but the first, are closed */
	size_t most_open;
	int src_top, dst_top;
	int tmp;	  /* TRANSFER_TMP, -1 while nothing has had to be made */
	dev_t dst_dev;
	ino_t dst_ino;
	char *path;	  /* of what is at hand, below the tops */
	size_t path_len, path_cap;
	void *links;	  /* tsearch(3): files with several names */
	uint8_t *buf[2];  /* TRANSFER_BUFFER each */
};

/* An entry at hand that is no directory. */
struct transfer_item {
	struct transfer *x;
	int src, dst; /* the directories it is in; dst -1 where there is none */
	const char *name;
	struct stat sb; /* in the source */
	bool there;	/* something is called so in the target: */
	struct stat there_sb;
	bool replace; /* and may go */
	uint64_t told_done; /* bytes of it that progress knows of */
};

/* ---- transfer.c ---- */

int transfer_tell(struct transfer *x, enum transfer_trouble what, int err);
void transfer_tell_event(struct transfer *x, struct transfer_event e);

/* Should the run end with this error (a full disk, a mount that is gone)? Returns it, or 0. */
int transfer_fatal(int err);

struct transfer_level *transfer_last(const struct transfer *x);

/* Progress. Returns 0 or -ECANCELED, as the next. */
int transfer_done(struct transfer *x, uint64_t files, uint64_t bytes);

/* So many more bytes of the item are done, half of it for the first pass and half for the second. */
int transfer_done_half(struct transfer_item *i, size_t n, bool second);

/* ---- transfer_dir.c ---- */

/* Begin with a directory. Takes both descriptors; dst may be -1. All return 0 or -errno to end it (told). */
int transfer_dir_enter(struct transfer *x, int src, int dst, const struct stat *sb);
/* The same with one in the directory at hand, as it was seen there. */
int transfer_dir_entry(struct transfer *x, const char *name, const struct stat *seen, bool mounted);
/* The last one is done with. */
int transfer_dir_leave(struct transfer *x);

/* ---- transfer_item.c ---- */

int transfer_item_entry(struct transfer *x, const char *name, const struct stat *sb, bool mounted);

/* ---- transfer_level.c ---- */

/* A level more. Takes both descriptors, whatever it returns: 0 or -errno. */
int transfer_level_push(struct transfer *x, int src, int dst, const struct stat *src_sb);
/* The last one ends; the one above it is open again. Returns 0, or -errno if it cannot be: then it is to be passed. */
int transfer_level_pop(struct transfer *x);

int transfer_path_push(struct transfer *x, const char *name);
void transfer_path_cut(struct transfer *x, size_t len);

/* The names in a directory but "." and "..". What was had before an error is there. Returns 0 or -errno. */
int transfer_names_load(int fd, struct transfer_names *out);
void transfer_names_free(struct transfer_names *n);
bool transfer_names_have(const struct transfer_names *n, const char *name);

/* Open a directory (openat), not through a link. Returns the descriptor or -errno. */
int transfer_open_dir(int dir, const char *name);
/* Open for reading without leaving an access time, if we may. */
int transfer_open_read(int dir, const char *name, int flags);

/* ---- transfer_attr.c ---- */

/* Give what 'to' refers to all that 'from' has, content aside; both may be O_PATH. Goes on after a failure; tells the
 * first. */
void transfer_attr_copy(struct transfer *x, int from, int to, const struct stat *sb);
int transfer_attr_times(int to, const struct stat *sb);

/* Do both have the same of those extended attributes that are copied? Returns 1, 0 or -errno. */
int transfer_attr_same(int a, int b);

/* ---- transfer_compare.c ---- */

/* How two statuses differ, as far as it can be kept. */
unsigned int transfer_compare_status(const struct transfer *x, const struct stat *src, const struct stat *dst);

/* An item with what is there, by all that can be told without reading content. Returns differences or -errno. */
int transfer_compare_quick(const struct transfer_item *i);

/* By content (1: the same, 0, -errno with *unread as to which side it was). */
int transfer_compare_content(struct transfer_item *i, bool *src_failed);

/* All of an item, for a check; and the directory at hand with its attributes, but the names in it. Tell. Return 0 or
 * -errno to end it. */
int transfer_compare_item(struct transfer_item *i);
int transfer_compare_dir(struct transfer *x, const struct transfer_level *l);

/* ---- transfer_file.c ---- */

/* Make a regular file in TRANSFER_TMP and verify it. Returns 0, 1 if it could not be (told; nothing is left), or
 * -errno to end it (told). */
int transfer_file_make(struct transfer_item *i);

/* ---- transfer_place.c ---- */

/* Copy an item that has to be. Returns 0, or -errno to end it. */
int transfer_place(struct transfer_item *i);
/* Take away TRANSFER_TMP: that of a run that was cut off (0 or -errno), and ours. */
int transfer_place_clear(int top);
void transfer_place_end(struct transfer *x);

/* ---- transfer_links.c ---- */

/* A file with several names in the source, and the first of those that the target has. */
struct transfer_link {
	dev_t src_dev;
	ino_t src_ino;
	off_t size;
	struct timespec mtime;
	nlink_t left; /* names that have not been met */
	dev_t dst_dev;
	ino_t dst_ino;
	char path[];
};

bool transfer_links_apply(const struct stat *sb);
/* The file the item is another name of, or NULL. */
struct transfer_link *transfer_links_find(const struct transfer_item *i);
/* One of its names has been dealt with: the last one frees it. */
void transfer_links_met(struct transfer *x, struct transfer_link *l);
/* The item, which has the status 'made' in the target, is the first of several names. */
void transfer_links_add(struct transfer_item *i, const struct stat *made);
/* Give it another name in the target: 'to' in the directory dir. Returns 0 or -errno. */
int transfer_links_make(const struct transfer *x, const struct transfer_link *l, int dir, const char *to);
void transfer_links_free(struct transfer *x);

#endif
