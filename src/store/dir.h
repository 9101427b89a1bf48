/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A ciphertext directory: its descriptor, its ID, and the names in it sealed and opened. Plain names are
 * counted strings without NUL; names on disk end in NUL.
 */
#ifndef CRYPTFS_STORE_DIR_H
#define CRYPTFS_STORE_DIR_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "format/name.h"
#include "store/force.h"
#include "store/store.h"

struct dir {
	struct store *st;
	int fd; /* O_PATH */
	ino_t ino;
	bool root;
	bool past; /* its ID file is of the epoch before */
	uint8_t id[NAME_DIR_ID_LEN];
	/* Shared while entries are made in the directory, alone while it is being removed. Parents before
	 * children; only a rename takes two. */
	pthread_rwlock_t lock;
};

/* The vault's root. Returns 0 or -errno. */
int dir_open_root(struct store *st, struct dir **out);

/* The directory called 'disk' in parent. Returns 0; -EUCLEAN if its ID file is missing (and it is not
 * empty) or damaged; -ENOTDIR; -EXDEV (something is mounted there); or -errno. */
int dir_open(const struct dir *parent, const char *disk, struct dir **out);

/* Read the ID file of d, whose other fields are set, into d->id. Returns 0, -ENOENT (there is none), -EUCLEAN (it
 * is damaged), or -errno. */
int dir_read_id(struct dir *d);

/* Is there no name in it but the format's own? Returns 1, 0, or -errno. */
int dir_is_empty(const struct dir *d);

/* What the ID file for id holds. */
void dir_id_encode(const struct store *st, uint8_t out[static NAME_DIR_FILE_LEN],
		   const uint8_t id[static NAME_DIR_ID_LEN]);

/* Is this what an ID file holds? *past: by the key of the epoch before. */
bool dir_id_is_right(const struct store *st, const uint8_t file[static NAME_DIR_FILE_LEN], bool *past);

/* Close and free; dir_free(NULL) does nothing. */
void dir_free(struct dir *d);

static inline void dir_cleanup(struct dir **d)
{
	dir_free(*d);
}

#define _cleanup_dir_ _cleanup_(dir_cleanup)

/* Status of the entry 'disk', not following links. Returns 0, -EXDEV (something is mounted there), or -errno. */
int dir_stat(const struct dir *d, const char *disk, struct stat *sb);

/* Room for a name of something temporary (cryptfs.tmp.*), and a new one. */
#define NAME_TMP_SIZE (sizeof(NAME_TMP_PREFIX) + 32)
void dir_tmp_name(char out[static NAME_TMP_SIZE]);

/* A directory whose ID file has been moved aside, into its parent, so that rmdir or rename can remove it. */
struct dir_stripped {
	struct dir *dir;
	const struct dir *parent;
	char aside[NAME_TMP_SIZE];
	struct force_dir force;
	struct timespec mtime; /* of the directory: who has it open sees no change in it */
};

/* Move the ID file of d, which lies in parent, aside. The caller holds d->lock alone. First makes sure that
 * nothing but our own leftovers (which it removes) is in it. Returns 0, -ENOTEMPTY, or -errno with the ID file
 * in place. Then either dir_unstrip puts it back, or, once the directory has gone, dir_strip_done removes it. */
int dir_strip(struct dir *d, const struct dir *parent, struct dir_stripped *out);
void dir_unstrip(struct dir_stripped *s);
void dir_strip_done(struct dir_stripped *s);

/* Write a directory ID file for d->id into the directory fd (sidefile_create). Returns 0 or -errno. */
int dir_write_id(struct store *st, int fd, const uint8_t id[static NAME_DIR_ID_LEN]);

/* ---- names ---- */

struct sealed_name {
	char disk[NAME_DISK_SIZE];
	bool hashed; /* has a side file */
	uint16_t len;
	uint8_t sealed[NAME_SEALED_MAX];
};

/* Seal a name for this directory: as it is on disk, if it is there under the key of the epoch before. Returns 0,
 * -ENAMETOOLONG, or -EINVAL. */
int dir_seal_name(const struct dir *d, const char *name, size_t len, struct sealed_name *out);

/* The same, always under the present key. */
int dir_seal_new(const struct dir *d, const char *name, size_t len, struct sealed_name *out);

/* Open a name on disk (NAME_SEALED or NAME_LONG, reading the side file) into name, which has
 * NAME_PADDED_MAX bytes. Returns its length, -EUCLEAN if it does not open here, or -errno. */
ssize_t dir_open_name(const struct dir *d, const char *disk, char *name);

/* The two halves of that: the sealed name, of NAME_SEALED_MAX bytes at most, and what it says under d's ID. */
ssize_t dir_read_name(const struct dir *d, const char *disk, uint8_t *sealed);
ssize_t dir_open_sealed(const struct dir *d, const uint8_t *sealed, size_t n, char *name);

/* Does a NAME_LONG name have the side file that belongs to it, whether or not that opens here? */
bool dir_has_side(const struct dir *d, const char *disk);

/* ---- listing ---- */

struct dirlist_entry {
	char name[NAME_PADDED_MAX + 1]; /* plain, NUL-terminated */
	size_t len;
	char disk[NAME_DISK_SIZE];
	ino_t ino;
	unsigned char type;	/* DT_* */
	off_t next;		/* where the entry after this one is */
};

/* A stream over the entries of a directory; one user at a time. */
struct dirlist;
int dirlist_open(const struct dir *d, struct dirlist **out);
void dirlist_close(struct dirlist *l);

/* Go to an offset that an entry's 'next' gave, or 0, and on with what is there now, nothing of what has been read
 * ahead. The directory's object may be another by now. Returns 0 or -errno. */
int dirlist_seek(struct dirlist *l, const struct dir *d, off_t off);

/* The next entry; "." and ".." come with an empty 'disk'. What is not an entry is passed over, and a name
 * that does not open is told of (store_tell_damage). Returns 1, 0 at the end, or -errno. */
int dirlist_next(struct dirlist *l, struct dirlist_entry *e);

/* Take the entry that was just read back: the next call gives it again. Once only. */
void dirlist_back(struct dirlist *l);

#endif
