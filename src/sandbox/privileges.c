/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sandbox/privileges.h"

#include <errno.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct privileges {
	uint64_t effective;
	uint64_t permitted;
};

static int privileges_get(struct privileges *p)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	if (syscall(SYS_capget, &head, data) != 0)
		return -errno;
	p->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	p->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

/* None is inheritable. */
static int privileges_set(const struct privileges *p)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = (uint32_t)p->effective, .permitted = (uint32_t)p->permitted },
		{ .effective = (uint32_t)(p->effective >> 32), .permitted = (uint32_t)(p->permitted >> 32) },
	};
	return syscall(SYS_capset, &head, data) == 0 ? 0 : -errno;
}

/* The bounds within which capabilities could come back; only who has CAP_SETPCAP can narrow them, and who has not
 * gains nothing any more anyway. */
static void privileges_bound(uint64_t kept)
{
	(void)prctl(PR_SET_SECUREBITS,
		    SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
			    SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
		    0, 0, 0);
	for (unsigned int cap = 0; cap < 64; cap++)
		if (!(kept & PRIVILEGES_BIT(cap)))
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

int privileges_fix(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : -errno;
}

int privileges_drop(uint64_t kept)
{
	struct privileges p = { 0, 0 };
	int r = privileges_get(&p);
	if (r < 0)
		return r;
	p.permitted &= kept;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	privileges_bound(p.permitted);
	p.effective &= p.permitted;
	return privileges_set(&p);
}
