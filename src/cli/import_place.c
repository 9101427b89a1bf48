/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/import_place.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/mounts.h"

/* Files by which the encrypted directory of another program is known. */
static const struct {
	const char *file, *program;
} others[] = {
	{ "gocryptfs.conf", "gocryptfs" },
	{ ".encfs6.xml", "EncFS" },
	{ "cryfs.config", "CryFS" },
	{ ".securefs.json", "securefs" },
	{ "cryptfs.json", "cryptfs" },
};

static int open_src(struct import_place *p)
{
	p->src = open(p->src_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->src >= 0)
		return 0;
	switch (errno) {
	case ENOENT:
		return exit_fail(EXIT_FAILED, "there is no directory '%s' to import", p->src_name);
	case ENOTDIR:
		return exit_fail(EXIT_FAILED, "'%s' is not a directory: import copies what is in one", p->src_name);
	default:
		return exit_fail(EXIT_FAILED, "cannot open '%s': %s", p->src_name, exit_reason(-errno));
	}
}

/* Somebody who means the files would get their ciphertext. */
static int refuse_ciphertext(const struct import_place *p)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (faccessat(p->src, others[i].file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return exit_fail(EXIT_FAILED,
					 "'%s' holds encrypted data of %s (it has %s): mount it with %s, and import "
					 "the directory where that shows the files",
					 p->src_name, others[i].program, others[i].file, others[i].program);
	return 0;
}

static int open_dst(struct import_place *p)
{
	p->dst = open(p->dst_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dst >= 0)
		return 0;
	switch (errno) {
	case ENOENT:
		return exit_fail(EXIT_NO_VAULT, "there is no '%s': name a mount point, or a directory in a mount",
				 p->dst_name);
	case ENOTDIR:
		return exit_fail(EXIT_NO_VAULT, "'%s' is not a directory", p->dst_name);
	default:
		return exit_fail(EXIT_NO_VAULT, "cannot open '%s': %s", p->dst_name, exit_reason(-errno));
	}
}

/* By the device, which no other filesystem has as long as this one is mounted. */
static const struct mountinfo *ours(const struct mounts *m, const struct stat *sb)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->entries[i].ours && m->entries[i].dev == sb->st_dev)
			return &m->entries[i];
	return NULL;
}

static int is_in_vault(struct import_place *p, const struct mountinfo *mount)
{
	struct stat sb;
	_cleanup_fd_ int vault = open(mount->source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	p->has_vault = vault >= 0 && fstat(vault, &sb) == 0;
	if (!p->has_vault)
		return 0;
	p->vault_dev = sb.st_dev;
	p->vault_ino = sb.st_ino;
	if (paths_contains(vault, p->src) == 0)
		return 0;
	return exit_fail(EXIT_FAILED, "'%s' is inside the vault that '%s' shows: it holds only ciphertext",
			 p->src_name, p->dst_name);
}

static int check_mount(struct import_place *p, bool change)
{
	_cleanup_mounts_ struct mounts m = { NULL, 0 };
	struct stat sb;
	int err = mounts_load(&m);
	if (err == 0 && fstat(p->dst, &sb) != 0)
		err = -errno;
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot tell in which mount '%s' is: %s", p->dst_name, exit_reason(err));
	const struct mountinfo *mount = ours(&m, &sb), *here = mounts_of_fd(&m, p->dst);
	if (!mount)
		return exit_fail(EXIT_NO_VAULT,
				 "'%s' is not in a mount of cryptfs, so that nothing would be encrypted there (to "
				 "mount a vault: cryptfs mount VAULT MOUNTPOINT)",
				 p->dst_name);
	if (change && (here ? here : mount)->read_only)
		return exit_fail(EXIT_FAILED, "'%s' is mounted read-only: mount it without that, and import again",
				 p->dst_name);
	return is_in_vault(p, mount);
}

static int check_apart(const struct import_place *p)
{
	int above = paths_contains(p->src, p->dst), below = paths_contains(p->dst, p->src);
	if (above < 0 || below < 0)
		return exit_fail(EXIT_FAILED, "cannot tell whether '%s' and '%s' lie apart: %s", p->src_name,
				 p->dst_name, exit_reason(above < 0 ? above : below));
	if (above && below)
		return exit_fail(EXIT_FAILED, "'%s' and '%s' are the same directory", p->src_name, p->dst_name);
	if (above || below)
		return exit_fail(EXIT_FAILED, "'%s' is inside '%s': one cannot be copied into the other",
				 above ? p->dst_name : p->src_name, above ? p->src_name : p->dst_name);
	return 0;
}

/* Held until it is closed. */
static int lock(const struct import_place *p)
{
	if (flock(p->dst, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return exit_fail(EXIT_IN_USE, "another import into '%s' is running: wait until it has ended",
				 p->dst_name);
	return exit_fail(EXIT_FAILED, "cannot lock '%s': %s", p->dst_name, exit_reason(-errno));
}

int import_place_open(struct import_place *p, const char *src, const char *dst, bool change)
{
	*p = (struct import_place){ .src_name = src, .dst_name = dst, .src = -1, .dst = -1 };
	int code = open_src(p);
	if (code == 0)
		code = open_dst(p);
	if (code == 0)
		code = check_mount(p, change);
	if (code == 0)
		code = check_apart(p);
	if (code == 0)
		code = refuse_ciphertext(p);
	return code == 0 && change ? lock(p) : code;
}

void import_place_close(struct import_place *p)
{
	cleanup_fd(&p->src);
	cleanup_fd(&p->dst);
}
