/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel's interface grows by versions, and its header with the distribution: what is used of it is
 * defined here.
 */
#include "sandbox/landlock.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The same on all architectures but alpha, which has numbers of its own. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define LANDLOCK_VERSION_FLAG 1u
#define LANDLOCK_BENEATH 1

/* Rights on files by the version that brought them. */
#define LANDLOCK_FS(n) (UINT64_C(1) << (n))
enum {
	LANDLOCK_EXECUTE,
	LANDLOCK_WRITE_FILE,
	LANDLOCK_READ_FILE,
	LANDLOCK_READ_DIR,
	LANDLOCK_REMOVE_DIR,
	LANDLOCK_REMOVE_FILE,
	LANDLOCK_MAKE_CHAR,
	LANDLOCK_MAKE_DIR,
	LANDLOCK_MAKE_REG,
	LANDLOCK_MAKE_SOCK,
	LANDLOCK_MAKE_FIFO,
	LANDLOCK_MAKE_BLOCK,
	LANDLOCK_MAKE_SYM,
	LANDLOCK_REFER,	    /* 2: link and rename between directories */
	LANDLOCK_TRUNCATE,  /* 3 */
	LANDLOCK_IOCTL_DEV, /* 5 */
	LANDLOCK_FS_END,
};
static const uint64_t landlock_net = 3;	  /* 4: bind and connect TCP */
static const uint64_t landlock_scope = 3; /* 6: abstract sockets, signals */

static const uint64_t landlock_read = LANDLOCK_FS(LANDLOCK_READ_FILE) | LANDLOCK_FS(LANDLOCK_READ_DIR);
/* Not even in the vault. (Who may make which special files is for the kernel to say: CAP_MKNOD.) */
static const uint64_t landlock_never = LANDLOCK_FS(LANDLOCK_EXECUTE) | LANDLOCK_FS(LANDLOCK_IOCTL_DEV);
static const uint64_t landlock_no_fill = LANDLOCK_FS(LANDLOCK_READ_FILE) | LANDLOCK_FS(LANDLOCK_REMOVE_DIR);

struct landlock_ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct landlock_beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

/* Returns the version, or -errno. */
static int landlock_version(void)
{
	long v = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);
	return v < 0 ? -errno : (int)v;
}

static uint64_t landlock_fs(int version)
{
	if (version >= 5)
		return LANDLOCK_FS(LANDLOCK_FS_END) - 1;
	return LANDLOCK_FS(version >= 3 ? LANDLOCK_IOCTL_DEV : LANDLOCK_TRUNCATE) - 1;
}

/* What of all that is denied may be done there. */
static uint64_t landlock_rights(uint64_t all, enum landlock_use use)
{
	switch (use) {
	case LANDLOCK_TO_CHANGE: return all & ~landlock_never;
	case LANDLOCK_TO_FILL: return all & ~landlock_never & ~landlock_no_fill;
	default: return landlock_read;
	}
}

static int landlock_add(int rules, uint64_t all, const struct landlock_place *p)
{
	const struct landlock_beneath rule = { .allowed = landlock_rights(all, p->use), .fd = p->fd };
	return syscall(SYS_landlock_add_rule, rules, LANDLOCK_BENEATH, &rule, 0) == 0 ? 0 : -errno;
}

int landlock_confine(const struct landlock_place *places, size_t n)
{
	int version = landlock_version();
	if (version < 0)
		return version;
	if (version < 2)
		return -EOPNOTSUPP; /* denies every link and rename between directories */
	const struct landlock_ruleset set = {
		.fs = landlock_fs(version),
		.net = version >= 4 ? landlock_net : 0,
		.scoped = version >= 6 ? landlock_scope : 0,
	};
	_cleanup_fd_ int rules = (int)syscall(SYS_landlock_create_ruleset, &set, sizeof(set), 0);
	int r = rules < 0 ? -errno : 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = landlock_add(rules, set.fs, &places[i]);
	if (r == 0 && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
		r = -errno;
	return r < 0 ? r : version;
}
