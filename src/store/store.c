/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int store_open(const struct vault *vault, int root_fd, bool read_only, struct store **out)
{
	struct stat sb;
	if (fstat(root_fd, &sb) != 0)
		return -errno;

	struct store *st = calloc(1, sizeof(*st));
	if (!st)
		return -ENOMEM;
	st->vault = vault;
	st->root_fd = root_fd;
	st->dev = sb.st_dev;
	st->read_only = read_only;
	st->hide_sizes = vault->settings.features & VAULTFILE_FEATURE_HIDE_SIZES;
	sidefile_queue_init(&st->side);
	*out = st;
	return 0;
}

void store_free(struct store *st)
{
	if (!st)
		return;
	sidefile_queue_destroy(&st->side);
	free(st);
}

int store_sync(struct store *st)
{
	if (syncfs(st->root_fd) != 0)
		return -errno;
	return sidefile_drain(&st->side, st->root_fd);
}
