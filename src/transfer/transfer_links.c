/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files with several names. Each is remembered only as long as some of its names have not been met. */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "transfer/transfer_impl.h"

static int links_compare(const void *a, const void *b)
{
	const struct transfer_link *x = a, *y = b;
	if (x->src_ino != y->src_ino)
		return x->src_ino < y->src_ino ? -1 : 1;
	return x->src_dev < y->src_dev ? -1 : x->src_dev > y->src_dev;
}

/* Vaults keep no symbolic links with several names. */
bool transfer_links_apply(const struct stat *sb)
{
	return sb->st_nlink > 1 && !S_ISDIR(sb->st_mode) && !S_ISLNK(sb->st_mode);
}

/* Some filesystems of programs give numbers to two files at a time: the same number alone does not make them one. */
struct transfer_link *transfer_links_find(const struct transfer_item *i)
{
	const struct transfer_link want = { .src_dev = i->sb.st_dev, .src_ino = i->sb.st_ino };
	struct transfer_link **at = tfind(&want, &i->x->links, links_compare);
	if (!at || (*at)->size != i->sb.st_size || (*at)->mtime.tv_sec != i->sb.st_mtim.tv_sec ||
	    (*at)->mtime.tv_nsec != i->sb.st_mtim.tv_nsec)
		return NULL;
	return *at;
}

void transfer_links_met(struct transfer *x, struct transfer_link *l)
{
	if (l->left > 1) {
		l->left--;
		return;
	}
	(void)tdelete(l, &x->links, links_compare);
	free(l);
}

/* Without memory its other names become files of their own, which a check tells. */
void transfer_links_add(struct transfer_item *i, const struct stat *made)
{
	const struct transfer *x = i->x;
	struct transfer_link *l = malloc(sizeof(*l) + x->path_len + 1);
	if (!l)
		return;
	*l = (struct transfer_link){
		.src_dev = i->sb.st_dev,
		.src_ino = i->sb.st_ino,
		.size = i->sb.st_size,
		.mtime = i->sb.st_mtim,
		.left = i->sb.st_nlink - 1,
		.dst_dev = made->st_dev,
		.dst_ino = made->st_ino,
	};
	memcpy(l->path, x->path, x->path_len + 1);
	struct transfer_link **at = tsearch(l, &i->x->links, links_compare);
	if (!at || *at != l)
		free(l);
}

/* The directory that a path below the top leads to the last part of, which is *name. Returns a descriptor or -errno. */
static int links_parent(int top, char *path, const char **name)
{
	_cleanup_fd_ int fd = fcntl(top, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	char *slash;
	for (; (slash = strchr(path, '/')); path = slash + 1) {
		*slash = '\0';
		int below = openat(fd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0)
			return -errno;
		(void)close(fd);
		fd = below;
	}
	*name = path;
	return TAKE_FD(fd);
}

int transfer_links_make(const struct transfer *x, const struct transfer_link *l, int dir, const char *to)
{
	struct stat sb;
	const char *name = NULL;
	_cleanup_free_ char *path = strdup(l->path);
	if (!path)
		return -ENOMEM;
	_cleanup_fd_ int from = links_parent(x->dst_top, path, &name);
	if (from < 0)
		return from;
	if (linkat(from, name, dir, to, 0) != 0)
		return -errno;
	if (fstatat(dir, to, &sb, AT_SYMLINK_NOFOLLOW) == 0 && sb.st_dev == l->dst_dev && sb.st_ino == l->dst_ino)
		return 0;
	(void)unlinkat(dir, to, 0);
	return -ESTALE;
}

void transfer_links_free(struct transfer *x)
{
	tdestroy(x->links, free);
	x->links = NULL;
}
