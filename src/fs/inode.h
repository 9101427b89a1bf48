/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inode table: what the kernel calls a node id, and what it is below.
 *
 * Four things name a file here. The *node id* is what the kernel holds: the address of a struct node (1
 * for the root). The *backing inode number* is the key of the table: two names of one file must give one
 * node, or the kernel keeps two page caches for it. The *location* (parent node, name on disk) is how the
 * file is reached, for a node keeps no descriptor: a vault of ten million files has one for each
 * directory lately used and one for each open file. A file with hard links has several. The *pin*, an O_PATH
 * descriptor, takes the place of the locations once the last known name is gone.
 *
 * A node lives while somebody counts on it: the kernel (nlookup), its children (parent pointers), open
 * handles and lists (refs). Numbers can be used again below once a file is gone: a node whose last name
 * went leaves the table at once and keeps its pin, so that its number stays taken as long as it lives.
 *
 * Locks: a node's fields are guarded by its shard's lock unless said otherwise. Order: one shard lock
 * at a time; no call to the store and no reply under it.
 */
#ifndef CRYPTFS_FS_INODE_H
#define CRYPTFS_FS_INODE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "store/dir.h"
#include "store/file.h"

struct node;

/* A location. Never changed, only taken out. */
struct node_name {
	struct node_name *next;
	struct node *parent;	  /* counted */
	char disk[];		  /* name on disk in parent */
};

/* So many of a file's names are remembered. */
#define NODE_NAMES_MAX 32

struct node {
	struct node *next;	  /* in its bucket, or among the orphans */
	ino_t ino;
	uint64_t generation;	  /* never used twice with one address */
	uint64_t nlookup;
	_Atomic uint32_t refs;	  /* others than the kernel; taken off under the lock only */
	mode_t type;		  /* S_IFMT part, never changes */
	bool hashed;		  /* is in the table */
	bool pinned;		  /* a directory whose dir stays: its name is gone */
	bool size_known;	  /* the size hint lied: true_size counts while no file is loaded */
	bool by_hint;		  /* the size that the kernel was last told is the hint's */
	bool tended;		  /* is on one of the tender's lists */
	bool whole;		  /* file_is_whole when its file was last closed */
	_Atomic bool listed;	  /* a listing has begun, and none has come to its end since; private mode only */
	_Atomic bool overtaken;	  /* a name was made, moved or removed since that */
	int pin;		  /* O_PATH, or -1; to be dup'ed under the lock */
	struct node_name *names;  /* lately seen first; a directory has one at most, the root none */
	uint64_t true_size;
	off_t raw_size;		  /* shared mode: of the ciphertext when true_size was found */
	struct timespec raw_ctime;
	struct node *tend_next;	  /* on it */
	/* Regular files: the content, while file_users count on it. */
	struct file *file;
	uint32_t file_users;
	/* Directories, guarded by the directory cache's lock. */
	uint32_t dir_users;
	struct dir *dir;
	struct node *lru_prev, *lru_next;
};

struct inode_shard {
	pthread_mutex_t lock;
	struct node **buckets;
	size_t n_buckets;	  /* a power of two */
	size_t n;
	struct node *orphans;	  /* not in the table any more, but still counted on */
};

#define INODE_SHARDS 32

struct inode_table {
	struct inode_shard shards[INODE_SHARDS];
	struct node root;
	_Atomic uint64_t generation;
	_Atomic uint64_t live;	  /* nodes that there are */
	_Atomic uint64_t gone;	  /* freed since memory was last given back */
	/* Called for a node that is about to be freed, with no lock held. */
	void (*dying)(void *arg, struct node *n);
	void *dying_arg;
};

/* Returns 0 or -ENOMEM. root is what the vault's root directory has. */
int inode_table_init(struct inode_table *t, struct dir *root);

/* Free everything, whatever the kernel still counted. No other thread may be left. */
void inode_table_destroy(struct inode_table *t);

/* All nodes with loaded content (without memory, some), each counted by inode_ref; *out is to be freed. Returns
 * how many. */
size_t inode_open_files(struct inode_table *t, struct node ***out);

/* The lock of a node's shard. */
pthread_mutex_t *inode_lock(struct inode_table *t, const struct node *n);

/* Find or make the node for what has been found as 'disk' in parent, count one lookup, and note the location.
 * Returns 0, -ELOOP (a directory that is to lie below itself), or -ENOMEM. */
int inode_lookup(struct inode_table *t, struct node *parent, const char *disk, const struct stat *sb,
		 struct node **out);

/* The kernel forgets n lookups. */
void inode_forget(struct inode_table *t, struct node *node, uint64_t n);

/* The node with this number, counted by inode_ref, or NULL. */
struct node *inode_find(struct inode_table *t, ino_t ino);

/* Count on a node that somebody counts on already, and will until this returns (takes no lock); and no more.
 * inode_unref(t, NULL) does nothing. */
void inode_ref(struct node *n);
void inode_unref(struct inode_table *t, struct node *n);

/* Its location number i (0 is the one to try first), the parent counted. Returns false if there are not so many. */
bool inode_where(struct inode_table *t, struct node *n, size_t i, struct node **parent,
		 char disk[static NAME_DISK_SIZE]);

/* A descriptor of its own for the node's pin, or -1. */
int inode_pin(struct inode_table *t, struct node *n);

/* The name 'disk' in parent is now another's or nobody's. With 'gone' it was the last one: the node leaves the
 * table. A node without any location takes the pin over (-1 for none). */
void inode_lose_name(struct inode_table *t, struct node *n, const struct node *parent, const char *disk,
		     int pin, bool gone);

/* The node has moved. Returns 0 or -ENOMEM (then that location is lost). */
int inode_move(struct inode_table *t, struct node *n, const struct node *from, const char *from_disk,
	       struct node *parent, const char *disk);

/* A new generation: the kernel is to take it for another file when it next looks, with the size that loading f,
 * its content, has found. */
void inode_renew(struct inode_table *t, struct node *n, struct file *f);

#endif
