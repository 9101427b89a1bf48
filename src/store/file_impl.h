/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to file.c, file_io.c, file_space.c, file_gaps.c, file_clean.c, file_durable.c, file_turn.c and
 * file_unseen.c. Functions here want f->lock held as said.
 */
#ifndef CRYPTFS_STORE_FILE_IMPL_H
#define CRYPTFS_STORE_FILE_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/bytes.h"
#include "store/badblock.h"
#include "store/block.h"
#include "store/file.h"

/* So many requests of the kernel's write-back may be overtaken by others at a time. */
#define FILE_GAPS 16

/* Blocks [from, to). */
struct file_gap {
	uint64_t from;
	uint64_t to;
};

/* What the ciphertext size carries behind the last page. */
enum file_hint { FILE_HINT_NONE, FILE_HINT_RIGHT, FILE_HINT_WRONG };

struct file {
	struct store *st;
	/* Readers share it, whoever changes content or a field holds it alone. After every inode lock of
	 * src/fs, before the side files' queue. */
	pthread_rwlock_t lock;
	int fd;
	bool writable;
	bool loaded;	      /* what follows is known; while it is not, content is an error */
	int unloaded;	      /* this one: why loading failed, -errno */
	enum file_hint hint;
	bool hint_was_wrong;  /* when it was loaded, and told a length: one that is no hint misleads nobody */
	bool cut_off;	      /* pages are missing at the end: damage, and nothing is put there or behind */
	uint64_t there;	      /* how many are not, if so */
	bool sparse_synced;   /* SPARSE is known to be on disk */
	bool junk;	      /* empty, but zeros of an unfinished first write lie on disk */
	bool told_whole;      /* file_new's */
	_Atomic uint64_t changes; /* how often it was written, cut or grown through this object */
	int error;	      /* of write-back, -errno: something may be lost; stays until the file is emptied */
	struct content_header header; /* if len > 0 */
	uint64_t len;	      /* stream length */
	uint64_t whole;	      /* stream length below which every block must be there (at least 'durable'):
			       * between it and len may lie what a power cut left, see file_heal */
	/* In order, all behind the durable length and before the last block; none if the file is SPARSE. */
	struct file_gap gaps[FILE_GAPS];
	size_t n_gaps;
	uint64_t durable;     /* as block 0 says */
	uint64_t synced;      /* stream length known to be on disk */
	uint64_t care;	      /* pages that begin below it may be on disk: see file_quiesce */
	struct file_notes *notes; /* pages that may be dirty; NULL: any may */
	unsigned int waited;  /* so often since then for some to become clean */
	uint64_t mark;	      /* file_mark's length, lowered by cuts */
	uint64_t cuts;	      /* how often it was cut */
	bool sweeping;	      /* healing has found a hole, and what lies below the durable length decides */
	uint64_t swept;	      /* blocks below this one were seen not to be zero pages */
	bool touched;	      /* written since mtime was last set */
	struct timespec mtime; /* as the kernel has it, if it owns it (struct store) */
	struct timespec seen_ctime; /* shared mode: the state below that this object knows */
	uint64_t seen_size;
	uint8_t ends[2][CONTENT_NONCE_LEN]; /* nonces of its first and last page, as read or written by this object */
	bool turn_missed; /* whoever had the last one kept it too long: he is not waited for again */
	/* The last block in the clear, so that writes in order never open what they have just sealed. */
	uint8_t *tail;	      /* CONTENT_PAYLOAD bytes, or NULL */
	uint64_t tail_block;
	bool tail_valid;
};

/* The length becomes this one: what was whole to its end stays so. Exclusive lock. */
void file_take_len(struct file *f, uint64_t len);

/* 0 if the content may be used, else -EBADMSG, or what kept it from being looked at. */
static inline int file_usable(const struct file *f)
{
	bool damaged = store_is_damage(f->unloaded) || f->unloaded == -EPROTONOSUPPORT || f->unloaded == 0;
	return f->loaded ? 0 : damaged ? badblock_note(0, false, -EBADMSG) : f->unloaded;
}

/* Length of the stream if it had at least its header. */
static inline uint64_t file_base(const struct file *f)
{
	return f->len > CONTENT_HEADER_LEN ? f->len : CONTENT_HEADER_LEN;
}

/* In shared mode another may have changed the file since this object looked: before anything is done that goes by
 * what it knows, look again. Returns 0 or as file_attach. The caller has its turn. */
int file_refresh(struct file *f);

/* And after it, so that our own changes are not taken for another's. Returns r. The caller has its turn, and has had it
 * since it looked: else another's change would be taken for ours, and written over. */
int file_changed(struct file *f, int r);

