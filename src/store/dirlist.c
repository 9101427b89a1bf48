/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "store/dir.h"

#define DIRLIST_BUFFER 32768

/* As the kernel gives them; see getdents64(2). */
struct dirlist_raw {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

struct dirlist {
	const struct dir *d;
	int fd;
	size_t pos;
	size_t len;
	size_t last_pos; /* of the entry before: dirlist_back */
	_Alignas(8) char buf[DIRLIST_BUFFER];
};

int dirlist_open(const struct dir *d, struct dirlist **out)
{
	/* Not ".", which takes the right to search. */
	char path[IO_FD_PATH];
	io_fd_path(path, d->fd);
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == EACCES) {
		/* It was opened while its mode allowed that. */
		struct force_dir force;
		force_enter(d->st, d->fd, &force);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		force_leave(&force);
	}
	if (fd < 0)
		return -errno;
	struct dirlist *l = malloc(sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->d = d;
	l->fd = TAKE_FD(fd);
	l->pos = l->len = l->last_pos = 0;
	*out = l;
	return 0;
}

void dirlist_close(struct dirlist *l)
{
	if (!l)
		return;
	close(l->fd);
	free(l);
}

int dirlist_seek(struct dirlist *l, const struct dir *d, off_t off)
{
	l->d = d;
	if (lseek(l->fd, off, SEEK_SET) < 0)
		return -errno;
	l->pos = l->len = 0;
	return 0;
}

/* The next raw entry, or NULL with *r 0 (end) or -errno. */
static const struct dirlist_raw *dirlist_raw_next(struct dirlist *l, int *r)
{
	*r = 0;
	if (l->pos >= l->len) {
		long n = syscall(SYS_getdents64, l->fd, l->buf, sizeof(l->buf));
		if (n <= 0) {
			*r = n < 0 ? -errno : 0;
			return NULL;
		}
		l->pos = 0;
		l->len = (size_t)n;
	}
	const struct dirlist_raw *raw = (const void *)(l->buf + l->pos);
	l->last_pos = l->pos;
	l->pos += raw->reclen;
	return raw;
}

void dirlist_back(struct dirlist *l)
{
	l->pos = l->last_pos;
}

/* Fill in the entry. Returns 1, 0 if it is to be passed over, or -errno. */
static int dirlist_take(struct dirlist *l, const struct dirlist_raw *raw, struct dirlist_entry *e)
{
	size_t n = strlen(raw->name);
	e->ino = (ino_t)raw->ino;
	e->type = raw->type;
	e->next = (off_t)raw->off;
	if (io_is_dot(raw->name)) {
		memcpy(e->name, raw->name, n + 1);
		e->len = n;
		e->disk[0] = '\0';
		return 1;
	}
	enum name_kind kind = name_classify(raw->name);
	bool outside = kind == NAME_FOREIGN && name_is_outside(raw->name, l->d->root);
	if (kind == NAME_OURS || outside || n >= sizeof(e->disk))
		return 0;
	ssize_t len = kind == NAME_FOREIGN ? -EUCLEAN : dir_open_name(l->d, raw->name, e->name);
	if (len < 0 && len != -EUCLEAN)
		return (int)len;
	if (len < 0) {
		store_tell_damage(l->d->st, STORE_DAMAGED_NAME, l->d->ino, raw->name);
		return 0;
	}
	e->len = (size_t)len;
	e->name[len] = '\0';
	memcpy(e->disk, raw->name, n + 1);
	return 1;
}

int dirlist_next(struct dirlist *l, struct dirlist_entry *e)
{
	int r;
	const struct dirlist_raw *raw;
	while ((raw = dirlist_raw_next(l, &r))) {
		r = dirlist_take(l, raw, e);
		if (r < 0)
			dirlist_back(l); /* it is still to come */
		if (r != 0)
			return r;
	}
	return r;
}
