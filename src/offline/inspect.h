/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a file of a vault shows without a key: sizes, holes, what of its pages is in the clear. None of it is
 * authentic. Needs little memory whatever lies there.
 */
#ifndef CRYPTFS_OFFLINE_INSPECT_H
#define CRYPTFS_OFFLINE_INSPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "format/content.h"
#include "store/dir.h"

/* What the first page of a file is. */
enum inspect_first {
	INSPECT_EMPTY,	 /* the file has no bytes */
	INSPECT_STUB,	 /* less than a page */
	INSPECT_UNREAD,	 /* it cannot be read */
	INSPECT_UNWRITTEN, /* zeros */
	INSPECT_STRANGE, /* no header */
	INSPECT_NEWER,	 /* one of a newer format */
	INSPECT_HEADER,
};

struct inspect_content {
	uint64_t size, allocated; /* of the ciphertext */
	uint64_t pages;		  /* whole ones */
	uint64_t holes;		  /* pages that are */
	uint32_t hint;		  /* behind the last whole page */
	bool hinted;
	uint64_t plain; /* by the hint */
	enum inspect_first first;
	bool zeros; /* INSPECT_STUB: all of it */
	/* INSPECT_HEADER: */
	struct content_header header;
	uint8_t nonce[CONTENT_NONCE_LEN];
	struct content_meta meta;
	bool meta_is_right;
};

/* Look at fd, a regular file. Returns 0 or -errno. */
int inspect_content(int fd, struct inspect_content *out);

enum inspect_state { INSPECT_SEALED, INSPECT_ZERO, INSPECT_HOLE, INSPECT_UNREADABLE };

/* "sealed" and so on; never changes. */
const char *inspect_state_name(enum inspect_state state);

/* Pages [from, to) that are alike; of INSPECT_SEALED one, with what is in the clear. */
struct inspect_run {
	uint64_t from, to;
	enum inspect_state state;
	uint8_t nonce[CONTENT_NONCE_LEN];
	struct content_meta meta;
	bool meta_is_right;
};

/* Tell of all whole pages of fd, in turn, until 'tell' returns an error. Returns 0 or -errno. */
int inspect_pages(int fd, uint64_t pages, int (*tell)(void *arg, const struct inspect_run *r), void *arg);

/* A symbolic link. */
struct inspect_link {
	uint32_t length; /* of its target on disk */
	bool side;	 /* which is the name of a side file */
	bool side_there;
	int64_t plain;	 /* length of the plaintext target, -1: none has that length */
};
int inspect_link(int dirfd, const char *disk, struct inspect_link *out);

/* A name: is its side file (if it is a long one) there and right, and how long is the plaintext name? */
struct inspect_name {
	bool is_long;
	bool right;
	uint32_t least, most;
};
int inspect_name(int dirfd, const char *disk, struct inspect_name *out);

/* What lies in a directory, by name alone; and with the key, which of the names do not open. */
struct inspect_dir {
	uint64_t entries, long_names, sides, temporaries, outside, foreign;
	uint64_t bad; /* entries that do not open; without a key only long names without their side file */
	bool id;      /* is there an ID file of the right length? */
	uint8_t id_bytes[NAME_DIR_ID_LEN];
};

/* fd is that directory (O_PATH); d the same with the key, or NULL. Returns 0 or -errno. */
int inspect_dir(int fd, const struct dir *d, bool root, void (*bad)(void *arg, const char *disk), void *arg,
		struct inspect_dir *out);

#endif
