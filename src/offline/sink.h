/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where plaintext goes that is read without a mount. */
#ifndef CRYPTFS_OFFLINE_SINK_H
#define CRYPTFS_OFFLINE_SINK_H

#include <stdint.h>

/* The next n bytes of a file, or n zeros where buf is NULL. Returns 0 or -errno, which ends the reading. */
typedef int sink_fn(void *arg, const uint8_t *buf, uint64_t n);

#endif
