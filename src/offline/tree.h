/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An unlocked vault read without a mount: plaintext paths to entries, entries to contents. Changes
 * nothing below. Several threads may read one tree.
 */
#ifndef CRYPTFS_OFFLINE_TREE_H
#define CRYPTFS_OFFLINE_TREE_H

#include "store/dir.h"
#include "store/file.h"

struct tree {
	struct store *st;
	struct dir *root;
};

/* vault (unlocked) and vault_fd (not O_PATH) stay the caller's and must outlive the tree. Returns 0 or
 * -errno. Closing it drops the calling thread's scratch too. */
int tree_open(const struct vault *vault, int vault_fd, struct tree *out);
void tree_close(struct tree *t);

#define _cleanup_tree_ _cleanup_(tree_close)

/* What a path has led to. All in it belongs to it. */
struct tree_entry {
	struct dir *dir;	  /* where it lies; of the root: the root */
	struct sealed_name name;  /* of the root: disk is "." and nothing else is set */
	char plain[NAME_PADDED_MAX + 1]; /* NUL-terminated; of the root: "" */
	char *cipher;		  /* its path below the vault, of names on disk; of the root: "." */
	struct stat sb;		  /* of the plaintext (store/attr.h); its S_IFMT tells what it is */
};

void tree_entry_free(struct tree_entry *e);

#define _cleanup_tree_entry_ _cleanup_(tree_entry_free)

/* Which symbolic links are followed: those on the way, the last part of the path. And for whom only the name on disk
 * counts: then the last part need not be there (sb is zeros), and sb is that of the ciphertext. */
enum { TREE_FOLLOW_WAY = 1, TREE_FOLLOW_LAST = 2, TREE_NAME = 4 };

/* Find a plaintext path, which is taken from the root of the vault with or without a slash before it; "" is the
 * root. ".." leads to the directory above, at the root to the root. Returns 0 (then out is to be freed); -ENOENT;
 * -ENOTDIR; -ENAMETOOLONG; -ELOOP (a link that is not to be followed, or too many); -EXDEV (a link to an
 * absolute path: it leaves the vault); -EUCLEAN (a directory on the way is damaged, or a link); or -errno. */
int tree_resolve(const struct tree *t, const char *path, unsigned int follow, struct tree_entry *out);

/* Is it the root? */
bool tree_is_root(const struct tree_entry *e);

/* The directory 'disk' in d as dir_open does, and "." as the root. To be given to dir_free. */
int tree_open_dir(const struct dir *d, const char *disk, struct dir **out);

/* The ciphertext of the regular file 'disk' in d, for reading. Returns 0, -EUCLEAN (it is none), or -errno. */
int tree_open_fd(const struct dir *d, const char *disk, int *fd);

/* The same as a file, loaded: file_read and the like work. To be given to file_free. Returns 0; -EBADMSG or
 * -EUCLEAN (damaged); -EPROTONOSUPPORT; or -errno. */
int tree_open_file(const struct dir *d, const char *disk, struct file **out);

/* A name in a directory. (A symbolic link's target: store/symlink.h.) */
struct tree_child {
	int err;	    /* 0; else its name cannot be read: -EUCLEAN (it does not open here), or -errno */
	unsigned char type; /* DT_*, as the backing filesystem tells it: maybe DT_UNKNOWN */
	ino_t ino;
	size_t len;	    /* of the plain name; 0 if err */
	const char *name;   /* NUL-terminated */
	const char *disk;
};

struct tree_list {
	struct tree_child **child;
	size_t n;
};

/* All entries of d, by plain name; those whose names don't open come last, by name on disk. What belongs to the
 * format (cryptfs.*, but entries with long names) is left out, a stranger's file is not: it is one that does not
 * open. Returns 0 (then the list is to be freed) or -errno. */
int tree_list(const struct dir *d, struct tree_list *out);
void tree_list_free(struct tree_list *l);

#define _cleanup_tree_list_ _cleanup_(tree_list_free)

#endif
