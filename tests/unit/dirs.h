/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of src/store/dir*.c share: directories, entries by their plain names, and what lies there. */
#ifndef CRYPTFS_TESTS_DIRS_H
#define CRYPTFS_TESTS_DIRS_H

#include <stdio.h>

#include "store/dir.h"
#include "store/dirops.h"
#include "store/symlink.h"
#include "wrap.h"

static const struct dirops_owner nobody = { .set = false };

static inline struct dir *root_of(const struct fixture *x)
{
	struct dir *d = NULL;
	assert_int_equal(dir_open_root(x->st, &d), 0);
	return d;
}

static inline struct sealed_name seal(const struct dir *d, const char *name)
{
	struct sealed_name s;
	assert_int_equal(dir_seal_name(d, name, strlen(name), &s), 0);
	return s;
}

/* A name of n characters, which is stored long if n > 160. */
static inline const char *name_of(char c, size_t n)
{
	static char names[4][256];
	static unsigned int next;
	char *name = names[next++ % 4];
	assert_true(n < 256);
	memset(name, c, n);
	name[n] = '\0';
	return name;
}

static inline bool has(const struct dir *d, const char *name)
{
	struct stat sb;
	return dir_stat(d, seal(d, name).disk, &sb) == 0;
}

static inline ino_t ino_of(const struct dir *d, const char *name)
{
	struct stat sb;
	assert_int_equal(dir_stat(d, seal(d, name).disk, &sb), 0);
	return sb.st_ino;
}

static inline void make_file(struct dir *d, const char *name)
{
	struct sealed_name s = seal(d, name);
	int fd = -1;
	assert_int_equal(dirops_create(d, &s, 0644, &nobody, &fd), 0);
	close(fd);
}

static inline struct dir *open_dir(const struct dir *d, const char *name)
{
	struct dir *child = NULL;
	assert_int_equal(dir_open(d, seal(d, name).disk, &child), 0);
	return child;
}

static inline struct dir *make_dir(struct dir *d, const char *name)
{
	struct sealed_name s = seal(d, name);
	assert_int_equal(dirops_mkdir(d, &s, 0755, &nobody), 0);
	return open_dir(d, name);
}

static inline int unlink_in(struct dir *d, const char *name)
{
	struct sealed_name s = seal(d, name);
	return dirops_unlink(d, &s);
}

static inline int rmdir_in(struct dir *d, const char *name, struct dir *child)
{
	struct sealed_name s = seal(d, name);
	return dirops_rmdir(d, &s, child);
}

static inline int rename_to(struct dir *from_dir, const char *from, struct dir *to_dir,
			    const char *to, struct dir *victim, unsigned int flags)
{
	struct sealed_name a = seal(from_dir, from), b = seal(to_dir, to);
	return dirops_rename(from_dir, &a, to_dir, &b, victim, flags);
}

/* How many names on disk begin and end like this? "." and ".." are none. */
static inline size_t count_raw(const struct dir *d, const char *prefix, const char *suffix)
{
	size_t n = 0;
	int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fdopendir(fd);
	assert_non_null(stream);
	for (struct dirent *e = readdir(stream); e; e = readdir(stream)) {
		size_t len = strlen(e->d_name), tail = strlen(suffix);
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		     strncmp(e->d_name, prefix, strlen(prefix)) == 0 && len >= tail &&
		     strcmp(e->d_name + len - tail, suffix) == 0;
	}
	closedir(stream);
	return n;
}

/* Side files of long names, and all that is not an entry. */
#define SIDES(d) count_raw(d, NAME_LONG_PREFIX, NAME_LONG_SUFFIX)
#define LINK_SIDES(d) count_raw(d, NAME_SLINK_PREFIX, "")
#define TEMPORARIES(d) count_raw(d, NAME_TMP_PREFIX, "")
#define RAW(d) count_raw(d, "", "")

/* The ID file as it lies there; zeros if there is none. */
struct id_file {
	uint8_t b[NAME_DIR_FILE_LEN];
};

static inline struct id_file id_of(const struct dir *d)
{
	struct id_file id = { { 0 } };
	_cleanup_fd_ int fd = openat(d->fd, NAME_DIR_FILE, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		assert_int_equal(read(fd, id.b, sizeof(id.b)), sizeof(id.b));
	return id;
}

static inline void assert_same_id(struct id_file a, struct id_file b)
{
	assert_memory_equal(a.b, b.b, sizeof(a.b));
}

/* A file below the names of the vault, also one that is read-only for all but root. */
static inline void put_raw(const struct dir *d, const char *disk, const void *buf, size_t n)
{
	if (fchmodat(d->fd, disk, 0600, 0) < 0)
		assert_int_equal(errno, ENOENT);
	_cleanup_fd_ int fd = openat(d->fd, disk, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, buf, n), n);
}

static inline bool has_raw(const struct dir *d, const char *disk)
{
	struct stat sb;
	return fstatat(d->fd, disk, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

static inline void dirlist_cleanup(struct dirlist **l)
{
	dirlist_close(*l);
}

#define _cleanup_dirlist_ _cleanup_(dirlist_cleanup)

/* How many entries does listing show? Each must be what its name on disk stands for. */
static inline size_t list(const struct dir *d)
{
	size_t n = 0;
	int r;
	struct dirlist_entry e;
	struct dirlist *l _cleanup_dirlist_ = NULL;
	assert_int_equal(dirlist_open(d, &l), 0);
	while ((r = dirlist_next(l, &e)) > 0) {
		if (e.disk[0] == '\0')
			continue;
		assert_int_equal(strlen(e.name), e.len);
		assert_string_equal(seal(d, e.name).disk, e.disk);
		assert_int_equal(ino_of(d, e.name), e.ino);
		n++;
	}
	assert_int_equal(r, 0);
	return n;
}

#endif
