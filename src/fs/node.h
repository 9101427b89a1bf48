/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a node to what lies below it: its directory, a descriptor, its status, its content. Everything is
 * reached by location and checked to be the inode it should be.
 */
#ifndef CRYPTFS_FS_NODE_H
#define CRYPTFS_FS_NODE_H

#include "fs/fs.h"

void node_dircache_init(struct dircache *c, size_t max);

/* For struct inode_table; arg is the struct fs. */
void node_dying(void *arg, struct node *n);

/* The directory of a directory node, held until node_dir_put. Returns 0, -ENOTDIR, -ESTALE (gone behind our
 * back), -EUCLEAN (its ID is missing or damaged) or -errno. */
int node_dir_get(struct fs *fs, struct node *n, struct dir **out);
void node_dir_put(struct fs *fs, struct node *n);

/* A held directory, let go at the end of the block. */
struct node_dir {
	struct fs *fs;
	struct node *node;
	struct dir *dir;
};
int node_dir_hold(struct fs *fs, fuse_ino_t ino, struct node_dir *out);
void node_dir_cleanup(struct node_dir *d);
#define _cleanup_node_dir_ _cleanup_(node_dir_cleanup)

/* What is called 'disk' in a held directory: its status as the plaintext has it and its node, one lookup counted for
 * the kernel. Returns 0, -ENOENT or -errno. */
int node_enter(struct fs *fs, const struct node_dir *d, const char *disk, struct node **n, struct stat *sb);

/* The same for what has just been made there by us, be it another name of a file. */
int node_enter_made(struct fs *fs, const struct node_dir *d, const char *disk, struct node **n, struct stat *sb);

/* A descriptor, perhaps O_PATH, that refers to the node, for calls that concern no content. */
struct node_fd {
	struct fs *fs;
	struct node *node;	/* whose dir or file is held for it, or NULL */
	int fd;
	bool own;		/* to be closed */
	bool is_file;		/* node's file is held, else its dir */
};
int node_fd_get(struct fs *fs, struct node *n, struct node_fd *out);
void node_fd_cleanup(struct node_fd *f);
#define _cleanup_node_fd_ _cleanup_(node_fd_cleanup)

/* Where a node is: the parent's directory, held, and the name on disk in it. */
struct node_loc {
	struct fs *fs;
	struct node *parent;	/* counted, its dir held */
	struct dir *dir;
	char disk[NAME_DISK_SIZE];
};

/* A location at which the node is, and its raw status there. Returns 0, -ENOENT if no name of it is known, -ESTALE
 * if it is at none of them, or -errno. */
int node_loc_find(struct fs *fs, struct node *n, struct node_loc *out, struct stat *sb);
void node_loc_cleanup(struct node_loc *l);
#define _cleanup_node_loc_ _cleanup_(node_loc_cleanup)

/* Take mode bits away from a node: those that 'which' names, going by who asks and by the node's status, as far as it
 * has them. Returns 1, 0 if it has none of them, or -errno. */
typedef mode_t node_bits_fn(fuse_req_t req, const struct stat *sb);
int node_drop_bits(struct fs *fs, struct node *n, node_bits_fn *which, fuse_req_t req);

/* Take the set-id bits away from a file that is about to be changed, and have the kernel look at its mode again.
 * Returns 0 or -errno. */
int node_clear_set_id(struct fs *fs, struct node *n, fuse_req_t req);

/* The same if the request asks for it (channel_kills_set_id), else nothing. */
int node_clear_asked(struct fs *fs, struct node *n, fuse_req_t req);

/* Status as the plaintext has it. Returns 0 or -errno. */
int node_stat(struct fs *fs, struct node *n, struct stat *sb);

/* The same where the raw status of the entry (dir, disk) is at hand already. */
int node_plain(struct fs *fs, struct node *n, const struct dir *dir, const char *disk, struct stat *sb);

/* The content of a regular file, held until node_file_put; not opened yet. NULL without memory. */
struct file *node_file_get(struct fs *fs, struct node *n);

/* The same, only if it is loaded already: else NULL. */
struct file *node_file_peek(struct fs *fs, struct node *n);

/* Let go. The last one closes; what is not yet recorded as durable is given to the tender. */
void node_file_put(struct fs *fs, struct node *n);

/* Have the content open, for writing too if asked. Returns 0, or -errno as file_attach. */
int node_file_open(struct fs *fs, struct node *n, struct file *f, bool writable);

/* Held content, let go at the end of the block. */
struct node_file {
	struct fs *fs;
	struct node *node;
	struct file *file;
};
int node_file_hold(struct fs *fs, struct node *n, bool writable, struct node_file *out);
void node_file_cleanup(struct node_file *f);
#define _cleanup_node_file_ _cleanup_(node_file_cleanup)

#endif
