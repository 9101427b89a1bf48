/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "sandbox/mountid.h"

static int append(struct mounts *m, const struct mountinfo *e)
{
	struct mountinfo *more = reallocarray(m->entries, m->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	more[m->n++] = *e;
	m->entries = more;
	return 0;
}

static void cleanup_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static int load(struct mounts *m, FILE *f)
{
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;
	while (getline(&line, &cap, f) > 0) {
		struct mountinfo e;
		int err = mountinfo_parse(line, &e);
		if (err == -EINVAL)
			continue;
		if (err == 0 && (err = append(m, &e)) < 0)
			mountinfo_free(&e);
		if (err < 0)
			return err;
	}
	return ferror(f) ? -EIO : 0;
}

int mounts_load(struct mounts *m)
{
	*m = (struct mounts){ NULL, 0 };
	_cleanup_(cleanup_file) FILE *f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		return -errno;
	int err = load(m, f);
	if (err < 0)
		mounts_free(m);
	return err;
}

void mounts_free(struct mounts *m)
{
	for (size_t i = 0; i < m->n; i++)
		mountinfo_free(&m->entries[i]);
	free(m->entries);
	*m = (struct mounts){ NULL, 0 };
}

const struct mountinfo *mounts_of_fd(const struct mounts *m, int fd)
{
	struct mountid id;
	if (mountid_of_fd(fd, &id) < 0 || id.number == 0)
		return NULL;
	for (size_t i = 0; i < m->n; i++)
		if ((uint64_t)m->entries[i].id == id.number)
			return &m->entries[i];
	return NULL;
}

int mounts_id_of_fd(int proc, int fd)
{
	char name[64];
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;
	int id;
	(void)snprintf(name, sizeof(name), "%sfdinfo/%d", proc == AT_FDCWD ? "/proc/self/" : "", fd);
	_cleanup_fd_ int in = openat(proc, name, O_RDONLY | O_CLOEXEC);
	_cleanup_(cleanup_file) FILE *f = in < 0 ? NULL : fdopen(in, "r");
	if (!f)
		return -errno;
	in = -1; /* f closes it */
	while (getline(&line, &cap, f) > 0)
		if (sscanf(line, "mnt_id: %d", &id) == 1)
			return id;
	return -ENODATA;
}

const struct mountinfo *mounts_at(const struct mounts *m, const char *mountpoint)
{
	for (size_t i = m->n; i-- > 0;)
		if (strcmp(m->entries[i].mountpoint, mountpoint) == 0)
			return &m->entries[i];
	return NULL;
}

const struct mountinfo *mounts_of_vault(const struct mounts *m, int vault_fd)
{
	struct stat vault, st;
	if (fstat(vault_fd, &vault) < 0)
		return NULL;
	for (size_t i = 0; i < m->n; i++) {
		const struct mountinfo *e = &m->entries[i];
		if (e->ours && stat(e->source, &st) == 0 && st.st_dev == vault.st_dev &&
		    st.st_ino == vault.st_ino && !mounts_is_dead(e->mountpoint))
			return e;
	}
	return NULL;
}
