/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The privileges of a process: those it may gain, and capabilities. For the calling thread and those it makes.
 */
#ifndef CRYPTFS_SANDBOX_PRIVILEGES_H
#define CRYPTFS_SANDBOX_PRIVILEGES_H

#include <linux/capability.h>
#include <stdint.h>

#define PRIVILEGES_BIT(cap) (UINT64_C(1) << (cap))

/* No program that is executed from here on gains anything by it. Returns 0 or -errno. */
int privileges_fix(void);

/* Keep of the capabilities that there are only these (PRIVILEGES_BIT); none can come back. Returns 0 or -errno. */
int privileges_drop(uint64_t kept);

#endif
