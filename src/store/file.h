/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The content of one regular file: what its pages, durable length and size hint say, and reading,
 * writing, cutting and punching them. One object for all handles of an inode; every function locks for
 * itself: readers beside each other, a writer alone. Offsets and sizes are those of the plaintext.
 */
#ifndef CRYPTFS_STORE_FILE_H
#define CRYPTFS_STORE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "store/store.h"

struct file;

/* An object without a descriptor yet; NULL without memory. With 'whole' its maker knows from an earlier one
 * (file_is_whole) that nothing is missing below the end, and that nobody else has touched the file since. */
struct file *file_new(struct store *st, bool whole);

/* Close and free; file_free(NULL) does nothing. Nobody may be using it. Does not settle. */
void file_free(struct file *f);

static inline void file_cleanup(struct file **f)
{
	file_free(*f);
}
#define _cleanup_file_ _cleanup_(file_cleanup)

/* Has it a descriptor, one fit for writing if 'writable'? */
bool file_is_open(struct file *f, bool writable);

/* Give it a descriptor of the ciphertext file, which it owns from now on (even on failure), open for
 * reading, and for writing too if 'writable'. The first one loads header and length; a writable one takes
 * the place of one that is not. Returns 0; -EBADMSG or -EUCLEAN if block 0 is damaged;
 * -EPROTONOSUPPORT; or -errno: then nothing but file_truncate to 0 works until it is attached again. */
int file_attach(struct file *f, int fd, bool writable);

/* Does reading below leave its trace in atime from now on? It should if whoever opens it wants to read, and not if he
 * wants to write. Does nothing if the file is another's. */
void file_count_reads(struct file *f, bool count);

/* Look again at what is below, if something other than this object has changed it since (shared mode).
 * Returns 1 if it had changed, 0 if not, or as file_attach. */
int file_revalidate(struct file *f);

/* Did loading find another length than the size hint tells? Then who trusted stat was misled. */
bool file_hint_was_wrong(struct file *f);

uint64_t file_size(struct file *f);

/* Status of the ciphertext file with st_size that of the plaintext. Returns 0 or -errno. */
int file_stat(struct file *f, struct stat *st);

/* Size and ctime of the ciphertext when it was loaded. */
void file_seen(struct file *f, off_t *size, struct timespec *ctime);

/* The descriptor, for calls that concern no content (fchmod, xattrs); stays the object's. -1 if none. */
int file_fd(struct file *f);

/* Its inode number below, for messages; 0 if none. */
ino_t file_ino(struct file *f);

/* Read up to n bytes (at most SCRATCH_BYTES). Returns the count, short only at the end of the file, or
 * -EBADMSG, -EUCLEAN (damage), -errno. */
ssize_t file_read(struct file *f, void *buf, size_t n, uint64_t off);

/* Write all n bytes. Returns 0 or -errno; on failure the length is as before and so is, as far as the
 * filesystem below allows, the content. */
int file_write(struct file *f, const void *buf, size_t n, uint64_t off);

/* Cut or grow to 'size'. Returns 0 or -errno. */
int file_truncate(struct file *f, uint64_t size);

/* fallocate(2): modes 0, KEEP_SIZE, PUNCH_HOLE | KEEP_SIZE, ZERO_RANGE with or without KEEP_SIZE. Returns
 * 0, -EOPNOTSUPP for other modes, or -errno. */
int file_allocate(struct file *f, int mode, uint64_t off, uint64_t len);

/* lseek(2) with SEEK_DATA or SEEK_HOLE. Returns the offset, -ENXIO, -EINVAL or -errno. */
int64_t file_seek(struct file *f, uint64_t off, int whence);

/* How often this object has changed the file. Takes no lock. */
uint64_t file_changes(const struct file *f);

/* Put content and length (and with !datasync the attributes) on disk, side files first. Returns 0 or
 * -errno. The kernel tells once that it could not write something, and forgets what; from then on this fails
 * until the file has been emptied, or closed by all and opened anew. */
int file_sync(struct file *f, bool datasync);

/* Set atime and mtime as futimens(2) does. Returns 0 or -errno. */
int file_set_times(struct file *f, const struct timespec times[2]);

/* At a close: set the size hint if it is off, leaving mtime as it is (or giving it back, where the kernel
 * owns it). Returns an error of write-back, as file_sync would, else 0 or -errno. */
int file_settle(struct file *f);

/* The part of that which others can see: give mtime back, where the kernel owns it. Returns 0 or -errno. */
int file_keep_time(struct file *f);

/* Durable length (doc/format.md 3.3). file_raise writes it if more is known to be on disk than it says,
 * leaving mtime as it is. file_mark notes the present length; once a syncfs that began after that has
 * returned, file_marked makes it known as durable. A file that failed to reach the disk is left alone. */
int file_raise(struct file *f);
void file_mark(struct file *f);
void file_marked(struct file *f);

/* Has it been changed, and is not all of it recorded as durable yet? */
bool file_wants_raise(struct file *f);

/* Did the disk refuse some of it (file_sync)? */
bool file_is_lost(struct file *f);

/* Is all of it known to be on disk (then file_raise is all it takes)? */
bool file_is_synced(struct file *f);

/* Is nothing missing below its end? */
bool file_is_whole(struct file *f);

#endif
