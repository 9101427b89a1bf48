/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two sides of the attendant share: attendant.c is the server's, attendant_main.c the attendant's. */
#ifndef CRYPTFS_SANDBOX_ATTENDANT_IMPL_H
#define CRYPTFS_SANDBOX_ATTENDANT_IMPL_H

#include <stdint.h>
#include <sys/types.h>

enum attendant_order {
	ATTENDANT_MOUNTED,
	ATTENDANT_FETCH,
	ATTENDANT_UNMOUNT,
	ATTENDANT_DETACH,
	ATTENDANT_LOG,
	ATTENDANT_END,
};

/* One packet. Orders are answered by an int32_t, messages and the end are not. */
struct attendant_message {
	uint32_t order;
	uint32_t level;	 /* of a message, enum log_level */
	char text[1024]; /* as long as it is; no NUL is sent */
};

/* The attendant's life, at the end fd of the pair. */
_Noreturn void attendant_main(int fd, const char *mountpoint, pid_t server);

#endif