/* Are the first and the last page below, whose size is this one, those that this object knows? Of two changes in quick
 * succession the later one may leave ctime as it is; nonces it never does, and what touches neither page leaves what
 * is known of the file right. Leaves no trace in atime. Exclusive lock. */
bool file_ends_are_known(const struct file *f, uint64_t size);

/* In shared mode, with the exclusive lock held: keep other mounts from changing the file (a lock on the open
 * ciphertext). Others are waited for, but not for ever. Where there are no locks nobody is kept. Returns what
 * file_turn_end wants. */
int file_turn_begin(struct file *f);
void file_turn_end(int *turn);

/* To the end of the scope: the exclusive lock and one's turn. */
#define SCOPED_TURN(f)                                                                                          \
	SCOPED_WRITE(&(f)->lock);                                                                               \
	int CLEANUP_PASTE(scoped_turn_, __LINE__) _cleanup_(file_turn_end) __attribute__((unused)) = file_turn_begin(f)

/* Set the scratch up for this file and return it, to be cleared; NULL without memory. */
struct scratch *file_scratch(const struct file *f);

/* Judge and open a page of block k that was read ('have' bytes of it) into plain, which gets
 * CONTENT_PAYLOAD bytes with zeros where the file has none. Shared lock. Returns 0 or -EBADMSG... */
int file_open_page(const struct file *f, struct scratch *sc, uint64_t k, const uint8_t *page, size_t have,
		   uint8_t *plain);

/* Read and open block k (shared lock; page is scratch space of CONTENT_PAGE bytes). */
int file_load_block(const struct file *f, struct scratch *sc, uint64_t k, uint8_t *plain);

/* fdatasync, for an order of things on disk. A failure stays in f->error. Exclusive lock. */
int file_flush(struct file *f);

/* Before pages of blocks [k, k+n) are written: make sure that none which the disk may hold is dirty or being written
 * out, so that changing it now is atomic (doc/architecture.md, "Writing over a page"), and note that they will be dirty
 * from now on. Exclusive lock. */
int file_quiesce(struct file *f, uint64_t k, uint64_t n);

/* Before a change at a stream position, without the lock: if it pays to know which pages are dirty, write most of them
 * back while others may read. An error stays in f->error. */
void file_clean_ahead(struct file *f, uint64_t pos);

/* From now on any page may be dirty. Exclusive lock. */
void file_forget_notes(struct file *f);

/* Write n sealed pages of blocks from k on. Exclusive lock. Returns 0 or -errno. */
int file_write_pages(struct file *f, const uint8_t *pages, uint64_t k, uint64_t n);

/* Write stream bytes [pos, pos + n) that lie at or before the end of the stream or begin a gap behind it;
 * buf NULL writes zeros. Exclusive lock, f->len and so on are updated. n at most SCRATCH_BYTES. */
int file_put(struct file *f, struct scratch *sc, const uint8_t *buf, uint64_t pos, uint64_t n);

/* Note blocks [from, to), behind all that there are, as a gap; false if there is no room for it. Exclusive lock. */
bool file_gaps_add(struct file *f, uint64_t from, uint64_t to);

/* Blocks [first, past) have been written. Exclusive lock. */
void file_gaps_fill(struct file *f, uint64_t first, uint64_t past);

/* Does block k lie in a gap? Shared lock. */
bool file_gaps_have(const struct file *f, uint64_t k);

/* Stream position of the first gap; what lies at or behind it must not be taken for durable. UINT64_MAX if none.
 * Shared lock. */
uint64_t file_gaps_start(const struct file *f);

/* The first block from k on that lies in no gap (data) or in one; or the number of blocks. Shared lock. */
uint64_t file_gaps_seek(const struct file *f, uint64_t k, bool data);

/* The gaps that there are stay: the file becomes SPARSE, with its mtime as it is. Returns 0 or -errno. Exclusive
 * lock. */
int file_gaps_tell(struct file *f);

/* Rewrite block 0 with the header and durable length as they are in f. Exclusive lock. */
int file_put_header(struct file *f, struct scratch *sc);

/* Set SPARSE, after which there are no gaps to remember, durably if 'below' lies under the durable length. Exclusive
 * lock. */
int file_set_sparse(struct file *f, struct scratch *sc, uint64_t below);

/* Take the size hint off, before the length changes. Exclusive lock. */
int file_unhint(struct file *f);

/* Set them. Whoever may write a file of another's may not set its times: it is changed all the same. Exclusive lock. */
int file_put_times(struct file *f, const struct timespec times[2]);

/* Change something below without leaving a trace in mtime, mode or capabilities. Returns what 'change' does, or
 * -errno. Exclusive lock. */
typedef int file_change(struct file *f, const struct stat *sb);
int file_change_unseen(struct file *f, file_change *change);

/* No bytes at all, whatever there was. Exclusive lock. */
int file_empty(struct file *f);

#endif
